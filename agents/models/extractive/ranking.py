"""Which units answer a question: by its words, how rare they are, and what kind of question it is.

Plain arithmetic over the passages of one search; the meaning was judged there, by the vectors.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from agents.models.extractive.units import Kind, Unit

LEAST_COVERAGE = 0.34  # of the question's words, weighed by rarity; below it nothing was found
LEAST_SHARE = 0.36  # of the best unit's score
SAME = 0.7  # shared words of two units that say the same
MOST_UNITS = 6
MOST_DOCUMENTS = 3

_WORD = re.compile(r"[^\W_]+(?:[-_'][^\W_]+)*")
_ENDINGS = ("ization", "ations", "ation", "ings", "ing", "ies", "ied", "ers", "es", "ed", "er", "s")
_LEAST_STEM = 3
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about all am an and any are as at be been but by can could did do does for from get had
        has have how i if in into is it its itself just may me mean means meant might must my no
        not of on one or our ours own please shall she should show so some tell than that the their
        them then there these they this those to too us was we were what whats when where which
        who whom whose why will with would you your use used using explain describe give
        und der die das ist wie was ein eine ich""",
    ),
)
_DEFINITION = re.compile(
    r"^\s*(what(?:'s|s)?\s+(?:is|are|does)?|define|explain|was ist|who is)\b", re.IGNORECASE
)
_PROCEDURE = re.compile(
    r"\b(how (?:do|can|to|does|would|should)|command|start|install|run)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit and how well it answers; `coverage` is the part of the question it speaks of."""

    unit: Unit
    score: float
    coverage: float


def terms(text: str) -> list[str]:
    """The words that carry meaning, in small letters and without their endings."""
    words = (word.lower().strip("'") for word in _WORD.findall(text))
    parts = chain.from_iterable(
        [word, *re.split(r"[-_']", word)] if re.search(r"[-_']", word) else [word] for word in words
    )
    return [_stem(word) for word in parts if word and word not in _STOP_WORDS]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _LEAST_STEM:
            return stem[:-1] if len(stem) > _LEAST_STEM and stem[-1] == stem[-2] else stem
    return word.removesuffix("e") if len(word) > _LEAST_STEM + 1 else word


def ranked(question: str, units: Sequence[Unit]) -> list[Scored]:
    """The units that speak of the question, best first; empty when none does."""
    wanted = list(dict.fromkeys(terms(question)))
    if not wanted or not units:
        return []
    counted = [Counter(terms(unit.text)) for unit in units]
    headings = [set(terms(unit.heading)) for unit in units]
    weights = _rarity(
        wanted, [set(own) | heading for own, heading in zip(counted, headings, strict=True)]
    )
    scored = [
        _score(unit, own, heading, question=question, weights=weights)
        for unit, own, heading in zip(units, counted, headings, strict=True)
    ]
    answering = [one for one in scored if one.coverage >= LEAST_COVERAGE]
    return sorted(answering, key=lambda one: (-one.score, one.unit.rank, one.unit.order))


def _rarity(wanted: Iterable[str], documents: Sequence[set[str]]) -> dict[str, float]:
    """The weight of each word; one that stands nowhere weighs most, since it was asked for."""
    return {
        term: math.log(1 + len(documents) / (0.5 + sum(term in words for words in documents)))
        for term in wanted
    }


def _score(
    unit: Unit, own: Counter[str], heading: set[str], *, question: str, weights: dict[str, float]
) -> Scored:
    total = sum(weights.values())
    said = sum(weight for term, weight in weights.items() if term in own)
    above = sum(weight for term, weight in weights.items() if term in heading and term not in own)
    coverage = (said + 0.7 * above) / total
    score = coverage * (0.55 + 0.45 * said / total if said else 0.35)
    score *= 1 + 0.5 / (1 + unit.rank)  # the search's own order: its vectors know meanings
    score *= _length(sum(own.values()), unit.kind)
    score *= _fit(unit, question=question, weights=weights)
    return Scored(unit, score, coverage if said or unit.kind is Kind.CODE or above else 0.0)


def _length(words: int, kind: Kind) -> float:
    """Fragments say too little to be quoted, and very long units too much."""
    least, most = 4, 45
    if kind is Kind.CODE:
        return 1.0
    if words < least:
        return 0.4 + 0.15 * words
    return 1.0 if words <= most else most / words


def _fit(unit: Unit, *, question: str, weights: dict[str, float]) -> float:
    fit = 1.0
    if _DEFINITION.search(question):
        fit *= _defines(unit, weights)
    if _PROCEDURE.search(question):
        fit *= 1.7 if unit.kind is Kind.CODE else 1.25 if "`" in unit.text else 1.0
    if unit.text.rstrip().endswith("?"):
        fit *= 0.6  # another question is no answer
    return fit


def _defines(unit: Unit, weights: dict[str, float]) -> float:
    """More when the unit begins with what was asked for and goes on to say what it is."""
    head = re.split(r"\b(?:is|are|means|says|stands for)\b|[:\u2014\u2013=]", unit.text, maxsplit=1)
    subject = set(terms(head[0]))
    if len(head) == 1 or not subject & weights.keys():
        return 1.0
    return 2.0 if subject <= weights.keys() else 1.1


def chosen(scored: Sequence[Scored]) -> list[Scored]:
    """A few of them that together say most: no two alike, and none far worse than the best."""
    picked: list[Scored] = []
    documents: set[str] = set()
    for one in scored:
        if len(picked) == MOST_UNITS or one.score < LEAST_SHARE * scored[0].score:
            break
        is_new_document = one.unit.document not in documents
        if is_new_document and len(documents) == MOST_DOCUMENTS:
            continue
        if not any(_alike(one.unit, other.unit) for other in picked):
            picked.append(one)
            documents.add(one.unit.document)
    return picked


def _alike(one: Unit, other: Unit) -> bool:
    mine, theirs = set(terms(one.text)), set(terms(other.text))
    smaller = min(len(mine), len(theirs))
    return one.text == other.text or (
        smaller > 0 and len(mine & theirs) / smaller >= SAME and one.kind is other.kind
    )
