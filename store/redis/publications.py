r"""Publications of application channels, and how they travel: values in, bytes out and back.

A frame is a head, a line break, and then tags, info, the previous data and the data, one after the
other, nothing between them:

    =<epoch> <offset> <time> <bytes of tags> <of info> <of the previous data>\n<tags>...<data>

Its first byte tells it from frames of logs and feeds, which begin with their epoch. Nobody parses
the data on the way. `scripts/publish_channel.lua` writes the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from protocols.channels import StreamPosition
from protocols.errors import InvalidRequest, LimitExceeded

MARK = b"="
WORDS = 6  # in a head
MAX_DIGITS = 19
META_SECONDS = 30 * 24 * 3600.0
RESULT_SECONDS = 300
MAX_VERSION = 2**64 - 1

_TAGS = msgspec.json.Decoder(dict[str, str])
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPublication:
    """What is to be published.

    Attributes:
        data: One line of JSON.
        tags: For subscribers that filter.
        info: Of the client that publishes, one line of JSON; empty when it is no client.
    """

    data: bytes
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    info: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions:
    """How a channel is published to.

    Attributes:
        history_size: How many publications are kept; 0: no history, and no position.
        history_seconds: How long after the last one; 0: no history either.
        meta_seconds: How long the position is known after the last publication or reading.
        delta: Whether frames carry the previous publication's data along.
        idempotency_key: Publishing again under it, within RESULT_SECONDS, does nothing.
        version: Of what is published; one that is not newer than the last does nothing. 0: none.
        version_epoch: Versions of another one are not compared; empty: of whichever was last.
        max_bytes: Of data and tags together.
    """

    history_size: int = 0
    history_seconds: float = 0
    meta_seconds: float = META_SECONDS
    delta: bool = False
    idempotency_key: str = ""
    version: int = 0
    version_epoch: str = ""
    max_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPublication:
    """What was published.

    Attributes:
        offset: Its place in the channel; 0 where no history is kept.
        time: When, in milliseconds by Redis's clock, which all share.
        data: One line of JSON, as it was given.
        tags: For subscribers that filter.
        info: Of the client that published, one line of JSON; empty when it was no client.
    """

    offset: int
    time: int
    data: bytes
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    info: bytes = b""


@dataclass(frozen=True, slots=True)
class PublicationFrame:
    """What a frame says.

    Attributes:
        epoch: Of the channel; empty where no history is kept.
        publication: The one it carries.
        previous: The data of the channel's publication right before it, where deltas are on and
            it is still kept; else None.
    """

    epoch: str
    publication: ChannelPublication
    previous: bytes | None = None

    @property
    def position(self) -> StreamPosition:
        """Where the channel stands after it."""
        return StreamPosition(self.epoch, self.publication.offset)


def check(publication: NewPublication, options: PublishOptions) -> bytes:
    """The tags, encoded, of a publication that may be published so.

    Raises:
        InvalidRequest: The data is not one line, or the version cannot be compared.
        LimitExceeded: Data and tags are too large.
    """
    if not publication.data or b"\n" in publication.data or b"\n" in publication.info:
        raise InvalidRequest("a publication's data is one line of JSON", field="data")
    if not 0 <= options.version <= MAX_VERSION:
        raise InvalidRequest(
            f"a version is 0 to {MAX_VERSION}, not {options.version}", field="version"
        )
    if options.version and not (options.history_size and options.history_seconds):
        raise InvalidRequest("a version needs a channel with history", field="version")
    tags = encode_tags(publication.tags)
    size = len(publication.data) + len(tags)
    if size > options.max_bytes:
        raise LimitExceeded(
            f"a publication has at most {options.max_bytes} bytes, not {size}", field="data"
        )
    return tags


def is_publication_frame(frame: bytes) -> bool:
    """Whether it is one of these, and not one of a log or feed."""
    return frame.startswith(MARK)


def make_publication_frame(frame: PublicationFrame) -> bytes:
    """The frame as it travels."""
    publication = frame.publication
    tags, info, previous = encode_tags(publication.tags), publication.info, frame.previous or b""
    head = b"=%s %d %d %d %d %d\n" % (
        frame.epoch.encode(),
        publication.offset,
        publication.time,
        len(tags),
        len(info),
        len(previous),
    )
    return b"".join((head, tags, info, previous, publication.data))


def parse_publication_frame(frame: bytes) -> PublicationFrame:
    """The publication of a frame; its data stays unparsed.

    Raises:
        InvalidRequest: This is no such frame.
    """
    head, _, rest = frame.partition(b"\n")
    words = head[1:].split(b" ")
    if not head.startswith(MARK) or len(words) != WORDS or not head.isascii():
        raise _no_frame(head)
    if not all(word.isdigit() and len(word) <= MAX_DIGITS for word in words[1:]):
        raise _no_frame(head)
    offset, time, *sizes = (int(word) for word in words[1:])
    info_at = sizes[0]
    previous_at = info_at + sizes[1]
    data_at = previous_at + sizes[2]
    if data_at >= len(rest):
        raise _no_frame(head)
    return PublicationFrame(
        words[0].decode(),
        ChannelPublication(
            offset=offset,
            time=time,
            data=rest[data_at:],
            tags=decode_tags(rest[:info_at]),
            info=rest[info_at:previous_at],
        ),
        rest[previous_at:data_at] or None,
    )


def encode_tags(tags: Mapping[str, str]) -> bytes:
    """One line of JSON; nothing at all when there are none."""
    return _ENCODER.encode(tags) if tags else b""


def decode_tags(text: bytes) -> dict[str, str]:
    """The other way.

    Raises:
        InvalidRequest: These are no tags.
    """
    try:
        return _TAGS.decode(text) if text else {}
    except msgspec.DecodeError as error:
        raise InvalidRequest("tags are a map from text to text") from error


def _no_frame(head: bytes) -> InvalidRequest:
    return InvalidRequest(f"a publication's frame does not begin with {head[:40]!r}")
