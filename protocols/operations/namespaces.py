"""What may be asked about namespaces of application channels: which there are, and to change them.

Kept by the store and by the REST client. What the rules mean, and which are sound, is said in
`protocols/namespaces.py` alone: here they are an object of its fields, but for the name.
"""

from datetime import datetime
from typing import Any, Protocol

import msgspec
from pydantic import BaseModel, ConfigDict, Field, RootModel

from protocols.namespaces import ApplicationNamespace

UNNAMED = "-"  # how the namespace without a name is called where a name cannot be empty


def _described(schema: dict[str, Any]) -> None:
    """What the fields are, taken from their one declaration."""
    kinds = msgspec.json.schema(ApplicationNamespace)["$defs"]
    fields: dict[str, dict[str, Any]] = kinds["ApplicationNamespace"]["properties"]
    schema["properties"] = {
        name: _resolved(field, kinds) for name, field in fields.items() if name != "name"
    }
    schema["additionalProperties"] = False


def _resolved(field: dict[str, Any], kinds: dict[str, Any]) -> dict[str, Any]:
    """A field without references: choices are texts."""
    found = {key: value for key, value in field.items() if key not in ("$ref", "title")}
    if reference := field.get("$ref"):
        kind = kinds[reference.rpartition("/")[2]]
        found |= {"type": "string", "enum": kind["enum"], "description": kind["description"]}
    return found


class NamespaceRules(RootModel[dict[str, Any]]):
    """The rules of a namespace's channels; what is left out is as it is by default."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_described)


class Namespace(BaseModel):
    """A namespace, and where it comes from."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="What names of its channels begin with, before the colon.")
    rules: NamespaceRules
    is_fixed: bool = Field(description="Whether PYGENT_NAMESPACES has it: only there it changes.")
    changed_by: str | None = Field(description="Who changed it last; null when it is fixed.")
    changed_at: datetime | None


class NamespaceOperations(Protocol):
    """The namespaces of the factory: every hub has them within seconds, without a restart.

    Whoever is subscribed to a channel whose namespace changed subscribes again, by itself.
    """

    async def list(self) -> list[Namespace]:
        """All of them by name, fixed ones too."""
        ...

    async def put(self, name: str, rules: NamespaceRules) -> Namespace:
        """There is a namespace of this name with these rules.

        Raises:
            Forbidden: Only owners of the first team may.
            InvalidRequest: The name or a rule is not sound; the message names it.
            Conflict: It is fixed.
            LimitExceeded: There are as many as there may be.
        """
        ...

    async def delete(self, name: str) -> Namespace:
        """There is none of this name: its channels are no channels any more.

        Raises:
            Forbidden, Conflict: As `put`.
            NotFound: There was none.
        """
        ...
