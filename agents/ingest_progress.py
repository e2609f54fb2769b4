"""Says how far a document is on its way, while it is: in its row, and to the pages that are open.

It is only told, never relied on: what cannot be said now does not keep the document back.
"""

import logging
from time import monotonic

from protocols.errors import FactoryError
from protocols.knowledge import DocumentStage
from protocols.principals import TeamId
from store.connect import Store
from store.knowledge import changes, passages
from store.knowledge.passages import Queued

logger = logging.getLogger(__name__)

PACE_SECONDS = 0.5  # between two counts of one stage


class Progress:
    """Of one document in one worker's hands."""

    def __init__(self, store: Store, queued: Queued) -> None:
        self._store = store
        self._queued = queued
        self._stage: DocumentStage | None = None
        self._said_at = 0.0

    async def reach(self, stage: DocumentStage, *, embedded: int = 0, to_embed: int = 0) -> None:
        """The document is so far; said at once for a new stage, and then at its pace."""
        now = monotonic()
        if stage is self._stage and now < self._said_at + PACE_SECONDS:
            return
        self._stage, self._said_at = stage, now
        store, queued = self._store, self._queued
        try:
            async with store.log_pool.connection() as connection:
                is_ours = await passages.reach(
                    connection, queued, stage, embedded=embedded, to_embed=to_embed
                )
            if is_ours:
                team = TeamId(queued.team)
                await changes.tell_document(store.log_pool, store.broker, team, queued.id)
        except FactoryError as error:
            logger.debug("progress was not said", extra={"code": error.code})
