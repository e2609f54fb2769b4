"""CSV: each row says its columns' names, so that it stands alone wherever the table is cut.

Runs in the process of sandbox_child.py: millions of cells take a while.
"""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import islice

from protocols.errors import InvalidRequest
from protocols.knowledge import MAX_DOCUMENT_BYTES
from store.knowledge.loader import Loaded, Section, clean

_DELIMITERS = ",;\t|"
_ROWS_A_SECTION = 20  # of a section, so that an answer can say where a row stands
_MOST_CHARACTERS = 3 * MAX_DOCUMENT_BYTES  # of all rows with their columns' names
_LONGEST_NAME = 60
_LONGEST_CELL = 100_000


def read_csv(text: str, *, name: str) -> Loaded:
    """A list of rows in sections of some; the first row names the columns.

    Raises:
        InvalidRequest: It is no CSV, or far more text with the columns' names than without.
    """
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        return Loaded(title="", form="markdown", sections=list(_sections(rows, name)))
    except csv.Error as error:
        raise InvalidRequest(f"{name} is no CSV: {error}, at line {rows.line_num}") from None


def _delimiter(text: str) -> str:
    """What parts the first line into most columns."""
    first = text.lstrip("\ufeff\r\n").partition("\n")[0]
    bare = "".join(first.split('"')[::2])  # what is quoted parts nothing
    return max(_DELIMITERS, key=bare.count)


def _sections(rows: Iterator[list[str]], name: str) -> Iterator[Section]:
    said = ([" ".join(clean(cell).split()) for cell in row] for row in rows)
    filled = (row for row in said if any(row))
    names = [cell[:_LONGEST_NAME] for cell in next(filled, list[str]())]
    first, written = 1, 0
    while some := list(islice(filled, _ROWS_A_SECTION)):
        lines: list[str] = []
        for row in some:
            lines.append(_line(names, row))
            written += len(lines[-1])
            if written > _MOST_CHARACTERS:
                raise InvalidRequest(
                    f"{name} is more than {_MOST_CHARACTERS // 2**20} MiB of text with the names "
                    "of its columns in each row; cut it into smaller files"
                )
        last = first + len(some) - 1
        yield Section(location=f"rows {first}\u2013{last}", text="\n".join(lines))
        first = last + 1
    if first == 1 and names:
        yield Section(location="", text="; ".join(cell for cell in names if cell))


def _line(names: Sequence[str], row: Sequence[str]) -> str:
    cells = [
        f"{names[at]}: {cell}" if at < len(names) and names[at] else cell
        for at, cell in enumerate(row)
        if cell
    ]
    return f"- {'; '.join(cells)}"
