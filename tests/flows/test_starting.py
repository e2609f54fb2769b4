"""What keeps a factory from starting is said in one sentence and an exit code, and nothing is left.

Also: how the first person gets in, and that her ticket stands in no output.
"""

import shutil
import socket
import stat
import time
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.flows.product import UNSEEDED, Product, Said, place, prepared, site

EXIT_USAGE, EXIT_CONFLICT, EXIT_UNAVAILABLE = 2, 6, 7
ENDED_SECONDS = 40.0  # with the first start of the servers; nine were seen on two busy cores
NO_SUCH_SERVER = "postgresql://nobody:secret-word@127.0.0.1:1/none"
NO_SUCH_REDIS = "redis://:secret-word@127.0.0.1:1/0"


def assert_one_sentence(said: Said, *words: str, code: int) -> None:
    assert said.code == code, said.err
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
    assert "secret-word" not in said.err


def test_a_used_port_is_named():
    with prepared() as product, socket.create_server(("127.0.0.1", product.port)):
        said = product.run("up")
        assert_one_sentence(said, str(product.port), "PYGENT_PORT", code=EXIT_CONFLICT)
        assert not product.data_dir.exists()


def test_a_data_directory_in_use_is_named_with_its_holder(product: Product):
    with prepared() as other:
        said = other.run("up", PYGENT_DATA_DIR=str(product.data_dir))
    assert product.process is not None
    assert_one_sentence(said, str(product.data_dir), str(product.process.pid), code=EXIT_CONFLICT)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"PYGENT_DATABASE_URL": NO_SUCH_SERVER}, "127.0.0.1"),
        ({"PYGENT_DATABASE_URL": "mysql://127.0.0.1/x"}, "PYGENT_DATABASE_URL"),
        ({"PYGENT_REDIS_URL": NO_SUCH_REDIS}, "127.0.0.1"),
        ({"PYGENT_REDIS_URL": "http://127.0.0.1"}, "PYGENT_REDIS_URL"),
        ({"PYGENT_PORT": "eighty"}, "PYGENT_PORT"),
        ({"PYGENT_PUBLIC_URL": "example"}, "PYGENT_PUBLIC_URL"),
        ({"PYGENT_BEAT_SECONDS": "often"}, "PYGENT_BEAT_SECONDS"),  # a worker's
        ({"PYGENT_SITE_DIR": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], word: str):
    with prepared() as product:
        said = product.run("up", **changes)
        assert_one_sentence(said, word, code=said.code)
        assert said.code in {EXIT_USAGE, EXIT_UNAVAILABLE}
        assert product.everybody() == []


async def test_a_hub_that_fails_at_every_start_ends_it_all_soon():
    """Its pages are there when they are looked for, and gone when it starts."""
    with prepared(environment=UNSEEDED) as product:
        pages = product.directory / "gone"
        shutil.copytree(site(product.directory), pages)
        said: list[Said] = []
        began = time.monotonic()

        async def up() -> None:
            run = partial(product.run, "up", PYGENT_SITE_DIR=str(pages))
            said.append(await anyio.to_thread.run_sync(run))

        async with anyio.create_task_group() as group:
            group.start_soon(up)
            with anyio.fail_after(30):
                while not product.data_dir.exists():
                    await anyio.sleep(0.01)
            shutil.rmtree(pages)
        assert (said[0].code, said[0].out) == (EXIT_UNAVAILABLE, "")
        lines = said[0].err.strip().splitlines()
        assert lines[-1].startswith("error: the hub ended 3 times before everything was ready")
        assert "exit code 7" in lines[-1]
        assert any("pages are not built" in line for line in lines)
        assert time.monotonic() - began < ENDED_SECONDS
        assert product.everybody() == []


def test_a_data_directory_that_cannot_be_made_is_named():
    with prepared() as product:
        (product.directory / "file").write_text("")
        said = product.run("up", PYGENT_DATA_DIR=str(product.directory / "file" / "data"))
    assert_one_sentence(said, "file/data", code=EXIT_UNAVAILABLE)


@pytest.mark.parametrize("part", ["hub", "worker", "scheduler", "migrate"])
def test_a_part_alone_asks_for_its_servers(part: str):
    with prepared() as product:
        said = product.run(part)
    assert_one_sentence(said, "PYGENT_DATABASE_URL", code=EXIT_USAGE)


@pytest.mark.parametrize("part", ["hub", "worker", "scheduler", "migrate"])
def test_a_part_alone_says_which_server_it_cannot_reach(part: str):
    with prepared() as product:
        said = product.run(part, PYGENT_DATABASE_URL=NO_SUCH_SERVER, PYGENT_REDIS_URL=NO_SUCH_REDIS)
    assert_one_sentence(said, "127.0.0.1", code=EXIT_UNAVAILABLE)


async def test_a_ticket_logs_in_once_and_stands_in_no_output(product: Product):
    link = product.data_dir / "login-link"
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    url, _, ticket = product.link().partition("#")
    assert url == f"{product.url}/auth/ticket"
    headers = {"Origin": product.url}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as browser:
        first = await browser.post(url, json={"ticket": ticket})
        assert first.status_code == 200
        session = first.cookies["pygent_session"]
        assert (await browser.get(f"{product.url}/api/v1/me")).status_code == 200
    async with httpx.AsyncClient(trust_env=False, headers=headers) as stranger:
        again = await stranger.post(url, json={"ticket": ticket})
        assert again.status_code == 401
        assert (await stranger.get(f"{product.url}/api/v1/me")).status_code == 401

    other = product.run("login-link").out.strip()
    assert other.startswith(f"{product.url}/auth/ticket#")
    assert_nowhere(product, ticket, session, product.key, other.partition("#")[2])


def assert_nowhere(product: Product, *secrets: str) -> None:
    """None of these stands in what was printed or in a server's log."""
    written = [product.directory / "out", product.directory / "err"]
    written += list(product.data_dir.rglob("*.log"))
    assert len(written) >= 4
    for file in written:
        text = file.read_text(errors="replace")
        for secret in secrets:
            assert secret not in text, f"{Path(file).name} has a secret"


def test_the_ready_line_is_all_that_stands_on_standard_output(product: Product):
    assert product.out == f"ready {product.url}\n"


def test_commands_say_how_to_start_a_factory_where_none_runs():
    with place() as directory, prepared() as product:
        for command in (["agents", "ls"], ["token", "create"], ["login-link"]):
            said = product.run(*command, PYGENT_DATA_DIR=str(directory / "none"))
            assert_one_sentence(said, "pygent up", code=EXIT_UNAVAILABLE)
