"""Channels of applications: published to in one step, with a history as long as each is told.

One script makes the offset, the entry of the history and the frame for whoever watches, so all
three have one order; recovery rests on that. What Redis forgets is said: the channel gets a new
epoch, or a page is not complete. It also gets one, and goes on counting, when Redis was restarted
or another server took over: it may stand where it stood a moment earlier, and then give offsets a
second time. Who may do what, and how a channel is set up, is decided elsewhere.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from secrets import token_bytes

import msgspec

from protocols.channels import StreamPosition
from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from protocols.principals import TeamId
from store.redis.calls import SERVER, Calls
from store.redis.comings import make_coming_frame
from store.redis.commands import Command
from store.redis.keys import Keys, application_channel
from store.redis.publications import (
    META_SECONDS,
    RESULT_SECONDS,
    ChannelPublication,
    NewPublication,
    PublishOptions,
    check,
    decode_tags,
)

UNUSED_META_SECONDS = (
    24 * 3600
)  # of a channel nobody has published to: names cost their asker nothing
MAX_ENTRIES = 10_000  # in one page
PAGE_BYTES = 8 * 1024 * 1024  # of a page, and one entry more
MAX_CHANNELS = 1000  # of a broadcast
EPOCH_LETTERS = 8

_LETTERS = (string.ascii_lowercase * 10)[:256].encode()
_PublishAnswer = tuple[bytes, int, int]
_ReadAnswer = tuple[bytes, int, list[tuple[bytes, list[bytes]]]]


class Outcome(IntEnum):
    """What came of publishing."""

    PUBLISHED = 0
    REPEATED = 1  # it was done before, under the same idempotency key
    OUTDATED = 2  # the channel has this version, or a newer one


@dataclass(frozen=True, slots=True)
class Published:
    """Where the publication stands; when it is OUTDATED, where the channel stands.

    Without a history the epoch is empty and the offset 0.
    """

    position: StreamPosition
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """A part of a channel's history.

    Attributes:
        position: Of the channel, now.
        publications: Those asked for that are still kept; none when the epoch was another one.
        is_complete: Whether all from the asked position to the top are there (down to the first
            one, when newest first): the epoch is the same and no offset is missing.
    """

    position: StreamPosition
    publications: list[ChannelPublication]
    is_complete: bool


class Application:
    """The channels of all teams' applications.

    Reading has calls of its own, so that long pages hold nobody's publishing up.
    """

    def __init__(self, publishing: Calls, reading: Calls, keys: Keys) -> None:
        self._keys = keys
        self._publishing = publishing
        self._reading = reading
        self._publish = publishing.script("publish_channel")
        self._read = reading.script("read_channel")

    async def publish(
        self, team: TeamId, channel: str, publication: NewPublication, options: PublishOptions
    ) -> Published:
        """Put it into the channel's history and tell who watches, in one step.

        Repeating it after `Unavailable` may publish twice, but not under an idempotency key.

        Raises:
            InvalidRequest: The data is not one line, or the version cannot be compared.
            LimitExceeded: Data and tags are too large.
            Unavailable: Redis did not answer; it may have been done.
        """
        tags = check(publication, options)
        name = application_channel(team, channel)
        answer = await self._publishing.one(self._publish_call(name, publication, options, tags))
        return _published(answer)

    async def broadcast(
        self,
        team: TeamId,
        channels: Sequence[str],
        publication: NewPublication,
        options: PublishOptions,
    ) -> list[Published | Unavailable]:
        """Publish the same to many channels, with an answer for each, in their order.

        Each channel for itself as `publish` does it; they are not one step.

        Raises:
            InvalidRequest, LimitExceeded: As `publish`; or there are more than MAX_CHANNELS.
            Unavailable: Nothing was done.
        """
        if len(channels) > MAX_CHANNELS:
            raise LimitExceeded(f"a broadcast is to at most {MAX_CHANNELS} channels")
        tags = check(publication, options)
        answers = await self._publishing.many(
            [
                self._publish_call(application_channel(team, channel), publication, options, tags)
                for channel in channels
            ]
        )
        return [one if isinstance(one, Unavailable) else _published(one) for one in answers]

    def _publish_call(
        self, name: str, publication: NewPublication, options: PublishOptions, tags: bytes
    ) -> Command:
        keys = [self._keys.meta(name), self._keys.history(name)]
        if options.idempotency_key:
            keys.append(self._keys.result(name, options.idempotency_key))
        return self._publish(
            keys,
            (
                self._keys.pubsub(name),
                _new_epoch(),
                options.history_size if options.history_seconds else 0,
                round(options.history_seconds * 1000),
                round(max(options.meta_seconds, options.history_seconds) * 1000),
                str(options.version) if options.version else "",
                options.version_epoch,
                int(options.delta),
                RESULT_SECONDS,
                SERVER,
                publication.data,
                tags,
                publication.info,
            ),
        )

    async def read(
        self,
        team: TeamId,
        channel: str,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool = False,
    ) -> ChannelPage:
        """The channel's position and the publications after `since`; its epoch is made if missing.

        Args:
            team: Whose channel.
            channel: Its name.
            since: Exclusive; None: from the first one kept, or from the top when reversed. An empty
                epoch counts as equal.
            limit: At most so many, and at most PAGE_BYTES; a page cut short is not complete.
                0: only the position.
            reverse: Those before `since`, newest first.

        Raises:
            InvalidRequest: The limit is below 0 or above MAX_ENTRIES; or it is asked what comes
                before offset 0.
            Unavailable: Redis did not answer.
        """
        if not 0 <= limit <= MAX_ENTRIES:
            raise InvalidRequest(f"a page has 0 to {MAX_ENTRIES} publications, not {limit}")
        if reverse and since is not None and not since.offset:
            raise InvalidRequest("there is nothing before offset 0", field="since.offset")
        name = application_channel(team, channel)
        answer = await self._reading.one(
            self._read_call(name, since=since, limit=limit, reverse=reverse)
        )
        return _page(answer, since=since, reverse=reverse)

    async def positions(
        self, channels: Sequence[tuple[TeamId, str]]
    ) -> list[StreamPosition | Unavailable]:
        """Where each channel stands, in one round trip; for looking after those that are quiet.

        Raises:
            Unavailable: Too much is waiting for Redis already.
        """
        names = [application_channel(team, channel) for team, channel in channels]
        answers = await self._reading.many(
            [self._read_call(name, since=None, limit=0, reverse=False) for name in names]
        )
        return [
            one if isinstance(one, Unavailable) else _page(one, since=None, reverse=False).position
            for one in answers
        ]

    def _read_call(
        self, name: str, *, since: StreamPosition | None, limit: int, reverse: bool
    ) -> Command:
        return self._read(
            (self._keys.meta(name), self._keys.history(name)),
            (
                _new_epoch(),
                round(META_SECONDS),
                UNUSED_META_SECONDS,
                limit,
                PAGE_BYTES,
                since.epoch if since else "",
                str(since.offset) if since else "",
                int(reverse),
                SERVER,
            ),
        )

    def announce(self, team: TeamId, channel: str, info: bytes, *, is_join: bool) -> bool:
        """Tell who watches that somebody has come in, or left; False: too much is waiting.

        Nobody waits for it, and it may be lost. What is asked for later is told later.
        """
        frame = make_coming_frame(info, is_join=is_join)
        name = self._keys.pubsub(application_channel(team, channel))
        return self._publishing.post(("PUBLISH", name, frame))

    async def remove(self, team: TeamId, channel: str) -> None:
        """Forget the channel's publications; its position stays.

        Raises:
            Unavailable: Redis did not answer; it may have been done.
        """
        await self._publishing.one(
            ("UNLINK", self._keys.history(application_channel(team, channel)))
        )


def _published(answer: object) -> Published:
    epoch, offset, outcome = msgspec.convert(answer, _PublishAnswer)
    return Published(StreamPosition(epoch.decode(), offset), Outcome(outcome))


def _page(answer: object, *, since: StreamPosition | None, reverse: bool) -> ChannelPage:
    epoch, top, entries = msgspec.convert(answer, _ReadAnswer)
    position = StreamPosition(epoch.decode(), top)
    found = [_publication(entry, fields) for entry, fields in entries]
    is_same = since is None or since.epoch in ("", position.epoch)
    if reverse:
        wanted = range((min(since.offset, top + 1) if since else top + 1) - 1, 0, -1)
    else:
        wanted = range((since.offset if since else 0) + 1, top + 1)
    is_above = since is not None and since.offset > top and not reverse
    is_complete = is_same and not is_above and _are(found, wanted)
    return ChannelPage(position, found, is_complete=is_complete)


def _are(found: list[ChannelPublication], wanted: range) -> bool:
    """By number and ends: offsets of a history are dense."""
    if not found or not wanted:
        return not found and not wanted
    is_all = len(found) == len(wanted)
    return is_all and (found[0].offset, found[-1].offset) == (wanted[0], wanted[-1])


def _publication(entry: bytes, fields: list[bytes]) -> ChannelPublication:
    _, time, _, data, *others = fields
    named = dict(zip(others[::2], others[1::2], strict=True)) if others else {}
    return ChannelPublication(
        offset=int(entry.partition(b"-")[0]),
        time=int(time),
        data=data,
        tags=decode_tags(named.get(b"g", b"")),
        info=named.get(b"i", b""),
    )


def _new_epoch() -> str:
    """For a channel that has none; nearly always in vain, so it is cheap."""
    return token_bytes(EPOCH_LETTERS).translate(_LETTERS).decode()
