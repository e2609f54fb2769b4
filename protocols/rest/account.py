"""Routes about the one who asks, and about what this factory offers."""

from fastapi import APIRouter

from protocols.channels import Namespace, feed_channel
from protocols.principals import Principal
from protocols.rest.backing import Asking, Backed
from protocols.rest.bodies import StrictRoute
from protocols.rest.resources import Channels, Me, Models

router = APIRouter(route_class=StrictRoute, tags=["account"])


@router.get("/me", summary="Who am I")
async def me(asking: Asking) -> Me:
    """The principal behind the session or key, and the feeds of its team."""
    return describe(asking)


@router.get("/models", summary="List model providers")
async def models(backed: Backed, _: Asking) -> Models:
    """Providers by name, with the environment variable that configures each."""
    return Models(items=backed.models())


def describe(principal: Principal) -> Me:
    """The principal as `/me` shows it."""
    return Me(
        name=principal.name,
        actor=principal.actor,
        team=principal.team,
        role=principal.role,
        channels=Channels(
            tasks=feed_channel(Namespace.TASKS, principal.team),
            agents=feed_channel(Namespace.AGENTS, principal.team),
            overview=feed_channel(Namespace.OVERVIEW, principal.team),
            knowledge=feed_channel(Namespace.KNOWLEDGE, principal.team),
        ),
    )
