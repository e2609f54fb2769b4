"""What is said: a role and parts, the same in requests, events, models and pages."""

from typing import Literal

import msgspec

Role = Literal["user", "assistant"]


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """Plain text or Markdown."""

    text: str


Part = TextPart  # a union once files and images arrive


class Message(msgspec.Struct, frozen=True):
    """One thing that was said.

    Attributes:
        role: Who said it.
        parts: In order; never empty.
    """

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text parts, joined by blank lines."""
        return "\n\n".join(part.text for part in self.parts)


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a numbered chip `[n]` of an answer leads.

    Attributes:
        n: The number in the text, from 1.
        collection: Name of the collection.
        document: Id of the document.
        title: Title of the document, for the chip.
        chunk: Id of the passage.
        quote: The passage's text, cut to 600 characters.
        score: The fused score of the search that found it, higher is nearer.
        location: Where in the document: heading path or page; empty when unknown.
    """

    n: int
    collection: str
    document: str
    title: str
    chunk: str
    quote: str
    score: float = 0.0
    location: str = ""


def user_message(text: str) -> Message:
    """A person's message of one text part."""
    return Message(role="user", parts=(TextPart(text),))
