"""The extractive model: asks for a search, then answers by selecting and quoting sentences.

It really answers, from one's own documents, without a network; and it says that it is no language
model. What it quotes is decided in `ranking.py`, how it is written in `answer.py`.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import msgspec

from agents.model import Entry, ModelEvent, ModelRequest, Responded, TextDelta, ToolAnswer, ToolCall
from agents.models.extractive.answer import CREDIT, compose
from agents.models.extractive.units import Found
from protocols.messages import Message
from protocols.steps import Usage

NAME = "extractive"
SEARCH = "knowledge_search"
PASSAGES = 10
_MOST_SECONDS = 0.9  # that a whole answer takes to be written, however long it is
_WORD_SECONDS = 0.01
_WORD = re.compile(r"\s*\S+\s*")


class _Passage(msgspec.Struct):
    n: int
    document: str
    title: str
    text: str
    location: str = ""
    similarity: float | None = None


class _Passages(msgspec.Struct):
    passages: list[_Passage]


class ExtractiveModel:
    """Answers from passages, word for word."""

    @property
    def name(self) -> str:
        """As steps show it."""
        return NAME

    @asynccontextmanager
    async def respond(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
        """A call of the search first, the answer then; see `agents.model.Model`."""
        yield self._answer(request)

    async def _answer(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        question, answers = _asked(request.conversation)
        may_search = any(offer.name == SEARCH for offer in request.tools)
        if may_search and not answers and question.strip():
            yield _search(question)
            return
        text = _text(question, answers, may_search=may_search)
        words = _WORD.findall(text)
        pause = min(_WORD_SECONDS, _MOST_SECONDS / max(len(words), 1))
        start = anyio.current_time()
        for number, word in enumerate(words):
            await anyio.sleep_until(start + pause * number)
            yield TextDelta(word)
        read = sum(len(answer.content.split()) for answer in answers)
        yield Responded(
            text=text,
            usage=Usage(input=read + len(question.split()), output=len(words)),
            model=NAME,
            cost=0,
        )


def _search(question: str) -> Responded:
    call = ToolCall(id="search-1", name=SEARCH, arguments={"query": question, "limit": PASSAGES})
    return Responded(
        text="",
        tool_calls=(call,),
        usage=Usage(input=len(question.split())),
        finish_reason="tool_calls",
        model=NAME,
        cost=0,
    )


def _asked(conversation: Sequence[Entry]) -> tuple[str, list[ToolAnswer]]:
    """The person's last message, and what tools answered since."""
    question, answers = "", list[ToolAnswer]()
    for entry in conversation:
        if isinstance(entry, Message) and entry.role == "user":
            question, answers = entry.text, []
        elif isinstance(entry, ToolAnswer) and entry.name == SEARCH:
            answers.append(entry)
    return question, answers


def _text(question: str, answers: Sequence[ToolAnswer], *, may_search: bool) -> str:
    if not question.strip():
        return f"Nothing was asked.\n\n{CREDIT}"
    if not may_search and not answers:
        return (
            f"I can only quote documents, and this agent may not search any: its spec has no tool "
            f"`{SEARCH}`.\n\n{CREDIT}"
        )
    if answers and all(answer.is_error for answer in answers):
        return f"The documents could not be searched, so there is no answer.\n\n{CREDIT}"
    return compose(question, found(answers))


def found(answers: Sequence[ToolAnswer]) -> list[Found]:
    """The passages of these answers of the search, in their order; none of one that failed."""
    passages = [
        passage
        for answer in answers
        if not answer.is_error
        for passage in msgspec.json.decode(answer.content, type=_Passages).passages
    ]
    return [
        Found(
            n=passage.n,
            rank=rank,
            document=passage.document,
            title=passage.title,
            location=passage.location,
            text=passage.text,
            similarity=passage.similarity,
        )
        for rank, passage in enumerate(passages)
    ]
