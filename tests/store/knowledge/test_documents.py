"""Documents on their way into a collection, replaced, refused, removed; and what others see."""

import anyio
import pytest

from agents import ingest as ingesting
from agents.ingest import ingest
from protocols.errors import AlreadyExists, Forbidden, InvalidRequest, LimitExceeded, NotFound
from protocols.knowledge import CreateCollection, DocumentState
from protocols.principals import Role
from store.connect import Store
from store.knowledge import passages
from store.knowledge.embedder import Vectors
from store.knowledge.embedders.hashing import Hashing
from tests.store.knowledge.people import add, jobs, knowledge, search, with_documents, work
from tests.store.people import OTHER_TEAM, TEAM

GUIDE = "# The guide\n\nStart here.\n\n## Then\n\nGo on."
ABSENT = "01900000-0000-7000-8000-000000000000"


async def rows(store: Store) -> dict[str, int]:
    """How many rows each table has, over all teams."""
    counted: dict[str, int] = {}
    async with store.log_pool.connection() as connection:
        for table in ("collection", "document", "blob", "chunk", "embedding_384"):
            cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
            counted[table] = (await cursor.fetchone() or (-1,))[0]
    return counted


async def test_a_document_is_queued_with_its_job_and_ready_after_it(store: Store) -> None:
    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs", description="All of it."))
    added = await add(asked, GUIDE, source="guides/start.md")
    assert (added.state, added.title, added.chunks) == (DocumentState.QUEUED, "start.md", 0)
    assert await jobs(store) == [{"document": added.id, "team": 1}]

    await work(store)
    done = await asked.document("docs", added.id)
    assert (done.state, done.title, done.chunks) == (DocumentState.READY, "The guide", 2)
    found = await asked.get("docs")
    assert (found.documents, found.chunks, found.embedder) == (1, 2, "hashing")


async def test_the_title_of_the_one_who_adds_it_stays(store: Store) -> None:
    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs"))
    await asked.add("docs", b"# Other", title="Mine", source="a.md", media_type="text/markdown")
    await work(store)
    assert [found.title for found in (await asked.documents("docs")).items] == ["Mine"]


async def test_waiting_ends_when_the_workers_are_done(store: Store) -> None:
    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs"))

    async def worker() -> None:
        while not await jobs(store):
            await anyio.sleep(0.01)
        await work(store)

    states: list[DocumentState] = []
    async with anyio.create_task_group() as group:
        group.start_soon(worker)
        done = await asked.add(
            "docs", GUIDE.encode(), title="", source="", media_type="text/markdown", wait=20
        )
        states.append(done.state)
    assert states == [DocumentState.READY]


async def test_the_same_content_under_the_same_source_is_the_same_document(store: Store) -> None:
    (first,) = await with_documents(store, {"a.md": GUIDE})
    again = await add(knowledge(store), GUIDE, source="a.md")
    assert again == first
    assert len(await jobs(store)) == 1


async def test_without_a_source_the_content_says_which_document_it_is(store: Store) -> None:
    await with_documents(store, {})
    asked = knowledge(store)
    first, other = await add(asked, GUIDE), await add(asked, "# Other")
    assert (await add(asked, GUIDE)).id == first.id != other.id


async def test_other_content_replaces_what_the_source_had(store: Store) -> None:
    (first,) = await with_documents(store, {"a.md": "# A\n\nThe harbour."})
    asked = knowledge(store)
    second = await add(asked, "# A\n\nThe airport.", source="a.md")
    assert (second.id, second.state) == (first.id, DocumentState.QUEUED)
    assert [found.text for found in await search(asked, "harbour")] == ["The harbour."]

    await work(store)
    assert [found.text for found in await search(asked, "harbour")] == ["The airport."]
    assert await rows(store) == {
        "collection": 1,
        "document": 1,
        "blob": 1,
        "chunk": 1,
        "embedding_384": 1,
    }


async def test_equal_contents_are_kept_once_until_the_last_is_removed(store: Store) -> None:
    first, second = await with_documents(store, {"a.md": GUIDE, "b.md": GUIDE})
    assert (await rows(store))["blob"] == 1
    asked = knowledge(store)
    await asked.remove("docs", first.id)
    assert await rows(store) == {
        "collection": 1,
        "document": 1,
        "blob": 1,
        "chunk": 2,
        "embedding_384": 2,
    }
    await asked.remove("docs", second.id)
    assert set((await rows(store)).values()) == {0, 1}
    assert (await rows(store))["collection"] == 1
    assert (await asked.get("docs")).chunks == 0


async def test_a_deleted_collection_leaves_nothing(store: Store) -> None:
    await with_documents(store, {"a.md": GUIDE, "b.md": "# B"})
    await knowledge(store).delete("docs")
    assert set((await rows(store)).values()) == {0}
    await work(store)  # its jobs find nothing to do
    with pytest.raises(NotFound):
        await knowledge(store).get("docs")


async def test_what_cannot_be_read_fails_with_its_reason_and_may_be_tried_again(
    store: Store,
) -> None:
    await with_documents(store, {})
    asked = knowledge(store)
    broken = await add(asked, b"%PDF-1.7\nbroken", source="a.pdf", media_type="application/pdf")
    await work(store)
    failed = await asked.document("docs", broken.id)
    assert (failed.state, failed.chunks) == (DocumentState.FAILED, 0)
    assert failed.reason is not None
    assert failed.reason.startswith("a.pdf is a broken PDF")

    again = await add(asked, b"%PDF-1.7\nbroken", source="a.pdf", media_type="application/pdf")
    assert (again.id, again.state) == (broken.id, DocumentState.QUEUED)
    assert len(await jobs(store)) == 2


async def test_a_small_document_of_very_many_sections_is_refused_before_it_fills_the_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "MAX_CHUNKS", 100)  # as 50,000 take long to be cut
    await with_documents(store, {})
    asked = knowledge(store)
    many = await add(asked, "# a\nb\n" * 101, source="many.md")
    await work(store)
    failed = await asked.document("docs", many.id)
    assert (failed.state, failed.chunks) == (DocumentState.FAILED, 0)
    assert failed.reason is not None
    assert "over 100 passages" in failed.reason


@pytest.mark.parametrize(
    ("content", "media_type", "error", "why"),
    [
        (b" \n", "text/plain", InvalidRequest, "a.md is empty"),
        (b"\x00\x01", "text/markdown", InvalidRequest, "a.md is binary: byte 0 is NUL"),
        (b"x", "image/png", InvalidRequest, "a.md is image/png, which cannot be read"),
        (b"x" * 22_020_096, "text/plain", LimitExceeded, "a.md has 21.0 MiB; .* at most 20 MiB"),
    ],
)
async def test_what_is_plainly_bad_is_refused_at_once(
    store: Store, content: bytes, media_type: str, error: type[Exception], why: str
) -> None:
    await with_documents(store, {})
    with pytest.raises(error, match=why):
        await add(knowledge(store), content, source="a.md", media_type=media_type)
    assert await jobs(store) == []


async def test_an_ingest_that_is_done_twice_changes_nothing(store: Store) -> None:
    await with_documents(store, {"a.md": GUIDE})
    first = await search(knowledge(store), "start")
    async with store.log_pool.connection() as connection:
        await connection.execute("UPDATE document SET state = 'queued'")  # as if it never ended
    await work(store)
    assert await search(knowledge(store), "start") == first
    assert (await rows(store))["chunk"] == 2


async def test_an_ingest_that_is_killed_leaves_what_was_there_and_can_be_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (document,) = await with_documents(store, {"a.md": "# A\n\nThe harbour."})
    asked = knowledge(store)
    await add(asked, "# A\n\nThe airport.", source="a.md")

    with monkeypatch.context() as patch:

        async def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(passages, "_insert_vectors", die)  # old passages deleted, new ones half in
        with pytest.raises(KeyboardInterrupt):
            await ingest(store, Hashing(), document.id, TEAM)
    assert [found.text for found in await search(asked, "harbour")] == ["The harbour."]
    assert (await asked.document("docs", document.id)).state is DocumentState.QUEUED

    await work(store)
    assert [found.text for found in await search(asked, "airport")] == ["The airport."]
    assert (await asked.get("docs")).chunks == 1


async def test_two_ingests_of_one_document_at_once_leave_it_whole(store: Store) -> None:
    (document,) = await with_documents(store, {"a.md": GUIDE})
    async with store.log_pool.connection() as connection:
        await connection.execute("UPDATE document SET state = 'queued'")
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ingest, store, Hashing(), document.id, TEAM)
    assert (await rows(store))["chunk"] == (await knowledge(store).get("docs")).chunks == 2


async def test_an_ingest_of_older_content_does_not_undo_the_newer(store: Store) -> None:
    class Slow(Hashing):
        """Somebody replaces the document while its passages are embedded."""

        async def embed_passages(self, texts: object) -> Vectors:
            await add(asked, "# A\n\nThe airport.", source="a.md")
            return await super().embed_passages(["The harbour."])

    asked = knowledge(store)
    await asked.create(CreateCollection(name="docs"))
    document = await add(asked, "# A\n\nThe harbour.", source="a.md")
    await ingest(store, Slow(), document.id, TEAM)
    assert (await asked.document("docs", document.id)).state is DocumentState.QUEUED
    await work(store)
    assert [found.text for found in await search(asked, "airport")] == ["The airport."]


async def test_documents_are_listed_newest_first_in_pages(store: Store) -> None:
    await with_documents(store, {f"{number}.md": f"# {number}" for number in range(5)})
    asked = knowledge(store)
    titles: list[str] = []
    cursor: str | None = None
    while True:
        page = await asked.documents("docs", cursor=cursor, limit=2)
        titles += [found.title for found in page.items]
        if (cursor := page.next) is None:
            break
    assert titles == ["4", "3", "2", "1", "0"]
    with pytest.raises(InvalidRequest, match="the cursor"):
        await asked.documents("docs", cursor="bm9uZQ")


async def test_collections_are_listed_by_name_and_each_name_is_taken_once(store: Store) -> None:
    asked = knowledge(store)
    for name in ("b", "c", "a"):
        await asked.create(CreateCollection(name=name))
    first = await asked.list(limit=2)
    assert [found.name for found in first.items] == ["a", "b"]
    assert [found.name for found in (await asked.list(cursor=first.next)).items] == ["c"]
    with pytest.raises(AlreadyExists, match="there is a collection b already"):
        await asked.create(CreateCollection(name="b"))
    await knowledge(store, team=OTHER_TEAM).create(CreateCollection(name="b"))


async def test_another_teams_documents_do_not_exist(store: Store) -> None:
    (document,) = await with_documents(store, {"a.md": GUIDE})
    theirs = knowledge(store, team=OTHER_TEAM)
    with pytest.raises(NotFound, match="there is no collection 'docs'"):
        await theirs.documents("docs")
    await theirs.create(CreateCollection(name="docs"))
    for attempt in (theirs.document, theirs.remove):
        with pytest.raises(NotFound, match=f"there is no document '{document.id}'"):
            await attempt("docs", document.id)
    await ingest(store, Hashing(), document.id, OTHER_TEAM)  # a job with a wrong team does nothing
    assert (await rows(store))["chunk"] == 2


async def test_a_viewer_reads_and_changes_nothing(store: Store) -> None:
    (document,) = await with_documents(store, {"a.md": GUIDE})
    viewer = knowledge(store, role=Role.VIEWER)
    assert (await viewer.document("docs", document.id)).state is DocumentState.READY
    with pytest.raises(Forbidden):
        await viewer.create(CreateCollection(name="more"))
    with pytest.raises(Forbidden):
        await viewer.delete("docs")
    with pytest.raises(Forbidden):
        await viewer.remove("docs", document.id)
    with pytest.raises(Forbidden):
        await add(viewer, GUIDE)


@pytest.mark.parametrize("name", ["none", "", "a\0b", "ü", "x" * 1000])
async def test_a_collection_that_is_not_there_is_said_so(store: Store, name: str) -> None:
    with pytest.raises(NotFound, match="there is no collection"):
        await knowledge(store).get(name)


@pytest.mark.parametrize("document", [ABSENT, "none", "", "\0"])
async def test_a_document_that_is_not_there_is_said_so(store: Store, document: str) -> None:
    await with_documents(store, {})
    with pytest.raises(NotFound, match="there is no document"):
        await knowledge(store).document("docs", document)
