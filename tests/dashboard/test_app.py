"""What the server of the built pages answers: paths, headers, compressed files."""

import base64
import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dashboard.app import application, script_hashes
from protocols.errors import Unavailable

PAGE = "<html><script>go()</script><script src='/assets/a.js'></script></html>"
OTHER = '<html><script type="module" async="">import("/assets/b.js")</script></html>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "tasks.html").write_text(PAGE)
    (tmp_path / "404.html").write_text(OTHER)
    (tmp_path / "assets" / "a-12ab.js").write_text("go = 1")
    (tmp_path / "assets" / "a-12ab.js.gz").write_bytes(gzip.compress(b"go = 1"))
    return tmp_path


def _client(site: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=application(site))
    return httpx.AsyncClient(transport=transport, base_url="http://pages")


async def test_pages_are_found_with_and_without_parameters_and_others_are_not(site: Path) -> None:
    async with _client(site) as client:
        found = {
            path: (await client.get(path)).status_code
            for path in ("/", "/tasks", "/tasks/0199", "/agents/guide", "/tasks/1/2", "/nowhere")
        }
    assert found == {
        "/": 200,
        "/tasks": 200,
        "/tasks/0199": 200,
        "/agents/guide": 200,
        "/tasks/1/2": 404,
        "/nowhere": 404,
    }


async def test_a_name_longer_than_any_file_breaks_nothing(site: Path) -> None:
    async with _client(site) as client:
        assert (await client.get("/tasks/" + "a" * 300)).status_code == 200
        assert (await client.get("/" + "a" * 5000)).status_code == 404


async def test_files_named_by_content_are_kept_for_a_year_and_pages_are_asked_for_again(
    site: Path,
) -> None:
    async with _client(site) as client:
        script, page = await client.get("/assets/a-12ab.js"), await client.get("/tasks")
        missing = await client.get("/assets/gone.js")
        again = await client.get("/tasks", headers={"if-none-match": page.headers["etag"]})
    assert "immutable" in script.headers["cache-control"]
    assert page.headers["cache-control"] == missing.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


async def test_a_compressed_file_is_sent_to_those_who_read_it(site: Path) -> None:
    async with _client(site) as client:
        packed = await client.get("/assets/a-12ab.js", headers={"accept-encoding": "gzip"})
        plain = await client.get("/assets/a-12ab.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"].startswith("text/javascript")
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "go = 1"


async def test_the_smallest_of_what_the_reader_reads_is_sent(site: Path) -> None:
    (site / "assets" / "a-12ab.js.br").write_bytes(b"packed")
    async with _client(site) as client:
        async with client.stream(
            "GET", "/assets/a-12ab.js", headers={"accept-encoding": "gzip, br"}
        ) as sent:
            raw = b"".join([part async for part in sent.aiter_raw()])
        other = await client.get("/assets/a-12ab.js", headers={"accept-encoding": "gzip"})
    assert sent.headers["content-encoding"] == "br"
    assert sent.headers["vary"] == "accept-encoding"
    assert raw == b"packed"
    assert other.headers["content-encoding"] == "gzip"


async def test_a_page_with_parameters_is_drawn_before_its_scripts_come(site: Path) -> None:
    (site / "tasks").mkdir()
    (site / "tasks" / "_.html").write_text("<html>a task</html>")
    async with _client(site) as client:
        assert (await client.get("/tasks/0199")).text == "<html>a task</html>"
        assert (await client.get("/agents/guide")).text == OTHER  # the site has no file for it


async def test_only_the_scripts_the_pages_were_built_with_may_run(site: Path) -> None:
    async with _client(site) as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(b"go()").digest()).decode()
    assert f"sha256-{digest}" in script_hashes(site)
    assert f"'sha256-{digest}'" in policy
    assert len(script_hashes(site)) == 2
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts


def test_pages_that_were_not_built_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make site"):
        application(tmp_path)


def test_serving_the_pages_does_not_import_reflex() -> None:
    code = "import dashboard.app, sys; sys.exit(any(m.startswith('reflex') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
