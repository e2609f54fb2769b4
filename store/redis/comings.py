"""How those who come in to an application's channel and leave it travel: values in, bytes out.

A frame is a sign and what is told of the client, one line of JSON that nobody parses on the way.
Its first byte tells it from all other frames of a channel.
"""

from protocols.errors import InvalidRequest

JOIN = b"+"
LEAVE = b"-"


def is_coming_frame(frame: bytes) -> bool:
    """Whether it is one of these, and no publication."""
    return frame.startswith((JOIN, LEAVE))


def make_coming_frame(info: bytes, *, is_join: bool) -> bytes:
    """The frame as it travels."""
    return (JOIN if is_join else LEAVE) + info


def parse_coming_frame(frame: bytes) -> tuple[bytes, bool]:
    """What is told of the client, and whether it has come.

    Raises:
        InvalidRequest: This is no such frame.
    """
    if not is_coming_frame(frame) or len(frame) == 1 or b"\n" in frame:
        raise InvalidRequest(f"a frame of who comes and goes is not {frame[:40]!r}")
    return frame[1:], frame.startswith(JOIN)
