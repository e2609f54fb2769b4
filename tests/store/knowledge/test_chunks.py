"""Passages of tables: a row says little without the names of its columns."""

import time

import pytest

from store.knowledge.chunks import MAX_PORTION, MAX_TOKENS, Cutter, header_of, portions

HEADER = "| name | meaning | default |\n|---|:-:|---|\n"


def count_tokens(text: str) -> int:
    return len(text.split())


def table(rows: int, header: str = HEADER) -> str:
    return header + "".join(f"| `name_{n}` | what number {n} is | {n} |\n" for n in range(rows))


def cut(text: str) -> list[str]:
    return Cutter("markdown", count_tokens=count_tokens).cut(text)


def test_each_passage_of_a_cut_table_begins_with_its_header() -> None:
    first, *others = cut(f"Some words before it.\n\n{table(60)}\nAnd some after it.")
    assert len(others) > 1
    assert first.startswith("Some words before it.")
    assert all(passage.count(HEADER) == 1 for passage in [first, *others] if "`name_" in passage)
    assert all(count_tokens(passage) <= MAX_TOKENS for passage in [first, *others])
    assert all(f"| `name_{n}` |" in "\n".join([first, *others]) for n in range(60))


def test_rows_have_the_header_of_their_own_table() -> None:
    other = "| key | effect | shown |\n|---|---|---|\n"
    passages = cut(f"{table(40)}\nBetween them.\n\n{table(40, other)}")
    assert passages[-1].startswith(other)
    assert not any("| key |" in passage for passage in passages[:2])


def test_a_table_that_is_not_cut_and_text_without_one_stay_as_they_are() -> None:
    assert cut(table(3)) == [table(3).strip()]
    assert cut("A | B is no table.\n\n| nor is this one") == [
        "A | B is no table.\n\n| nor is this one"
    ]


def test_a_header_too_long_to_repeat_is_not_repeated() -> None:
    long = f"| {'word ' * 90}| b | c |\n|---|---|---|\n"
    passages = cut(table(40, long))
    assert sum("word word" in passage for passage in passages) == 1


def test_a_table_goes_on_with_its_header_in_the_next_portion() -> None:
    pieces = list(portions(table(2000)))
    assert len(pieces) > 1
    assert all(piece.startswith(HEADER) for piece in pieces)
    assert all(len(piece) <= MAX_PORTION + len(HEADER) for piece in pieces)
    assert "".join(piece.removeprefix(HEADER).strip("\n") + "\n" for piece in pieces) == (
        table(2000).removeprefix(HEADER)
    )


def test_text_without_tables_is_whole_in_its_portions() -> None:
    text = "A sentence of some words. \n\n" * 3000
    assert "".join(portions(text)) == text


@pytest.mark.parametrize(
    "text", ["| a |\n| b |\n| c |", "|---|\n|---|\n| c |", "a\n\n| c |", "| c |"]
)
def test_rows_without_a_header_are_given_none(text: str) -> None:
    found = header_of(text, text.index("| c |"))
    assert found in {"", "|---|\n|---|\n"}


def test_a_line_that_is_nearly_a_rule_takes_no_longer_than_another() -> None:
    text = "| a |\n|" + "-" * 200_000 + "x\n" + "| c |\n"
    began = time.process_time()
    assert header_of(text, text.index("| c |")) == ""
    assert cut("| a |\n|" + "-" * 19_000 + "x\n| c |")
    assert time.process_time() - began < 5
