"""What may be asked about agents, kept by the log: every version of a spec is an event."""

from collections.abc import Callable

import msgspec

from protocols.agents import STATE_CODES, AgentSpec, AgentState
from protocols.errors import AlreadyExists, Conflict, InvalidRequest, InvalidTransition, NotFound
from protocols.events import AgentCreated, AgentRetired, AgentVersionPublished, AnyData
from protocols.operations.agents import Agent, AgentQuery, AgentRow, AgentVersion
from protocols.operations.knowledge import Knowledge
from protocols.operations.listings import Listing
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.operations import agent_specs
from store.operations.agent_specs import Published
from store.operations.catalogue import Catalogue, check
from store.operations.listings import cursor_of, key_of, position_of, reach
from store.postgres.appends import AGENT, Append, Appended
from store.postgres.event_log import Head
from store.projections.agents import STATES, agent_page

TRIES = 10  # of a decision, while others decide about the same agent


class StoredAgents:
    """Keeps the promise `protocols.operations.agents.Agents`.

    Without `knowledge` the collections of specs are not looked up.
    """

    def __init__(
        self,
        store: Store,
        principal: Principal,
        *,
        catalogue: Catalogue,
        knowledge: Knowledge | None,
    ) -> None:
        self._store = store
        self._principal = principal
        self._catalogue = catalogue
        self._knowledge = knowledge

    async def create(self, spec: AgentSpec) -> Agent:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_EDIT)
        await self._check(spec)
        if agent_specs.is_id(spec.name):
            raise InvalidRequest(
                f"the name {spec.name} is spelled as an id; choose another one", field="name"
            )
        append = Append(
            stream=agent_specs.stream_of(self._principal.team, spec.name),
            team=self._principal.team,
            kind=AGENT,
            actor=self._principal.actor,
            data=(AgentCreated(name=spec.name), _version(spec, number=1)),
            expected=0,
            to_state=STATE_CODES[AgentState.ACTIVE],
        )
        try:
            await self._store.log.append(append)
        except Conflict:
            raise AlreadyExists(f"there is an agent {spec.name} already", field="name") from None
        return await self.get(spec.name)

    async def publish(self, name: str, spec: AgentSpec) -> Agent:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_EDIT)
        await self._check(spec)

        def next_version(head: Head, latest: Published) -> AnyData | None:
            if spec.name != latest.data.name:
                raise InvalidRequest(
                    f"the spec names {spec.name}; the agent's name is {latest.data.name} and stays",
                    field="name",
                )
            if head.state == STATE_CODES[AgentState.RETIRED]:
                raise InvalidTransition(f"agent {spec.name} is retired; it takes no new version")
            if spec.hash == latest.data.spec_hash:
                return None
            return _version(spec, number=latest.data.number + 1)

        return await self._decide(name, next_version, to_state=None)

    async def get(self, name: str, *, number: int | None = None) -> Agent:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_READ)
        head = await agent_specs.find(self._store.log, self._principal, name)
        latest = await agent_specs.latest(self._store.log, head)
        if number is None or number == latest.data.number:
            return _agent(head, latest, latest=latest)
        return _agent(
            head, await agent_specs.numbered(self._store.log, head, number), latest=latest
        )

    async def versions(self, name: str) -> list[AgentVersion]:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_READ)
        head = await agent_specs.find(self._store.log, self._principal, name)
        return [
            AgentVersion(
                number=published.data.number,
                published_at=published.event.time,
                published_by=published.event.actor,
                spec_hash=published.data.spec_hash,
            )
            for published in await agent_specs.all_published(self._store.log, head)
        ]

    async def list(self, query: AgentQuery) -> Listing[AgentRow]:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_READ)
        after = key_of(query.cursor) if query.cursor else ""
        if "\0" in after or "\0" in (query.text or ""):
            raise InvalidRequest("a NUL character is in no name", field="text")
        await reach(self._store.log_pool, "agents", query.min_position)
        async with self._store.app.team(self._principal.team) as connection:
            position = await position_of(connection, "agents")
            rows = await agent_page(
                connection,
                team=self._principal.team,
                after=after,
                states=query.state,
                text=query.text,
                limit=query.limit + 1,
            )
        items = rows[: query.limit]
        return Listing(
            items=items,
            next=cursor_of(items[-1].name) if len(rows) > query.limit else None,
            position=position,
        )

    async def retire(self, name: str) -> Agent:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_EDIT)

        def retirement(head: Head, _: Published) -> AnyData | None:
            return None if head.state == STATE_CODES[AgentState.RETIRED] else AgentRetired()

        return await self._decide(name, retirement, to_state=AgentState.RETIRED)

    async def _decide(
        self,
        name: str,
        decision: Callable[[Head, Published], AnyData | None],
        *,
        to_state: AgentState | None,
    ) -> Agent:
        """Append what is decided about the agent as it is, or nothing; again if it moved on."""
        for _ in range(TRIES):
            head = await agent_specs.find(self._store.log, self._principal, name)
            data = decision(head, await agent_specs.latest(self._store.log, head))
            if data is None:
                break
            try:
                await self._append(head, data, to_state=to_state)
                break
            except Conflict:
                continue
        else:
            raise Conflict(f"agent {name} was changed {TRIES} times meanwhile; try again")
        return await self.get(name)

    async def _append(self, head: Head, data: AnyData, *, to_state: AgentState | None) -> Appended:
        return await self._store.log.append(
            Append(
                stream=head.stream,
                team=head.team,
                kind=AGENT,
                actor=self._principal.actor,
                data=(data,),
                expected=head.version,
                to_state=None if to_state is None else STATE_CODES[to_state],
            )
        )

    async def _check(self, spec: AgentSpec) -> None:
        check(spec, self._catalogue)
        if self._knowledge is None:
            return
        for number, name in enumerate(spec.collections):
            try:
                await self._knowledge.get(name)
            except NotFound:
                raise InvalidRequest(
                    f"agent {spec.name}: there is no collection {name!r}",
                    field=f"collections.{number}",
                ) from None


def _version(spec: AgentSpec, *, number: int) -> AgentVersionPublished:
    return AgentVersionPublished(
        name=spec.name,
        number=number,
        model=spec.model,
        strategy=spec.strategy,
        description=spec.description,
        spec_hash=spec.hash,
        spec=msgspec.Raw(spec.model_dump_json().encode()),
    )


def _agent(head: Head, published: Published, *, latest: Published) -> Agent:
    return Agent(
        id=head.stream,
        name=latest.data.name,
        state=STATES[head.state],
        number=published.data.number,
        latest=latest.data.number,
        spec=published.spec,
        published_at=published.event.time,
        published_by=published.event.actor,
        version=head.version,
        position=head.last_position,
    )
