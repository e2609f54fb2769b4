"""One socket: reads frames, carries out what its session decides, writes what its outbox holds.

The rules stand in `session.py`, what it does with channels in `memberships.py`; all is spelled in
the form that was agreed on. A socket that does not drain is closed as slow; everything else that
waits is written before a close.
"""

import logging
import random
import time
import uuid
from contextlib import suppress
from typing import assert_never

import anyio
from starlette.websockets import WebSocketDisconnect

from protocols.centrifugal import codes
from protocols.centrifugal.admission import Admission
from protocols.centrifugal.arrival import Arrival
from protocols.centrifugal.backing import Backing
from protocols.centrifugal.caller import Caller
from protocols.centrifugal.channel_requests import ChannelRequests
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.decisions import (
    Authenticate,
    Call,
    Close,
    CountPresence,
    Decision,
    End,
    Message,
    Publish,
    ReadHistory,
    ReadPresence,
    Refresh,
    RefreshSubscription,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.frames import Frames
from protocols.centrifugal.hooked import Hooked
from protocols.centrifugal.memberships import Memberships
from protocols.centrifugal.outbox import Outbox
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.remote_calls import RemoteCalls
from protocols.centrifugal.server_side import ServerSide
from protocols.centrifugal.session import Session
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.visitor import Visitor

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 3.0  # a revoked key or an ended session closes its sockets within five
LOOK_SECONDS = 5.0  # at most so long between looks at the deadlines, which move
GOODBYE_SECONDS = 1.0
MOST_NAMED = 10  # channels in a line of the log


class Connection:
    """Lives as long as its socket.

    Attributes:
        why: It was closed by this side.
        pace: How fast its commands come.
        arrival: How it came.
        server_side: Puts it into channels, and takes it out.
    """

    def __init__(
        self,
        frames: Frames,
        caller: Caller,
        backing: Backing,
        *,
        pace: Pace,
        arrival: Arrival,
    ) -> None:
        self.why: Disconnect | None = None
        self.pace = pace
        self.arrival = arrival
        channels = backing.channels
        self._frames = frames
        self._form = frames.form
        self._caller = caller
        self._session = Session(
            str(uuid.uuid4()),
            version=backing.version,
            now=time.monotonic(),
            first_ping=random.random(),  # noqa: S311  spreads pings, no secret
            pace=pace,
            namespaces=channels.namespaces,
        )
        if self._form.is_unidirectional:
            self._session.expect_no_more()
        self._outbox = Outbox(self._form.separator)
        self._teller = Teller(self._form, self._outbox, self.close)
        self._scope = anyio.CancelScope()
        self._memberships = Memberships(
            self._session,
            caller,
            channels,
            self._teller,
        )
        self._requests = ChannelRequests(
            self._session, caller, channels, self._memberships, self._teller
        )
        self.server_side = ServerSide(
            self._session.subscriptions,
            self._memberships,
            self._teller,
            namespaces=channels.namespaces,
        )
        self._calls = RemoteCalls(caller, backing.procedures, self._teller)
        self._hooked = Hooked(backing.hooks, self._session.client, arrival)
        self._admission = Admission(
            caller, self._session, self.server_side, self._teller, hooked=self._hooked
        )

    @property
    def client(self) -> str:
        """The id it is known by."""
        return self._session.client

    @property
    def visitor(self) -> Visitor | None:
        """Who is connected; None: nobody yet."""
        return self._caller.known if self._admission.is_done else None

    @property
    def is_binary(self) -> bool:
        """Whether it speaks Protobuf."""
        return self._form.is_binary

    @property
    def skipped(self) -> int:
        """How many publications newer ones took the place of, since it was slow."""
        return self._outbox.skipped

    @property
    def queued_bytes(self) -> int:
        """What waits to be written to it."""
        return self._outbox.size

    @property
    def channels(self) -> list[str]:
        """Those it is in."""
        return [one.name for one in self._memberships]

    async def run(self) -> None:
        """Serve the accepted socket until either side closes it."""
        try:
            await self._serve()
            if self.why is not None:
                await self._say_goodbye(self.why)
        finally:
            self._hooked.ended(self.why)
            await self._memberships.depart()

    async def _serve(self) -> None:
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._write)
                    group.start_soon(self._watch)
                    await self._read()
                    self._scope.cancel()
        except Exception:
            who, channels = self._caller.name, sorted(self.channels)[:MOST_NAMED]
            logger.exception("a socket failed", extra={"actor": who, "channels": channels})
            self.why = codes.SERVER_ERROR
        finally:
            self._caller.leave()
            self._outbox.close()
            self._memberships.close()

    def close(self, why: Disconnect) -> None:
        """End it, for the first reason given."""
        if self.why is None:
            self.why = why
            self._scope.cancel()

    def renew(self, expires_at: float | None) -> None:
        """Let a guest stay until then, in seconds since 1970, or for good."""
        self._caller.extend(expires_at)
        self._session.renewed(now=time.monotonic(), expires_in=self._caller.expires_in)

    async def _read(self) -> None:
        while self.why is None:
            match await self._frames.receive():
                case None:
                    return
                case Disconnect() as why:
                    self.close(why)
                case frame:
                    for decision in self._session.receive(self._form.commands(frame)):
                        await self._perform(decision)

    async def _write(self) -> None:
        try:
            await self._outbox.run(self._frames.send)
        except TimeoutError:
            self.close(codes.SLOW)
        except WebSocketDisconnect:
            self._scope.cancel()

    async def _perform(self, decision: Decision) -> None:  # noqa: C901  one arm a kind
        match decision:
            case Send(reply):
                self._teller.tell(reply)
            case Close(why):
                self.close(why)
            case Authenticate():
                if refusal := await self._admission.connect(decision):
                    await self._perform(refusal)
            case Message(data):
                if why := await self._hooked.message(data):
                    self.close(why)
            case Call():
                await self._calls.call(decision)
            case Refresh():
                await self._perform(await self._admission.refresh(decision))
            case Unsubscribe():
                await self._requests.unsubscribe(decision)
            case RefreshSubscription():
                self._requests.refresh(decision)
            case End():
                await self._requests.end(decision)
            case Subscribe() | ReadHistory() | ReadPresence() | CountPresence() | Publish():
                await self._requests.carry_out(decision)
            case _:
                assert_never(decision)

    async def _watch(self) -> None:
        """Pings, deadlines, and whether the one who connected still may."""
        recheck = time.monotonic() + RECHECK_SECONDS
        while True:
            now = time.monotonic()
            if decision := self._session.tick(now):
                await self._perform(decision)
            if now >= recheck:
                if why := await self._caller.recheck():
                    self.close(why)
                left = self._caller.expires_in
                self._session.renewed(now=time.monotonic(), expires_in=left)
                recheck = time.monotonic() + RECHECK_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311
            await self._memberships.settle()
            due = min(self._session.deadline(), recheck)
            await anyio.sleep(min(max(due - time.monotonic(), 0.01), LOOK_SECONDS))

    async def _say_goodbye(self, why: Disconnect) -> None:
        if why is not codes.SLOW:
            with anyio.move_on_after(GOODBYE_SECONDS), suppress(WebSocketDisconnect, RuntimeError):
                await self._outbox.flush(self._frames.send)
        await self._frames.close(why)
