"""Routes about the realtime hub: its processes, connections and channels, and now."""

from typing import Annotated

from fastapi import APIRouter, Query

from protocols.operations.hubs import (
    ChannelList,
    ChannelNow,
    ChannelsQuery,
    ClientList,
    ClientsQuery,
    CloseClients,
    Closed,
    HubsNow,
)
from protocols.rest.backing import AskedHubs
from protocols.rest.bodies import StrictRoute

router = APIRouter(prefix="/hub", route_class=StrictRoute, tags=["hub"])


@router.get("", summary="Look at every hub")
async def now(hubs: AskedHubs) -> HubsNow:
    """Each hub process, and what the team has there: connections, channels, deliveries, recoveries.

    For operators and owners. A hub that does not answer within a second is named in `silent`.
    """
    return await hubs.now()


@router.get("/connections", summary="List connections")
async def clients(query: Annotated[ClientsQuery, Query()], hubs: AskedHubs) -> ClientList:
    """Connections of the team on all hubs, the longest there first; `search` finds one."""
    return await hubs.clients(query)


@router.post("/disconnect", summary="Close connections")
async def close(request: CloseClients, hubs: AskedHubs) -> Closed:
    """Close one connection, or all of a user, wherever they are.

    They are told not to come back by themselves, unless `is_final` is false: then they come back
    at once, with their positions.
    """
    return await hubs.close(request)


@router.get("/channels", summary="List open channels")
async def channels(query: Annotated[ChannelsQuery, Query()], hubs: AskedHubs) -> ChannelList:
    """Channels that somebody of the team is in, those with most subscribers first."""
    return await hubs.channels(query)


@router.get("/channel", summary="Look at a channel")
async def channel(
    name: Annotated[str, Query(min_length=1, max_length=255, description="Its whole name.")],
    hubs: AskedHubs,
) -> ChannelNow:
    """Where it stands, who is in it and what came last, whether or not somebody is in it."""
    return await hubs.channel(name)
