"""How well each unit answers a question: by its words, its heading, its passage and its form.

Plain arithmetic over the passages of one search; meaning was judged there, by the vectors. Which of
the units are quoted is decided in `choice.py`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.models.extractive.spelling import as_written
from agents.models.extractive.units import Found, Kind, Unit, is_shell, spoken
from agents.models.extractive.words import is_everyday, is_question_word, near, terms

_NEARLY = 0.6  # of a word's weight, for one of the same meaning
_ABOUT = 0.9  # for a word of its heading, where that is about the whole question
_ABOVE = 0.7  # for a word of another heading
_COLUMN = 0.9  # for a word of its table's header
_FAR_ABOVE = 0.3  # for a word of a heading above that
_BESIDE = 0.2  # for a word of the same passage
_NOWHERE = 2.0  # the weight of a word that no passage has, about that of a common one
_EVERYDAY = 0.5  # the most that a word weighs which is in any question
SEPARATOR = " \u203a "  # between the headings of a location
_LONG_CODE_LINES = 8
_NEAR = 0.2  # similarity of vectors
_MOST_DEFINED = 3  # words of the name of what is defined
_SHORT_WORDS, _LONG_WORDS = 4, 45

_DEFINITION = re.compile(
    r"^\s*(?:what(?:'s|s)?\s+(?:is|are|does)?|define|explain|was ist|who is)\b", re.IGNORECASE
)
_PROCEDURE = re.compile(
    r"\b(?:how (?:do|can|to|would|should)|command|install|can i|where do i)\b", re.IGNORECASE
)
_EXPLANATION = re.compile(r"\bhow do(?:es)?\b.*\bworks?\b", re.IGNORECASE)
_QUANTITY = re.compile(
    r"\bhow (?:many|much|large|big|long|often|old|fast)\b|maximum", re.IGNORECASE
)
_COPULA = re.compile(r"\b(?:is|are|means|says|stands for)\b|[:\u2014\u2013=]")


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit and how well it answers.

    Attributes:
        coverage: The part of the question it speaks of, by the rarity of the words.
        defines: The question asks what something is, and this says it.
        is_about: Its section is about just what is asked.
        is_near: The search thinks its passage near, or does not say.
    """

    unit: Unit
    score: float
    coverage: float
    defines: bool = False
    is_about: bool = False
    is_near: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the weights of its words, and what kind of question it is."""

    text: str
    weights: Mapping[str, float]

    def share(self, met: Mapping[str, float]) -> float:
        """How much of the question is met, of 1, where each word is met that far."""
        total = sum(self.weights.values())
        return sum(weight * met[term] for term, weight in self.weights.items()) / total

    @property
    def is_procedure(self) -> bool:
        """Asks how to do something, so that a command is welcome."""
        return bool(_PROCEDURE.search(self.text)) and not _EXPLANATION.search(self.text)

    @property
    def is_definition(self) -> bool:
        """Asks what something is."""
        return bool(_DEFINITION.search(self.text)) and 0 < len(self.weights) <= _MOST_DEFINED


def ranked(question: str, passages: Sequence[Found], units: Sequence[Unit]) -> list[Scored]:
    """The units, best first; empty when the question has no words to look for."""
    asked = asking(question, units)
    if not asked.weights:
        return []
    priors = _priors(question, passages, units)
    beside = {
        passage.n: met(asked, terms(" ".join(spoken(one) for one in units if one.n == passage.n)))
        for passage in passages
    }
    not_far = {one.n for one in passages if one.similarity is None or one.similarity >= _NEAR}
    scored = [
        replace(
            _score(unit, asked, prior=priors[unit.n], beside=beside[unit.n]),
            is_near=unit.n in not_far,
        )
        for unit in units
    ]
    return sorted(scored, key=lambda one: (-one.score, one.unit.rank, one.unit.order))


def asking(question: str, units: Sequence[Unit]) -> Asked:
    """The question, its words as the units write them, weighed by how rare they are there."""
    said = [set(terms(f"{spoken(unit)} {unit.heading}")) for unit in units]
    known = frozenset[str]().union(*said)
    asked = terms(question)
    if len(asked) > 1 and asked[0] not in known and is_question_word(asked[0]):
        del asked[0]
    wanted = dict.fromkeys(
        term if term in known or near(term) & known else as_written(term, known) for term in asked
    )
    for term in [term for term in wanted if not term.isalnum()]:
        if not any(term in words for words in said):
            del wanted[term]  # the parts of a compound speak for it
    return Asked(question, {term: _rarity(term, said) for term in wanted})


def _rarity(term: str, said: Sequence[set[str]]) -> float:
    have = sum(term in words for words in said)
    have = have or sum(not near(term).isdisjoint(words) for words in said)
    rarity = math.log(1 + len(said) / (0.5 + have))
    if is_everyday(term):
        return min(rarity, _EVERYDAY)
    return rarity if have else min(rarity, _NOWHERE)


def met(asked: Asked, said: Iterable[str]) -> dict[str, float]:
    """How far each word of the question is among these: 1, or less for one of its meaning."""
    words = set(said)
    return {
        term: 1.0 if term in words else 0.0 if near(term).isdisjoint(words) else _NEARLY
        for term in asked.weights
    }


def _priors(question: str, passages: Sequence[Found], units: Sequence[Unit]) -> dict[int, float]:
    """What the search thinks of each passage; little of one that it found by an echo."""
    by_echo = {
        passage.n
        for passage in passages
        if echoes(question, [one for one in units if one.n == passage.n])
    }
    similar = [one.similarity or 0.0 for one in passages if one.n not in by_echo]
    best = max(similar, default=0.0) or 1.0
    priors: dict[int, float] = {}
    for passage in passages:
        likeness = max((passage.similarity or 0.0) / best, 0.0)
        order = 1 / (1 + 0.5 * passage.rank)
        priors[passage.n] = 0.6 if passage.n in by_echo else 0.6 + 0.5 * likeness + 0.25 * order
    return priors


def echoes(question: str, own: Sequence[Unit]) -> bool:
    """Whether the passage of these units has the question itself as an example.

    That made the search think highly of it; what it says beside the example may still answer.
    """
    asked = terms(question)
    quoted = [one for one in own if spoken(one) != one.text]
    return len(asked) > 1 and any(_contains(terms(one.text), asked) for one in quoted)


def _contains(said: Sequence[str], asked: Sequence[str]) -> bool:
    starts = range(len(said) - len(asked) + 1)
    return any(said[start : start + len(asked)] == asked for start in starts)


def _score(unit: Unit, asked: Asked, *, prior: float, beside: Mapping[str, float]) -> Scored:
    words = terms(spoken(unit))
    own = met(asked, words)
    above, is_about = _headings(unit, asked)
    is_bare = unit.kind is Kind.ROW and not any(own.values())
    if unit.header:  # as it is written, a row says the names of its columns
        columns = met(asked, terms(unit.header))
        own = {term: max(share, _COLUMN * columns[term]) for term, share in own.items()}
    said = asked.share(own)
    led = {term: max(share, above[term]) for term, share in own.items()}
    coverage = asked.share(led)
    around = asked.share({term: max(led[term], _BESIDE * beside[term]) for term in led})
    defines = asked.is_definition and _defines(unit, asked)
    opens = asked.is_definition and is_about and unit.block == 0 and _is_titled(unit, asked)
    score = (0.7 * around + 0.3 * said) * prior * _length(len(words), unit.kind)
    score *= _fit(unit, asked) * (2.2 if defines else 1.8 if opens else 1.0)
    score *= 1.5 if is_about and unit.kind is not Kind.CODE and not opens else 1.0
    score *= 0.5 if is_bare else 1.0
    return Scored(unit, score, coverage, defines=defines or opens, is_about=is_about)


def _is_titled(unit: Unit, asked: Asked) -> bool:
    """Whether what is to be defined is all of the nearest heading."""
    return set(terms(unit.heading.rpartition(SEPARATOR)[2])) == set(asked.weights)


def _headings(unit: Unit, asked: Asked) -> tuple[dict[str, float], bool]:
    """How far what stands above it says the words, and whether its section is about just them."""
    outer, _, inner = unit.heading.rpartition(SEPARATOR)
    led, far = met(asked, terms(inner)), met(asked, terms(outer))
    subject = set(terms(inner))
    is_about = bool(subject) and all(
        any(term == word or term in near(word) for word in asked.weights) for term in subject
    )
    is_about = is_about and all(max(led[term], far[term]) > 0 for term in asked.weights)
    inner_share, outer_share = (_ABOUT, _ABOVE) if is_about else (_ABOVE, _FAR_ABOVE)
    above = {term: max(inner_share * share, outer_share * far[term]) for term, share in led.items()}
    return above, is_about


def _length(words: int, kind: Kind) -> float:
    """Fragments say too little to be quoted, and very long units too much."""
    if kind is Kind.CODE:
        return 1.0
    if words < _SHORT_WORDS:
        return 0.5 + 0.125 * words
    return 1.0 if words <= _LONG_WORDS else _LONG_WORDS / words


def _fit(unit: Unit, asked: Asked) -> float:
    fit = {Kind.CODE: _code_fit(unit, asked), Kind.ROW: 0.95 if unit.header else 0.6}.get(
        unit.kind, 1.0
    )
    if asked.is_procedure and unit.kind is not Kind.CODE and "`" in unit.text:
        fit *= 1.1
    if _QUANTITY.search(asked.text) and re.search(r"\d", unit.text):
        fit *= 1.3
    if unit.text.rstrip().endswith("?"):
        fit *= 0.6  # another question is no answer
    return fit


def _code_fit(unit: Unit, asked: Asked) -> float:
    """Commands answer how something is done; a long listing only as an example."""
    is_command = asked.is_procedure and is_shell(unit)
    is_long = unit.text.count("\n") > _LONG_CODE_LINES
    return (1.2 if is_command else 0.6) * (0.6 if is_long else 1.0)


def _defines(unit: Unit, asked: Asked) -> bool:
    """Whether it begins with what was asked for and goes on to say what it is."""
    head = _COPULA.split(unit.text, maxsplit=1)
    if len(head) == 1 or unit.kind is Kind.CODE:
        return False
    subjects = [set(terms(name)) for name in re.split(r",| and | or ", head[0])]
    return any(subject and subject == set(asked.weights) for subject in subjects)
