"""Who asks in these tests, and a worker that ingests what is queued."""

import pytest

from agents.ingest import ingest
from protocols.knowledge import CreateCollection, Document, Passage, SearchRequest
from protocols.principals import Role, TeamId
from store.connect import Store
from store.knowledge.embedder import Embedder
from store.knowledge.embedders.hashing import Hashing
from store.knowledge.embedders.minilm import MiniLM, installed_weights
from store.operations.knowledge import StoredKnowledge
from tests.store.people import TEAM, somebody


def knowledge(
    store: Store,
    embedder: Embedder | None = None,
    *,
    team: TeamId = TEAM,
    role: Role = Role.OPERATOR,
) -> StoredKnowledge:
    return StoredKnowledge(store, somebody(role, team), embedder or Hashing())


def minilm() -> MiniLM:
    weights = installed_weights()
    if weights is None:
        pytest.fail("the weights are not installed: make install-test")
    return MiniLM(weights)


async def jobs(store: Store) -> list[dict[str, object]]:
    """Arguments of the queued ingests, oldest first."""
    async with store.log_pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT args FROM procrastinate_jobs WHERE queue_name = 'ingest' ORDER BY id"
        )
        return [row[0] for row in await cursor.fetchall()]


async def work(store: Store, embedder: Embedder | None = None) -> None:
    """Does every job, as a worker would; a second call does them all once more."""
    for job in await jobs(store):
        await ingest(
            store, embedder or Hashing(), str(job["document"]), TeamId(int(str(job["team"])))
        )


async def with_documents(
    store: Store,
    documents: dict[str, str],
    *,
    collection: str = "docs",
    embedder: Embedder | None = None,
    team: TeamId = TEAM,
) -> list[Document]:
    """A collection with these Markdown documents, ready; by source."""
    asked = knowledge(store, embedder, team=team)
    await asked.create(CreateCollection(name=collection))
    added = [
        await add(asked, text, source=source, collection=collection)
        for source, text in documents.items()
    ]
    await work(store, embedder)
    return [await asked.document(collection, document.id) for document in added]


async def add(
    asked: StoredKnowledge,
    text: str | bytes,
    *,
    source: str = "",
    collection: str = "docs",
    media_type: str = "text/markdown",
) -> Document:
    content = text.encode() if isinstance(text, str) else text
    return await asked.add(collection, content, title="", source=source, media_type=media_type)


async def search(asked: StoredKnowledge, query: str, *collections: str) -> list[Passage]:
    answer = await asked.search(SearchRequest(query=query, collections=collections))
    return answer.passages
