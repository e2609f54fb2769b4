"""Routes of collections, documents and search. Documents arrive as multipart or as JSON."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from starlette.requests import Request

from protocols.knowledge import (
    Chunk,
    Collection,
    CollectionUse,
    CreateCollection,
    Document,
    DocumentState,
    NearestRequest,
    NearestSentence,
    SearchAnswer,
    SearchRequest,
)
from protocols.operations.listings import Listing
from protocols.rest.backing import Asked, NamePath
from protocols.rest.bodies import DocumentRoute, StrictRoute
from protocols.rest.uploads import BODY, read_upload

router = APIRouter(route_class=StrictRoute, tags=["knowledge"])
uploads = APIRouter(route_class=DocumentRoute, tags=["knowledge"])

Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Wait = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for the workers to make it searchable."),
]
State = Annotated[DocumentState | None, Query(description="Only those in this state.")]
Start = Annotated[int, Query(ge=0, lt=2**31, description="Number of the first passage, from 0.")]
DocumentPath = Annotated[str, Path(max_length=64, description="Id of the document.")]


@router.post("/collections", status_code=status.HTTP_201_CREATED, summary="Create a collection")
async def create(request: CreateCollection, asked: Asked) -> Collection:
    """The collection exists and is empty."""
    return await asked.knowledge.create(request)


@router.get("/collections", summary="List collections")
async def collections(
    asked: Asked, cursor: Cursor = None, limit: Limit = 50
) -> Listing[Collection]:
    """Collections of the team by name."""
    return await asked.knowledge.list(cursor=cursor, limit=limit)


@router.get("/collections/{name}", summary="Read a collection")
async def collection(name: NamePath, asked: Asked) -> Collection:
    """One collection with its counts."""
    return await asked.knowledge.get(name)


@router.get("/collections/{name}/use", summary="Say what a collection holds")
async def use(name: NamePath, asked: Asked) -> CollectionUse:
    """What is in it and which agents search it: what deleting it would take away."""
    return await asked.knowledge.use(name)


@router.delete(
    "/collections/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a collection",
)
async def delete(name: NamePath, asked: Asked) -> None:
    """The collection, its documents and passages are gone."""
    await asked.knowledge.delete(name)


@uploads.post(
    "/collections/{name}/documents",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Add a document",
    openapi_extra=BODY,
)
async def add(name: NamePath, request: Request, asked: Asked, wait: Wait = 0.0) -> Document:
    """The document is stored and queued; at most 20 MiB of Markdown, text, HTML, CSV or PDF.

    The same content under the same source is the same document; other content replaces it.
    """
    upload = await read_upload(request)
    return await asked.knowledge.add(
        name,
        upload.content,
        title=upload.title,
        source=upload.source,
        media_type=upload.media_type,
        wait=wait,
    )


@router.get("/collections/{name}/documents", summary="List documents")
async def documents(
    name: NamePath, asked: Asked, cursor: Cursor = None, limit: Limit = 50, state: State = None
) -> Listing[Document]:
    """Documents of a collection, newest first."""
    return await asked.knowledge.documents(name, cursor=cursor, limit=limit, state=state)


@router.get("/collections/{name}/documents/{document_id}", summary="Read a document")
async def document(name: NamePath, document_id: DocumentPath, asked: Asked) -> Document:
    """One document and how far the workers are with it."""
    return await asked.knowledge.document(name, document_id)


@router.get("/collections/{name}/documents/{document_id}/chunks", summary="Read its passages")
async def chunks(
    name: NamePath,
    document_id: DocumentPath,
    asked: Asked,
    start: Start = 0,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listing[Chunk]:
    """The passages of a document in their order."""
    return await asked.knowledge.chunks(name, document_id, start=start, cursor=cursor, limit=limit)


@router.post(
    "/collections/{name}/documents/{document_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Try a document again",
)
async def retry(name: NamePath, document_id: DocumentPath, asked: Asked) -> Document:
    """A document that failed is queued again."""
    return await asked.knowledge.retry(name, document_id)


@router.delete(
    "/collections/{name}/documents/{document_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a document",
)
async def remove(name: NamePath, document_id: DocumentPath, asked: Asked) -> None:
    """The document and its passages are gone."""
    await asked.knowledge.remove(name, document_id)


@router.post("/search", summary="Search passages")
async def search(request: SearchRequest, asked: Asked) -> SearchAnswer:
    """Passages for the words, best first, by meaning and by words fused."""
    return await asked.knowledge.search(request)


@router.post("/search/nearest", summary="Find the nearest sentence")
async def nearest(request: NearestRequest, asked: Asked) -> NearestSentence:
    """The sentence of a passage that is nearest to the query in meaning."""
    return await asked.knowledge.nearest(request)
