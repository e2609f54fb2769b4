"""Cuts a document's sections into passages that fit the embedder, at the best places there are."""

import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from store.knowledge.loader import Form

MAX_TOKENS = 200  # of a passage: with its title and location it stays under the embedder's 256
OVERLAP_TOKENS = 24  # about a sentence, so that a thought cut in two is whole in one of them
MAX_PORTION = 20_000  # characters split in one call
MAX_CONTEXT = 160  # characters of title and location before a passage that is embedded
MAX_CHARACTERS_A_TOKEN = 8  # else a long run of letters, one unknown word, would never be cut


class Chunk(NamedTuple):
    """A passage; ordinals count from 0 through the document."""

    ordinal: int
    location: str
    text: str


class Cutter:
    """Cuts texts of one form. Safe in any thread; a call takes at most some 0.1 s."""

    def __init__(self, form: Form, *, count_tokens: Callable[[str], int]) -> None:
        def size(text: str) -> int:
            least = len(text) // MAX_CHARACTERS_A_TOKEN
            return least if least > MAX_TOKENS else max(least, count_tokens(text))

        splitter = MarkdownSplitter if form == "markdown" else TextSplitter
        self._splitter = splitter.from_callback(size, MAX_TOKENS, OVERLAP_TOKENS)

    def cut(self, portion: str) -> list[str]:
        """The passages of one of the `portions`, in order."""
        return self._splitter.chunks(portion)


def portions(text: str) -> Iterator[str]:
    """The text in pieces of MAX_PORTION at most, cut between paragraphs, lines or words.

    Splitting takes longer than linear time, in one call that nobody can cancel.
    """
    begin = 0
    while len(text) - begin > MAX_PORTION:
        places = (text.rfind(mark, begin, begin + MAX_PORTION) for mark in ("\n\n", "\n", " "))
        end = next((place for place in places if place > begin), begin + MAX_PORTION)
        yield text[begin:end]
        begin = end
    yield text[begin:]


def in_context(chunk: Chunk, *, title: str) -> str:
    """The passage as it is embedded: what it is about often stands in its headings alone."""
    context = ": ".join(part for part in (title, chunk.location) if part)[:MAX_CONTEXT]
    return f"{context}\n{chunk.text}" if context else chunk.text


def chunk_id(document: uuid.UUID, sha256: str, ordinal: int) -> uuid.UUID:
    """Derived: reading the same content again gives the same ids, so that citations still lead."""
    return uuid.uuid5(document, f"{sha256}/{ordinal}")
