"""Fossil deltas: a publication as what changed since the one before it in its channel.

A delta is the target's length, a line feed, then commands: `N@O,` copies N bytes of the text
before from offset O, `N:` is followed by N literal bytes, `C;` ends it with the target's checksum.
Numbers are written in base 64. No I/O here, and nobody is told anything: who gets a delta, and who
the whole text, is decided by whoever publishes.

The work is bounded by the sizes, whatever the bytes are: where nothing matches, ever fewer places
are looked at, and after `MAX_COPIES` the rest is literal. The delta is always right, only longer.

Source: the Fossil delta format, as the Centrifugal protocol uses it for `delta: "fossil"`.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from sys import byteorder
from typing import NamedTuple

from protocols.errors import InvalidRequest

BLOCK_BYTES = 16  # what of the text before is found again begins with, or holds, such a block
MIN_COPY_BYTES = 8  # a shorter copy says no less than the bytes themselves
MAX_COPIES = 512  # of about 10 µs each
DENSE_MISSES = 1024  # in vain; from then on some places are left out, later more
MAX_TARGET_BYTES = 1 << 20
MAX_NUMBER = 2**32 - 1

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_DIGITS = [bytes((digit,)) for digit in _ALPHABET]  # of 6 bits each
_VALUES = {digit: value for value, digit in enumerate(_ALPHABET)}
_NUMBER = rb"([0-9A-Z_a-z~]{1,6})"
_SIZE = re.compile(_NUMBER + rb"\n")
_COMMAND = re.compile(_NUMBER + rb"(?:@" + _NUMBER + rb",|([:;]))")
_WORD_BYTES = 4
_CONTINUATION = 0b1000_0000  # how a byte inside a character of UTF-8 begins (RFC 3629)


class _Copy(NamedTuple):
    """`after[start:end]` is what stands in `before` from `source` on."""

    start: int
    end: int
    source: int


def delta(before: bytes, after: bytes) -> bytes | None:
    """What makes `after` out of `before`; None where that is not shorter than `after` itself.

    Copies begin and end between characters: where both are UTF-8, the delta is too.
    """
    parts = [_number(len(after)), b"\n"]
    done = 0
    for copy in _copies(before, after):
        parts += _literal(after, done, copy.start)
        parts += (_number(copy.end - copy.start), b"@", _number(copy.source), b",")
        done = copy.end
    parts += _literal(after, done, len(after))
    parts += (_number(checksum(after)), b";")
    made = b"".join(parts)
    return made if len(made) < len(after) else None


def text(made: bytes) -> str | None:
    """A delta, or a payload, as the JSON form carries it; None where it is not valid UTF-8."""
    try:
        return made.decode()
    except UnicodeDecodeError:
        return None


def applied(before: bytes, made: bytes, *, max_bytes: int = MAX_TARGET_BYTES) -> bytes:
    """The text a delta was made for.

    No more than `max_bytes` are ever held, whatever the delta says.

    Raises:
        InvalidRequest: It is no delta, or not one of `before`; the message says at which byte.
    """
    size = _SIZE.match(made)
    if size is None:
        raise InvalidRequest("a delta begins with the target's size and a line feed")
    target_bytes = _value(size[1])
    if target_bytes > max_bytes:
        raise InvalidRequest(f"a delta's target has at most {max_bytes} bytes, not {target_bytes}")
    parts: list[bytes] = []
    made_bytes = 0
    at = size.end()
    while command := _COMMAND.match(made, at):
        count = _value(command[1])
        if command[3] == b";":
            return _checked(b"".join(parts), target_bytes, count, is_end=command.end() == len(made))
        if made_bytes + count > target_bytes:
            raise InvalidRequest(f"a delta's command at byte {at} exceeds the target's size")
        source, start = (before, _value(command[2])) if command[2] else (made, command.end())
        if start + count > len(source):
            raise InvalidRequest(f"a delta's command at byte {at} reads past the end")
        parts.append(source[start : start + count])
        made_bytes += count
        at = command.end() if command[2] else start + count
    raise InvalidRequest(f"a delta has no command at byte {at}")


def checksum(target: bytes) -> int:
    """The sum of its big-endian words of 32 bits, the last filled up with zeros, modulo 2^32."""
    words = array("I", target + bytes(-len(target) % _WORD_BYTES))
    if byteorder == "little":
        words.byteswap()
    return sum(words) & MAX_NUMBER


def _checked(target: bytes, size: int, expected: int, *, is_end: bool) -> bytes:
    if len(target) != size:
        raise InvalidRequest(f"a delta makes {len(target)} bytes and says {size}")
    if checksum(target) != expected:
        raise InvalidRequest(
            "a delta's checksum is not that of what it makes: not made for this text"
        )
    if not is_end:
        raise InvalidRequest("a delta goes on after its checksum")
    return target


def _copies(before: bytes, after: bytes) -> Iterator[_Copy]:
    """What is copied, in order and apart; each is worth it and holds whole characters."""
    is_ascii = after.isascii()
    for copy in _found(before, after):
        whole = copy if is_ascii else _whole(copy, after)
        if whole.end - whole.start >= MIN_COPY_BYTES:
            yield whole


def _whole(copy: _Copy, after: bytes) -> _Copy:
    """Without the characters that are cut by its ends."""
    start, end = copy.start, copy.end
    while start < end and _continues(after[start]):
        start += 1
    while start < end < len(after) and _continues(after[end]):
        end -= 1
    return _Copy(start, end, copy.source + start - copy.start)


def _continues(byte: int) -> bool:
    return byte & 0b1100_0000 == _CONTINUATION


def _found(before: bytes, after: bytes) -> Iterator[_Copy]:
    """What begins and ends both texts, and between them what is found again, in order."""
    most = min(len(before), len(after))
    head = _same_after(before, 0, after, 0, most=most)
    tail = _same_before(before, len(before), after, len(after), most=most - head)
    end = len(after) - tail
    yield _Copy(0, head, 0)
    if end - head >= BLOCK_BYTES:
        yield from _matches(before, after, start=head, end=end)
    yield _Copy(end, len(after), len(before) - tail)


def _matches(before: bytes, after: bytes, *, start: int, end: int) -> Iterator[_Copy]:
    """Stretches of `after[start:end]` that hold a block of `before`, each as long as it goes."""
    blocks = _blocks(before)
    searched = after[:end]
    done, shift, misses = start, 0, 0
    for _ in range(MAX_COPIES):
        at, misses = _next_known(blocks, searched, done, misses)
        if at < 0:
            return
        known = blocks[searched[at : at + BLOCK_BYTES]]
        copy = _longest(before, searched, at, _near(known, at + shift))
        if at > done and before[copy.source - 1] == searched[at - 1]:
            copy = _backwards(before, searched, copy, done)
        yield copy
        done, shift = copy.end, copy.source - copy.start
        misses = max(0, misses - (copy.end - copy.start) // 2)


def _blocks(before: bytes) -> dict[bytes, list[int]]:
    """Where each block of it stands, in rising order."""
    blocks: dict[bytes, list[int]] = {}
    for at in range(0, len(before) - BLOCK_BYTES + 1, BLOCK_BYTES):
        blocks.setdefault(before[at : at + BLOCK_BYTES], []).append(at)
    return blocks


def _next_known(
    blocks: Mapping[bytes, object], after: bytes, at: int, misses: int
) -> tuple[int, int]:
    """The next place that begins with a known block, or -1, and the misses up to there.

    As many places in a row as a block has bytes see every block of a stretch that is long enough;
    the more of them saw none, the more is left out before the next ones. What is left out between
    is found by looking backwards from a match.
    """
    last = len(after) - BLOCK_BYTES
    while at <= last:
        for place in range(at, min(at + BLOCK_BYTES, last + 1)):
            if after[place : place + BLOCK_BYTES] in blocks:
                return place, misses + place - at
        misses += BLOCK_BYTES
        at += BLOCK_BYTES * (1 + misses // DENSE_MISSES)
    return -1, misses


def _near(sources: Sequence[int], expected: int) -> Sequence[int]:
    """The place where the text goes on if nothing has moved, or those around it."""
    above = bisect_left(sources, expected)
    is_unmoved = above < len(sources) and sources[above] == expected
    return sources[above if is_unmoved else max(0, above - 1) : above + 1]


def _longest(before: bytes, after: bytes, at: int, sources: Sequence[int]) -> _Copy:
    """The longest copy to `at`, of those from `sources`, where the same block stands."""
    best = _Copy(at, at, 0)
    for source in sources:
        most = min(len(before) - source, len(after) - at) - BLOCK_BYTES
        known = at + BLOCK_BYTES
        end = known + _same_after(before, source + BLOCK_BYTES, after, known, most=most)
        if end > best.end:
            best = _Copy(at, end, source)
    return best


def _backwards(before: bytes, after: bytes, copy: _Copy, start: int) -> _Copy:
    """The same with what is also equal before it, not further back than `start`."""
    most = min(copy.source, copy.start - start)
    more = _same_before(before, copy.source, after, copy.start, most=most)
    return _Copy(copy.start - more, copy.end, copy.source - more)


def _same_after(left: bytes, i: int, right: bytes, j: int, *, most: int) -> int:
    """How many bytes are the same from `left[i]` and `right[j]` on."""
    same, step = 0, 2 * BLOCK_BYTES
    while same < most:
        step = min(step, most - same)
        ours = left[i + same : i + same + step]
        theirs = right[j + same : j + same + step]
        if ours != theirs:
            unlike = int.from_bytes(ours, "big") ^ int.from_bytes(theirs, "big")
            return same + step - (unlike.bit_length() + 7) // 8
        same += step
        step *= 2
    return same


def _same_before(left: bytes, i: int, right: bytes, j: int, *, most: int) -> int:
    """How many bytes are the same up to `left[i]` and `right[j]`, these left out."""
    return _same_after(left[i - most : i][::-1], 0, right[j - most : j][::-1], 0, most=most)


def _literal(after: bytes, start: int, end: int) -> tuple[bytes, ...]:
    return (_number(end - start), b":", after[start:end]) if end > start else ()


def _number(value: int) -> bytes:
    digits = _DIGITS[value & 63]
    while value := value >> 6:
        digits = _DIGITS[value & 63] + digits
    return digits


def _value(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value << 6 | _VALUES[digit]
    return value
