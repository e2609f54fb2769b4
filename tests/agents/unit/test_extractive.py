"""Questions about documents, answered by their own sentences."""

import json

import pytest

from agents.model import ModelRequest, Responded, TextDelta, ToolAnswer, ToolOffer
from agents.models.extractive.answer import compose
from agents.models.extractive.model import ExtractiveModel
from agents.models.extractive.units import Kind, units
from protocols.messages import user_message
from tests.agents.unit.passages import found

GUIDE = """# Contributing

## Tests

Run everything with one command:

```sh
make test
```

It takes ten minutes on two cores. Warnings are errors, e.g. an unclosed socket.

## Style

- Lines have at most 100 characters.
- Imports stand at the top.
"""

WORDS = """# Words

| word | what it is | we do not say |
|---|---|---|
| Attempt | one worker's try at one task | execution, session |
| Worker | a process that claims tasks | - |
"""


def test_a_how_to_is_answered_with_the_command_and_its_lead() -> None:
    answer = compose("How do I run the tests?", found(GUIDE, WORDS))
    assert "### Title 1" in answer
    assert "Run everything with one command: [1]" in answer
    assert "```sh\nmake test\n```" in answer
    assert "Lines have at most" not in answer
    assert "no language model" in answer


def test_a_definition_is_answered_with_the_row_of_its_table() -> None:
    answer = compose("What is an attempt?", found(GUIDE, WORDS))
    quoted = "- **Attempt**: one worker's try at one task; we do not say: execution, session [2]"
    assert quoted in answer


@pytest.mark.parametrize("question", ["What is the capital of France?", "hello", "?", "the of and"])
def test_what_the_documents_do_not_say_is_not_made_up(question: str) -> None:
    answer = compose(question, found(GUIDE, WORDS))
    assert "I found nothing in the documents" in answer
    assert "### " not in answer


def test_nothing_found_at_all_is_said_too() -> None:
    assert "I found nothing" in compose("How do I run the tests?", [])


def test_the_same_sentence_of_overlapping_passages_is_quoted_once() -> None:
    sentence = "A worker that stops beating loses its tasks to another worker."
    answer = compose("When does a worker lose its tasks?", found(sentence, sentence))
    assert answer.count(sentence) == 1


def test_passages_are_cut_into_what_can_be_quoted_alone() -> None:
    kinds = [unit.kind for unit in units(found(GUIDE)[0])]
    assert kinds == [Kind.SENTENCE, Kind.CODE, *[Kind.SENTENCE] * 2, Kind.ITEM, Kind.ITEM]
    assert units(found(GUIDE)[0])[3].text.endswith("e.g. an unclosed socket.")


def test_a_passage_that_begins_inside_code_keeps_it_as_code() -> None:
    text = 'addopts = "-ra"\nxfail_strict = true\n```\n\nThe options are strict. And it goes on.'
    first, *rest = units(found(text)[0])
    assert first.kind is Kind.CODE
    assert [unit.kind for unit in rest] == [Kind.SENTENCE, Kind.SENTENCE]


def test_a_table_that_lost_its_header_names_no_columns() -> None:
    (row, _) = units(found("| Worker | claims tasks | executor |\n| Task | a request | run |")[0])
    assert row.text == "**Worker**: claims tasks; executor"


@pytest.mark.parametrize("text", ["", "|", "```", "# ", "- ", "a" * 100_000, "|" * 500, "\n" * 99])
def test_no_text_breaks_it(text: str) -> None:
    assert compose("What is it for, and why?", found(text, text))


SEARCH = ToolOffer(name="knowledge_search", description="", parameters={})


async def test_it_searches_first_and_streams_what_it_quotes() -> None:
    model = ExtractiveModel()
    asked = user_message("How do I run the tests?")
    request = ModelRequest(instructions="", conversation=(asked,), tools=(SEARCH,))
    async with model.respond(request) as events:
        (search,) = [event async for event in events]
    assert isinstance(search, Responded)
    assert search.tool_calls[0].arguments == {"query": asked.text, "limit": 10}

    passage = {"n": 7, "document": "d", "title": "T", "text": GUIDE, "location": ""}
    told = ToolAnswer(
        call=search.tool_calls[0].id,
        name="knowledge_search",
        content=json.dumps({"passages": [passage]}),
    )
    request = ModelRequest(instructions="", conversation=(asked, search, told), tools=(SEARCH,))
    async with model.respond(request) as events:
        *deltas, last = [event async for event in events]
    assert isinstance(last, Responded)
    assert last.text == "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert "[7]" in last.text
    assert not last.tool_calls
    assert len(deltas) > 10


async def test_without_the_search_it_says_what_it_lacks() -> None:
    request = ModelRequest(instructions="", conversation=(user_message("Why?"),))
    async with ExtractiveModel().respond(request) as events:
        *_, last = [event async for event in events]
    assert isinstance(last, Responded)
    assert "knowledge_search" in last.text
