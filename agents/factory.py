"""Agents made from specs: the model, the tools and the strategy that a spec names.

Specs are read from the log once and kept; a version never changes.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agents.model import Model
from agents.models import MODELS, open_model
from agents.models.providers import Outside
from agents.strategies import STRATEGIES
from agents.strategy import Strategy
from agents.tool import Tool
from protocols.agents import AgentSpec, Limits
from protocols.errors import InvalidRequest, NotFound
from protocols.events import StreamId
from protocols.knowledge import SearchAnswer, SearchRequest
from protocols.messages import Message
from protocols.principals import TeamId
from protocols.tasks import Task
from store.operations import agent_specs
from store.postgres.log.event_log import EventLog

KEPT_SPECS = 256

Search = Callable[[TeamId, SearchRequest], Awaitable[SearchAnswer]]
Earlier = Callable[[TeamId, Task, Limits], Awaitable[tuple[Message, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A spec with what it names."""

    spec: AgentSpec
    model: Model
    strategy: Strategy
    tools: Mapping[str, Tool]


class Factory:
    """Makes agents for the attempts of one process.

    Args:
        log: Where specs are.
        outside: What models of other people's servers share.
        tools: All there are, by name.
        search: The knowledge search, as a team.
        earlier: What was said before a task, in its conversation.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        outside: Outside,
        tools: Mapping[str, Tool],
        search: Search,
        earlier: Earlier,
    ) -> None:
        self.search = search
        self.earlier = earlier
        self._log = log
        self._outside = outside
        self._tools = tools
        self._specs: OrderedDict[tuple[str, int], AgentSpec] = OrderedDict()

    async def agent(self, agent: str, number: int) -> Agent:
        """The agent as its version `number` describes it.

        Raises:
            InvalidRequest: The spec names what this worker does not have, or a key is not set.
            NotFound: There is no such version.
            FactoryError: The spec cannot be read.
        """
        spec = await self._spec(agent, number)
        provider = spec.model.partition(":")[0]
        if provider not in MODELS:
            raise InvalidRequest(
                f"there is no model provider {provider!r}; there are {', '.join(MODELS)}",
                field="model",
            )
        unknown = [name for name in spec.tools if name not in self._tools]
        if unknown:
            raise InvalidRequest(f"this worker has no tool {unknown[0]!r}", field="tools")
        return Agent(
            spec=spec,
            model=await open_model(spec, self._outside),
            strategy=STRATEGIES[spec.strategy],
            tools={name: self._tools[name] for name in spec.tools},
        )

    async def _spec(self, agent: str, number: int) -> AgentSpec:
        key = (agent, number)
        if key not in self._specs:
            head = await self._log.head(StreamId(agent))
            if head is None:
                raise NotFound(f"there is no agent {agent}")
            self._specs[key] = (await agent_specs.numbered(self._log, head, number)).spec
            if len(self._specs) > KEPT_SPECS:
                self._specs.popitem(last=False)
        return self._specs[key]
