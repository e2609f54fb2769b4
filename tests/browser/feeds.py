"""A hub that only publishes what a test says: for what feeds tell while nobody scrolls by chance.

Speaks the JSON of the Centrifugal protocol as far as a page asks: connect, subscribe, unsubscribe.
"""

import json
from dataclasses import dataclass, field

from playwright.sync_api import Page, WebSocketRoute


@dataclass(kw_only=True)
class Feeds:
    """The feeds of one page; `attached` puts them in the place of the real ones."""

    page: Page
    sockets: list[WebSocketRoute] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    def publish(self, channel: str, data: object) -> None:
        """Once the page listens, whatever it does meanwhile."""
        self.page.wait_for_function("() => document.querySelector('.light-badge.live')")
        while channel not in self.channels:
            self.page.wait_for_timeout(20)
        push = {"push": {"channel": channel, "pub": {"data": data}}}
        self.sockets[-1].send(json.dumps(push))

    def take(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda message: self._answer(socket, str(message)))

    def _answer(self, socket: WebSocketRoute, message: str) -> None:
        for line in message.splitlines():
            command = json.loads(line)
            if "connect" in command:
                said = {"connect": {"client": "c", "version": "1", "ping": 25, "pong": True}}
            elif "subscribe" in command:
                self.channels.append(command["subscribe"]["channel"])
                said = {"subscribe": {}}
            elif "unsubscribe" in command:
                said = {"unsubscribe": {}}
            else:
                continue  # a pong
            socket.send(json.dumps({"id": command["id"], **said}))


def attached(page: Page) -> Feeds:
    """The page again, with feeds that say what `publish` is given."""
    feeds = Feeds(page=page)
    page.route_web_socket("**/connection/websocket", feeds.take)
    page.reload()
    return feeds
