"""Which units are quoted: the best passage's first, then what adds to them, never the far-fetched.

Also what a unit cannot stand without: the list under its lead, the command under its sentence.
"""

from collections.abc import Mapping, Sequence

from agents.models.extractive.ranking import Asked, Scored, met
from agents.models.extractive.units import Found, Kind, Unit, is_shell, spoken
from agents.models.extractive.words import terms

LEAST_COVERAGE = 0.34  # of the question's words, by rarity; below it no unit answers
LEAST_COVERAGE_AFAR = 0.5  # likewise, of units of a passage that the search thinks far away
CONFIDENT = 0.3  # similarity of a passage that is near, though its words are others
OWN_SHARE, OTHER_SHARE = 0.5, 0.75  # of the best score: in the best unit's passage, in others
MOST_UNITS, MOST_OF_BEST, MOST_OF_ANOTHER, MOST_DOCUMENTS = 6, 4, 2, 3
MOST_OPENING = 3  # units of the nearest passage
FURTHER_SHARE = 0.85  # likewise, where the best unit's section is about just what is asked
SAME = 0.7  # shared words of two units that say the same
CODE_ADVANTAGE = 1.2  # over the best prose, for code to be chosen by itself
COMMAND_ADVANTAGE = 0.7  # likewise for commands, where the question is how something is done
_MOST_FOLLOWING = 8  # list items or rows that a quoted `…:` brings along
_FEW = 3  # units; with fewer, the best one's paragraph is quoted further

Parts = Mapping[int, Sequence[Unit]]  # the units of each passage, by its number


def chosen(asked: Asked, scored: Sequence[Scored]) -> list[Scored]:
    """A few that answer together, best first: no two alike, and none far worse than the best."""
    answering = _without_bare_code(asked, [one for one in scored if _covers(one)])
    if not answering:
        return []
    best = answering[0]
    if best.defines:
        paragraph = (best.unit.n, best.unit.block)
        answering = [
            one for one in answering if one.defines or (one.unit.n, one.unit.block) == paragraph
        ]
    picked: list[Scored] = []
    others = FURTHER_SHARE if best.is_about else OTHER_SHARE
    for one in answering:
        share = OWN_SHARE if one.unit.n == best.unit.n else others
        if one.score >= share * best.score and _has_room(one, picked):
            picked.append(one)
    return picked


def nearest(passages: Sequence[Found], parts: Parts) -> list[Unit]:
    """The opening of the passage that the search is sure of; empty when it is sure of none."""
    near = [one for one in passages if (one.similarity or 0.0) >= CONFIDENT]
    if not near:
        return []
    best = max(near, key=lambda one: (one.similarity or 0.0) + 0.1 / (1 + one.rank))
    return list(parts[best.n][:MOST_OPENING])


def with_company(asked: Asked, picked: Sequence[Scored], parts: Parts) -> list[Unit]:
    """The units with their leads, lists and commands.

    Passages come in the order of their best unit, units in the order of the text.
    """
    wanted: dict[tuple[int, int], Unit] = {}
    for one in picked:
        own = parts[one.unit.n]
        shown = [*_lead(asked, one.unit, own), one.unit, *_following(one.unit, own)]
        if asked.is_procedure and not any(is_shell(unit) for unit in wanted.values()):
            shown += _commands_beside(asked, one.unit, own)
        wanted |= {(unit.n, unit.order): unit for unit in shown}
    if len(wanted) < _FEW:
        best = picked[0].unit
        wanted |= {(unit.n, unit.order): unit for unit in _rest_of_block(best, parts[best.n])}
    passages = list(dict.fromkeys(one.unit.n for one in picked))
    ordered = sorted(wanted.values(), key=lambda unit: (passages.index(unit.n), unit.order))
    return list({unit.text: unit for unit in reversed(ordered)}.values())[::-1]  # chunks overlap


def _covers(one: Scored) -> bool:
    return one.coverage >= (LEAST_COVERAGE if one.is_near else LEAST_COVERAGE_AFAR)


def _without_bare_code(asked: Asked, scored: Sequence[Scored]) -> list[Scored]:
    """Without the code, unless it matches much better than any prose."""
    prose = max((one.score for one in scored if one.unit.kind is not Kind.CODE), default=0.0)
    kept: list[Scored] = []
    for one in scored:
        is_command = asked.is_procedure and is_shell(one.unit)
        advantage = COMMAND_ADVANTAGE if is_command else CODE_ADVANTAGE
        if one.unit.kind is not Kind.CODE or one.score > advantage * prose:
            kept.append(one)
    return kept


def _has_room(one: Scored, picked: Sequence[Scored]) -> bool:
    documents = {other.unit.document for other in picked}
    of_passage = sum(other.unit.n == one.unit.n for other in picked)
    is_second_code = one.unit.kind is Kind.CODE and any(
        other.unit.kind is Kind.CODE for other in picked
    )
    is_best = not picked or picked[0].unit.n == one.unit.n
    return (
        len(picked) < MOST_UNITS
        and not is_second_code
        and of_passage < (MOST_OF_BEST if is_best else MOST_OF_ANOTHER)
        and (one.unit.document in documents or len(documents) < MOST_DOCUMENTS)
        and not any(_alike(one.unit, other.unit) for other in picked)
    )


def _alike(one: Unit, other: Unit) -> bool:
    mine, theirs = set(terms(one.text)), set(terms(other.text))
    smaller = min(len(mine), len(theirs))
    return one.text == other.text or (
        smaller > 0 and len(mine & theirs) / smaller >= SAME and one.kind is other.kind
    )


def _rest_of_block(unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    """What a sentence's paragraph goes on to say, when little else was found."""
    after = own[unit.order + 1 : unit.order + _FEW]
    return [one for one in after if one.block == unit.block and one.kind is Kind.SENTENCE]


def _lead(asked: Asked, unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    """The sentence above code, a list or a table that ends in a colon, or speaks of the same."""
    if unit.kind is Kind.SENTENCE:
        return []
    above = [one for one in own[: unit.order] if one.heading == unit.heading]
    lead = next((one for one in reversed(above) if one.kind is not unit.kind), None)
    if lead is None or lead.kind not in {Kind.SENTENCE, Kind.ITEM}:
        return []
    is_near = asked.share(met(asked, terms(lead.text))) >= LEAST_COVERAGE
    is_same = unit.kind is Kind.CODE and is_near
    return [lead] if is_same or lead.text.rstrip("*_ ").endswith(":") else []


def _following(unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    after = own[unit.order + 1 :]
    if not after or unit.kind is Kind.CODE or not unit.text.rstrip("*_ ").endswith(":"):
        return []
    kind = after[0].kind
    following: list[Unit] = []
    for one in after[: 1 if kind in {Kind.CODE, Kind.SENTENCE} else _MOST_FOLLOWING]:
        if one.kind is not kind or one.heading != unit.heading:
            break
        following.append(one)
    return following


def _commands_beside(asked: Asked, unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    """Code right above or below the unit's paragraph, where it speaks of the question."""
    same = [one for one in own if one.block == unit.block]
    around = [
        own[order] for order in (same[0].order - 1, same[-1].order + 1) if order in range(len(own))
    ]
    return [
        one
        for one in around
        if is_shell(one)
        and one.heading == unit.heading
        and asked.share(met(asked, terms(f"{spoken(one)} {one.heading}"))) >= LEAST_COVERAGE
        and any(met(asked, terms(spoken(one))).values())
    ]
