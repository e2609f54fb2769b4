"""What the process that serves the routes gives them, and how a route asks for it.

The hub puts one `Backing` into `application.state.backing` when it starts; the routes know nothing
else of the hub.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import HTTPConnection, Request

from protocols.errors import Unavailable
from protocols.operations.channels import Channels
from protocols.operations.factory import Factory
from protocols.operations.hubs import Hubs
from protocols.operations.keys import Keys
from protocols.operations.models import ModelTrials
from protocols.operations.namespaces import NamespaceOperations
from protocols.operations.system import Systems
from protocols.principals import Principal
from protocols.quotas import Quotas
from protocols.rest.resources import ModelProvider

PRINCIPAL = "pygent.principal"  # in a request's scope, once it is known who asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Everything behind the routes.

    Attributes:
        authenticate: Who sends this request; raises Unauthenticated.
        factory: The operations as that principal may use them.
        keys: The API keys as that principal may use them.
        channels: Everything that can be watched.
        models: The model providers found in the environment.
        system: The factory's own state as that principal may see it.
        hubs: The realtime hub as that principal may look at it.
        trials: Trying models as that principal.
        namespaces: Namespaces of application channels as that principal may change them.
        quotas: How many streams and uploads may be open at once.
    """

    authenticate: Callable[[HTTPConnection], Awaitable[Principal]]
    factory: Callable[[Principal], Factory]
    keys: Callable[[Principal], Keys]
    channels: Channels
    models: Callable[[], list[ModelProvider]]
    system: Callable[[Principal], Systems]
    hubs: Callable[[Principal], Hubs]
    trials: Callable[[Principal], ModelTrials]
    namespaces: Callable[[Principal], NamespaceOperations]
    quotas: Quotas


def backing(request: Request) -> Backing:
    """What the hub gave, outside of a route's arguments.

    Raises:
        Unavailable: The hub is starting or stopping.
    """
    given: object = getattr(request.app.state, "backing", None)
    if not isinstance(given, Backing):
        raise Unavailable("the hub is not ready yet; try again in a moment")
    return given


def address_of(request: Request) -> str:
    """Where the request came from."""
    return request.client.host if request.client else ""


async def _backing(request: Request) -> Backing:
    return backing(request)  # async, as all of these: a plain function would cost a thread


Backed = Annotated[Backing, Depends(_backing)]


async def principal(request: Request, given: Backed) -> Principal:
    """Who asks; judged once a request."""
    known: object = request.scope.get(PRINCIPAL)
    if isinstance(known, Principal):
        return known
    asking = await given.authenticate(request)
    request.scope[PRINCIPAL] = asking
    return asking


Asking = Annotated[Principal, Depends(principal)]


async def factory(given: Backed, asking: Asking) -> Factory:
    """The operations, for the one who asks."""
    return given.factory(asking)


async def keys(given: Backed, asking: Asking) -> Keys:
    """The API keys, for the one who asks."""
    return given.keys(asking)


async def namespaces(given: Backed, asking: Asking) -> NamespaceOperations:
    """The namespaces, for the one who asks."""
    return given.namespaces(asking)


async def hubs(given: Backed, asking: Asking) -> Hubs:
    """The realtime hub, for the one who asks."""
    return given.hubs(asking)


Asked = Annotated[Factory, Depends(factory)]
AskedKeys = Annotated[Keys, Depends(keys)]
AskedNamespaces = Annotated[NamespaceOperations, Depends(namespaces)]
AskedHubs = Annotated[Hubs, Depends(hubs)]
TaskPath = Annotated[str, Path(max_length=64, description="Id of the task.")]
NamePath = Annotated[str, Path(max_length=128, description="Name or id.")]
