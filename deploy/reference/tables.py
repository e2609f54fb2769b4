"""Markdown tables and anchors, as all reference pages write them."""

import re
from collections.abc import Iterable, Sequence

NONE = "\u2013"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under their header; a cell is one line."""
    lines = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def cell(text: str) -> str:
    """The text on one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def anchor(heading: str) -> str:
    """As the site makes it from a heading: small letters, digits and dashes."""
    plain = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
    return re.sub(r"[-\s]+", "-", plain)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
