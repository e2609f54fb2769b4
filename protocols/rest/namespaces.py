"""Routes of namespaces of application channels. Only owners change them."""

from typing import Annotated

from fastapi import APIRouter, Path

from protocols.operations.listings import Listing
from protocols.operations.namespaces import UNNAMED, Namespace, NamespaceRules
from protocols.rest.backing import AskedNamespaces
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["namespaces"])

NamePath = Annotated[
    str, Path(max_length=64, description="Its name; `-` stands for channels without a colon.")
]


@router.get("/namespaces", summary="List namespaces")
async def namespaces(asked: AskedNamespaces) -> Listing[Namespace]:
    """All namespaces of application channels by name, with all their rules."""
    return Listing(items=await asked.list())


@router.put("/namespaces/{name}", summary="Make or change a namespace")
async def put(name: NamePath, rules: NamespaceRules, asked: AskedNamespaces) -> Namespace:
    """There is a namespace of this name with these rules; every hub has it within seconds.

    What is left out is as it is by default. Clients in its channels subscribe again by themselves.
    """
    return await asked.put(_named(name), rules)


@router.delete("/namespaces/{name}", summary="Delete a namespace")
async def delete(name: NamePath, asked: AskedNamespaces) -> Namespace:
    """Its channels are no channels any more. What was published stays until its time is over."""
    return await asked.delete(_named(name))


def _named(name: str) -> str:
    return "" if name == UNNAMED else name
