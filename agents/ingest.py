"""The job behind a document: read it, cut it, embed it, store its passages.

A worker runs it from the queue `ingest`. It may be killed at any moment and run again from the
start: passages change in one transaction at the end, and running it twice gives the same ones.
"""

import logging
from collections.abc import Sequence

import numpy as np
from anyio.to_thread import run_sync

from agents.ingest_progress import Progress
from protocols.errors import FactoryError, InvalidRequest, LimitExceeded
from protocols.knowledge import DocumentStage
from protocols.principals import TeamId
from store.connect import Store
from store.knowledge import changes, passages
from store.knowledge.chunks import Chunk, Cutter, in_context, portions
from store.knowledge.embedder import Embedder, Vectors
from store.knowledge.loader import Loaded
from store.knowledge.passages import Queued
from store.knowledge.reading import read_document

logger = logging.getLogger(__name__)

BROKEN = "the worker broke while it read this document; its log says where"
MAX_TITLE = 300  # characters
MAX_CHUNKS = 50_000  # 20 MiB of prose have half as many; their vectors take 77 MB, and 15 minutes
CHUNKS_A_TURN = 8


async def ingest(store: Store, embedder: Embedder, document_id: str, team: TeamId) -> None:
    """The document is ready, or has failed with a reason; nothing, when it is done or deleted.

    Raises:
        Unavailable: The store or the embedder is out of reach; to be repeated.
    """
    async with store.log_pool.connection() as connection:
        queued = await passages.take(connection, document_id, team=team)
    if queued is None or (queued.state == "ready" and queued.embedder == embedder.name):
        return
    try:
        await _read(store, embedder, queued)
    except (InvalidRequest, LimitExceeded) as error:
        await _fail(store, queued, reason=error.message)
    except FactoryError:
        raise
    except Exception:
        # It would break again each time, while its owner waits for it.
        logger.exception("A document broke its ingest", extra=_fields(queued, []))
        await _fail(store, queued, reason=BROKEN)


async def _read(store: Store, embedder: Embedder, queued: Queued) -> None:
    progress = Progress(store, queued)
    await progress.reach(DocumentStage.READING)
    loaded = await read_document(
        queued.content, name=queued.source or queued.title, media_type=queued.media_type
    )
    title = queued.title if queued.is_titled else (loaded.title or queued.title)[:MAX_TITLE]
    await progress.reach(DocumentStage.CUTTING)
    chunks = await _cut(loaded, embedder)
    vectors = await _embed(chunks, embedder, title=title, progress=progress)
    async with store.log_pool.connection() as connection:
        is_stored = await passages.replace(
            connection,
            queued,
            title=title,
            chunks=chunks,
            vectors=vectors,
            embedder=embedder.name,
        )
    if is_stored:
        logger.info("document ingested", extra=_fields(queued, chunks))
        await _tell(store, queued)


async def _cut(loaded: Loaded, embedder: Embedder) -> list[Chunk]:
    cutter = Cutter(loaded.form, count_tokens=embedder.count_tokens)
    chunks: list[Chunk] = []
    for section in loaded.sections:
        for portion in portions(section.text):
            for text in await run_sync(cutter.cut, portion):
                chunks.append(Chunk(ordinal=len(chunks), location=section.location, text=text))
            if len(chunks) > MAX_CHUNKS:
                raise LimitExceeded(
                    f"the document has over {MAX_CHUNKS} passages, such as sections of a few words;"
                    " add it in parts"
                )
    return chunks


async def _embed(
    chunks: Sequence[Chunk], embedder: Embedder, *, title: str, progress: Progress
) -> Vectors:
    """In turns of some 0.2 s: a thread cannot be cancelled, and searches wait for their turn."""
    vectors = np.empty((len(chunks), embedder.dimensions), np.float32)
    for begin in range(0, len(chunks), CHUNKS_A_TURN):
        await progress.reach(DocumentStage.EMBEDDING, embedded=begin, to_embed=len(chunks))
        turn = chunks[begin : begin + CHUNKS_A_TURN]
        texts = [in_context(chunk, title=title) for chunk in turn]
        vectors[begin : begin + len(turn)] = await embedder.embed_passages(texts)
    return vectors


async def _fail(store: Store, queued: Queued, *, reason: str) -> None:
    async with store.log_pool.connection() as connection:
        is_failed = await passages.fail(connection, queued, reason=reason)
    if is_failed:
        logger.info("document refused", extra=_fields(queued, []))
        await _tell(store, queued)


async def _tell(store: Store, queued: Queued) -> None:
    await changes.tell_document(store.log_pool, store.broker, TeamId(queued.team), queued.id)


def _fields(queued: Queued, chunks: list[Chunk]) -> dict[str, object]:
    return {"document": str(queued.id), "team": queued.team, "chunks": len(chunks)}
