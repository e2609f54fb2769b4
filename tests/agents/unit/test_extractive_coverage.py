"""What an answer by quotes says of the words it leaves open, and that it says nothing otherwise."""

import pytest

from agents.models.extractive.answer import compose
from agents.models.extractive.spelling import as_written
from tests.agents.unit.passages import found

GARDEN = """# The garden

Water the roses in the evening. A hose hangs beside the shed.

## Visitors

The gate opens at nine. Visitors bring their own gloves and share the tools of the team.
"""
SOIL = "Compost makes the soil better. Turn it twice a year, before the frost."


def opening(question: str, *texts: str) -> str:
    return compose(question, found(*(texts or (GARDEN, SOIL)))).split("\n")[0]


@pytest.mark.parametrize(
    "question",
    [
        "When do I water the roses?",
        "roses",
        "What is the best and quickest way to water the roses properly, please?",
        "Is there a way to see when the gate opens?",
        "Where do I find out when the gate opens?",
        "How many roses per visitor, and does everybody bring gloves?",
        "Do visitors need gloves, and does the gate open at nine?",  # two sentences of one passage
        "How do I protect the soil with compost?  How often should I turn it?",
    ],
)
def test_an_answer_that_covers_the_question_begins_with_the_answer(question: str) -> None:
    compost = f"{SOIL} Security of the soil matters."
    assert opening(question, GARDEN, compost).startswith("### ")


@pytest.mark.parametrize(
    ("question", "left_open"),
    [
        ("How do I water the orchids?", "“orchids”"),
        ("Do the visitors share the tools with Siemens?", "“Siemens”"),
        ("Where do I water the roses in COBOL and Klingon?", "“COBOL” or “Klingon”"),
        ("Does the gate of the visitors open for the T-1000?", "“T-1000”"),
    ],
)
def test_what_the_documents_do_not_speak_of_is_said_first(question: str, left_open: str) -> None:
    assert opening(question).startswith(
        f"Nothing found in the documents speaks of {left_open}. The nearest"
    )


def test_a_name_written_small_in_a_long_question_is_no_name_but_its_weight_counts() -> None:
    assert opening("gate for siemens") == (
        "Nothing found in the documents speaks of “siemens”. The nearest I found:"
    )


def test_what_stands_in_another_passage_is_not_said_to_be_nowhere() -> None:
    answer = opening("Does the frost harm the roses on Mondays or when nobody brings gloves?")
    assert "“frost”" not in answer


@pytest.mark.parametrize(
    "question",
    ["waht are the roses?", "Where do vistors go?", "vsiitors", "What do visitor bring?"],
)
def test_a_slip_of_the_keys_is_read_as_what_was_meant(question: str) -> None:
    assert opening(question).startswith("### ")


@pytest.mark.parametrize(
    ("term", "known", "meant"),
    [
        ("uplod", "upload", "upload"),
        ("agnet", "agent", "agent"),
        ("documant", "document", "document"),
        ("notify", "notific", "notific"),
        ("approv", "approval", "approval"),
        ("printer", "pointer", "printer"),
        ("slack", "stack", "slack"),
        ("helm", "help", "helm"),
        ("internet", "interfac", "internet"),
        ("company", "compar", "company"),
        ("uplod", "upload uplond", "uplod"),  # which of the two?
        ("4", "5", "4"),
        ("", "", ""),
    ],
)
def test_a_word_is_read_as_another_only_after_one_slip(term: str, known: str, meant: str) -> None:
    assert as_written(term, known.split()) == meant
