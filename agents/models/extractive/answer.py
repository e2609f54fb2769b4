"""The chosen units written down: quoted under their documents' titles, with their numbers.

What it writes is Markdown; each quote is followed by `[n]`, the number of its passage.
"""

from collections.abc import Sequence
from itertools import groupby

from agents.models.extractive.choice import MOST_DOCUMENTS, chosen, nearest, with_company
from agents.models.extractive.coverage import warning
from agents.models.extractive.ranking import Asked, asking, echoes, met, ranked
from agents.models.extractive.units import Found, Kind, Unit, commands, units
from agents.models.extractive.words import terms

CREDIT = "*Quoted word for word by the extractive model, which is no language model.*"
_SHOWN_QUESTION = 200
_MOST_QUESTION = 2000  # characters; the search reads no more, and each word is weighed by each unit


def compose(question: str, passages: Sequence[Found]) -> str:
    """The answer in Markdown; says so honestly when nothing was found, or only something near."""
    question = question[:_MOST_QUESTION]
    parts = {passage.n: units(passage) for passage in passages}
    every = [unit for own in parts.values() for unit in own]
    asked = asking(question, every)
    own_words = [one for one in passages if not echoes(question, parts[one.n])]
    picked = chosen(asked, ranked(question, passages, every))
    quoted = with_company(asked, picked, parts) if picked else nearest(own_words, parts)
    if not asked.weights:
        return f"{_nothing(question)} Ask about something that stands in them.\n\n{CREDIT}"
    if not quoted:
        near = _nearest_titles(passages)
        return f"{_nothing(question)}{near} Other words may help, or more documents.\n\n{CREDIT}"
    titles = {passage.document: passage.title for passage in passages}
    sections = [
        f"### {titles[document]}\n\n{_section(own, asked)}"
        for document, own in _by_document(quoted)
    ]
    answering = [unit for n in {one.unit.n for one in picked} for unit in parts[n]]
    left_open = warning(asked, answering, every)
    return "\n\n".join([*left_open, *sections, CREDIT])


def _nothing(question: str) -> str:
    shown = question if len(question) <= _SHOWN_QUESTION else question[:_SHOWN_QUESTION] + "…"
    return f"I found nothing in the documents that answers “{' '.join(shown.split())}”."


def _nearest_titles(passages: Sequence[Found]) -> str:
    firsts: dict[str, Found] = {}
    for found in passages:
        firsts.setdefault(found.document, found)
    near = [f"{found.title} [{found.n}]" for found in firsts.values()][:MOST_DOCUMENTS]
    return f" The nearest passages are in {', '.join(near)}." if near else ""


def _by_document(quoted: Sequence[Unit]) -> list[tuple[str, list[Unit]]]:
    """Documents in the order of their first unit; in each, the order given."""
    order = dict.fromkeys(unit.document for unit in quoted)
    return [
        (document, [unit for unit in quoted if unit.document == document]) for document in order
    ]


def _section(own: Sequence[Unit], asked: Asked) -> str:
    lines: list[str] = []
    for n, of_passage in groupby(own, key=lambda unit: unit.n):
        runs = groupby(enumerate(of_passage), key=lambda pair: _run(*pair))
        told = [_written([unit for _, unit in run], n, asked=asked) for _, run in runs]
        if not any(f"[{n}]" in line for line in told):
            told.append(f"[{n}]")  # code alone; a number inside it would be part of the code
        lines += told
    return "\n\n".join(lines)


def _run(index: int, unit: Unit) -> tuple[Kind, int, int]:
    """Neighbours in the text that are of one kind share this, and are written together."""
    return unit.kind, unit.order - index, unit.block if unit.kind is Kind.SENTENCE else 0


def _written(run: Sequence[Unit], n: int, *, asked: Asked) -> str:
    match run[0].kind:
        case Kind.CODE:
            return "\n\n".join(_code(unit, asked) for unit in run)
        case Kind.ITEM | Kind.ROW:
            return "\n".join(f"- {unit.text} [{n}]" for unit in run)
        case _:
            return f"{' '.join(unit.text for unit in run)} [{n}]"


def _code(unit: Unit, asked: Asked) -> str:
    """Of commands that stand alone, those that speak of the question; other code is whole."""
    lines = commands(unit)
    weights = [
        sum(asked.weights[term] * share for term, share in met(asked, terms(line)).items())
        for line in lines
    ]
    best = max(weights, default=0.0)
    if best == 0.0:
        return unit.text
    opening, *_, closing = unit.text.splitlines()
    shown = [line for line, weight in zip(lines, weights, strict=True) if weight > 0.5 * best]
    return "\n".join([opening, *shown, closing])
