"""Agents for callers without an event loop: `agents.py`, called through the portal."""

from collections.abc import Mapping, Sequence

from protocols.agents import AgentSpec, AgentState
from protocols.operations.agents import Agent, AgentRow, AgentVersion, SpecCheck
from protocols.sdk.agents import AsyncAgents
from protocols.sdk.blocking_streams import Stream
from protocols.sdk.portal import Portal


class Agents:
    """Named, versioned configurations. `name` is an agent's name or its id, everywhere."""

    def __init__(self, portal: Portal, agents: AsyncAgents) -> None:
        self._portal = portal
        self._agents = agents

    def create(self, spec: AgentSpec | Mapping[str, object]) -> Agent:
        """The agent exists, with this spec as its version 1.

        Args:
            spec: An `AgentSpec`, or its fields as a JSON or YAML file has them.

        Raises:
            AlreadyExists: The name is taken.
            InvalidRequest: A field breaks a rule; it is named.
        """
        return self._portal.call(lambda: self._agents.create(spec))

    def validate(
        self, spec: AgentSpec | Mapping[str, object], *, agent: str | None = None
    ) -> SpecCheck:
        """What creating or publishing the spec would say, all of it at once; nothing is changed.

        Args:
            spec: As for `create`; it may break any rule.
            agent: Name or id of the agent it would be the next version of; None: a new one.

        Raises:
            NotFound: There is no agent of that name.
        """
        return self._portal.call(lambda: self._agents.validate(spec, agent=agent))

    def publish(
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
        return self._portal.call(lambda: self._agents.publish(spec, expected=expected))

    def get(self, name: str, *, number: int | None = None) -> Agent:
        """The agent with its latest spec, or that of version `number`.

        Raises:
            NotFound: There is no such agent, or no such version.
        """
        return self._portal.call(lambda: self._agents.get(name, number=number))

    def versions(self, name: str) -> list[AgentVersion]:
        """All its versions, newest first.

        Raises:
            NotFound: There is no such agent.
        """
        return self._portal.call(lambda: self._agents.versions(name))

    def list(
        self,
        *,
        text: str | None = None,
        state: AgentState | Sequence[AgentState] = (),
        limit: int | None = None,
    ) -> Stream[AgentRow]:
        """Agents of the team by name; more are asked for while you go through them.

        Args:
            text: Part of the name.
            state: One or several; default all.
            limit: At most so many; default all.
        """
        return Stream(self._portal, self._agents.list(text=text, state=state, limit=limit))

    def retire(self, name: str) -> Agent:
        """The agent takes no more tasks.

        Raises:
            NotFound: There is no such agent.
        """
        return self._portal.call(lambda: self._agents.retire(name))
