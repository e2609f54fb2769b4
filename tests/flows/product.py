"""The product as a user runs it: `pygent up` in a process of its own, its parts, and its end.

Nothing of it is imported into the test but the REST client. Everything it prints is kept in files,
so that a test can ask what was said. Used by the flows, the fault rounds and the benchmarks.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psutil

from hub.cli.settings import inherited
from protocols.rest.client import RestClient
from tests.flows.processes import free_port, group_of, is_part, lives, until

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("pygent")
BUILT_SITE = ROOT / ".web/build/client"
READY_SECONDS = 120.0  # two took a minute on a machine with ten times too much to do
STOP_SECONDS = 10.0  # what the product promises
COMMAND_SECONDS = 120.0
PARTS = ("hub", "scheduler", "worker", "valkey", "postgres")
SHORT_LEASES = {"PYGENT_LEASE_SECONDS": "3", "PYGENT_BEAT_SECONDS": "0.5"}
UNSEEDED = {"PYGENT_SEED": "false"}  # for a story that asks no guide: it starts seconds sooner


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class Product:
    """A factory on a data directory of its own."""

    directory: Path  # holds the data directory, a home and what was printed
    data_dir: Path
    port: int
    user: str | None = None
    command: Sequence[str] = (str(COMMAND),)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    ready_seconds: float = 0.0

    @cached_property
    def key(self) -> str:
        """Made when it is first needed: a story that only starts and stops needs none."""
        return self.token()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/connection/websocket"

    @property
    def out(self) -> str:
        return (self.directory / "out").read_text(errors="replace")

    @property
    def err(self) -> str:
        return (self.directory / "err").read_text(errors="replace")

    def start(self, *arguments: str) -> None:
        """`pygent up`, until it says that it is ready."""
        with (self.directory / "out").open("ab") as out, (self.directory / "err").open("ab") as err:
            said_before = self.out.count("ready http")
            began = time.monotonic()
            self.process = subprocess.Popen(
                [*self.command, "up", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.directory,
                env=self.environment_of_commands(),
                user=self.user,
                group=group_of(self.user),
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )
        until(
            lambda: self.out.count("ready http") > said_before or self._has_ended(),
            seconds=READY_SECONDS,
            what=lambda: f"it is not ready:\n{self.out}\n{self.err}",
        )
        self.ready_seconds = time.monotonic() - began
        assert not self._has_ended(), f"it ended:\n{self.err}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Asks it to end, and returns after how many seconds nothing of it was left."""
        process = self._started()
        family = [psutil.Process(process.pid), *self.everybody()]
        began = time.monotonic()
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"it did not end within {STOP_SECONDS:.0f} s of {how.name}:\n{self.err[-4000:]}"
            ) from None
        seconds = time.monotonic() - began
        left = [one for one in [*family, *self.everybody()] if lives(one)]
        assert not left, f"processes are left: {[' '.join(one.cmdline()) for one in left]}"
        assert process.returncode == 0, f"exit code {process.returncode}:\n{self.err[-4000:]}"
        self.process = None
        return seconds

    def kill(self) -> None:
        """`kill -9` of `pygent up` alone; what it started must end by itself."""
        process = self._started()
        family = self.everybody()
        process.kill()
        process.wait()
        self.process = None
        try:
            until(
                lambda: not any(lives(one) for one in family),
                seconds=STOP_SECONDS,
                what=lambda: f"left: {[' '.join(o.cmdline()) for o in family if lives(o)]}",
            )
        finally:
            for one in family:
                if lives(one):
                    one.kill()

    def everybody(self) -> list[psutil.Process]:
        """All processes of it but `pygent up` itself."""
        found: dict[int, psutil.Process] = {}
        if self.process is not None and self.process.poll() is None:
            for one in psutil.Process(self.process.pid).children(recursive=True):
                found[one.pid] = one
        mine = str(self.data_dir)
        for one in psutil.process_iter():
            try:
                if one.environ().get("PYGENT_DATA_DIR") == mine and one.pid != self._pid():
                    found.setdefault(one.pid, one)
            except psutil.Error:
                continue
        return [one for one in found.values() if one.pid != os.getpid() and lives(one)]

    def part(self, name: str) -> psutil.Process:
        """The process of a part; waits while it is being started again."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            children = psutil.Process(self._started().pid).children()
            found[:] = [one for one in children if is_part(one, name)]
            return bool(found)

        until(is_there, seconds=30, what=lambda: f"there is no {name}:\n{self.err[-4000:]}")
        return found[0]

    def kill_part(self, name: str) -> int:
        """`kill -9`; its former process id."""
        process = self.part(name)
        process.kill()
        until(lambda: not lives(process), seconds=5, what=lambda: f"{name} lives")
        return process.pid

    def client(self) -> RestClient:
        return RestClient(self.url, token=self.key)

    def run_json(self) -> dict[str, object]:
        return json.loads((self.data_dir / "run.json").read_text())

    def link(self) -> str:
        return (self.data_dir / "login-link").read_text().strip()

    def token(self, name: str = "flow") -> str:
        said = self.run("token", "create", "--name", name)
        assert said.code == 0, said.err
        return said.out.strip()

    def run(self, *arguments: str, text: str | None = None, **changes: str | None) -> Said:
        """A `pygent` command beside it, with pipes for a terminal."""
        environment = {
            **self.environment_of_commands(),
            **{k: v for k, v in changes.items() if v is not None},
        }
        for name in (name for name, value in changes.items() if value is None):
            environment.pop(name, None)
        done = subprocess.run(
            [*self.command, *arguments],
            input=None if text is None else text.encode(),
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            cwd=self.directory,
            env=environment,
            user=self.user,
            group=group_of(self.user),
            extra_groups=[] if self.user else None,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        with (self.directory / "err").open("a") as kept:
            kept.write(said.err)
        return said

    def environment_of_commands(self) -> dict[str, str]:
        return inherited(
            PYGENT_PORT=str(self.port),
            PYGENT_DATA_DIR=str(self.data_dir),
            PYGENT_SITE_DIR=str(site(self.directory)),
            PYGENT_DATABASE_URL=None,
            PYGENT_REDIS_URL=None,
            PYGENT_URL=None,
            PYGENT_API_KEY=None,
            PYTHONWARNINGS=None,
            HOME=str(self.directory),
            **self.environment,
        )

    def _started(self) -> "subprocess.Popen[bytes]":
        assert self.process is not None, "it was not started"
        return self.process

    def _pid(self) -> int:
        return self.process.pid if self.process else -1

    def _has_ended(self) -> bool:
        return self._started().poll() is not None


@contextmanager
def place(*, user: str | None = None, deep: int = 0) -> Generator[Path]:
    """A directory of its own, owned by whoever will use it; `deep` makes its path long."""
    with tempfile.TemporaryDirectory(prefix="pygent-flow-", dir="/tmp") as name:
        directory = Path(name)
        if user is not None:
            directory.chmod(0o755)
        directory = directory.joinpath(*["a-rather-long-name" for _ in range(deep)])
        directory.mkdir(parents=True, exist_ok=True)
        site(directory)
        for file in ("out", "err"):
            (directory / file).touch()
        if user is not None:
            shutil.chown(directory, user)
        yield directory


@contextmanager
def prepared(
    *,
    user: str | None = None,
    command: Sequence[str] = (str(COMMAND),),
    deep: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Generator[Product]:
    """A product that is not started; whatever the test does, nothing of it is left."""
    with place(user=user, deep=deep) as directory:
        product = Product(
            directory=directory,
            data_dir=directory / "data",
            port=free_port(),
            user=user,
            command=command,
            environment=environment or {},
        )
        try:
            yield product
        finally:
            if product.process is not None:
                _end(product)


@contextmanager
def running(*arguments: str, environment: Mapping[str, str] | None = None) -> Generator[Product]:
    """A product that serves; at the end it stops within its ten seconds and leaves nothing."""
    with prepared(environment=environment) as product:
        product.start(*arguments)
        yield product
        if product.process is not None:
            product.stop()


def _end(product: Product) -> None:
    """After a failed test, without asking how well it ends."""
    process = product.process
    assert process is not None
    family = product.everybody()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for one in family:
        if lives(one):
            one.kill()


def site(directory: Path) -> Path:
    """The built pages, or a page of our own where there are none."""
    pages = ("index.html", "404.html")
    if all((BUILT_SITE / page).is_file() for page in pages):
        return BUILT_SITE
    plain = directory / "site"
    plain.mkdir(exist_ok=True)
    for page in pages:
        (plain / page).write_text("<!doctype html><title>PyGent</title>")
    return plain
