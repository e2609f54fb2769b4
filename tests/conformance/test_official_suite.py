"""The suite that ships with the official Python client, against the product in place of its server.

It is fetched with the client's source distribution, and two of its words are changed: where the
server is, and the secret of its tokens, which is too short for us.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import anyio
import anyio.to_thread

from store.addresses import Addresses
from tests.conformance.clients import CACHE, missing
from tests.conformance.guests import hub_with_guests
from tests.protocols.centrifugal.signing import SECRET

NAME, VERSION = "centrifuge_python", "0.7.0"
SHA256 = "11252b45c3f6b6104cfb07fb0fcfc9d2d62832d2af14715dd16fdc5e9c6e5964"
SECONDS = 100
PASSED = 60  # and a few more
ASKED = {"history_seconds": 300, "publish": "subscribers", "subscribe": "anyone"}
COMES_AND_GOES = {"presence": True, "join_leave": True, "force_push_join_leave": True}
NAMESPACES = json.dumps(  # as the suite's docker-compose.yml has them
    [
        {
            "name": "",
            "history_size": 100,
            "delta": True,
            "personal": True,
            **ASKED,
            **COMES_AND_GOES,
        },
        {"name": "smallhistory", "history_size": 2, **ASKED},
    ]
)


def fetched() -> Path:
    """The source distribution, unpacked once into the build cache, whoever asks at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unpacked = CACHE / f"{NAME}-{VERSION}"
        if not (unpacked / "tests/test_client.py").is_file():
            _fetch()
        return unpacked


def _fetch() -> None:
    wanted = f"centrifuge-python=={VERSION}"
    command = ["-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    result = subprocess.run(
        [sys.executable, *command, "--no-build-isolation", "-d", str(CACHE), wanted],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    archive = CACHE / f"{NAME}-{VERSION}.tar.gz"
    if result.returncode or not archive.is_file():
        missing(f"pip could not download the source of {wanted}: {result.stderr[-500:]}")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if "/tests/" in member.name and (content := tar.extractfile(member)):
                path = CACHE / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def changed(unpacked: Path, directory: Path, *, server: str) -> None:
    """The suite, a copy of it, for this server."""
    shutil.copytree(unpacked / "tests", directory / "tests")
    for file in (directory / "tests").glob("*.py"):
        text = file.read_text().replace("localhost:8000", server)
        file.write_text(text.replace('hmac_secret = "secret"', f"hmac_secret = {SECRET!r}"))


async def test_the_python_clients_own_suite_passes(addresses: Addresses, tmp_path: Path):
    unpacked = await anyio.to_thread.run_sync(fetched)
    async with hub_with_guests(addresses, namespaces=NAMESPACES) as served:
        changed(unpacked, tmp_path, server=served.url.removeprefix("http://"))
        command = [sys.executable, "-m", "unittest", "tests.test_client"]
        with anyio.fail_after(SECONDS):
            result = await anyio.run_process(command, cwd=tmp_path, check=False)
    told = result.stderr.decode()
    assert result.returncode == 0, told[-5000:]
    ran = int(told.rpartition("\nRan ")[2].split()[0])
    assert ran > PASSED
