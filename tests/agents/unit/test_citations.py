"""Passages by number: what a search found can be cited, whatever else calls itself a passage."""

import msgspec
import pytest

from agents.citations import Passages
from protocols.messages import Citation


def passage(n: object, **fields: object) -> dict[str, object]:
    return {"n": n, "collection": "c", "document": "d", "title": "t", "chunk": "p", **fields}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "three of them",
        {"n": 1},
        7,
        ["one", None, 3, []],
        [{}, {"n": None}, {"n": "1"}, {"n": True}, {"n": 0}, {"n": -4}, {"n": 10**30}, {"n": 1.5}],
    ],
)
def test_what_is_no_passage_is_passed_over(odd: object) -> None:
    passages = Passages()
    passages.add({"passages": odd})
    assert passages.cited("[0] [1] [3]") == ()
    assert passages.reserve(1) == 1


@pytest.mark.parametrize("score", ["high", float("nan"), 10**400, [], None])
def test_an_odd_score_is_none_and_the_citation_can_be_recorded(score: object) -> None:
    passages = Passages()
    passages.add({"passages": [{"n": "x"}, passage(3, score=score, title=5)]})
    (cited,) = passages.cited("[3]")
    again = msgspec.json.decode(msgspec.json.encode(cited), type=Citation)
    assert (again.n, again.title, again.score) == (3, "5", 0.0)
    assert passages.reserve(1) == 4
