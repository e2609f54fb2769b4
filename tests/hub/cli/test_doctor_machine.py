"""The doctor finds what is wrong with this machine; each test makes the mistake."""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from hub.cli.checks import disk, machine
from hub.cli.checks.finding import Finding, Verdict
from hub.cli.settings import UpSettings

ROOT = Path(__file__).parents[3]


def data(directory: Path, **changes: object) -> Finding:
    given = {"is_ours": False, "mounts": psutil.disk_partitions(all=True), "needed_bytes": 1}
    return disk.data_directory(directory, **{**given, **changes})


def is_wrong(finding: Finding, *words: str) -> None:
    assert finding.verdict is Verdict.WRONG, finding
    assert finding.cure
    for word in words:
        assert word in f"{finding.sentence} → {finding.cure}"


def test_an_old_python_is_told_which_one_is_needed():
    is_wrong(machine.python((3, 10, 12)), "3.10.12", "3.11", "install Python")
    assert machine.python(sys.version_info[:3]).verdict is Verdict.FINE


def test_pages_that_were_not_built_are_told_how_to_be(tmp_path: Path):
    is_wrong(machine.pages(UpSettings(site_dir=tmp_path)), str(tmp_path), "make site")
    for page in ("index.html", "404.html"):
        (tmp_path / page).touch()
    assert machine.pages(UpSettings(site_dir=tmp_path)).verdict is Verdict.FINE


def test_a_port_in_use_is_named_with_who_uses_it():
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        found = machine.port("127.0.0.1", number)
        is_wrong(found, str(number), f"process {os.getpid()}", "PYGENT_PORT")
    assert machine.port("127.0.0.1", number).verdict is Verdict.FINE


def test_an_address_of_another_machine_cannot_be_listened_on():
    is_wrong(machine.port("192.0.2.1", 8000), "192.0.2.1", "PYGENT_HOST")


@pytest.mark.parametrize(
    ("files", "verdict"), [(256, "wrong"), (1024, "note"), (4096, "ok")], ids=str
)
def test_few_open_files_are_told_with_the_limit(files: int, verdict: str):
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}));"
        "from hub.cli.checks.machine import open_files; found = open_files();"
        "print(found.verdict, found.cure)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    said, _, cure = done.stdout.partition(" ")
    assert said == verdict
    assert ("ulimit -n" in cure) == (verdict != "ok")


def test_a_directory_that_cannot_be_written_is_named():
    is_wrong(data(Path("/proc/factory")), "/proc cannot be written", "PYGENT_DATA_DIR")


def test_a_directory_of_somebody_else_is_named(tmp_path: Path):
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o555)
    with not_as_root():
        is_wrong(data(theirs / "data"), "cannot be written: Permission denied", "PYGENT_DATA_DIR")


@contextmanager
def not_as_root() -> Generator[None]:
    """Root may write everywhere, so for root somebody else looks."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_directory_in_use_names_the_process_until_it_says_that_it_is_ready(tmp_path: Path):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, b"4711")
        is_wrong(data(tmp_path), "in use by process 4711")
        assert data(tmp_path, is_ours=True).verdict is Verdict.FINE
    finally:
        os.close(lock)
    assert data(tmp_path).verdict is Verdict.FINE


def test_a_full_disk_is_told_with_what_is_left(tmp_path: Path):
    everything = shutil.disk_usage(tmp_path).total
    is_wrong(data(tmp_path / "new", needed_bytes=everything), "GiB left", "make room")


def test_a_network_disk_is_told_by_its_kind(tmp_path: Path):
    class Nfs:
        mountpoint = str(tmp_path)
        fstype = "nfs4"

    mounts = [*psutil.disk_partitions(all=True), Nfs()]
    is_wrong(data(tmp_path / "data", mounts=mounts), "network disk (nfs4)", "local disk")
    assert data(tmp_path.parent, mounts=mounts).verdict is Verdict.FINE
