"""Events as bytes: the two halves that lie in the log, and the one object every protocol carries.

The *head* is clear: ids, numbers and names that projections may read. The *body* is bytes that may
one day be encrypted: text, arguments, results. `split` makes the halves, `join` puts them together
again without parsing. In every protocol the reader sees one object, `data`, inside the `envelope`.
Which kinds there are, and which of their fields lie in the body, stands in `events.py`.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

import msgspec

from protocols.events import KINDS, AnyData, Event

_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[str, msgspec.json.Decoder[AnyData]] = {
    name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()
}


def _half(name: str, fields: Sequence[str]) -> Callable[[AnyData], bytes | None]:
    """Encodes these fields of a kind as one object, without those that are None.

    Through a struct of its own: this runs for every event, in a third of a dictionary's time.
    """
    if not fields:
        return lambda data: None
    half = msgspec.defstruct(
        name, [(field, object, None) for field in fields], omit_defaults=True, gc=False
    )
    encode = _ENCODER.encode
    values = attrgetter(*fields)
    if len(fields) == 1:
        return lambda data: encode(half(values(data)))
    return lambda data: encode(half(*values(data)))


_HALVES = {
    name: (
        _half(
            "Head",
            ()
            if kind.DELTA
            else [field for field in kind.__struct_fields__ if field not in kind.BODY],
        ),
        _half("Body", [field for field in kind.__struct_fields__ if field in kind.BODY]),
    )
    for name, kind in KINDS.items()
}


def split(data: AnyData) -> tuple[bytes | None, bytes | None]:
    """The head and the body as JSON objects on one line; None where a half has no fields.

    A delta's head is always None, so that a token costs one small row.
    """
    head, body = _HALVES[data.TYPE]
    return head(data), body(data)


def join(head: bytes | None, body: bytes | None) -> bytes:
    """One JSON object out of both halves, without parsing either."""
    if not head or head == b"{}":
        return body or b"{}"
    if not body or body == b"{}":
        return head
    return head[:-1] + b"," + body[1:]


# What reading a stream raises that holds no JSON, or JSON that does not fit: it cannot be folded.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(event: Event) -> AnyData | None:
    """The event's data in its type; None for a type this version does not know.

    Raises:
        msgspec.DecodeError: The data does not fit its type, or another of `UNREADABLE`.
    """
    decoder = _DECODERS.get(event.type)
    return None if decoder is None else decoder.decode(event.data)


def envelope(event: Event) -> bytes:
    """The event as one line of JSON, as publications, SSE and REST carry it."""
    return _ENCODER.encode(event)
