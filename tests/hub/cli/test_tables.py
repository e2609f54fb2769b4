"""Lists on standard output: plain lines in a pipe, and as wide as the terminal is."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from hub.cli import tables

ID = "01a204eb-1e70-70f2-85f0-11442d02450f"
COLUMNS = ["Id", "State", "Agent", "Title"]
ROWS = [[ID, Text("✓ completed"), "guide", "What is an attempt, and how does it end when it must?"]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, *, width: int, rows: tables.Rows = ROWS) -> list[str]:
    terminal = Terminal()
    console = Console(file=terminal, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(tables, "out", console)
    tables.table(COLUMNS, rows)
    return [line.rstrip() for line in terminal.getvalue().splitlines()]


def test_a_wide_terminal_shows_a_table(monkeypatch: pytest.MonkeyPatch):
    head, row = drawn(monkeypatch, width=140)
    assert head.split() == COLUMNS
    assert row.endswith("when it must?")


def test_what_is_long_is_cut_before_anything_that_is_typed(monkeypatch: pytest.MonkeyPatch):
    _, row = drawn(monkeypatch, width=90)
    assert row.startswith(f"{ID}  ✓ completed  guide  What is an attempt")
    assert row.endswith("…")
    assert len(row) <= 90


def test_a_narrow_terminal_shows_each_row_below_the_other(monkeypatch: pytest.MonkeyPatch):
    lines = drawn(monkeypatch, width=60)
    assert lines == [
        ID,
        "  state ✓ completed  agent guide",
        "  What is an attempt, and how does it end when it must?",
    ]


def test_names_are_one_line_and_nothing_is_said_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    tables.table(["A", "B"], [["one\ttwo", "three\nfour"]], more="next")
    said = capsys.readouterr()
    assert said.out == "one two\tthree four\n"
    assert "--cursor next" in said.err
    assert drawn(monkeypatch, width=60, rows=[]) == []


def test_facts_are_lines_and_the_empty_ones_are_left_out(capsys: pytest.CaptureFixture[str]):
    tables.facts({"Name": "manuals", "Description": "", "Passages": "3"})
    assert capsys.readouterr().out == "Name\tmanuals\nPassages\t3\n"
