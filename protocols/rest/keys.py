"""Routes of API keys. Only owners may use them."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from protocols.operations.keys import ApiKey, CreatedKey, CreateKey
from protocols.operations.listings import Listing
from protocols.rest.backing import AskedKeys
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["keys"])


@router.post("/keys", status_code=status.HTTP_201_CREATED, summary="Create an API key")
async def create(request: CreateKey, asked: AskedKeys) -> CreatedKey:
    """A key exists. `token` is shown this once: only its hash is kept."""
    return await asked.create(request)


@router.get("/keys", summary="List API keys")
async def keys(asked: AskedKeys) -> Listing[ApiKey]:
    """All keys of the team, newest first, revoked ones too."""
    return Listing(items=await asked.list())


@router.delete("/keys/{key_id}", summary="Revoke an API key")
async def revoke(key_id: Annotated[str, Path(max_length=64)], asked: AskedKeys) -> ApiKey:
    """The key opens nothing any more, within five seconds everywhere."""
    return await asked.revoke(key_id)
