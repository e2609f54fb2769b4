"""A hub with nothing but its live endpoint, as a program that tests may kill.

    python -m tests.conformance.serve DATABASE REDIS PREFIX PORT

Tokens are taken at their word: `team-<n>` is the owner of that team, `expires-<seconds>` one of
team 1 who soon has to refresh; anything else is refused.
"""

import contextlib
import sys
import time
from collections.abc import AsyncGenerator

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute

from hub.live import open_hub
from hub.server import HubServer, server_config
from protocols.errors import Unauthenticated, Unavailable
from protocols.principals import Actor, Principal, Role, TeamId
from protocols.websocket.routes import PATH, Sockets, endpoint
from store.connect import Addresses, open_store


class Tokens:
    """Test credentials that can be revoked."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.is_away = False

    async def authenticate(self, headers: Headers, token: str | None) -> Principal:
        if self.is_away:
            raise Unavailable("identity is away")
        kind, _, value = (token or "").partition("-")
        if token in self.revoked or not value.isdigit():
            raise Unauthenticated("this is no token")
        is_short = kind == "expires"
        return Principal(
            actor=Actor(f"key:{kind}"),
            team=TeamId(1 if is_short else int(value)),
            role=Role.OWNER,
            name="test",
            expires_at=time.time() + int(value) if is_short else None,
        )


def application(sockets: Sockets) -> Starlette:
    return Starlette(routes=[WebSocketRoute(PATH, endpoint(lambda _: sockets))])


@contextlib.asynccontextmanager
async def open_sockets(addresses: Addresses, tokens: Tokens) -> AsyncGenerator[Sockets]:
    async with open_store(addresses, pool_size=4) as store, open_hub(store) as live:
        yield Sockets(live, tokens.authenticate)


async def main() -> None:
    database, redis, prefix, port = sys.argv[1:]
    addresses = Addresses(database=database, redis=redis, redis_prefix=prefix)
    async with open_sockets(addresses, Tokens()) as sockets:
        config = server_config(application(sockets), port=int(port))
        await HubServer(config, drain=sockets.drain).serve()


if __name__ == "__main__":
    anyio.run(main, backend_options={"use_uvloop": True})
