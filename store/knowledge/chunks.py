"""Cuts a document's sections into passages that fit the embedder, at the best places there are."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from store.knowledge.loader import Loaded, Section

MAX_TOKENS = 200  # of a passage: with its title and location it stays under the embedder's 256
OVERLAP_TOKENS = 24  # about a sentence, so that a thought cut in two is whole in one of them
MAX_CONTEXT = 160  # characters of title and location before a passage that is embedded
MAX_CHARACTERS_A_TOKEN = 8  # else a long run of letters, one unknown word, would never be cut


class Chunk(NamedTuple):
    """A passage; ordinals count from 0 through the document."""

    ordinal: int
    location: str
    text: str


def cut(loaded: Loaded, *, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """The passages of the document, in order."""

    def size(text: str) -> int:
        least = len(text) // MAX_CHARACTERS_A_TOKEN
        return least if least > MAX_TOKENS else max(least, count_tokens(text))

    splitter = MarkdownSplitter if loaded.form == "markdown" else TextSplitter
    texts = splitter.from_callback(size, MAX_TOKENS, OVERLAP_TOKENS)
    pieces = _pieces(loaded.sections, texts.chunks)
    return [Chunk(ordinal, *piece) for ordinal, piece in enumerate(pieces)]


def in_context(chunk: Chunk, *, title: str) -> str:
    """The passage as it is embedded: what it is about often stands in its headings alone."""
    context = ": ".join(part for part in (title, chunk.location) if part)[:MAX_CONTEXT]
    return f"{context}\n{chunk.text}" if context else chunk.text


def chunk_id(document: str, sha256: str, ordinal: int) -> uuid.UUID:
    """Derived: reading the same content again gives the same ids, so that citations still lead."""
    return uuid.uuid5(uuid.UUID(document), f"{sha256}/{ordinal}")


def _pieces(
    sections: Sequence[Section], split: Callable[[str], list[str]]
) -> Iterator[tuple[str, str]]:
    for section in sections:
        for text in split(section.text):
            yield section.location, text
