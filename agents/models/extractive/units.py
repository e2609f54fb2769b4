"""Passages cut into units that can be quoted alone: sentences, list items, table rows, code.

Understands as much Markdown as that needs, and takes any other text as sentences. It judges
nothing; that is `ranking.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

_FENCE = re.compile(r"^\s*(```+|~~~+)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)$")
_ROW = re.compile(r"^\s*\|(.+)\|\s*$")
_BAR = re.compile(r"(?<!\\)\|")
_CODE_LINE = re.compile(r"""^\s*([\w.\["'-]+\]?\s*[=({:]|[\[{}\])#$<]|\w+\()""")
_RULE_ROW = re.compile(r"^[\s|:-]+$")
_RULE = re.compile(r"^\s*([-*_])(\s*\1){2,}\s*$")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]*_]{0,2}\s+(?=[A-Z0-9`\"'(*_\[À-Þ])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|fig|sec|approx)|\b[A-Z])\.$", re.IGNORECASE
)
_QUOTED = re.compile(r"""(["'])([^"'\n]*)\1""")
_FEW_WORDS = 2  # quoted in code are a name; more are prose
_SHELLS = ("sh", "bash", "shell", "console", "zsh")
_GOES_ON = re.compile(r"\\\s*$|<<|^\s|^(?:if|for|while|case)\b|^[\]})]|^[A-Z]+$")
MAX_UNIT_CHARACTERS = 600
MAX_CODE_LINES = 20


class Kind(StrEnum):
    """What a unit is, which decides how it is written down again."""

    SENTENCE = "sentence"
    ITEM = "item"
    ROW = "row"
    CODE = "code"
    HEADING = "heading"  # never a unit, but what units stand under
    HEADER = "header"  # likewise, the columns' names of the rows that follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The smallest thing worth quoting.

    Attributes:
        n: The passage's number, as cited.
        order: Its place in the passage.
        heading: The nearest heading above it, which it may lean on for its subject.
        header: Of a row, the names of its table's columns.
        block: Units of one paragraph share it.
    """

    n: int
    rank: int
    order: int
    block: int
    kind: Kind
    text: str
    heading: str
    document: str
    header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A passage as the search tool gave it; `similarity` of its vector, where it has one."""

    n: int
    rank: int
    document: str
    title: str
    location: str
    text: str
    similarity: float | None = None


def units(passage: Found) -> list[Unit]:
    """The passage's units in their order, with nothing left out but headings, images and rules."""
    heading = passage.location or passage.title
    made: list[Unit] = []
    header = ""
    for block, (kind, text) in enumerate(_blocks(_fenced(_COMMENT.sub("", passage.text)))):
        if kind is Kind.HEADING:
            heading = text
            continue
        if kind is Kind.HEADER:
            header = text
            continue
        parts = _sentences(text) if kind is Kind.SENTENCE else [text]
        for part in parts:
            made.append(
                Unit(
                    n=passage.n,
                    rank=passage.rank,
                    order=len(made),
                    block=block,
                    kind=kind,
                    text=_cut(part, kind),
                    heading=heading,
                    document=passage.document,
                    header=header if kind is Kind.ROW else "",
                ),
            )
    return made


def spoken(unit: Unit) -> str:
    """What the unit itself says: what code quotes, such as a question, is only an example."""
    return _QUOTED.sub(_unless_prose, unit.text) if unit.kind is Kind.CODE else unit.text


def _unless_prose(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[2].split()) <= _FEW_WORDS else " "


def is_shell(unit: Unit) -> bool:
    """Whether it is for a terminal."""
    opening, _, _ = unit.text.partition("\n")
    return unit.kind is Kind.CODE and opening.strip("`~ ") in _SHELLS


def commands(unit: Unit) -> list[str]:
    """The lines of a shell block of which each stands alone; none of any other unit."""
    if not is_shell(unit):
        return []
    lines = [line for line in unit.text.splitlines()[1:-1] if line.strip()]
    return [] if any(_GOES_ON.search(line) for line in lines) else lines


def _fenced(text: str) -> str:
    """The text with its code opened again, where the passage begins in the middle of it."""
    lines = text.splitlines()
    fences = [index for index, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) % 2 == 0 or lines[fences[0]].strip("`~ "):
        return text
    before = [line for line in lines[: fences[0]] if line.strip()]
    is_code = 2 * sum(bool(_CODE_LINE.match(line)) for line in before) >= max(len(before), 1)
    return f"{lines[fences[0]].strip()}\n{text}" if is_code else text


def _blocks(text: str) -> Iterator[tuple[Kind, str]]:
    """Blocks in order."""
    lines = iter(text.splitlines())
    paragraph: list[str] = []
    rows: list[str] = []
    for line in lines:
        kind = _kind(line)
        if kind == "text" or (kind == "indent" and paragraph):
            paragraph.append(line.strip())
            continue
        yield from _joined(paragraph)
        paragraph = ["\0" + _ITEM.sub(r"\1", line).strip()] if kind == "item" else []
        if kind == "row":
            rows.append(line)
            continue
        yield from _rows(rows)
        rows = []
        yield from _alone(kind, line, lines)
    yield from _joined(paragraph)
    yield from _rows(rows)


def _rows(lines: list[str]) -> Iterator[tuple[Kind, str]]:
    """A table's rows; a passage that begins in the middle of one has lost its header."""
    has_header = len(lines) > 1 and _RULE_ROW.match(lines[1])
    header = _cells(lines[0]) if has_header else []
    if lines:
        yield Kind.HEADER, " ".join(header)
    for line in lines[2:] if has_header else lines:
        if not _RULE_ROW.match(line):
            yield Kind.ROW, _row(header, _cells(line))


def _alone(kind: str, line: str, lines: Iterator[str]) -> Iterator[tuple[Kind, str]]:
    if kind == "heading":
        yield Kind.HEADING, _plain(_HEADING.sub(r"\1", line))
    elif kind == "fence" and (code := _code(line, lines)):
        yield Kind.CODE, code


def _kind(line: str) -> str:
    if not line.strip() or _RULE.match(line):
        return "blank"
    for name, pattern in (("fence", _FENCE), ("heading", _HEADING), ("item", _ITEM), ("row", _ROW)):
        if pattern.match(line):
            return name
    return "indent" if line[0] in " \t" else "text"


def _joined(paragraph: list[str]) -> Iterator[tuple[Kind, str]]:
    text = _IMAGE.sub("", " ".join(paragraph)).strip()
    if text.startswith("\0"):
        yield Kind.ITEM, text[1:].strip()
    elif text and not set(text) <= set("-=*_ "):
        yield Kind.SENTENCE, text.lstrip("> ")


def _code(opening: str, lines: Iterator[str]) -> str:
    """The whole fence with its own marks; a chunk may have lost the closing one."""
    fence = opening.strip()[:3]
    inside: list[str] = []
    for line in lines:
        if line.strip().startswith(fence):
            break
        inside.append(line)
    if len(inside) > MAX_CODE_LINES:
        inside = [*inside[:MAX_CODE_LINES], "…"]
    if not any(line.strip() for line in inside):
        return ""
    return "\n".join([opening.strip(), *inside, fence])


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(_ROW.sub(r"\1", line))]


def _row(header: list[str], cells: list[str]) -> str:
    """A table's row as a line that can stand without its table."""
    first, *rest = cells
    told = [
        cell if index == 0 or not name else f"{name}: {cell}"
        for index, (name, cell) in enumerate(zip_longest(header[1:], rest, fillvalue=""))
        if cell.strip("-\u2013\u2014 ")
    ]
    name = first if "`" in first or "*" in first else f"**{first}**"
    return f"{name}: {'; '.join(told)}" if told else name


def _sentences(text: str) -> list[str]:
    made: list[str] = []
    for part in _SENTENCE_END.split(text):
        if made and (_ABBREVIATION.search(made[-1]) or made[-1].count("`") % 2):
            made[-1] += " " + part
        else:
            made.append(part)
    return [part.strip() for part in made if part.strip()]


def _cut(text: str, kind: Kind) -> str:
    if kind is Kind.CODE or len(text) <= MAX_UNIT_CHARACTERS:
        return text
    return text[:MAX_UNIT_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _plain(heading: str) -> str:
    return heading.replace("*", "").replace("`", "").strip()
