"""Subscribers as a program: a lean client of the protocol's JSON form, many times over.

    python -m tests.faults.following RECORD < PLAN

Each follows its channels on one of the hubs, reconnects and recovers by epoch and offset as the
official clients do, and writes down what it is told, in order; what that means is for the judge.
Every other one is told what changed in the place of the whole, where there is such a thing.
Now and then it changes over to some hub by itself, as somebody does who walks out of a house.
The plan is one line of JSON; it ends when its input does.

Lines of the record: `["joined", who, channel, epoch, offset, recovering, recovered, at]`,
`["told", who, channel, offset, number, at]`, `["refused", who, channel, code, at]`,
`["closed", who, code, at]`; `at` is on the machine's monotonic clock.
"""

import json
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any

import anyio
import anyio.to_thread
from centrifuge.fossil import apply_delta
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

FIRST_BACK_OFF_SECONDS, MOST_BACK_OFF_SECONDS = 0.2, 2.0
OPEN_SECONDS = 5.0
PING_SECONDS = 35.0  # the server's 25 and ten more, as the official clients wait
AGAIN_SECONDS = 0.3
NOT_AGAIN = range(3500, 4000)


@dataclass(slots=True)
class Position:
    """Where a subscriber stands in a channel."""

    epoch: str
    offset: int


class Subscriber:
    """One of them, with its channels.

    Attributes:
        is_in: It has been subscribed to each of its channels.
    """

    def __init__(
        self, who: int, channels: Sequence[str], *, plan: dict[str, Any], record: IO[str]
    ) -> None:
        self._who = who
        self._channels = channels
        self._urls: list[str] = plan["urls"]
        self._token: str = plan["token"]
        self._stays_seconds: float = plan["stays_seconds"]
        self._record = record
        self._dice = random.Random(plan["seed"] * 1_000_003 + who)
        self._positions: dict[str, Position] = {}
        self._whole: dict[str, bytes] = {}  # the last publication, where changes are told
        self._asked: dict[int, str] = {}
        self._last_id = 1

    @property
    def is_in(self) -> bool:
        return len(self._positions) == len(self._channels)

    async def run(self) -> None:
        """Follow until cancelled, or told not to come back."""
        first, failures = self._who, 0
        while True:
            url = self._urls[(first + failures) % len(self._urls)]
            try:
                async with connect(
                    url,
                    compression=None,
                    max_size=None,
                    ping_interval=None,
                    open_timeout=OPEN_SECONDS,
                    close_timeout=0.2,
                    proxy=None,
                ) as socket:
                    code = await self._follow(socket)
            except (OSError, WebSocketException, TimeoutError):
                failures += 1
            else:
                self._note("closed", code)
                if code in NOT_AGAIN:
                    return
                first, failures = self._dice.randrange(len(self._urls)), 0
            back_off = min(FIRST_BACK_OFF_SECONDS * 2 ** min(failures, 5), MOST_BACK_OFF_SECONDS)
            await anyio.sleep(self._dice.uniform(0.05, back_off))

    async def _follow(self, socket: ClientConnection) -> int:
        """One connection; why it was closed."""
        self._asked.clear()
        connect_command = {"id": 1, "connect": {"token": self._token}}
        await socket.send(self._spelled(connect_command, *map(self._subscribe, self._channels)))
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._change_over, socket)
                while True:
                    with anyio.fail_after(PING_SECONDS):
                        frame = await socket.recv()
                    for line in str(frame).split("\n"):
                        if channel := await self._hear(json.loads(line), socket):
                            group.start_soon(self._again, socket, channel)
        except* ConnectionClosed:
            pass
        return socket.close_code or 1006

    async def _change_over(self, socket: ClientConnection) -> None:
        await anyio.sleep(self._dice.expovariate(1 / self._stays_seconds))
        await socket.close()

    async def _again(self, socket: ClientConnection, channel: str) -> None:
        await anyio.sleep(self._dice.uniform(0, AGAIN_SECONDS))
        await socket.send(self._spelled(self._subscribe(channel)))

    def _subscribe(self, channel: str) -> dict[str, Any]:
        self._last_id += 1
        self._asked[self._last_id] = channel
        wish: dict[str, Any] = {"channel": channel, "recoverable": True}
        if self._who % 2:  # granted where the namespace has them
            wish["delta"] = "fossil"
        if stands := self._positions.get(channel):
            wish |= {"recover": True, "epoch": stands.epoch, "offset": stands.offset}
        return {"id": self._last_id, "subscribe": wish}

    async def _hear(self, message: dict[str, Any], socket: ClientConnection) -> str | None:
        """The channel to subscribe to again, if any."""
        if not message:
            await socket.send("{}")
        elif push := message.get("push"):
            if publication := push.get("pub"):
                self._told(push["channel"], publication)
            elif "unsubscribe" in push:
                return push["channel"]
        elif channel := self._asked.pop(message.get("id", 0), None):
            if error := message.get("error"):
                self._note("refused", channel, error["code"])
                return channel
            self._joined(channel, message["subscribe"])
        elif error := message.get("error"):
            self._note("refused", "", error["code"])
            await socket.close()
        return None

    def _joined(self, channel: str, reply: dict[str, Any]) -> None:
        is_recovering = channel in self._positions
        stands = Position(reply.get("epoch", ""), reply.get("offset", 0))
        has_recovered = reply.get("recovered", False)
        self._note("joined", channel, stands.epoch, stands.offset, is_recovering, has_recovered)
        self._positions[channel] = stands
        self._whole.pop(channel, None)
        if reply.get("delta"):
            self._whole[channel] = b""
        for publication in reply.get("publications", ()):
            self._told(channel, publication)

    def _told(self, channel: str, publication: dict[str, Any]) -> None:
        offset = publication.get("offset", 0)
        data = publication["data"]
        if channel in self._whole:  # in text: the whole, or what changed
            text: bytes = data.encode()
            if publication.get("delta"):
                text = bytes(apply_delta(self._whole[channel], text))
            self._whole[channel] = text
            data = json.loads(text)
        self._note("told", channel, offset, number_in(data))
        self._positions[channel].offset = offset

    def _note(self, kind: str, *words: object) -> None:
        line = [kind, self._who, *words, round(monotonic(), 3)]
        self._record.write(json.dumps(line) + "\n")

    @staticmethod
    def _spelled(*commands: object) -> str:
        return "\n".join(json.dumps(command) for command in commands)


def number_in(data: dict[str, Any]) -> int:
    """What the writer counts by: plain in an application's, within an event's text in the log's."""
    return data["n"] if "n" in data else int(data["data"]["text"].split()[0])


async def follow(plan: dict[str, Any], record: IO[str]) -> None:
    """All of them, until nothing more is read from the standard input."""
    followed: list[list[str]] = plan["subscribers"]
    subscribers = [
        Subscriber(who, channels, plan=plan, record=record) for who, channels in enumerate(followed)
    ]
    async with anyio.create_task_group() as group:
        for subscriber in subscribers:
            group.start_soon(subscriber.run)
            await anyio.sleep(0.002)
        while not all(subscriber.is_in for subscriber in subscribers):
            await anyio.sleep(0.05)
        print("all are in", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
        group.cancel_scope.cancel()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as file, suppress(KeyboardInterrupt):
        anyio.run(
            follow, json.loads(sys.stdin.readline()), file, backend_options={"use_uvloop": True}
        )
