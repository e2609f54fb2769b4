"""What may be asked about agents, kept by the log: every version of a spec is an event."""

from collections.abc import Callable

import msgspec

from protocols.agents import STATE_CODES, AgentSpec, AgentState
from protocols.errors import (
    AlreadyExists,
    Conflict,
    InvalidRequest,
    InvalidTransition,
    WrongVersion,
)
from protocols.events import AgentCreated, AgentRetired, AgentVersionPublished, AnyData
from protocols.operations.agents import (
    Agent,
    AgentQuery,
    AgentRow,
    AgentVersion,
    SpecCheck,
    ValidateSpec,
)
from protocols.operations.knowledge import Knowledge
from protocols.operations.listings import Listing
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.operations import agent_checks, agent_specs
from store.operations.agent_specs import Published
from store.operations.catalogue import Catalogue
from store.operations.listings import cursor_of, key_of, position_of, reach
from store.postgres.log.appends import AGENT, Append, Appended
from store.postgres.log.event_log import Head
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
        _check_name(spec)
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
            raise AlreadyExists(_taken(spec), field="name") from None
        return await self.get(spec.name)

    async def validate(self, request: ValidateSpec) -> SpecCheck:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_EDIT)
        spec, problems = agent_checks.parsed(request.spec)
        head = latest = None
        if request.agent is not None:
            head = await agent_specs.find(self._store.log, self._principal, request.agent)
            latest = await agent_specs.latest(self._store.log, head)
        readable = spec or agent_checks.readable(request.spec, problems)
        if readable is not None:
            errors = await agent_checks.refusals(readable, self._catalogue, self._knowledge)
            if spec is not None:
                errors += await self._refusals_here(spec, head, latest)
            problems += [agent_checks.problem(error, request.spec) for error in errors]
        is_unchanged = bool(spec and latest and spec.hash == latest.data.spec_hash)
        number = latest.data.number if latest else 0
        return SpecCheck(
            problems=problems,
            number=None if problems else number + (not is_unchanged),
            is_unchanged=is_unchanged,
        )

    async def _refusals_here(
        self, spec: AgentSpec, head: Head | None, latest: Published | None
    ) -> list[InvalidRequest]:
        """What speaks against it beyond the spec itself: the agent it belongs to, or another."""
        try:
            if head is not None and latest is not None:
                _check_same(spec, head, latest)
                return []
            _check_name(spec)
        except InvalidRequest as error:
            return [error]
        except InvalidTransition as error:
            return [InvalidRequest(error.message)]
        stream = agent_specs.stream_of(self._principal.team, spec.name)
        is_taken = await self._store.log.head(stream) is not None
        return [InvalidRequest(_taken(spec), field="name")] if is_taken else []

    async def publish(self, name: str, spec: AgentSpec, *, expected: int | None = None) -> Agent:
        """See the promise."""
        allow(self._principal, Operation.AGENTS_EDIT)
        await self._check(spec)

        def next_version(head: Head, latest: Published) -> AnyData | None:
            _check_same(spec, head, latest)
            if spec.hash == latest.data.spec_hash:
                return None
            if expected is not None and expected != latest.data.number:
                raise WrongVersion(
                    f"agent {spec.name} is at version {latest.data.number}; "
                    f"the spec was made from version {expected}",
                    field="expected",
                )
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
        for refusal in await agent_checks.refusals(spec, self._catalogue, self._knowledge):
            raise refusal


def _check_name(spec: AgentSpec) -> None:
    if agent_specs.is_id(spec.name):
        raise InvalidRequest(
            f"the name {spec.name} is spelled as an id; choose another one", field="name"
        )


def _check_same(spec: AgentSpec, head: Head, latest: Published) -> None:
    """The spec may be this agent's next version."""
    if spec.name != latest.data.name:
        raise InvalidRequest(
            f"the spec names {spec.name}; the agent's name is {latest.data.name} and stays",
            field="name",
        )
    if head.state == STATE_CODES[AgentState.RETIRED]:
        raise InvalidTransition(f"agent {spec.name} is retired; it takes no new version")


def _taken(spec: AgentSpec) -> str:
    return f"there is an agent {spec.name} already"


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
