"""Which factory a client finds when it is not told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pygent
from hub.cli.data_directory import Running, write_running
from protocols.sdk.address import Address, find

NAMES = ("PYGENT_URL", "PYGENT_API_KEY", "PYGENT_DATA_DIR")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def runs(directory: Path, *, pid: int | None = None, key: str | None = "pgk_file") -> None:
    directory.mkdir(exist_ok=True)
    running = Running(
        pid=os.getpid() if pid is None else pid,
        url="http://127.0.0.1:8123",
        database_url="postgresql://secret",
        redis_url="redis://x",
        api_key=key,
    )
    write_running(directory, running)


def test_the_one_that_runs_here_is_found_as_the_command_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(tmp_path / ".pygent")
    assert find(None, None) == Address("http://127.0.0.1:8123", "pgk_file")
    assert pygent.Client().url == "http://127.0.0.1:8123"
    runs(tmp_path / "elsewhere", key="pgk_other")
    monkeypatch.setenv("PYGENT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert find(None, None).token == "pgk_other"


def test_what_is_said_goes_before_the_environment_and_that_before_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(tmp_path / ".pygent")
    monkeypatch.setenv("PYGENT_API_KEY", "pgk_environment")
    assert find(None, None) == Address("http://127.0.0.1:8123", "pgk_environment")
    monkeypatch.setenv("PYGENT_URL", "https://factory.example")
    assert find(None, None) == Address("https://factory.example", "pgk_environment")
    assert find("http://other", "pgk_said") == Address("http://other", "pgk_said")
    monkeypatch.setenv("PYGENT_URL", "")
    assert find(None, None).url == "http://127.0.0.1:8123"


def test_the_directorys_key_is_not_sent_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(tmp_path / ".pygent")
    monkeypatch.setenv("PYGENT_URL", "https://factory.example")
    with pytest.raises(pygent.Unauthenticated, match="PYGENT_API_KEY"):
        pygent.Client()


def test_none_running_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(pygent.Unavailable, match=r"pygent up.*PYGENT_URL"):
        pygent.Client()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    runs(tmp_path / ".pygent", pid=process.pid)
    with pytest.raises(pygent.Unavailable, match="pygent up"):
        pygent.AsyncClient()
    (tmp_path / ".pygent/run.json").write_text(json.dumps({"pid": "x"}))
    with pytest.raises(pygent.InvalidRequest, match=r"run\.json"):
        pygent.AsyncClient()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "ws://127.0.0.1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(pygent.InvalidRequest, match="not an address"):
        pygent.Client(url, "k")
