"""What a first start finds, and what later starts leave alone."""

from pathlib import Path

import pytest

from protocols.agents import AgentState
from store.connect import Store
from store.knowledge.embedders.hashing import Hashing
from store.operations import seed as seeds
from store.operations.seed import seed
from tests.store.knowledge.people import jobs, knowledge, minilm, search, work
from tests.store.people import factory


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# Product\n\nIt is started by `make run`.")
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "docs" / "tasks.md").write_text("# Tasks\n\nA task is one request to one agent.")
    (tmp_path / "docs" / "decisions" / "0001-one.md").write_text("# One log\n\nOne number.")
    (tmp_path / "docs" / "architecture.md").write_text("# Map\n\nFor who builds it.")
    (tmp_path / "docs" / "empty.md").write_text("")
    return tmp_path


async def test_a_first_start_finds_documentation_and_a_guide(store: Store, checkout: Path) -> None:
    await seed(store, Hashing(), directory=checkout)
    await work(store)
    found = await knowledge(store).documents("pygent-docs")
    assert {(document.source, document.state, document.title) for document in found.items} == {
        ("README.md", "ready", "Product"),
        ("docs/tasks.md", "ready", "Tasks"),
    }
    assert (await search(knowledge(store), "request to an agent"))[0].source == "docs/tasks.md"
    guide = await factory(store).agents.get("guide")
    assert (guide.state, guide.spec.collections) == (AgentState.ACTIVE, ("pygent-docs",))


async def test_a_second_start_adds_only_what_has_changed(store: Store, checkout: Path) -> None:
    await seed(store, Hashing(), directory=checkout)
    await work(store)
    await seed(store, Hashing(), directory=checkout)
    assert len(await jobs(store)) == 2
    (checkout / "README.md").write_text("# Product\n\nIt has changed.")
    await seed(store, Hashing(), directory=checkout)
    assert len(await jobs(store)) == 3
    assert (await factory(store).agents.get("guide")).latest == 1


async def test_where_there_is_no_documentation_there_is_still_a_guide(
    store: Store, tmp_path: Path
) -> None:
    await seed(store, Hashing(), directory=tmp_path / "nowhere")
    assert (await knowledge(store).get("pygent-docs")).documents == 0
    assert (await factory(store).agents.get("guide")).latest == 1


async def test_a_new_version_brings_its_guide_and_leaves_an_edited_one_alone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(store, Hashing(), directory=tmp_path)
    agents = factory(store).agents
    newer = seeds.GUIDE.model_copy(update={"description": "Newer."})
    monkeypatch.setattr(seeds, "GUIDE", newer)
    await seed(store, Hashing(), directory=tmp_path)
    assert (await agents.get("guide")).spec == newer

    edited = newer.model_copy(update={"instructions": "Be brief."})
    await agents.publish("guide", edited)
    monkeypatch.setattr(seeds, "GUIDE", newer.model_copy(update={"description": "Newest."}))
    await seed(store, Hashing(), directory=tmp_path)
    assert (await agents.get("guide")).spec == edited


async def test_a_retired_guide_stays_retired(store: Store, tmp_path: Path) -> None:
    await seed(store, Hashing(), directory=tmp_path)
    await factory(store).agents.retire("guide")
    await seed(store, Hashing(), directory=tmp_path)
    assert (await factory(store).agents.get("guide")).state is AgentState.RETIRED


async def test_vectors_made_without_weights_are_made_anew_with_them(
    store: Store, checkout: Path
) -> None:
    await seed(store, Hashing(), directory=checkout)
    await work(store)
    embedder = minilm()
    await seed(store, embedder, directory=checkout)
    await work(store, embedder)
    assert (await knowledge(store).get("pygent-docs")).embedder == "minilm"
    (found, *_) = await search(knowledge(store, embedder), "how do I launch it")
    assert found.vector_score is not None
