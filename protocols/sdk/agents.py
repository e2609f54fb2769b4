"""Agents for async callers: made, changed, read, retired."""

from collections.abc import Mapping, Sequence

from protocols.agents import AgentSpec, AgentState
from protocols.operations.agents import (
    Agent,
    AgentQuery,
    AgentRow,
    AgentVersion,
    SpecCheck,
    ValidateSpec,
)
from protocols.operations.listings import Listing
from protocols.rest.client import RestClient
from protocols.sdk.requests import all_rows, valid
from protocols.sdk.streams import AsyncStream


class AsyncAgents:
    """Named, versioned configurations. `name` is an agent's name or its id, everywhere."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def create(self, spec: AgentSpec | Mapping[str, object]) -> Agent:
        """The agent exists, with this spec as its version 1.

        Args:
            spec: An `AgentSpec`, or its fields as a JSON or YAML file has them.

        Raises:
            AlreadyExists: The name is taken.
            InvalidRequest: A field breaks a rule; it is named.
        """
        return await self._rest.agents.create(_spec(spec))

    async def validate(
        self, spec: AgentSpec | Mapping[str, object], *, agent: str | None = None
    ) -> SpecCheck:
        """What creating or publishing the spec would say, all of it at once; nothing is changed.

        Args:
            spec: As for `create`; it may break any rule.
            agent: Name or id of the agent it would be the next version of; None: a new one.

        Raises:
            NotFound: There is no agent of that name.
        """
        fields = spec.model_dump(mode="json") if isinstance(spec, AgentSpec) else dict(spec)
        return await self._rest.agents.validate(ValidateSpec(spec=fields, agent=agent))

    async def publish(
        self, spec: AgentSpec | Mapping[str, object], *, expected: int | None = None
    ) -> Agent:
        """The spec is the next version of the agent of its name; the same again changes nothing.

        Args:
            spec: The whole of it, as for `create`.
            expected: The number of the version it was made from; None: whatever there is.

        Raises:
            NotFound: There is no agent of that name.
            WrongVersion: Another version was published meanwhile.
            InvalidRequest: A field breaks a rule; it is named.
        """
        sound = _spec(spec)
        return await self._rest.agents.publish(sound.name, sound, expected=expected)

    async def get(self, name: str, *, number: int | None = None) -> Agent:
        """The agent with its latest spec, or that of version `number`.

        Raises:
            NotFound: There is no such agent, or no such version.
        """
        return await self._rest.agents.get(name, number=number)

    async def versions(self, name: str) -> list[AgentVersion]:
        """All its versions, newest first.

        Raises:
            NotFound: There is no such agent.
        """
        return await self._rest.agents.versions(name)

    def list(
        self,
        *,
        text: str | None = None,
        state: AgentState | Sequence[AgentState] = (),
        limit: int | None = None,
    ) -> AsyncStream[AgentRow]:
        """Agents of the team by name; more are asked for while you go through them.

        Args:
            text: Part of the name.
            state: One or several; default all.
            limit: At most so many; default all.
        """
        states = (state,) if isinstance(state, AgentState) else tuple(state)

        async def page(cursor: str | None, size: int) -> Listing[AgentRow]:
            given = {"text": text, "state": states, "cursor": cursor, "limit": size}
            return await self._rest.agents.list(valid(AgentQuery, given))

        return AsyncStream(all_rows(page, limit=limit))

    async def retire(self, name: str) -> Agent:
        """The agent takes no more tasks.

        Raises:
            NotFound: There is no such agent.
        """
        return await self._rest.agents.retire(name)


def _spec(given: AgentSpec | Mapping[str, object]) -> AgentSpec:
    return given if isinstance(given, AgentSpec) else valid(AgentSpec, given)
