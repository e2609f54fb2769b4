"""One socket: reads frames, carries out what its session decides, writes what its outbox holds.

The rules stand in `session.py`, the publications come from `Channels`; both are spelled in the form
that was agreed on. A socket that does not drain is closed as slow; everything else that waits is
written before a close.
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
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.caller import Caller, expires_in
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Decision,
    Publish,
    ReadHistory,
    Refresh,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.frames import Frames
from protocols.centrifugal.outbox import Outbox
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.session import Session
from protocols.centrifugal.wire.publication import write_info
from protocols.centrifugal.wire.replies import Reply
from protocols.centrifugal.wire.values import ClientInfo
from protocols.errors import FactoryError, LimitExceeded, Unavailable
from protocols.operations.channels import Batch, Channels, Subscription

logger = logging.getLogger(__name__)

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
        frames: Frames,
        caller: Caller,
        channels: Channels,
        *,
        version: str,
        pace: Pace,
    ) -> None:
        self.why: Disconnect | None = None
        self.pace = pace
        self._frames = frames
        self._form = frames.form
        self._caller = caller
        self._channels = channels
        self._session = Session(
            str(uuid.uuid4()),
            version=version,
            now=time.monotonic(),
            first_ping=random.random(),  # noqa: S311  spreads pings, no secret
            pace=pace,
            namespaces=channels.namespaces,
        )
        self._outbox = Outbox(self._form.separator)
        self._scope = anyio.CancelScope()
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
            channels = sorted(self._subscriptions)[:MOST_NAMED]
            who = self._caller.name
            logger.exception("a socket failed", extra={"actor": who, "channels": channels})
            self.why = codes.SERVER_ERROR
        finally:
            self._caller.leave()
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
        return self._outbox.offer(lambda: batch.spelled(self._form.publications))

    async def room(self) -> None:
        """Return once a page fits."""
        await self._outbox.room()

    def lose(self, channel: str) -> None:
        """Tell the client to subscribe again."""
        if self._subscriptions.pop(channel, None):
            self._put(self._session.lost(channel))

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

    def _put(self, reply: Reply) -> None:
        if not self._outbox.put(self._form.reply(reply)):
            self.close(codes.SLOW)

    async def _perform(self, decision: Decision) -> None:  # noqa: C901  one arm a kind
        match decision:
            case Send(reply):
                self._put(reply)
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
            case Publish():
                await self._publish(decision)
            case _:
                assert_never(decision)

    async def _connect(self, command: Authenticate) -> None:
        try:
            principal = await self._caller.identify(command.token)
        except FactoryError as error:
            await self._perform(self._session.refuse_connect(command, error))
            return
        left = expires_in(principal)
        if left is not None and left <= 0:
            self._put(self._session.refuse_expired(command))
            return
        try:
            self._caller.accept(principal, command.token)
        except LimitExceeded as error:
            logger.warning("a socket was refused", extra={"reason": error.message})
            self.close(codes.CONNECTION_LIMIT)
            return
        self._put(self._session.accept(command, now=time.monotonic(), expires_in=left))

    async def _refresh(self, command: Refresh) -> None:
        try:
            principal = await self._caller.identify(command.token)
        except Unavailable as error:
            self._put(self._session.refuse(command.id, error))
            return
        except FactoryError:
            self.close(codes.INVALID_TOKEN)
            return
        if not self._caller.is_same(principal):
            self.close(codes.INVALID_TOKEN)
            return
        left = expires_in(principal)
        if left is not None and left <= 0:
            self._put(self._session.refuse_expired(command))
            return
        self._caller.accept(principal, command.token)
        self._put(self._session.refreshed(command, now=time.monotonic(), expires_in=left))

    async def _subscribe(self, command: Subscribe) -> None:
        await self._outbox.room()  # an answer may hold a whole page
        try:
            async with in_time():
                subscription = await self._channels.subscribe(
                    self._caller.principal, self, channel=command.channel, since=command.since
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
            async with in_time():
                page = await self._channels.history(
                    self._caller.principal,
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

    async def _publish(self, command: Publish) -> None:
        principal = self._caller.principal
        info = write_info(ClientInfo(user=principal.actor, client=self._session.client))
        try:
            async with in_time():
                await self._channels.publish(
                    principal,
                    command.channel,
                    data=command.data,
                    info=info,
                    is_subscribed=command.is_subscribed,
                )
        except FactoryError as error:
            self._put(self._session.refuse(command.id, error))
            return
        self._put(self._session.published(command))

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
            due = min(self._session.deadline(), recheck)
            await anyio.sleep(min(max(due - time.monotonic(), 0.01), LOOK_SECONDS))

    async def _say_goodbye(self, why: Disconnect) -> None:
        if why is not codes.SLOW:
            with anyio.move_on_after(GOODBYE_SECONDS), suppress(WebSocketDisconnect, RuntimeError):
                await self._outbox.flush(self._frames.send)
        await self._frames.close(why)
