"""The chosen units written down: quoted under their documents' titles, with their numbers.

What it writes is Markdown; each quote is followed by `[n]`, the number of its passage.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from agents.models.extractive.ranking import Scored, chosen, ranked
from agents.models.extractive.units import Found, Kind, Unit, units

CREDIT = "*Quoted word for word by the extractive model, which is no language model.*"
COVERED = 0.6  # of the question's words, by rarity; with less, the answer says so
_MOST_FOLLOWING = 6  # list items or rows that a quoted `…:` brings along
_FEW = 3  # units; with fewer, the best one's paragraph is quoted further
_SHOWN_QUESTION = 200


def compose(question: str, passages: Sequence[Found]) -> str:
    """The answer in Markdown; says so honestly when nothing was found."""
    parts = {passage.n: units(passage) for passage in passages}
    picked = chosen(ranked(question, [unit for own in parts.values() for unit in own]))
    if not picked:
        return _nothing(question, passages)
    titles = {passage.document: passage.title for passage in passages}
    quoted = _with_company(picked, parts)
    sections = [
        f"### {titles[document]}\n\n{_section(own)}"
        for document, own in _by_document(picked, quoted)
    ]
    return "\n\n".join([*_warning(picked), *sections, CREDIT])


def _warning(picked: Sequence[Scored]) -> list[str]:
    """Said first when no unit speaks of most of the question."""
    is_near = max(one.coverage for one in picked) >= COVERED
    return [] if is_near else ["Nothing in the documents covers all of this. The nearest I found:"]


def _nothing(question: str, passages: Sequence[Found]) -> str:
    shown = question if len(question) <= _SHOWN_QUESTION else question[:_SHOWN_QUESTION] + "…"
    told = f"I found nothing in the documents that answers “{' '.join(shown.split())}”."
    if passages:
        near = list(
            dict.fromkeys(f"{found.title} [{found.n}]" for found in _first_of_each(passages))
        )
        told += " The nearest passages are in " + ", ".join(near[:3]) + "."
    return f"{told} Other words may help, or more documents.\n\n{CREDIT}"


def _first_of_each(passages: Sequence[Found]) -> Iterator[Found]:
    seen: set[str] = set()
    for found in passages:
        if found.document not in seen:
            seen.add(found.document)
            yield found


def _with_company(picked: Sequence[Scored], parts: dict[int, list[Unit]]) -> list[Unit]:
    """The units with what they cannot stand without: a lead and its list, code and its lead.

    Passages come in the order of their best unit, units in the order of the text.
    """
    wanted: dict[tuple[int, int], Unit] = {}
    for one in picked:
        own = parts[one.unit.n]
        for unit in [*_lead(one.unit, own), one.unit, *_following(one.unit, own)]:
            wanted[unit.n, unit.order] = unit
    if len(wanted) < _FEW:
        best = picked[0].unit
        wanted |= {(unit.n, unit.order): unit for unit in _rest_of_block(best, parts[best.n])}
    passages = list(dict.fromkeys(one.unit.n for one in picked))
    seen: set[str] = set()
    kept: list[Unit] = []
    for key in sorted(wanted, key=lambda key: (passages.index(key[0]), key[1])):
        unit = wanted[key]
        if unit.text not in seen:  # chunks overlap
            seen.add(unit.text)
            kept.append(unit)
    return kept


def _rest_of_block(unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    """What a sentence's paragraph goes on to say, when little else was found."""
    after = own[unit.order + 1 : unit.order + _FEW]
    return [one for one in after if one.block == unit.block and one.kind is Kind.SENTENCE]


def _lead(unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    if unit.kind is not Kind.CODE or unit.order == 0:
        return []
    before = own[unit.order - 1]
    is_lead = before.kind in {Kind.SENTENCE, Kind.ITEM} and before.heading == unit.heading
    return [before] if is_lead else []


def _following(unit: Unit, own: Sequence[Unit]) -> list[Unit]:
    after = own[unit.order + 1 :]
    if not after or unit.kind is Kind.CODE:
        return []
    if not unit.text.rstrip("*_ ").endswith(":"):
        # A command shown right below is what a reader of the sentence wants next.
        is_shown = after[0].kind is Kind.CODE and after[0].block == unit.block + 1
        return [after[0]] if is_shown else []
    kind = after[0].kind
    following: list[Unit] = []
    for one in after[: 1 if kind in {Kind.CODE, Kind.SENTENCE} else _MOST_FOLLOWING]:
        if one.kind is not kind or one.heading != unit.heading:
            break
        following.append(one)
    return following


def _by_document(picked: Sequence[Scored], quoted: Sequence[Unit]) -> list[tuple[str, list[Unit]]]:
    """Documents by their best unit; in each, the order of the text."""
    order = list(dict.fromkeys(one.unit.document for one in picked))
    return [
        (document, [unit for unit in quoted if unit.document == document]) for document in order
    ]


def _section(own: Sequence[Unit]) -> str:
    lines: list[str] = []
    for n, of_passage in groupby(own, key=lambda unit: unit.n):
        runs = groupby(enumerate(of_passage), key=lambda pair: _run(*pair))
        told = [_written([unit for _, unit in neighbours], n) for _, neighbours in runs]
        if not any(f"[{n}]" in line for line in told):
            told.append(f"[{n}]")  # code alone; a number inside it would be part of the code
        lines += told
    return "\n\n".join(lines)


def _run(index: int, unit: Unit) -> tuple[Kind, int]:
    """Neighbours in the text that are of one kind share this, and are written together."""
    return unit.kind, unit.order - index


def _written(run: Sequence[Unit], n: int) -> str:
    match run[0].kind:
        case Kind.CODE:
            return "\n\n".join(unit.text for unit in run)
        case Kind.SENTENCE:
            return f"{' '.join(unit.text for unit in run)} [{n}]"
        case Kind.ITEM | Kind.ROW:
            return "\n".join(f"- {unit.text} [{n}]" for unit in run)
