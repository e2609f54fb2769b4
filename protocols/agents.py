"""Agents: named, versioned specs, validated where they enter, with errors that name the field."""

import hashlib
import json
import re
import uuid
from enum import StrEnum
from typing import Annotated, Literal, NewType

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from protocols.principals import TeamId

AgentId = NewType("AgentId", str)

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
MODEL = r"^(extractive|scripted|[a-z0-9-]{1,40}:[A-Za-z0-9._:/@+~-]{1,200})$"
_NAMESPACE = uuid.UUID("6f1f5b62-9d2c-5f0e-8a55-2f6a4d1c7e90")


class AgentState(StrEnum):
    """As stored in the head row."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


STATE_CODES: dict[AgentState, int] = {  # of kind 2; 100 and above are final
    AgentState.DRAFT: 1,
    AgentState.ACTIVE: 2,
    AgentState.PAUSED: 3,
    AgentState.RETIRED: 100,
}


def agent_id(team: TeamId, name: str) -> AgentId:
    """The id of the agent of that name: derived, so that a name is one stream and taken once."""
    return AgentId(str(uuid.uuid5(_NAMESPACE, f"{team}/agent/{name}")))


class Limits(BaseModel):
    """What one task of the agent may use; reaching one ends it as `budget_exceeded`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    tokens: Annotated[int, Field(ge=1, le=100_000_000)] = 200_000
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    money: Annotated[float, Field(gt=0, le=10_000, description="US dollars.")] = 1.0


class ScriptedTurn(BaseModel):
    """One answer of the `scripted` model: text in deltas, a tool call, or a failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = None
    deltas: Annotated[int, Field(ge=1, le=100_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=3600, description="How long the turn takes.")] = 0.0
    tool: str | None = None
    arguments: dict[str, object] = {}
    fail: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ScriptedTurn":
        if sum(part is not None for part in (self.text, self.tool, self.fail)) != 1:
            raise ValueError("a scripted turn has exactly one of text, tool and fail")
        return self


def _is_model(value: str) -> str:
    """A provider's name may go into an address: it must not climb out of its place there."""
    parts = value.partition(":")[2].split("/")
    if re.fullmatch(MODEL, value) is None or not {".", ".."}.isdisjoint(parts):
        raise ValueError(
            "must be `extractive`, `scripted` or `provider:name`, the name of 1 to 200 letters, "
            "digits and . _ - : / @ + ~, without a part . or .. between slashes"
        )
    return value


ModelName = Annotated[
    str,
    AfterValidator(_is_model),
    Field(
        description="`provider:name`, `extractive` or `scripted`.",
        json_schema_extra={"pattern": MODEL},
    ),
]


class AgentSpec(BaseModel):
    """What an agent is: everything needed to make an attempt at one of its tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=NAME, description="Lower case, digits, dashes; at most 63.")]
    description: Annotated[str, Field(max_length=500)] = ""
    instructions: Annotated[str, Field(max_length=100_000)] = ""
    model: ModelName = "extractive"
    strategy: Literal["direct", "react"] = "react"
    tools: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    collections: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    limits: Limits = Limits()
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    script: Annotated[
        tuple[ScriptedTurn, ...],
        Field(max_length=1000, description="Only for the model `scripted`; empty: it echoes."),
    ] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> "AgentSpec":
        if self.script and self.model != "scripted":
            raise ValueError(f"script is only read by the model scripted, not by {self.model}")
        if self.collections and "knowledge_search" not in self.tools:
            raise ValueError(
                "collections are searched by the tool knowledge_search: add it to tools"
            )
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
