"""This hub among the others: what it is called, and what it makes of what they tell and ask it.

Heard on a connection of its own, so that a crowd of publications holds no message up. What is to be
told and asked, and what it means, stands with whoever says so by `Hearing.on`.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from secrets import token_hex

import anyio

from store.connect import Store
from store.redis.control import Control, Hear
from store.redis.listener import Listener, Reconnected
from store.redis.messages import Message, check_name
from store.redis.realtime import Realtime, open_realtime

NODE_BYTES = 8


class Hearing:
    """What is made of each kind of message; of a kind that is not known, nothing."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Hear] = {}

    def on(self, kind: str, hear: Hear) -> None:
        """From now on messages of this kind are given to this function, which waits for nothing.

        Raises:
            InvalidRequest: No kind can be called so.
            ValueError: Somebody hears them already.
        """
        check_name(kind)
        if kind in self._by_kind:
            raise ValueError(f"messages of kind {kind!r} are heard already")
        self._by_kind[kind] = hear

    def __call__(self, message: Message) -> bytes | None:
        """The answer; None: there is none to give."""
        hear = self._by_kind.get(message.kind)
        return hear(message) if hear else None


def new_node() -> str:
    """What a process is called by its clients, on the roll and by the others.

    New with each start; it tells nothing of the machine.
    """
    return f"hub-{token_hex(NODE_BYTES)}"


@asynccontextmanager
async def open_neighbours(store: Store, node: str, hearing: Hearing) -> AsyncGenerator[Realtime]:
    """What Redis keeps for the realtime hub, at work until the end of the block; hubs are heard.

    Args:
        store: Open.
        node: What this process is called.
        hearing: What it makes of what it hears; it may learn later.
    """
    addresses = store.addresses
    async with (
        open_realtime(
            addresses.redis, prefix=addresses.redis_prefix, node=node, hear=hearing
        ) as realtime,
        store.broker.listen() as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(_hear, listener, realtime.control)
        try:
            yield realtime
        finally:
            group.cancel_scope.cancel()


async def _hear(listener: Listener, control: Control) -> None:
    for channel in control.channels:
        await listener.subscribe(channel)
    async for heard in listener:
        if not isinstance(heard, Reconnected):
            control.receive(heard[1])
