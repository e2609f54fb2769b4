"""Documents ingested by a worker, and questions about them answered with their sentences."""

from collections.abc import Sequence

import pytest

from protocols.knowledge import CreateCollection, DocumentState
from protocols.principals import system
from protocols.tasks import TaskState
from store.knowledge.embedder import Vectors
from store.knowledge.embedders.hashing import Hashing
from store.operations.knowledge import StoredKnowledge
from tests.agents.conftest import Site

GUIDE = b"""# Contributing

## Running the tests

Run everything with one command:

```sh
make test
```

It takes ten minutes on two cores.

## Style

Lines have at most 100 characters.
"""


@pytest.fixture
def knowledge(site: Site, monkeypatch: pytest.MonkeyPatch) -> StoredKnowledge:
    embedder = Hashing()  # no weights to load
    monkeypatch.setattr("agents.app.choose_embedder", lambda: embedder)
    return StoredKnowledge(site.store, system(), embedder)


async def test_a_question_is_answered_from_the_agents_documents_with_citations(
    site: Site, knowledge: StoredKnowledge
) -> None:
    await knowledge.create(CreateCollection(name="manual"))
    async with site.worker():
        document = await knowledge.add(
            "manual", GUIDE, title="", source="CONTRIBUTING.md", media_type="text/markdown", wait=20
        )
        assert document.state is DocumentState.READY
        await site.agent(model="extractive", tools=["knowledge_search"], collections=["manual"])
        ended = await site.end(await site.submit("How do I run the tests?"))
    assert ended.state is TaskState.COMPLETED
    answer = ended.answer or ""
    assert "### Contributing" in answer
    assert "```sh\nmake test\n```" in answer
    assert [step.kind for step in ended.steps] == ["model", "retrieval", "model"]
    assert ended.steps[1].summary in {"1 passage", "2 passages"}
    (said,) = ended.said
    assert said.citations[0].document == document.id
    assert f"[{said.citations[0].n}]" in answer
    assert "make test" in said.citations[0].quote


async def test_a_collection_that_is_gone_is_told_and_does_not_break_the_task(
    site: Site, knowledge: StoredKnowledge
) -> None:
    await site.agent(model="extractive", tools=["knowledge_search"], collections=["nowhere"])
    async with site.worker():
        ended = await site.end(await site.submit("Anything?"))
    assert ended.state is TaskState.COMPLETED
    assert "could not be searched" in (ended.answer or "") or "nothing" in (ended.answer or "")


async def test_a_broken_document_fails_with_a_reason_and_its_job_is_done(
    site: Site, knowledge: StoredKnowledge
) -> None:
    await knowledge.create(CreateCollection(name="manual"))
    async with site.worker():
        document = await knowledge.add(
            "manual",
            b"%PDF-1.7\nbroken",
            title="",
            source="broken.pdf",
            media_type="application/pdf",
            wait=30,
        )
    assert document.state is DocumentState.FAILED
    assert document.reason


class Brittle(Hashing):
    """Has a fault that one word brings out."""

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if any("unforeseen" in text for text in texts):
            raise ZeroDivisionError("division by zero")
        return await super().embed_passages(texts)


async def test_a_document_that_breaks_what_reads_it_fails_and_others_are_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.app.choose_embedder", Brittle)
    knowledge = StoredKnowledge(site.store, system(), Hashing())
    await knowledge.create(CreateCollection(name="manual"))
    async with site.worker():
        broken, read = [
            await knowledge.add(
                "manual", text, title="", source=name, media_type="text/plain", wait=20
            )
            for name, text in (("a.txt", b"Something unforeseen."), ("b.txt", b"Something usual."))
        ]
    assert broken.state is DocumentState.FAILED
    assert "the worker broke" in (broken.reason or "")
    assert "zero" not in (broken.reason or "")
    assert read.state is DocumentState.READY
