"""The OpenAPI 3.1 document: FastAPI's, with the events' schemas, problems and security added."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from protocols.events import Event
from protocols.knowledge import NewDocument
from protocols.rest.resources import MEDIA_TYPE, Problem
from protocols.tasks import Step, Task

REF = "#/components/schemas/{name}"

DESCRIPTION = """\
Ask agents, watch them work, and read everything they did.

**Who asks.** Send `Authorization: Bearer pgk_…`; make a key with `pygent token create` or
`POST /api/v1/keys`. Pages use their session cookie, and then every changing request also needs
the `Origin` of this site.

**One number.** Every event of a task has a dense `version`. It is the offset on the WebSocket
channel, the number in the id of a server-sent event, and what `after` takes here. Answers name the
`epoch` it belongs to; with another epoch, begin anew.

**Lists** are paged by cursor: pass `next` as `cursor`. A list lags commands by milliseconds; pass
a receipt's `position` as `min_position` to read your own writes.

**Fields** that are not known are refused, in bodies and in the queries of lists; they are named.

**Errors** are RFC 9457 problem details with a stable `code`. `409` means the state does not allow
it, `429` and `503` may be repeated, and a repeated `POST /tasks` with the same `Idempotency-Key`
gives the same task.
"""

TAGS = [
    {"name": "tasks", "description": "One request to one agent: a stream of events."},
    {"name": "agents", "description": "Named, versioned configurations that can be asked."},
    {"name": "knowledge", "description": "Collections of documents, and search in them."},
    {"name": "overview", "description": "The team's counters over time."},
    {"name": "keys", "description": "API keys, for owners."},
    {"name": "account", "description": "The one who asks, and what this factory offers."},
    {"name": "system", "description": "The factory's own state, for operators and owners."},
    {"name": "hub", "description": "Connections and channels, for operators and owners."},
]

EXAMPLES: dict[str, dict[str, Any]] = {
    "SubmitTask": {"agent": "guide", "input": "What is an event, and what is a stream?"},
    "AgentSpec": {
        "name": "librarian",
        "description": "Answers from the manuals.",
        "instructions": "Answer in two sentences and name your sources.",
        "model": "extractive",
        "strategy": "react",
        "tools": ["knowledge_search"],
        "collections": ["manuals"],
        "limits": {"steps": 10, "seconds": 60},
    },
    "CreateCollection": {"name": "manuals", "description": "How our machines work."},
    "NewDocument": {
        "title": "Pumps",
        "source": "pumps.md",
        "media_type": "text/markdown",
        "text": "# Pumps\n\nA pump moves water from a lower place to a higher one.",
    },
    "SearchRequest": {"query": "How does water move uphill?", "limit": 5},
    "CreateKey": {"name": "nightly report"},
}

RETRY_AFTER: dict[str, Any] = {
    "Retry-After": {
        "description": "Seconds after which it makes sense to try again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
WITH_RETRY_AFTER = frozenset({429, 503})
OF_BODIES = ("408", "413", "415")  # said of a request's body, so only where there is one
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="Problem")}}},
        **({"headers": RETRY_AFTER} if status in WITH_RETRY_AFTER else {}),
    }
    for status, description in {
        400: "The body is not JSON that can be kept, or the address has a NUL character.",
        401: "No session and no valid key.",
        403: "The one who asks may not do this, or the Origin is foreign.",
        404: "There is no such thing in the team.",
        408: "The body did not arrive in time.",
        409: "The state, version or name does not allow it now.",
        413: "The body is over its limit.",
        415: "The body is of another media type.",
        422: "A field breaks a rule, or is none that is known; it is named.",
        429: "Too many, too fast; the limit is named, wait as Retry-After says.",
        503: "The store is out of reach; the same request may be repeated.",
    }.items()
}


def describe(application: FastAPI) -> dict[str, Any]:
    """The document; made once."""
    if application.openapi_schema is None:
        application.openapi_schema = _describe(application)
    return application.openapi_schema


def _describe(application: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=application.title,
        version=application.version,
        description=DESCRIPTION,
        routes=application.routes,
        tags=TAGS,
        servers=[{"url": "/api"}],
    )
    for operation in (one for path in document["paths"].values() for one in path.values()):
        if "requestBody" not in operation:
            for status in OF_BODIES:
                del operation["responses"][status]
    components: dict[str, Any] = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas.update(_plain_schemas())
    schemas.update(_event_schemas())
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `pgk_…`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "pygent_session"},
    }
    document["security"] = [{"key": []}, {"session": []}]
    return document


def _plain_schemas() -> dict[str, Any]:
    models = [(Problem, "serialization"), (NewDocument, "validation")]
    _, definitions = models_json_schema(models, ref_template=REF.replace("{name}", "{model}"))  # pyright: ignore[reportArgumentType]  literals, widened by the list
    return definitions["$defs"]


def _event_schemas() -> dict[str, Any]:
    step = _without_raw(Step)
    task = _without_raw(Task, {list[Step]: list[step]})
    _, schemas = msgspec.json.schema_components((task, Event), ref_template=REF)
    folded = schemas.pop("Task")
    epoch = {"type": "string", "description": "Of the log; versions are of it."}
    at_head = {
        **folded,
        "title": "TaskAtHead",
        "properties": {**folded["properties"], "epoch": epoch},
    }
    page = {
        "title": "EventPage",
        "description": "Part of a stream, oldest first.",
        "type": "object",
        "required": ["events", "version", "epoch"],
        "properties": {
            "events": {"type": "array", "items": {"$ref": REF.format(name="Event")}},
            "version": {"type": "integer", "description": "The head's version."},
            "epoch": epoch,
        },
    }
    return {**schemas, "TaskAtHead": at_head, "EventPage": page}


def _without_raw(kind: type[msgspec.Struct], replaced: dict[Any, Any] | None = None) -> Any:
    """The struct with any JSON where it has raw JSON, whose defaults msgspec cannot describe."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        is_raw = field.type is msgspec.Raw
        shown = Any if is_raw else (replaced or {}).get(field.type, field.type)
        default = msgspec.field() if is_raw or field.required else _default(field)
        fields.append((field.name, shown, default))
    return msgspec.defstruct(
        kind.__name__, fields, namespace={"__doc__": kind.__doc__}, kw_only=True
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field(default=field.default)
