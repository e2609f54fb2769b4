"""The passages a task has found, by number, and which of them a text cites as `[n]`."""

import re
from collections.abc import Mapping
from typing import cast

from protocols.messages import Citation

QUOTE_CHARACTERS = 600
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
        """The passages of a search, now or recorded by an earlier attempt."""
        for passage in cast("list[dict[str, object]]", result.get("passages") or []):
            citation = _citation(passage)
            self._found[citation.n] = citation
            self._next = max(self._next, citation.n + 1)

    def cited(self, text: str) -> tuple[Citation, ...]:
        """Citations of the numbers the text uses, in the order of their first use."""
        numbers = (int(number) for match in _CITED.findall(text) for number in match.split(","))
        return tuple(
            self._found[number] for number in dict.fromkeys(numbers) if number in self._found
        )


def _citation(passage: dict[str, object]) -> Citation:
    def said(name: str) -> str:
        return str(passage.get(name) or "")

    return Citation(
        n=cast("int", passage["n"]),
        collection=said("collection"),
        document=said("document"),
        title=said("title"),
        chunk=said("chunk"),
        quote=said("text")[:QUOTE_CHARACTERS],
        score=cast("float", passage.get("score") or 0.0),
        location=said("location"),
    )
