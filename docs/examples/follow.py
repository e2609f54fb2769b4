# Follows a task from its first event to its last: python follow.py TASK
import asyncio
import os
import sys

from centrifuge import (
    Client,
    ClientEventHandler,
    DisconnectedContext,
    PublicationContext,
    StreamPosition,
    SubscriptionEventHandler,
)

LAST = {"task.completed", "task.failed", "task.canceled", "task.rejected"}


class Connection(ClientEventHandler):
    def __init__(self, over: asyncio.Event) -> None:
        self.over = over

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        if ctx.code >= 100:  # below are our own; on a cut the client comes back by itself
            print(ctx.reason, file=sys.stderr)
        self.over.set()


class Task(SubscriptionEventHandler):
    def __init__(self, over: asyncio.Event) -> None:
        self.over = over

    async def on_publication(self, ctx: PublicationContext) -> None:
        print(ctx.pub.offset, ctx.pub.data["type"])  # the offset is the event's version
        if ctx.pub.data["type"] in LAST:
            self.over.set()


async def beginning(channel: str) -> StreamPosition:
    """After no event at all; later the client goes on from what it has seen."""
    return StreamPosition(offset=0, epoch="")


async def main(task: str) -> None:
    over = asyncio.Event()
    url = os.environ["PYGENT_URL"].replace("http", "ws", 1) + "/connection/websocket"
    client = Client(url, events=Connection(over), token=os.environ["PYGENT_API_KEY"])
    subscription = client.new_subscription(f"task:{task}", events=Task(over), get_state=beginning)
    await subscription.subscribe()
    await client.connect()
    await over.wait()
    await client.disconnect()


asyncio.run(main(sys.argv[1]))
