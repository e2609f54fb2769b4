"""Documents seen on their way: stages, what open pages are told, and what failed tried again."""

import json

import pytest

from agents.ingest import ingest
from protocols.agents import AgentSpec
from protocols.channels import Namespace, StreamPosition, feed_channel
from protocols.errors import Forbidden, InvalidRequest, InvalidTransition, NotFound
from protocols.knowledge import CreateCollection, DocumentState, KnowledgeChange
from protocols.principals import Role
from store.connect import Store
from store.knowledge.embedder import Vectors
from store.knowledge.embedders.hashing import Hashing
from store.projector import Projector
from tests.store.knowledge.people import add, jobs, knowledge, with_documents, work
from tests.store.people import OTHER_TEAM, TEAM, factory

LONG = "# Long\n\n" + "\n\n".join(f"## Part {n}\n\nIt says {n}." for n in range(40))


async def told(store: Store) -> list[KnowledgeChange]:
    """What open pages were told, oldest first."""
    channel = feed_channel(Namespace.KNOWLEDGE, TEAM)
    page = await store.broker.read_feed(channel, after=StreamPosition("", 0))
    return [KnowledgeChange.model_validate_json(each.data) for each in page.publications]


def searching(name: str, collection: str) -> AgentSpec:
    return AgentSpec(name=name, tools=("knowledge_search",), collections=(collection,))


async def test_a_document_passes_its_stages_and_open_pages_are_told_of_each(store: Store) -> None:
    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs"))
    added = await add(asked, LONG, source="long.md")
    assert (added.stage, (await asked.get("docs")).queued) == ("queued", 1)
    await work(store)

    made, *changes = await told(store)
    assert (made.collection, made.document, made.removed) == ("docs", None, None)
    seen = [change.document for change in changes if change.document]
    stages = list(dict.fromkeys(document.stage for document in seen))
    assert stages == ["queued", "reading", "cutting", "embedding", None]
    counted = [document for document in seen if document.stage == "embedding"]
    assert {document.to_embed for document in counted} == {seen[-1].chunks}
    assert (seen[-1].state, seen[-1].embedded) == (DocumentState.READY, 0)
    versions = [document.version for document in seen]
    assert versions == sorted(set(versions))
    assert seen[-1] == await asked.document("docs", added.id)
    assert seen[-1].changed_at == added.changed_at
    await add(asked, "# Short", source="long.md")
    assert (await asked.document("docs", added.id)).changed_at > added.changed_at
    assert (await asked.get("docs")).queued == 1


async def test_the_stage_of_older_content_is_not_said_of_the_newer(store: Store) -> None:
    class Slow(Hashing):
        """Somebody replaces the document while its passages are embedded."""

        async def embed_passages(self, texts: object) -> Vectors:
            await add(asked, "# A\n\nThe airport.", source="a.md")
            return await super().embed_passages(["The harbour."])

    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs"))
    document = await add(asked, "# A\n\nThe harbour.", source="a.md")
    await ingest(store, Slow(), document.id, TEAM)
    assert (await asked.document("docs", document.id)).stage == "queued"


async def test_what_failed_is_counted_listed_and_tried_again(store: Store) -> None:
    asked = knowledge(store)
    await with_documents(store, {"good.md": "# Good\n\nText."})
    broken = await add(asked, b"%PDF-1.7\nbroken", source="b.pdf", media_type="application/pdf")
    await work(store)
    failed = await asked.documents("docs", state=DocumentState.FAILED)
    assert [(found.id, found.stage) for found in failed.items] == [(broken.id, None)]
    ready = await asked.documents("docs", state=DocumentState.READY)
    assert [found.source for found in ready.items] == ["good.md"]
    assert (await asked.documents("docs", state=DocumentState.QUEUED)).items == []
    assert (await asked.get("docs")).failed == (await asked.list()).items[0].failed == 1

    before = len(await jobs(store))
    again = await asked.retry("docs", broken.id)
    assert (again.state, again.stage, again.reason) == (DocumentState.QUEUED, "queued", None)
    assert len(await jobs(store)) == before + 1
    with pytest.raises(InvalidTransition, match="is queued; only what has failed"):
        await asked.retry("docs", broken.id)
    with pytest.raises(Forbidden):
        await knowledge(store, role=Role.VIEWER).retry("docs", broken.id)
    with pytest.raises(NotFound):
        await knowledge(store, team=OTHER_TEAM).retry("docs", broken.id)


async def test_passages_of_a_document_are_read_in_order_from_any_of_them(store: Store) -> None:
    (document,) = await with_documents(store, {"long.md": LONG})
    asked = knowledge(store, role=Role.VIEWER)
    first = await asked.chunks("docs", document.id, limit=3)
    assert [each.ordinal for each in first.items] == [0, 1, 2]
    assert first.items[1].location.startswith("Long")
    more = await asked.chunks("docs", document.id, cursor=first.next, limit=3)
    assert [each.ordinal for each in more.items] == [3, 4, 5]
    last = await asked.chunks("docs", document.id, start=document.chunks - 1, limit=3)
    assert [each.ordinal for each in last.items] == [document.chunks - 1]
    assert last.next is None
    with pytest.raises(InvalidRequest, match="the cursor"):
        await asked.chunks("docs", document.id, cursor="bm9uZQ")
    with pytest.raises(NotFound):
        await knowledge(store, team=OTHER_TEAM).chunks("docs", document.id)


async def test_what_deleting_would_take_away_is_said_before(store: Store) -> None:
    texts = {"a.md": "# A\n\nText.", "b.md": "# B\n\nMore text."}
    await with_documents(store, texts)
    await with_documents(store, {}, collection="docs-2")
    own = factory(store)
    for name, collection in (("reader", "docs"), ("other", "docs-2"), ("gone", "docs")):
        await own.agents.create(searching(name, collection))
    await own.agents.create(searching("was", "docs"))
    await own.agents.publish("was", searching("was", "docs-2"))
    await own.agents.retire("gone")
    await own.agents.create(AgentSpec(name="says", instructions='Search "docs" and more'))
    await Projector(store).catch_up()

    use = await knowledge(store, role=Role.VIEWER).use("docs")
    assert (use.documents, use.chunks, use.bytes) == (2, 2, sum(map(len, texts.values())))
    assert use.agents == ["reader"]
    with pytest.raises(NotFound):
        await knowledge(store, team=OTHER_TEAM).use("docs")


async def test_what_is_gone_is_told(store: Store) -> None:
    (document,) = await with_documents(store, {"a.md": "# A\n\nText."})
    asked = knowledge(store)
    before = len(await told(store))
    await asked.remove("docs", document.id)
    await asked.delete("docs")
    gone, deleted = (await told(store))[before:]
    assert (gone.collection, gone.removed, deleted.removed) == ("docs", document.id, None)
    assert json.loads(deleted.model_dump_json())["collection"] == "docs"
