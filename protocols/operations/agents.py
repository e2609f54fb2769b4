"""What may be asked about agents. Kept by the store and by the REST client."""

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.agents import AgentSpec, AgentState
from protocols.operations.listings import Listing


class AgentVersion(BaseModel):
    """One published version, without its spec."""

    model_config = ConfigDict(frozen=True)

    number: int
    published_at: datetime
    published_by: str
    spec_hash: str


class Agent(BaseModel):
    """An agent with the spec of one of its versions."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    state: AgentState
    number: int = Field(description="Of this spec's version, from 1.")
    latest: int
    spec: AgentSpec
    published_at: datetime
    published_by: str
    version: int = Field(description="Of the stream `agent:<id>`.")
    position: int


class AgentRow(BaseModel):
    """An agent in a list."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    description: str
    state: AgentState
    model: str
    strategy: str
    number: int
    updated_at: datetime
    open_tasks: int
    finished_tasks: int
    failed_tasks: int
    position: int


class AgentQuery(BaseModel):
    """Which agents; by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = Field(default=None, max_length=200)
    state: tuple[AgentState, ...] = ()
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    min_position: int | None = None


class ValidateSpec(BaseModel):
    """A spec as far as it is written, to be looked at before it is created or published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: dict[str, object] = Field(description="As for creating an agent; it may break any rule.")
    agent: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Name or id of the agent it would be the next version of; null: a new one.",
    )


class SpecProblem(BaseModel):
    """A part of a spec that breaks a rule."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Dotted path: `limits.steps`; `spec` where it is the whole.")
    rule: str = Field(description="What is wrong, in a sentence.")
    value: str | None = Field(default=None, description="What was given, cut; null when absent.")


class SpecCheck(BaseModel):
    """What creating or publishing a spec would say now."""

    model_config = ConfigDict(frozen=True)

    problems: list[SpecProblem] = Field(description="Empty: it would be taken.")
    number: int | None = Field(
        description="Of the version it would become; the latest one's where nothing has changed; "
        "null while there are problems."
    )
    is_unchanged: bool = Field(description="It is the latest version as it stands.")


class Agents(Protocol):
    """Versioned specs. `name` is an agent's name or its id, everywhere."""

    async def validate(self, request: ValidateSpec) -> SpecCheck:
        """What `create` or `publish` would say of the spec, all of it at once; nothing is changed.

        Raises:
            NotFound: There is no agent of that name.
        """
        ...

    async def create(self, spec: AgentSpec) -> Agent:
        """The agent exists with this spec as version 1, and is active.

        Raises:
            AlreadyExists: The name is taken in the team.
            InvalidRequest: A tool, model provider or collection is unknown; the field is named.
        """
        ...

    async def publish(self, name: str, spec: AgentSpec, *, expected: int | None = None) -> Agent:
        """The spec is the agent's next version; the same spec again changes nothing.

        Args:
            name: Of the agent.
            spec: The whole of it.
            expected: The number of the latest version it was made from; None: whatever there is.

        Raises:
            WrongVersion: The latest version is not the expected one, and another spec.
            InvalidRequest: The spec's name is another one, or a part is unknown.
        """
        ...

    async def get(self, name: str, *, number: int | None = None) -> Agent:
        """The agent with its latest spec, or that of version `number`."""
        ...

    async def versions(self, name: str) -> list[AgentVersion]:
        """All published versions, newest first."""
        ...

    async def list(self, query: AgentQuery) -> Listing[AgentRow]:
        """Agents of the team by name."""
        ...

    async def retire(self, name: str) -> Agent:
        """The agent takes no more tasks; repeating it changes nothing."""
        ...
