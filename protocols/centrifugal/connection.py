"""One socket: reads frames, carries out what its session decides, writes what its outbox holds.

The rules stand in `session.py`, the publications come from `Channels`. A socket that does not
drain is closed as slow; everything else that waits is written before a close.
"""

import logging
import random
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import assert_never

import anyio
from starlette.datastructures import Headers
from starlette.websockets import WebSocket, WebSocketDisconnect

from protocols.centrifugal import codes, wire
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Decision,
    ReadHistory,
    Refresh,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.outbox import Outbox
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.session import Session
from protocols.errors import (
    FactoryError,
    Forbidden,
    LimitExceeded,
    Unauthenticated,
    Unavailable,
)
from protocols.operations.channels import Batch, Channels, Subscription
from protocols.principals import Principal
from protocols.quotas import Quota, holder_of

logger = logging.getLogger(__name__)

Authenticates = Callable[[Headers, str | None], Awaitable[Principal]]

MAX_MESSAGE_BYTES = 64 * 1024
ANSWER_SECONDS = 4.5  # clients give up on a subscribe after 5
RECHECK_SECONDS = 3.0  # a revoked key or an ended session closes its sockets within five
LOOK_SECONDS = 5.0  # at most so long between looks at the deadlines, which move
GOODBYE_SECONDS = 1.0
MOST_NAMED = 10  # channels in a line of the log


class Connection:
    """A `Reader` of its subscriptions' publications; lives as long as its socket.

    Attributes:
        why: It was closed by this side.
        pace: How fast its commands come.
    """

    def __init__(
        self,
        socket: WebSocket,
        channels: Channels,
        authenticate: Authenticates,
        *,
        version: str,
        quota: Quota,
        pace: Pace,
    ) -> None:
        self.why: Disconnect | None = None
        self.pace = pace
        self._quota = quota
        self._place = ExitStack()  # of the one who connects
        self._socket = socket
        self._channels = channels
        self._authenticate = authenticate
        self._session = Session(
            str(uuid.uuid4()),
            version=version,
            now=time.monotonic(),
            first_ping=random.random(),  # noqa: S311  spreads pings, no secret
            pace=pace,
        )
        self._outbox = Outbox()
        self._scope = anyio.CancelScope()
        self._principal: Principal | None = None
        self._token: str | None = None
        self._subscriptions: dict[str, Subscription] = {}

    async def run(self) -> None:
        """Serve the accepted socket until either side closes it."""
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._write)
                    group.start_soon(self._watch)
                    await self._read()
                    self._scope.cancel()
        except Exception:
            who = self._principal.actor if self._principal else None
            channels = sorted(self._subscriptions)[:MOST_NAMED]
            logger.exception("a socket failed", extra={"actor": who, "channels": channels})
            self.why = codes.SERVER_ERROR
        finally:
            self._place.close()
            self._outbox.close()
            for subscription in self._subscriptions.values():
                subscription.close()
            self._subscriptions.clear()
        if self.why is not None:
            await self._say_goodbye(self.why)

    def close(self, why: Disconnect) -> None:
        """End it, for the first reason given."""
        if self.why is None:
            self.why = why
            self._scope.cancel()

    def offer(self, batch: Batch) -> bool:
        """Queue publications, or refuse them while too much waits."""
        return self._outbox.offer(lambda: batch.spelled(wire.publications_push))

    async def room(self) -> None:
        """Return once a page fits."""
        await self._outbox.room()

    def lose(self, channel: str) -> None:
        """Tell the client to subscribe again."""
        if self._subscriptions.pop(channel, None):
            self._put(self._session.lost(channel))

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text: str | None = message.get("text")
            if text is None:
                self.close(codes.INAPPROPRIATE_PROTOCOL)
            elif len(text) > MAX_MESSAGE_BYTES:
                self.close(codes.TOO_BIG)
            else:
                for decision in self._session.receive(text):
                    await self._perform(decision)
            if self.why is not None:
                return

    async def _write(self) -> None:
        try:
            await self._outbox.run(self._write_frame)
        except TimeoutError:
            self.close(codes.SLOW)
        except WebSocketDisconnect:
            self._scope.cancel()

    async def _write_frame(self, frame: bytes) -> None:
        await self._socket.send({"type": "websocket.send", "text": frame.decode()})

    def _put(self, message: bytes) -> None:
        if not self._outbox.put(message):
            self.close(codes.SLOW)

    async def _perform(self, decision: Decision) -> None:  # noqa: C901  one arm a kind
        match decision:
            case Send(data):
                self._put(data)
            case Close(why):
                self.close(why)
            case Unsubscribe(channel, answer):
                if subscription := self._subscriptions.pop(channel, None):
                    subscription.close()
                self._put(answer)
            case Authenticate():
                await self._connect(decision)
            case Refresh():
                await self._refresh(decision)
            case Subscribe():
                await self._subscribe(decision)
            case ReadHistory():
                await self._history(decision)
            case _:
                assert_never(decision)

    async def _connect(self, command: Authenticate) -> None:
        try:
            async with _in_time():
                principal = await self._authenticate(self._socket.headers, command.token)
        except FactoryError as error:
            await self._perform(self._session.refuse_connect(command, error))
            return
        expires_in = _expires_in(principal)
        if expires_in is not None and expires_in <= 0:
            self._put(self._session.refuse_expired(command))
            return
        try:
            self._place.enter_context(self._quota.held_by(holder_of(principal)))
        except LimitExceeded as error:
            logger.warning("a socket was refused", extra={"reason": error.message})
            self.close(codes.CONNECTION_LIMIT)
            return
        self._principal, self._token = principal, command.token
        self._put(self._session.accept(command, now=time.monotonic(), expires_in=expires_in))

    async def _refresh(self, command: Refresh) -> None:
        try:
            async with _in_time():
                principal = await self._authenticate(self._socket.headers, command.token)
        except Unavailable as error:
            self._put(self._session.refuse(command.id, error))
            return
        except FactoryError:
            self.close(codes.INVALID_TOKEN)
            return
        if not self._is_same(principal):
            self.close(codes.INVALID_TOKEN)
            return
        expires_in = _expires_in(principal)
        if expires_in is not None and expires_in <= 0:
            self._put(self._session.refuse_expired(command))
            return
        self._principal, self._token = principal, command.token
        now = time.monotonic()
        self._put(self._session.refreshed(command, now=now, expires_in=expires_in))

    async def _subscribe(self, command: Subscribe) -> None:
        await self._outbox.room()  # an answer may hold a whole page
        try:
            async with _in_time():
                subscription = await self._channels.subscribe(
                    self._known(), self, channel=command.channel, since=command.since
                )
        except FactoryError as error:
            self._put(self._session.refuse(command.id, error))
            return
        if command.must_recover and command.since and not subscription.recovered:
            subscription.close()
            self._put(self._session.unrecoverable(command))
            return
        # No await from here: the answer goes out before anything of the channel.
        self._subscriptions[str(command.channel)] = subscription
        self._put(self._session.subscribed(command, subscription))
        subscription.start()

    async def _history(self, command: ReadHistory) -> None:
        await self._outbox.room()
        try:
            async with _in_time():
                page = await self._channels.history(
                    self._known(),
                    command.channel,
                    since=command.since,
                    limit=command.limit,
                    reverse=command.reverse,
                )
        except FactoryError as error:
            self._put(self._session.refuse(command.id, error))
            return
        if page is None:
            self._put(self._session.unrecoverable(command))
        else:
            self._put(self._session.history(command, page))

    async def _watch(self) -> None:
        """Pings, deadlines, and whether the one who connected still may."""
        recheck = time.monotonic() + RECHECK_SECONDS
        while True:
            now = time.monotonic()
            if decision := self._session.tick(now):
                await self._perform(decision)
            if now >= recheck:
                await self._recheck()
                recheck = time.monotonic() + RECHECK_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311
            due = min(self._session.deadline(), recheck)
            await anyio.sleep(min(max(due - time.monotonic(), 0.01), LOOK_SECONDS))

    async def _recheck(self) -> None:
        if self._principal is None:
            return
        try:
            async with _in_time():
                principal = await self._authenticate(self._socket.headers, self._token)
        except Unauthenticated:
            self.close(codes.INVALID_TOKEN)
        except Forbidden:
            self.close(codes.DENIED)
        except FactoryError as error:
            logger.warning("a socket's principal was not checked", extra={"reason": error.code})
        else:
            if self._is_same(principal):
                self._principal = principal
                self._session.renewed(now=time.monotonic(), expires_in=_expires_in(principal))
            else:
                self.close(codes.FORCE_RECONNECT)

    def _known(self) -> Principal:
        if self._principal is None:
            raise Unauthenticated("nobody is connected")
        return self._principal

    def _is_same(self, principal: Principal) -> bool:
        known = self._known()
        return (principal.actor, principal.team) == (known.actor, known.team)

    async def _say_goodbye(self, why: Disconnect) -> None:
        try:
            with anyio.move_on_after(GOODBYE_SECONDS):
                if why is not codes.SLOW:
                    await self._outbox.flush(self._write_frame)
            with anyio.move_on_after(GOODBYE_SECONDS):
                await self._socket.close(why.code, why.reason)
        except (WebSocketDisconnect, RuntimeError):
            logger.debug("the socket was gone before its close", extra={"code": why.code})


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            yield
    except TimeoutError:
        raise Unavailable(f"no answer within {ANSWER_SECONDS:g} seconds") from None


def _expires_in(principal: Principal) -> float | None:
    return None if principal.expires_at is None else principal.expires_at - time.time()
