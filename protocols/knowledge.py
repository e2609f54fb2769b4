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


class CreateCollection(BaseModel):
    """A named set of documents to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=COLLECTION_NAME)]
    description: Annotated[str, Field(max_length=500)] = ""


class Collection(BaseModel):
    """A named set of documents.

    `embedder` made its vectors: `minilm` knows meanings, `hashing` only words.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    description: str
    documents: int
    chunks: int
    embedder: str
    created_at: datetime


class NewDocument(BaseModel):
    """A document by JSON: text of one of the media types that are text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(max_length=300)] = ""
    source: Annotated[str, Field(max_length=2000, description="Path or address, for people.")] = ""
    media_type: Literal["text/markdown", "text/plain", "text/html"] = "text/markdown"
    text: Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT_BYTES)]


class Document(BaseModel):
    """A document as it stands; `reason` says why it failed."""

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
    created_at: datetime


class SearchRequest(BaseModel):
    """Words to find passages for; no collection named means all of the team's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    collections: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    limit: Annotated[int, Field(ge=1, le=50)] = 8


class Passage(BaseModel):
    """A piece of a document that answers a search.

    Scores: `score` is fused (reciprocal ranks, higher is nearer), `vector_score` cosine similarity
    (-1 to 1), `text_score` the full-text rank; None where that search did not find it.
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


class SearchAnswer(BaseModel):
    """Passages, best first; `embedder` says what the vectors know (`hashing`: words only)."""

    model_config = ConfigDict(frozen=True)

    passages: list[Passage]
    embedder: str
