"""Collections and documents over HTTP: as forms and as JSON, with their limits."""

import time

import httpx
import pytest

from agents.ingest import ingest
from protocols.errors import (
    AlreadyExists,
    InvalidRequest,
    InvalidTransition,
    LimitExceeded,
    NotFound,
)
from protocols.knowledge import (
    MAX_DOCUMENT_BYTES,
    CreateCollection,
    DocumentState,
    NearestRequest,
    SearchRequest,
)
from protocols.principals import TeamId
from protocols.rest.bodies import MAX_DOCUMENT_BYTES as MAX_BODY_BYTES
from store.knowledge.embedders.hashing import Hashing
from tests.serving import Served

DOCUMENTS = "/api/v1/collections/manuals/documents"


@pytest.fixture
async def manuals(served: Served) -> None:
    await served.factory().knowledge.create(CreateCollection(name="manuals"))


async def test_a_document_comes_in_over_the_client_and_goes_again(
    served: Served, manuals: None
) -> None:
    async with await served.client() as client:
        with pytest.raises(AlreadyExists):
            await client.knowledge.create(CreateCollection(name="manuals"))
        document = await client.knowledge.add(
            "manuals",
            b"# Pumps\n\nA pump moves water.",
            title="",
            source="pumps.md",
            media_type="text/markdown",
        )
        assert (document.state, document.source) == (DocumentState.QUEUED, "pumps.md")
        assert document.media_type == "text/markdown"
        assert await client.knowledge.document("manuals", document.id) == document
        listing = await client.knowledge.documents("manuals")
        assert [one.id for one in listing.items] == [document.id]
        assert (await client.knowledge.get("manuals")).name == "manuals"
        names = [one.name for one in (await client.knowledge.list()).items]
        assert names == ["manuals"]
        answer = await client.knowledge.search(SearchRequest(query="pump"))
        assert answer.passages == []
        await client.knowledge.remove("manuals", document.id)
        with pytest.raises(NotFound):
            await client.knowledge.document("manuals", document.id)
        await client.knowledge.delete("manuals")
        with pytest.raises(NotFound):
            await client.knowledge.get("manuals")


async def test_a_documents_passages_and_why_they_were_found_come_over_the_client(
    served: Served, manuals: None
) -> None:
    async with await served.client() as client:
        added = await client.knowledge.add(
            "manuals",
            b"# Pumps\n\nA pump moves water. It hums.",
            title="",
            source="pumps.md",
            media_type="text/markdown",
        )
        assert added.stage == "queued"
        team = (await client.me()).team
        await ingest(served.store, Hashing(), added.id, TeamId(team))
        (chunk,) = (await client.knowledge.chunks("manuals", added.id)).items
        request = SearchRequest(query="which pumps hum", explain=True)
        (passage,) = (await client.knowledge.search(request)).passages
        assert (passage.chunk, passage.ordinal) == (chunk.id, chunk.ordinal)
        assert passage.matches is not None
        assert [passage.text[begin:end] for begin, end in passage.matches.text] == ["pump", "hums"]
        asked = NearestRequest(query="does it hum", chunk=chunk.id)
        begin, end = (await client.knowledge.nearest(asked)).span
        assert chunk.text[begin:end] in {"It hums.", "A pump moves water."}
        assert (await client.knowledge.use("manuals")).documents == 1
        ready = await client.knowledge.documents("manuals", state=DocumentState.READY)
        assert [one.id for one in ready.items] == [added.id]
        with pytest.raises(InvalidTransition):
            await client.knowledge.retry("manuals", added.id)


async def test_a_form_and_json_make_the_same_document(
    program: httpx.AsyncClient, manuals: None
) -> None:
    text = "# Pumps\n\nA pump moves water."
    form = await program.post(
        DOCUMENTS,
        files={"file": ("pumps.md", text.encode(), "application/octet-stream")},
        data={"title": "Pumps"},
    )
    assert form.status_code == 202, form.text
    as_json = await program.post(
        DOCUMENTS, json={"title": "Pumps", "source": "pumps.md", "text": text}
    )
    assert as_json.status_code == 202, as_json.text
    for field in ("id", "sha256", "media_type", "source", "title"):
        assert form.json()[field] == as_json.json()[field], field


async def test_broken_uploads_are_said_with_the_field(
    program: httpx.AsyncClient, manuals: None
) -> None:
    cases: list[tuple[dict[str, object], int]] = [
        ({"files": {"other": ("a.md", b"x", "text/markdown")}}, 422),
        ({"files": {"file": ("a.md", b"x")}, "data": {"title": "t" * 301}}, 422),
        ({"files": {"file": ("a.md", b"x")}, "data": {"title": "a\x00b"}}, 400),
        ({"files": [("file", ("a.md", b"x")), ("file", ("b.md", b"x"))]}, 400),
        ({"files": {"file": ("a.md", b"x")}, "data": {f"f{n}": "x" for n in range(20)}}, 400),
        ({"files": {"file": ("a.md", b"")}}, 422),
        ({"json": {"text": ""}}, 422),
        ({"json": {"text": "x", "media_type": "application/pdf"}}, 422),
        ({"json": {"text": "x", "path": "/etc/passwd"}}, 422),
        ({"content": b"x", "headers": {"Content-Type": "text/markdown"}}, 415),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
    ]
    for case, status in cases:
        answer = await program.post(DOCUMENTS, **case)  # pyright: ignore[reportArgumentType]  one of httpx's
        assert answer.status_code == status, (case, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", case


async def test_a_name_with_a_path_is_only_a_name(program: httpx.AsyncClient, manuals: None) -> None:
    answer = await program.post(
        DOCUMENTS, files={"file": ("../../etc/cron.d/x.md", b"# A\n\ntext", "text/markdown")}
    )
    assert answer.status_code == 202
    assert answer.json()["source"] == "../../etc/cron.d/x.md"


async def test_a_document_over_the_limit_is_refused_with_the_limit(
    served: Served, program: httpx.AsyncClient, manuals: None
) -> None:
    over = b"x" * (MAX_DOCUMENT_BYTES + 1)
    async with await served.client() as client:
        with pytest.raises(LimitExceeded, match=str(MAX_DOCUMENT_BYTES // 1024 // 1024)):
            await client.knowledge.add(
                "manuals", over, title="", source="x.txt", media_type="text/plain"
            )
    answer = await program.post(DOCUMENTS, files={"file": ("x.txt", b"x" * (MAX_BODY_BYTES + 1))})
    assert answer.status_code == 413
    assert str(MAX_BODY_BYTES) in answer.json()["detail"]


async def test_another_teams_collections_answer_as_absent_ones(
    served: Served, manuals: None
) -> None:
    async with served.with_key(await served.key(team=TeamId(2))) as foreign:
        for method, path in (
            ("GET", "/api/v1/collections/manuals"),
            ("DELETE", "/api/v1/collections/manuals"),
            ("GET", DOCUMENTS),
            ("GET", f"{DOCUMENTS}/0199aaaa-0000-7000-8000-000000000000"),
        ):
            assert (await foreign.request(method, path)).status_code == 404, path
        added = await foreign.post(DOCUMENTS, json={"text": "x"})
        assert added.status_code == 404
        found = await foreign.post("/api/v1/search", json={"query": "pump"})
        assert found.json()["passages"] == []


async def test_what_cannot_be_read_is_an_invalid_request(served: Served, manuals: None) -> None:
    async with await served.client() as client:
        with pytest.raises(InvalidRequest):
            await client.knowledge.add(
                "manuals", b"PK\x03\x04", title="", source="x.zip", media_type="application/zip"
            )


async def test_a_large_body_that_is_no_document_is_refused_before_it_grows(
    program: httpx.AsyncClient, manuals: None
) -> None:
    for body in (
        b"[" + b"0," * 5_000_000 + b"0]",
        b'{"text":[' + b"[]," * 3_000_000 + b"[]]}",
        b"{" + b",".join(b'"k%d":""' % n for n in range(700_000)) + b"}",
    ):
        began = time.process_time()
        answer = await program.post(
            DOCUMENTS, content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text
        assert time.process_time() - began < 2
    text = "# Pumps\n\n" + "A pump moves water.\n" * 100_000
    whole = await program.post(DOCUMENTS, json={"source": "large.md", "text": text})
    assert whole.status_code == 202, whole.text


async def test_a_form_names_no_charset_but_utf8(program: httpx.AsyncClient, manuals: None) -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n%b\r\n'
    file = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\nx\r\n--b--\r\n'
    )
    body = field % (b"a" * 20_000 + b"-" + b"ba" * 20_000) + file
    for charset, status in (("punycode", 415), ("latin-1", 415), ("utf-8", 422)):
        began = time.process_time()
        answer = await program.post(
            DOCUMENTS,
            content=body,
            headers={"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"},
        )
        assert answer.status_code == status, answer.text
        assert time.process_time() - began < 1
