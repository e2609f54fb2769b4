"""Cuts a document's sections into passages that fit the embedder, at the best places there are."""

import re
import uuid
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from store.knowledge.loader import Form

MAX_TOKENS = 200  # of a passage: with its title and location it stays under the embedder's 256
OVERLAP_TOKENS = 24  # about a sentence, so that a thought cut in two is whole in one of them
MAX_PORTION = 20_000  # characters split in one call
MAX_CONTEXT = 160  # characters of title and location before a passage that is embedded
MAX_CHARACTERS_A_TOKEN = 8  # else a long run of letters, one unknown word, would never be cut
MAX_HEADER_TOKENS = 60  # of a table; a longer header is not repeated

MAX_HEADER_CHARACTERS = 1000

_ROW = re.compile(r" {0,3}\|")
_RULE = re.compile(r" {0,3}\|[ \t|:-]*$")  # with a dash somewhere, which a pattern finds slowly


class Chunk(NamedTuple):
    """A passage; ordinals count from 0 through the document."""

    ordinal: int
    location: str
    text: str


class Cutter:
    """Cuts texts of one form. Safe in any thread; a call takes at most some 0.1 s.

    A table that is cut has its header in each of its passages: a row says little without it.
    """

    def __init__(self, form: Form, *, count_tokens: Callable[[str], int]) -> None:
        def size(text: str) -> int:
            least = len(text) // MAX_CHARACTERS_A_TOKEN
            return least if least > MAX_TOKENS else max(least, count_tokens(text))

        self._form: Form = form
        self._size = size

    def cut(self, portion: str) -> list[str]:
        """The passages of one of the `portions`, in order."""
        if self._form != "markdown":
            return TextSplitter.from_callback(self._size, MAX_TOKENS, OVERLAP_TOKENS).chunks(
                portion
            )
        room = max((self._size(header) for header in _headers(portion)), default=0)
        room = room if room <= MAX_HEADER_TOKENS else 0
        splitter = MarkdownSplitter.from_callback(self._size, MAX_TOKENS - room, OVERLAP_TOKENS)
        return [
            (header_of(portion, offset) if room else "") + text
            for offset, text in splitter.chunk_indices(portion)
        ]


def portions(text: str) -> Iterator[str]:
    """The text in pieces of MAX_PORTION at most, cut between paragraphs, lines or words.

    Splitting takes longer than linear time, in one call that nobody can cancel. A table that goes
    on in the next piece begins with its header there, so that a piece may be that much longer.
    """
    begin, header = 0, ""
    while len(text) - begin > MAX_PORTION:
        places = (text.rfind(mark, begin, begin + MAX_PORTION) for mark in ("\n\n", "\n", " "))
        end = next((place for place in places if place > begin), begin + MAX_PORTION)
        piece = header + text[begin:end]
        header = header_of(piece + text[end : end + 5], len(piece) + 1)
        yield piece
        begin = end + 1 if header else end  # an empty line would part the header from its rows
    yield header + text[begin:]


def header_of(text: str, offset: int) -> str:
    """The header, with its rule, of the table of which a row begins here; empty where none does."""
    if not _ROW.match(text, offset) or text[offset - 1 : offset] != "\n":
        return ""
    begin = offset
    while begin > 0 and _ROW.match(text, above := text.rfind("\n", 0, begin - 1) + 1):
        begin = above
    return _header(text[begin:offset])


def _header(rows: str) -> str:
    header, _, others = rows.partition("\n")
    rule, end, _ = others.partition("\n")
    is_header = bool(end) and _is_rule(rule) and len(header) + len(rule) < MAX_HEADER_CHARACTERS
    return f"{header}\n{rule}\n" if is_header else ""


def _headers(text: str) -> Iterator[str]:
    """Of all its tables."""
    lines = text.splitlines()
    for header, rule in pairwise(lines):
        if _is_rule(rule) and _ROW.match(header):
            yield _header(f"{header}\n{rule}\n")


def _is_rule(line: str) -> bool:
    """Whether it is what stands under a table's header."""
    return "-" in line and _RULE.match(line) is not None


def in_context(chunk: Chunk, *, title: str) -> str:
    """The passage as it is embedded: what it is about often stands in its headings alone."""
    context = ": ".join(part for part in (title, chunk.location) if part)[:MAX_CONTEXT]
    return f"{context}\n{chunk.text}" if context else chunk.text


def chunk_id(document: uuid.UUID, sha256: str, ordinal: int) -> uuid.UUID:
    """Derived: reading the same content again gives the same ids, so that citations still lead."""
    return uuid.uuid5(document, f"{sha256}/{ordinal}")
