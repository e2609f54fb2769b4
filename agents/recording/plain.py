"""Values from models and tools made fit for the log: Unicode that can be encoded, JSON as bytes.

A model may write half of a surrogate pair or a NUL, which no database stores in JSON.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

NAME_CHARACTERS = 200


def text(value: str) -> str:
    """The text without NULs and without halves of pairs."""
    if value.isascii():
        return value.replace("\0", "") if "\0" in value else value
    return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def name(value: str) -> str:
    """As `text`, on one line and cut; for what stands in an event's head."""
    return " ".join(text(value).split())[:NAME_CHARACTERS]


def value(given: object) -> object:
    """JSON whose texts are all fit."""
    if isinstance(given, str):
        return text(given)
    if isinstance(given, Mapping):
        fields = cast("Mapping[object, object]", given)  # JSON of any shape
        return {text(str(key)): value(inner) for key, inner in fields.items()}
    if isinstance(given, list | tuple):
        items = cast("Sequence[object]", given)  # as above
        return [value(inner) for inner in items]
    return given


def raw(given: object) -> msgspec.Raw:
    """The value as JSON, for an event's body."""
    return msgspec.Raw(msgspec.json.encode(value(given)))
