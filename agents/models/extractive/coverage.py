"""What a question asks that the quoted passages do not speak of, and the sentence that says so.

A whole passage counts, not the sentences chosen from it, for it is one link away; so do words of
the same meaning. Everyday words do not count. A name that nothing found has is always said: who
asks how to connect to Slack is not answered by how to connect.
"""

import re
from collections.abc import Iterable, Sequence

from agents.models.extractive.ranking import Asked, met
from agents.models.extractive.units import Unit
from agents.models.extractive.words import is_everyday, terms

COVERED = 0.65  # of the question's words, by rarity; with less, the answer says so
_MOST_TOLD = 3  # words
_LONGEST_TOLD = 40  # letters of each
_WORD = re.compile(r"[^\W_]+(?:[-_'][^\W_]+)*")


def warning(asked: Asked, quoted: Sequence[Unit], found: Sequence[Unit]) -> list[str]:
    """Said first where much of the question is left open, and where a name is; mostly empty.

    Args:
        asked: The question.
        quoted: All of the passages that answer; empty where one is quoted as the nearest.
        found: All of the passages that were found.
    """
    weights = {term: weight for term, weight in asked.weights.items() if not is_everyday(term)}
    nowhere = _left_out(weights, asked, found)
    if not quoted:
        said = f"Nothing found in the documents speaks of {_told(nowhere, asked.text)}."
        nearest = said if nowhere else "No sentence says it in these words."
        return [f"{nearest} The nearest passage begins:"]
    left_out = _left_out(weights, asked, quoted)
    share_left = sum(weights[term] for term in left_out) / (sum(weights.values()) or 1.0)
    if share_left <= 1 - COVERED and not any(_is_name(term, asked.text) for term in nowhere):
        return []
    if nowhere:
        told = _told(nowhere, asked.text)
        return [f"Nothing found in the documents speaks of {told}. The nearest I found:"]
    told = _told(left_out, asked.text)
    return [f"No passage speaks of all of this, and what is quoted leaves out {told}:"]


def _left_out(wanted: Iterable[str], asked: Asked, units: Sequence[Unit]) -> list[str]:
    words = terms(" ".join(f"{unit.text} {unit.heading} {unit.header}" for unit in units))
    said = met(asked, words)
    return [term for term in wanted if not said[term]]


def _told(left_out: Sequence[str], question: str) -> str:
    """The words as they were asked."""
    written = _written(question)
    names = list(dict.fromkeys(written.get(term, term)[:_LONGEST_TOLD] for term in left_out))
    *others, last = [f"“{name}”" for name in names[:_MOST_TOLD]]
    return f"{', '.join(others)} or {last}" if others else last


def _written(question: str) -> dict[str, str]:
    return {term: word for word in reversed(_WORD.findall(question)) for term in terms(word)}


def _is_name(term: str, question: str) -> bool:
    """Whether it is written as names are; where every word is, it tells nothing."""
    words = _WORD.findall(question)
    capitals = sum(word[0].isupper() for word in words)
    word = _written(question).get(term, "")
    is_first = word == words[0]
    is_capital = word[:1].isupper() and not is_first and 2 * capitals <= len(words)
    return is_capital or (word[1:] != word[1:].lower() and not question.isupper())
