"""Knowledge: collections of documents, cut into passages that can be found again."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

COLLECTION_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
MAX_DOCUMENT_BYTES = 20 * 1024 * 1024


class DocumentState(StrEnum):
    """Where a document is on its way into its collection."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


class DocumentStage(StrEnum):
    """How far the workers are with a document whose state is `queued`."""

    QUEUED = "queued"  # stored; it waits for a worker
    READING = "reading"  # its bytes become text
    CUTTING = "cutting"  # its text becomes passages
    EMBEDDING = "embedding"  # its passages get their vectors


class CreateCollection(BaseModel):
    """A named set of documents to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=COLLECTION_NAME)]
    description: Annotated[str, Field(max_length=500)] = ""


class Collection(BaseModel):
    """A named set of documents.

    `embedder` made its vectors: `minilm` knows meanings, `hashing` only words. Of its `documents`
    so many are `queued`, and so many have `failed`.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    description: str
    documents: int
    chunks: int
    queued: int = 0
    failed: int = 0
    embedder: str
    created_at: datetime


class CollectionUse(BaseModel):
    """What a collection holds and who needs it: what deleting it would take away.

    `bytes` are those of the documents as they were added. `agents` are the names of the active
    ones whose latest version searches the collection.
    """

    model_config = ConfigDict(frozen=True)

    documents: int
    chunks: int
    bytes: int
    agents: list[str]


class NewDocument(BaseModel):
    """A document by JSON: text of one of the media types that are text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(max_length=300)] = ""
    source: Annotated[str, Field(max_length=2000, description="Path or address, for people.")] = ""
    media_type: Literal["text/markdown", "text/plain", "text/html", "text/csv"] = "text/markdown"
    text: Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT_BYTES)]


class Document(BaseModel):
    """A document as it stands; `reason` says why it failed.

    `stage` is null unless it is queued; while it is `embedding`, `embedded` of `to_embed` passages
    have their vectors. `chunks` can be found: of the former content, until the new one is ready.
    `version` counts the changes of all this; of two answers, the newer has the greater one.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    collection: str
    title: str
    source: str
    media_type: str
    bytes: int
    sha256: str
    state: DocumentState
    chunks: int
    reason: str | None = None
    stage: DocumentStage | None = None
    embedded: int = 0
    to_embed: int = 0
    created_at: datetime
    changed_at: datetime = Field(description="When its content changed last.")
    version: int


class KnowledgeChange(BaseModel):
    """What the feed `knowledge:<team>` says: something of this collection changed.

    A document as it stands now; or the id of one that is gone; or neither, when the collection was
    made or deleted, or many of its documents changed at once. What the feed lost is lost: who comes
    back reads the lists again.
    """

    model_config = ConfigDict(frozen=True)

    collection: str
    document: Document | None = None
    removed: str | None = None


class Chunk(BaseModel):
    """A passage in its place: the `ordinal`-th of its document, from 0."""

    model_config = ConfigDict(frozen=True)

    id: str
    ordinal: int
    location: str
    text: str


class SearchRequest(BaseModel):
    """Words to find passages for; no collection named means all of the team's.

    `by` takes one half of the search alone, in its own order. With `explain` each passage says
    where the words of the query stand in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    collections: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    limit: Annotated[int, Field(ge=1, le=50)] = 8
    by: Literal["fused", "meaning", "words"] = "fused"
    explain: bool = False


Span = tuple[int, int]  # begin and end, in characters


class Matches(BaseModel):
    """Where the words of a query stand in a passage, by the stems the search compares."""

    model_config = ConfigDict(frozen=True)

    title: list[Span]
    location: list[Span]
    text: list[Span]


class Passage(BaseModel):
    """A piece of a document that answers a search.

    Scores: `score` is fused (reciprocal ranks, higher is nearer), `vector_score` cosine similarity
    (-1 to 1), `text_score` the full-text rank; None where that search did not find it. The ranks
    count from 1 in each half: `score` is the sum of 1 / (60 + rank). It is the `ordinal`-th, from
    0, of the document's `chunks`.
    """

    model_config = ConfigDict(frozen=True)

    chunk: str
    document: str
    collection: str
    title: str
    source: str
    location: str
    text: str
    score: float
    vector_score: float | None = None
    text_score: float | None = None
    vector_rank: int | None = None
    text_rank: int | None = None
    ordinal: int
    chunks: int
    changed_at: datetime = Field(description="When its document's content changed last.")
    matches: Matches | None = Field(default=None, description="With `explain`.")


class SearchAnswer(BaseModel):
    """Passages, best first; `embedder` says what the vectors know (`hashing`: words only)."""

    model_config = ConfigDict(frozen=True)

    passages: list[Passage]
    embedder: str
    seconds: float = Field(default=0.0, description="How long it took the hub to find them.")


class NearestRequest(BaseModel):
    """A query, and a passage it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    chunk: Annotated[str, Field(max_length=64, description="Id of the passage.")]


class NearestSentence(BaseModel):
    """The sentence of a passage whose vector is nearest to the query's; `hashing` knows words only.

    `span` is where it stands in the passage's text, `similarity` its cosine (-1 to 1).
    """

    model_config = ConfigDict(frozen=True)

    span: Span
    similarity: float
    embedder: str
