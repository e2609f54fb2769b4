"""The realtime hub looked at, over HTTP."""

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
from protocols.rest.client_http import Http


class RestHubs:
    """Keeps the promise `protocols.operations.hubs.Hubs`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def now(self) -> HubsNow:
        """Every process, and what the team has there."""
        return await self._http.model("GET", "/hub", HubsNow)

    async def clients(self, query: ClientsQuery) -> ClientList:
        """Connections of the team."""
        values = query.model_dump(exclude_defaults=True)
        return await self._http.model("GET", "/hub/connections", ClientList, query=values)

    async def channels(self, query: ChannelsQuery) -> ChannelList:
        """Channels that somebody of the team is in."""
        values = query.model_dump(exclude_defaults=True)
        return await self._http.model("GET", "/hub/channels", ChannelList, query=values)

    async def channel(self, name: str) -> ChannelNow:
        """One channel."""
        return await self._http.model("GET", "/hub/channel", ChannelNow, query={"name": name})

    async def close(self, request: CloseClients) -> Closed:
        """Those connections are closed."""
        return await self._http.model("POST", "/hub/disconnect", Closed, body=request)
