"""The passages a task has found, by number, and which of them a text cites as `[n]`."""

import re
from collections.abc import Mapping
from typing import cast

from protocols.messages import Citation

QUOTE_CHARACTERS = 600
MOST_PASSAGES = 9999  # what `_CITED` can say
MOST_SCORE = 1e6
_CITED = re.compile(r"\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]")


class Passages:
    """Numbers over the whole task, from 1."""

    def __init__(self) -> None:
        self._found: dict[int, Citation] = {}
        self._next = 1

    def reserve(self, count: int) -> int:
        """Takes `count` numbers; the first of them."""
        first = self._next
        self._next += count
        return first

    def add(self, result: Mapping[str, object]) -> None:
        """The passages of a search, now or recorded by an earlier attempt.

        Any tool may answer with something of that name: what is no numbered passage is passed over.
        """
        passages = result.get("passages")
        for passage in cast("list[object]", passages) if isinstance(passages, list) else []:
            citation = _citation(passage)
            if citation is not None:
                self._found[citation.n] = citation
                self._next = max(self._next, citation.n + 1)

    def cited(self, text: str) -> tuple[Citation, ...]:
        """Citations of the numbers the text uses, in the order of their first use."""
        numbers = (int(number) for match in _CITED.findall(text) for number in match.split(","))
        return tuple(
            self._found[number] for number in dict.fromkeys(numbers) if number in self._found
        )


def _citation(given: object) -> Citation | None:
    if not isinstance(given, Mapping):
        return None
    passage = cast("Mapping[str, object]", given)
    n, score = passage.get("n"), passage.get("score") or 0.0
    if type(n) is not int or not 1 <= n <= MOST_PASSAGES:
        return None
    if not isinstance(score, int | float) or not -MOST_SCORE <= score <= MOST_SCORE:
        score = 0.0

    def said(name: str) -> str:
        return str(passage.get(name) or "")

    return Citation(
        n=n,
        collection=said("collection"),
        document=said("document"),
        title=said("title"),
        chunk=said("chunk"),
        quote=said("text")[:QUOTE_CHARACTERS],
        score=float(score),
        location=said("location"),
    )
