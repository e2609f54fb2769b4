"""What `pygent up` leaves for the other commands: readable by its owner, believed while it runs."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli.data_directory import (
    RUN_FILE,
    Running,
    forget_running,
    read_running,
    require_running,
    write_private,
    write_running,
)
from protocols.errors import InvalidRequest, Unavailable


def running(pid: int) -> Running:
    return Running(
        pid=pid, url="http://x", database_url="d", redis_url="r", api_key="k", version="1"
    )


def test_a_private_file_is_its_owners_whatever_the_umask_and_replaces_the_old(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        write_private(path, "new")
    finally:
        os.umask(before)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_running_factory_is_found_until_it_is_forgotten(tmp_path: Path):
    assert read_running(tmp_path) is None
    write_running(tmp_path, running(os.getpid()))
    assert require_running(tmp_path, otherwise="PYGENT_URL") == running(os.getpid())
    forget_running(tmp_path)
    with pytest.raises(Unavailable, match=r"pygent up.* PYGENT_URL"):
        require_running(tmp_path, otherwise="PYGENT_URL")


def test_one_that_was_killed_is_not_believed(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    write_running(tmp_path, running(process.pid))
    assert read_running(tmp_path) is None


def test_a_file_that_is_not_ours_is_named(tmp_path: Path):
    for text in ("{", '{"pid": "x"}', "[]"):
        (tmp_path / RUN_FILE).write_text(text)
        with pytest.raises(InvalidRequest, match=RUN_FILE):
            read_running(tmp_path)
