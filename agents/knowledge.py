"""Knowledge as a worker uses it: the search for its tools, and the queue's documents.

Both are the store's and the ingest job's own; here they are given their embedder and their team.
"""

import json
import logging

from agents.factory import Search
from agents.ingest import ingest
from protocols.errors import InvalidRequest
from protocols.knowledge import SearchAnswer, SearchRequest
from protocols.principals import TeamId, system
from store.connect import Store
from store.knowledge import changes, passages
from store.knowledge.embedder import Embedder
from store.operations.knowledge import StoredKnowledge
from store.postgres.queue import Claimed

logger = logging.getLogger(__name__)

MOST_DEATHS = 3  # of workers with one document in their hands
POISONED = "reading it ended the worker each time; it may be damaged, or too complex"


def search_of(store: Store, embedder: Embedder) -> Search:
    """Searches this store's documents."""

    async def search(team: TeamId, request: SearchRequest) -> SearchAnswer:
        return await StoredKnowledge(store, system(team), embedder).search(request)

    return search


class Ingesting:
    """Deals with the jobs of the queue `ingest`."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    async def attend(self, job: Claimed) -> None:
        """The document is ready or has failed; its job is done.

        Raises:
            Unavailable: The store or the embedder is out of reach; the job must be tried again.
        """
        document, team = _of(job)
        if job.deaths >= MOST_DEATHS:
            await self.give_up(job)
            return
        await ingest(self._store, self._embedder, document, team)

    async def give_up(self, job: Claimed) -> None:
        """The document has failed: reading it ended or broke the worker each time."""
        document, team = _of(job)
        async with self._store.log_pool.connection() as connection:
            queued = await passages.take(connection, document, team=team)
            if queued is not None:
                await passages.fail(connection, queued, reason=POISONED)
        if queued is not None:
            await changes.tell_document(self._store.log_pool, self._store.broker, team, queued.id)
        logger.error("A document ends its workers; it is left", extra={"document": document})


def _of(job: Claimed) -> tuple[str, TeamId]:
    match job.arguments:
        case {"document": str(document), "team": int(team)}:
            return document, TeamId(team)
        case _:
            said = json.dumps(job.arguments)
            raise InvalidRequest(f"a job of the queue ingest has {said}")
