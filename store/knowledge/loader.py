"""What a loader makes of a document: a title and sections of plain text, each with its place.

The loaders are in `loaders/`; reading.py chooses among them. Cutting sections into passages is in
chunks.py.
"""

import re
from typing import Literal

import msgspec

# What Postgres cannot keep as text, or nobody can see: controls, and halves of surrogate pairs.
_UNUSABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")

Form = Literal["markdown", "text"]


class Section(msgspec.Struct, frozen=True):
    """A part of a document under one heading, or on one page.

    Attributes:
        location: Heading path or page (`page 3`); empty when unknown.
        text: Never empty.
    """

    location: str
    text: str


class Loaded(msgspec.Struct, frozen=True):
    """A document as text.

    Attributes:
        title: Its own; empty if it says none.
        form: How the text is written, and so where it may be cut.
        sections: In order; at least one.
    """

    title: str
    form: Form
    sections: list[Section]


class Answer(msgspec.Struct, frozen=True):
    """What the sandbox says: the document, or the sentence that refuses it."""

    loaded: Loaded | None = None
    refused: str = ""


def clean(text: str) -> str:
    """The text with one kind of line end, at most one blank line, and nothing unusable in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return _BLANK_LINES.sub("\n\n", _UNUSABLE.sub("", text)).strip()
