"""Somebody new asks the guide: the fact is said, and the passage it cites is of the right page.

With the real documents and the real search: once with the weights of the embedding model, once with
the hashing that takes their place where they are not installed.
"""

import json
import re
from typing import Any

import pytest

from agents.model import ToolAnswer
from agents.models.extractive.answer import compose
from agents.models.extractive.model import PASSAGES, found
from agents.tool import ToolContext
from agents.tools.knowledge_search import NAME, KnowledgeSearch
from store.connect import Store
from store.knowledge.embedder import Embedder
from store.knowledge.embedders.hashing import Hashing
from store.operations.seed import COLLECTION, seed
from tests.docs.newcomer import QUESTIONS, Question
from tests.docs.reading import ROOT
from tests.store.knowledge.people import knowledge, minilm, work
from tests.store.people import TEAM


@pytest.mark.parametrize("embedding", ["by meaning", "by words"])
async def test_the_guide_answers_what_somebody_new_asks_and_cites_the_page(
    store: Store, embedding: str
) -> None:
    embedder = minilm() if embedding == "by meaning" else Hashing()
    await seed(store, embedder, directory=ROOT)
    await work(store, embedder)
    wrong = [said for question in QUESTIONS if (said := await missed(question, store, embedder))]
    assert not wrong, "\n\n".join(wrong)


async def missed(question: Question, store: Store, embedder: Embedder) -> str:
    """What is wrong with the answer; empty when it is right."""
    context = ToolContext(
        team=TEAM,
        collections=(COLLECTION.name,),
        search=knowledge(store, embedder).search,
        reserve=lambda _: 1,
    )
    result = await KnowledgeSearch().call({"query": question.text, "limit": PASSAGES}, context)
    given: Any = result.value
    sources: dict[int, str] = {one["n"]: one["source"] for one in given["passages"]}
    told = ToolAnswer(call="search-1", name=NAME, content=json.dumps(result.value))
    answer = compose(question.text, found([told]))
    cited = {sources[int(n)] for part in parts(question, answer) for n in CITED.findall(part)}
    if cited & set(question.pages):
        return ""
    return f"{question.text}\ncited for it: {sorted(cited)}\n{answer}\nfound: {sources}"


CITED = re.compile(r"\[(\d+)\]")


def parts(question: Question, answer: str) -> list[str]:
    """The paragraphs that say the fact; a command is cited by the sentence above it."""
    paragraphs = answer.split("\n\n")
    return [
        f"{before}\n{paragraph}" if paragraph.startswith("```") else paragraph
        for before, paragraph in zip(["", *paragraphs], paragraphs, strict=False)
        if any(fact in paragraph for fact in question.says)
    ]
