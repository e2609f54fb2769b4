"""Knowledge search: passages of the agent's collections, numbered over the whole task.

Answers cite the numbers as `[n]`. Searching lies in the store; whose documents may be found is
decided there, by the task's team.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.tool import ToolContext, ToolResult, checked, schema
from protocols.errors import InvalidRequest, NotFound, ToolFailed
from protocols.knowledge import Passage, SearchRequest
from protocols.steps import StepKind

MAX_QUERY_CHARACTERS = 2000
NAME = "knowledge_search"


class Arguments(BaseModel):
    """What to look for."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[
        str,
        Field(min_length=1, description="What to look for, in a sentence or some words."),
    ]
    limit: Annotated[int, Field(ge=1, le=20, description="At most this many passages.")] = 8


class KnowledgeSearch:
    """Passages by meaning and by words."""

    name = NAME
    kind = StepKind.RETRIEVAL
    description = (
        "Searches the documents you were given and returns passages, each with a number n. "
        "Cite every passage you use as [n] right after the statement it supports."
    )
    parameters = schema(Arguments)

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        """Passages, best first; see `agents.tool.Tool`."""
        wanted = checked(self.name, arguments, against=Arguments)
        request = SearchRequest(
            query=wanted.query[:MAX_QUERY_CHARACTERS],
            collections=context.collections,
            limit=wanted.limit,
        )
        try:
            answer = await context.search(request)
        except (NotFound, InvalidRequest) as error:
            raise ToolFailed(error.message) from error
        first = context.reserve(len(answer.passages))
        return ToolResult(
            value={
                "passages": [
                    _numbered(passage, number)
                    for number, passage in enumerate(answer.passages, start=first)
                ],
            },
            summary=_counted(len(answer.passages)),
        )


def _numbered(passage: Passage, number: int) -> dict[str, object]:
    return {
        "n": number,
        "chunk": passage.chunk,
        "document": passage.document,
        "collection": passage.collection,
        "title": passage.title,
        "source": passage.source,
        "location": passage.location,
        "text": passage.text,
        "score": round(passage.score, 6),
        "similarity": None if passage.vector_score is None else round(passage.vector_score, 4),
    }


def _counted(count: int) -> str:
    return f"{count} passage" if count == 1 else f"{count} passages"
