"""The operations of the factory by name, for those who call them over a realtime connection.

One table: the name, what is asked, and the operation. Arguments are REST's, path, query and body in
one object by the same names; answers are REST's bodies. Who may do it is asked by the operations
themselves. Documents, which are larger than a frame, go by REST.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from protocols.agents import AgentSpec
from protocols.errors import InvalidRequest
from protocols.knowledge import NearestRequest, SearchRequest
from protocols.operations.agents import AgentQuery, ValidateSpec
from protocols.operations.conversations import ConversationQuery
from protocols.operations.factory import Factory
from protocols.operations.listings import Listing
from protocols.operations.overview import Window
from protocols.operations.procedures import UnknownMethod
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.principals import Principal
from protocols.rest.bodies import parse
from protocols.rest.tasks import MAX_VERSION, encode_events, encode_task

MAX_METHOD = 80  # characters of a name that an error repeats

Asked = TypeVar("Asked", bound=BaseModel)
Name = Annotated[str, Field(min_length=1, max_length=128)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Submit(SubmitTask):
    idempotency_key: Annotated[str | None, Field(max_length=255, pattern=r"^[\x21-\x7e]+$")] = None


class _Task(_Asked):
    task_id: Annotated[str, Field(min_length=1, max_length=64)]


class _Events(_Task):
    after: Annotated[int, Field(ge=0, le=MAX_VERSION)] = 0
    before: Annotated[int | None, Field(ge=1, le=MAX_VERSION)] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class _Named(_Asked):
    name: Name


class _Version(_Named):
    number: Number | None = None


class _NewVersion(_Named):
    spec: AgentSpec
    expected: Number | None = None


class _NewAgent(_Asked):
    spec: AgentSpec


class _Page(_Asked):
    cursor: Annotated[str | None, Field(max_length=1000)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class _InWindow(_Asked):
    window: Window = "1h"


async def _submit(factory: Factory, asked: _Submit) -> bytes:
    request = SubmitTask(agent=asked.agent, input=asked.input, context_id=asked.context_id)
    return _json(await factory.tasks.submit(request, key=asked.idempotency_key))


async def _get(factory: Factory, asked: _Task) -> bytes:
    return encode_task(*await factory.tasks.get(asked.task_id))


async def _events(factory: Factory, asked: _Events) -> bytes:
    if asked.before is not None:
        page = await factory.tasks.events_before(
            asked.task_id, before=asked.before, limit=asked.limit
        )
    else:
        page = await factory.tasks.events(asked.task_id, after=asked.after, limit=asked.limit)
    return encode_events(page)


async def _receipt(factory: Factory, asked: _Task) -> bytes:
    return _json(await factory.tasks.receipt(asked.task_id))


async def _cancel(factory: Factory, asked: _Task) -> bytes:
    return _json(await factory.tasks.cancel(asked.task_id))


async def _tasks(factory: Factory, asked: TaskQuery) -> bytes:
    return _json(await factory.tasks.list(asked))


async def _conversations(factory: Factory, asked: ConversationQuery) -> bytes:
    return _json(await factory.conversations.list(asked))


async def _agents(factory: Factory, asked: AgentQuery) -> bytes:
    return _json(await factory.agents.list(asked))


async def _agent(factory: Factory, asked: _Version) -> bytes:
    return _json(await factory.agents.get(asked.name, number=asked.number))


async def _versions(factory: Factory, asked: _Named) -> bytes:
    return _json(Listing(items=await factory.agents.versions(asked.name)))


async def _validate(factory: Factory, asked: ValidateSpec) -> bytes:
    return _json(await factory.agents.validate(asked))


async def _create(factory: Factory, asked: _NewAgent) -> bytes:
    return _json(await factory.agents.create(asked.spec))


async def _publish(factory: Factory, asked: _NewVersion) -> bytes:
    return _json(await factory.agents.publish(asked.name, asked.spec, expected=asked.expected))


async def _retire(factory: Factory, asked: _Named) -> bytes:
    return _json(await factory.agents.retire(asked.name))


async def _collections(factory: Factory, asked: _Page) -> bytes:
    return _json(await factory.knowledge.list(cursor=asked.cursor, limit=asked.limit))


async def _collection(factory: Factory, asked: _Named) -> bytes:
    return _json(await factory.knowledge.get(asked.name))


async def _search(factory: Factory, asked: SearchRequest) -> bytes:
    return _json(await factory.knowledge.search(asked))


async def _nearest(factory: Factory, asked: NearestRequest) -> bytes:
    return _json(await factory.knowledge.nearest(asked))


async def _overview(factory: Factory, asked: _InWindow) -> bytes:
    return _json(await factory.overview.overview(asked.window))


@dataclass(frozen=True, slots=True)
class _Procedure:
    kind: type[BaseModel]
    run: Callable[[Factory, Any], Awaitable[bytes]]


def _procedure(kind: type[Asked], run: Callable[[Factory, Asked], Awaitable[bytes]]) -> _Procedure:
    return _Procedure(kind, run)


PROCEDURES: dict[str, _Procedure] = {
    "tasks.submit": _procedure(_Submit, _submit),
    "tasks.get": _procedure(_Task, _get),
    "tasks.receipt": _procedure(_Task, _receipt),
    "tasks.events": _procedure(_Events, _events),
    "tasks.cancel": _procedure(_Task, _cancel),
    "tasks.list": _procedure(TaskQuery, _tasks),
    "conversations.list": _procedure(ConversationQuery, _conversations),
    "agents.list": _procedure(AgentQuery, _agents),
    "agents.get": _procedure(_Version, _agent),
    "agents.versions": _procedure(_Named, _versions),
    "agents.validate": _procedure(ValidateSpec, _validate),
    "agents.create": _procedure(_NewAgent, _create),
    "agents.publish": _procedure(_NewVersion, _publish),
    "agents.retire": _procedure(_Named, _retire),
    "collections.list": _procedure(_Page, _collections),
    "collections.get": _procedure(_Named, _collection),
    "search": _procedure(SearchRequest, _search),
    "search.nearest": _procedure(NearestRequest, _nearest),
    "overview": _procedure(_InWindow, _overview),
}


class FactoryProcedures:
    """Keeps the `Procedures` promise.

    Args:
        factory: The operations as that principal may use them.
    """

    def __init__(self, factory: Callable[[Principal], Factory]) -> None:
        self._factory = factory

    async def call(self, principal: Principal, method: str, arguments: bytes) -> bytes:
        """See the promise."""
        procedure = PROCEDURES.get(method)
        if procedure is None:
            raise UnknownMethod(f"there is no method {method[:MAX_METHOD]!a}")
        return await procedure.run(self._factory(principal), _read(arguments, procedure.kind))


def _read(arguments: bytes, kind: type[BaseModel]) -> BaseModel:
    try:
        return kind.model_validate(parse(arguments or b"{}"))
    except HTTPException as error:
        raise InvalidRequest(str(error.detail)) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InvalidRequest(f"{field}: {first['msg']}", field=field) from None


def _json(answer: BaseModel) -> bytes:
    return answer.model_dump_json().encode()
