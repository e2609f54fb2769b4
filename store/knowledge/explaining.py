"""Says why a passage was found: where the query's words stand in it, and where its sentences do.

Words are compared by Postgres, with the stems that the search itself compares; only their places
are found here. Nothing here ranks anything.
"""

import re
from collections.abc import Iterator, Sequence

from protocols.knowledge import Matches, Passage, Span
from store.postgres.pool import Connection

# What Postgres also keeps whole: 2.1.0, node.js, ada@example.org.
_WORD = re.compile(r"[^\W_]+")
# Only from where a word begins: else each letter of a long one would be tried.
_JOINED = re.compile(r"(?<![^\W_])[^\W_]+(?:[-./:@_'\u2019+][^\W_]+)+")
_END = re.compile(r"(?<=[.!?:])[\"')\]\u201d]*\s+|\n+")
_MARK = re.compile(r"^(?:[#>\s|*+-]|\d+[.)]\s)+")
_LETTERS = re.compile(r"[^\W\d_]{2}")

MOST_SENTENCES = 32  # of a passage of 200 tokens


async def with_matches(
    connection: Connection, query: str, passages: Sequence[Passage]
) -> list[Passage]:
    """The passages, each with the places of the query's words in it."""
    words = {word for passage in passages for text in _texts(passage) for word in _words(text)}
    cursor = await connection.execute(_MATCHING, {"query": query, "words": list(words)})
    same = {str(word) for (word,) in await cursor.fetchall()}
    return [
        passage.model_copy(
            update={
                "matches": Matches(
                    title=spans(passage.title, same),
                    location=spans(passage.location, same),
                    text=spans(passage.text, same),
                )
            }
        )
        for passage in passages
    ]


def spans(text: str, words: set[str]) -> list[Span]:
    """Where one of these words stands; one that is joined to others, only if no part of it does."""
    found = [each.span() for each in _WORD.finditer(text) if each[0].lower() in words]
    for each in _JOINED.finditer(text):
        has_part = any(begin >= each.start() and end <= each.end() for begin, end in found)
        if each[0].lower() in words and not has_part:
            found.append(each.span())
    return sorted(found)


def sentences(text: str) -> list[Span]:
    """Where its sentences stand, without the marks before them; lines of code and rows count."""
    found: list[Span] = []
    begin = 0
    ends = [(each.start(), each.end()) for each in _END.finditer(text)] + [(len(text), len(text))]
    for end, after in ends:
        mark = _MARK.match(text[begin:end])
        first = begin + (mark.end() if mark else 0)
        if _LETTERS.search(text, first, end):
            found.append((first, end))
        begin = after
    return found[:MOST_SENTENCES]


def _texts(passage: Passage) -> tuple[str, str, str]:
    return passage.title, passage.location, passage.text


def _words(text: str) -> Iterator[str]:
    for pattern in (_WORD, _JOINED):
        for each in pattern.finditer(text):
            yield each[0].lower()


# The same query as `matching` makes for passages with any of the words.
_MATCHING = """
    SELECT word
    FROM unnest(%(words)s::text[]) AS word
    WHERE to_tsvector('english', word)
          @@ replace(plainto_tsquery('english', %(query)s)::text, ' & ', ' | ')::tsquery
"""
