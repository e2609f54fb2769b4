"""The embedded servers start after every kind of end, and say why where they cannot."""

import contextlib
import os
import signal
import stat
from pathlib import Path

import anyio
import psutil
import psycopg
import pytest
from redis.asyncio import Redis

from protocols.errors import Conflict, Unavailable
from store.embedded import binaries, embedded_postgres, embedded_valkey, socket_directory
from store.embedded import child as embedded_child
from tests.store.embedded_servers import DEADLINE_SECONDS, is_alive, query
from tests.store.embedded_servers import data as data


async def test_postgres_answers_on_its_socket_and_nowhere_else(data: Path):
    sockets = socket_directory(data)
    async with embedded_postgres(data / "postgres", sockets=sockets) as server:
        assert await query(server.url, "SELECT 1") == [(1,)]
        assert await query(server.url, "SHOW listen_addresses") == [("",)]
        await query(server.url, "CREATE EXTENSION vector")
        assert not psutil.Process(server.pid).net_connections(kind="inet")
        with pytest.raises(psycopg.OperationalError):
            await query(server.url.replace("postgres:", "postgres:not-", 1), "SELECT 1")
    assert not is_alive(server.pid)
    assert stat.S_IMODE((data / "postgres/password").stat().st_mode) == 0o600


async def test_valkey_answers_on_its_socket_and_nowhere_else(data: Path):
    async with embedded_valkey(data / "valkey", sockets=socket_directory(data)) as server:
        async with Redis.from_url(server.url) as redis:
            assert await redis.get("nothing") is None
        assert not psutil.Process(server.pid).net_connections(kind="inet")
    assert not is_alive(server.pid)


async def test_postgres_starts_again_after_kill_9_with_what_was_committed(data: Path):
    sockets = socket_directory(data)
    async with embedded_postgres(data / "postgres", sockets=sockets) as first:
        await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(first.pid, signal.SIGKILL)
        with anyio.fail_after(DEADLINE_SECONDS):
            assert await first.exited() == -signal.SIGKILL

    async with embedded_postgres(data / "postgres", sockets=sockets) as second:
        assert second.url == first.url
        assert await query(second.url, "SELECT answer FROM kept") == [(42,)]


async def test_a_query_that_outlives_its_killed_postgres_does_not_delay_the_next(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    # So long it would be asked to end, and not be told.
    slowly = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 60.0))
    monkeypatch.setattr("store.embedded.postgres.ENDS", slowly)
    sockets = socket_directory(data)
    async with embedded_postgres(data / "postgres", sockets=sockets) as first:
        busy = await psycopg.AsyncConnection.connect(first.url)
        # Plain counting: it does not look whether its parent is still there.
        busy.pgconn.send_query(b"SELECT count(*) FROM pg_class, pg_proc a, pg_proc b, pg_proc c")
        active = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM pg_class%'"
        with anyio.fail_after(DEADLINE_SECONDS):
            while not await query(first.url, active):
                pass
        os.kill(first.pid, signal.SIGKILL)
        await first.exited()
    assert is_alive(busy.info.backend_pid)

    with anyio.fail_after(30):
        async with embedded_postgres(data / "postgres", sockets=sockets) as second:
            assert await query(second.url, "SELECT 1") == [(1,)]
            assert not is_alive(busy.info.backend_pid)
    await busy.close()


async def test_valkey_starts_again_after_kill_9_with_what_was_acknowledged(data: Path):
    sockets = socket_directory(data)
    async with embedded_valkey(data / "valkey", sockets=sockets) as first:
        async with Redis.from_url(first.url) as redis:
            await redis.set("kept", "42")
        os.kill(first.pid, signal.SIGKILL)
        with anyio.fail_after(DEADLINE_SECONDS):
            assert await first.exited() == -signal.SIGKILL

    async with (
        embedded_valkey(data / "valkey", sockets=sockets) as second,
        Redis.from_url(second.url, decode_responses=True) as redis,
    ):
        assert await redis.get("kept") == "42"


async def test_files_left_behind_do_not_keep_the_servers_from_starting(data: Path):
    sockets = socket_directory(data)
    async with (
        embedded_postgres(data / "postgres", sockets=sockets) as postgres,
        embedded_valkey(data / "valkey", sockets=sockets) as valkey,
    ):
        os.kill(postgres.pid, signal.SIGKILL)
        os.kill(valkey.pid, signal.SIGKILL)
        await postgres.exited()
        await valkey.exited()
    # After a reboot the number of the dead server is often somebody else's.
    somebody = await anyio.open_process(["/bin/sleep", "60"])
    for left_behind in (data / "postgres/data/postmaster.pid", data / "valkey/data/valkey.pid"):
        lines = left_behind.read_text().splitlines()
        left_behind.write_text("\n".join([str(somebody.pid), *lines[1:]]))

    async with (
        embedded_postgres(data / "postgres", sockets=sockets) as postgres,
        embedded_valkey(data / "valkey", sockets=sockets),
    ):
        assert await query(postgres.url, "SELECT 1") == [(1,)]

    assert somebody.returncode is None
    somebody.kill()
    await somebody.aclose()


async def test_an_interrupted_initdb_leaves_nothing_that_keeps_the_next_from_starting(data: Path):
    half_made = data / "postgres/data.new-half"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    with anyio.move_on_after(0.1) as interrupted:
        async with embedded_postgres(data / "postgres", sockets=socket_directory(data)):
            pytest.fail("it was not interrupted")
    assert interrupted.cancelled_caught
    assert not (data / "postgres/data").exists()

    async with embedded_postgres(data / "postgres", sockets=socket_directory(data)) as server:
        assert await query(server.url, "SELECT 1") == [(1,)]
    assert not list((data / "postgres").glob("data.new-*"))


async def test_data_of_another_postgres_is_refused(data: Path):
    sockets = socket_directory(data)
    async with embedded_postgres(data / "postgres", sockets=sockets):
        pass
    (data / "postgres/data/PG_VERSION").write_text("17\n")
    with pytest.raises(Conflict, match="is not of Postgres 18"):
        async with embedded_postgres(data / "postgres", sockets=sockets):
            pytest.fail("it started")


async def test_a_failed_start_says_why(data: Path):
    sockets = socket_directory(data)
    with pytest.raises(Unavailable, match='parameter "shared_buffers"'):
        async with embedded_postgres(
            data / "postgres", sockets=sockets, settings={"shared_buffers": "much"}
        ):
            pytest.fail("it started")
    with pytest.raises(Unavailable, match=r"Valkey on .* did not start: .*maxmemory"):
        async with embedded_valkey(
            data / "valkey", sockets=sockets, settings={"maxmemory": "much"}
        ):
            pytest.fail("it started")


async def test_where_no_program_exists_the_setting_to_use_instead_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(binaries, "POSTGRES_MAJOR", 99)
    monkeypatch.setattr("platform.machine", lambda: "sparc")
    sockets = socket_directory(data)
    with pytest.raises(Unavailable, match=r"no Postgres 99 .* sparc; set PYGENT_DATABASE_URL"):
        async with embedded_postgres(data / "postgres", sockets=sockets):
            pytest.fail("it started")
    with pytest.raises(Unavailable, match=r"no Valkey .* sparc; set PYGENT_REDIS_URL"):
        async with embedded_valkey(data / "valkey", sockets=sockets):
            pytest.fail("it started")


async def test_logs_carry_no_content(data: Path):
    async with embedded_postgres(data / "postgres", sockets=socket_directory(data)) as server:
        await query(server.url, "CREATE TABLE secrets (word TEXT PRIMARY KEY)")
        for _ in range(2):
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                await query(server.url, "INSERT INTO secrets VALUES ('xyzzy')")
    log = (data / "postgres/postgres.log").read_text()
    assert "duplicate key" in log
    assert "xyzzy" not in log


async def test_a_log_is_bounded(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_child, "LOG_BYTES", 200_000)
    log = data / "noisy.log"
    noise = ["/bin/sh", "-c", "head -c 2000000 /dev/zero; echo the end"]
    command = embedded_child.Command(
        arguments=noise, directory=data, log=log, ends=((signal.SIGTERM, 1.0),)
    )
    async with embedded_child.child(command) as noisy:
        with anyio.fail_after(DEADLINE_SECONDS):
            assert await noisy.exited() == 0
        assert (await noisy.last_words()).endswith("the end")
    kept = [file.stat().st_size for file in (log, log.with_name("noisy.log.1"))]
    assert sum(kept) <= 400_000
