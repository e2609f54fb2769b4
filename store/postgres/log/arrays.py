"""Postgres arrays in their binary form, packed by hand.

A batch of the writer goes out as some twenty arrays. Packed here they cost a third of what the
driver's list dumpers take. Only what the append needs; reading stays with the driver.

Source: `array_send` in Postgres' arrayfuncs.c: dimensions, has nulls, element type, then length and
lower bound of each dimension, then each element with its length, -1 for null.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

BOOL, BYTEA, INT2, INT4, TEXT, UUID = 16, 17, 21, 23, 25, 2950  # types of the elements

_EMPTY = struct.Struct(">3i").pack
_HEADER = struct.Struct(">5i").pack
_SMALL = struct.Struct(">h").pack
_LENGTH = struct.Struct(">i").pack
# Of the usual heads and bodies; a table's answer takes a third of the packing.
_LENGTHS = [_LENGTH(size) for size in range(4096)]
_NULL = _LENGTH(-1)
_UUID_LENGTH = _LENGTH(16)


def small_integer(value: int) -> bytes:
    """One of two bytes, and no array."""
    return _SMALL(value)


def integers(values: Sequence[int]) -> bytes:
    """Of four bytes each."""
    return _fixed(values, INT4, code="i")


def small_integers(values: Sequence[int]) -> bytes:
    """Of two bytes each."""
    return _fixed(values, INT2, code="h")


def flags(values: Sequence[bool]) -> bytes:
    """Of one byte each."""
    return _fixed(values, BOOL, code="b")


def uuids(values: Sequence[bytes]) -> bytes:
    """Of 16 bytes each, none of them null."""
    if not values:
        return _EMPTY(0, 0, UUID)
    header = _HEADER(1, 0, UUID, len(values), 1)
    return header + _UUID_LENGTH + _UUID_LENGTH.join(values)


def optional_uuids(values: Sequence[bytes | None]) -> bytes:
    """Of 16 bytes each, or null."""
    if not values:
        return _EMPTY(0, 0, UUID)
    header = _HEADER(1, 1, UUID, len(values), 1)
    if values.count(None) == len(values):
        return header + _NULL * len(values)
    pieces = [_NULL if value is None else _UUID_LENGTH + value for value in values]
    return header + b"".join(pieces)


def blobs(values: Sequence[bytes | None]) -> bytes:
    """Of any bytes, or null."""
    return _varying(values, BYTEA)


def texts(values: Sequence[bytes | None]) -> bytes:
    """Of what is UTF-8 already, or null."""
    return _varying(values, TEXT)


def words(values: Sequence[bytes]) -> bytes:
    """Texts of which few differ, none null: in half the time, since each is packed once."""
    if not values:
        return _EMPTY(0, 0, TEXT)
    header = _HEADER(1, 0, TEXT, len(values), 1)
    if values.count(values[0]) == len(values):
        return header + (_LENGTH(len(values[0])) + values[0]) * len(values)
    packed = {value: _LENGTH(len(value)) + value for value in set(values)}
    return header + b"".join([packed[value] for value in values])


def _fixed(values: Sequence[int], element: int, *, code: str) -> bytes:
    count = len(values)
    if not count:
        return _EMPTY(0, 0, element)
    header = _HEADER(1, 0, element, count, 1)
    if values.count(values[0]) == count:  # as most columns are: a seventh of the time
        return header + _swapped(array(code, (*_ONE[code][:-1], values[0]))) * count
    width = len(_ONE[code])
    whole = _blank(code, count)[:]
    whole[width - 1 :: width] = array(code, values)
    return header + _swapped(whole)


# An element of each size with its length before it, in words of that size; the last is the value.
# Through arrays and not `struct.pack`, because that takes half as long again.
_ONE = {"i": (4, 0), "h": (0, 2, 0), "b": (0, 0, 0, 1, 0)}


@lru_cache(maxsize=1024)
def _blank(code: str, count: int) -> "array[int]":
    return array(code, _ONE[code] * count)


def _swapped(words: "array[int]") -> bytes:
    """In the order of the network."""
    if sys.byteorder == "little":
        words.byteswap()
    return words.tobytes()


def _varying(values: Sequence[bytes | None], element: int) -> bytes:
    count = len(values)
    if not count:
        return _EMPTY(0, 0, element)
    header = _HEADER(1, 1, element, count, 1)
    nulls = values.count(None)
    if nulls == count:
        return header + _NULL * count
    if nulls:
        return header + b"".join(
            [_NULL if value is None else _LENGTH(len(value)) + value for value in values]
        )
    whole = cast("Sequence[bytes]", values)
    flat: list[Any] = [None] * (2 * count)
    flat[0::2] = _lengths(whole)
    flat[1::2] = whole
    return header + b"".join(flat)


def _lengths(values: Sequence[bytes]) -> list[bytes]:
    try:
        return list(map(_LENGTHS.__getitem__, map(len, values)))
    except IndexError:  # one of them is long
        return [_LENGTH(len(value)) for value in values]
