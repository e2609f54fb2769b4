"""What the shell offers after TAB: names and ids of the running factory.

It is asked within a second, and whatever goes wrong is silence: nobody who types wants to read
about it.
"""

import re
from collections.abc import Awaitable, Callable

import anyio

from hub.cli.client import opened
from protocols.operations.agents import AgentQuery
from protocols.operations.tasks import TaskQuery
from protocols.rest.client import RestClient
from protocols.tasks import TaskState

PATIENCE_SECONDS = 1.0
OFFERS = 100
HINT_CHARACTERS = 48
OPEN = (
    TaskState.SUBMITTED,
    TaskState.WORKING,
    TaskState.INPUT_REQUIRED,
    TaskState.AUTH_REQUIRED,
)

_NOT_PLAIN = re.compile(r"[^\w .,+-]+", re.ASCII)  # shells read what is offered as their own words

Offer = tuple[str, str]  # what can be typed, and a hint beside it


def agent_names(incomplete: str) -> list[Offer]:
    """Names of agents."""

    async def ask(client: RestClient) -> list[Offer]:
        listing = await client.agents.list(AgentQuery(limit=OFFERS))
        return [(row.name, row.description) for row in listing.items]

    return _offered(ask, incomplete)


def collection_names(incomplete: str) -> list[Offer]:
    """Names of collections."""

    async def ask(client: RestClient) -> list[Offer]:
        listing = await client.knowledge.list(limit=OFFERS)
        return [(row.name, f"{row.documents} documents") for row in listing.items]

    return _offered(ask, incomplete)


def task_ids(incomplete: str) -> list[Offer]:
    """Ids of the newest tasks."""
    return _offered(lambda client: _tasks(client, TaskQuery(limit=OFFERS)), incomplete)


def open_task_ids(incomplete: str) -> list[Offer]:
    """Ids of tasks that can be canceled."""
    query = TaskQuery(state=OPEN, limit=OFFERS)
    return _offered(lambda client: _tasks(client, query), incomplete)


async def _tasks(client: RestClient, query: TaskQuery) -> list[Offer]:
    listing = await client.tasks.list(query)
    return [(row.id, f"{row.agent_name} {row.title}") for row in listing.items]


def _offered(ask: Callable[[RestClient], Awaitable[list[Offer]]], incomplete: str) -> list[Offer]:
    async def asked() -> list[Offer]:
        with anyio.move_on_after(PATIENCE_SECONDS):
            async with opened(patience=0.0) as client:
                return await ask(client)
        return []

    try:
        offers = anyio.run(asked, backend_options={"use_uvloop": True})
    except Exception:  # noqa: BLE001  silence is the promise: see above
        return []
    return [(text, _hint(hint)) for text, hint in offers if text.startswith(incomplete)]


def _hint(text: str) -> str:
    return _NOT_PLAIN.sub(" ", text)[:HINT_CHARACTERS].strip()
