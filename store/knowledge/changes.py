"""Tells open pages what changed among the documents: the feed `knowledge:<team>`.

Whoever changes a document publishes it, after the commit. Documents are no events: what Redis did
not take is not published later, and who watches reads the lists again when it comes back.
"""

import logging
from uuid import UUID

from protocols.channels import Namespace, feed_channel
from protocols.errors import Unavailable
from protocols.knowledge import Document, KnowledgeChange
from protocols.principals import TeamId
from store.knowledge import documents
from store.postgres.pool import LogPool
from store.redis.broker import Broker

logger = logging.getLogger(__name__)


async def tell(
    broker: Broker,
    team: TeamId,
    collection: str,
    *,
    document: Document | None = None,
    removed: str | None = None,
) -> None:
    """The change is published, unless Redis is away; nothing is raised."""
    change = KnowledgeChange(collection=collection, document=document, removed=removed)
    channel = feed_channel(Namespace.KNOWLEDGE, team)
    try:
        await broker.publish_feed(channel, [change.model_dump_json().encode()])
    except Unavailable:
        logger.debug("a change of documents was not published", extra={"collection": collection})


async def tell_document(pool: LogPool, broker: Broker, team: TeamId, document: UUID) -> None:
    """The document as it stands now is published; nothing, when it is gone.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    async with pool.connection() as connection:
        row = await documents.read(connection, document)
    if row is not None:
        await tell(broker, team, row.collection, document=row.document())
