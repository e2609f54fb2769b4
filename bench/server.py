"""A Postgres of the bench's own, on disk, whose CPU can be read; and pgbench beside it.

The product's binaries with more memory, so that no checkpoint falls into a measurement. What is
written waits for the disk, as by default.
"""

import re
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg import Connection

from store.embedded import embedded_postgres, socket_directory
from store.embedded.binaries import postgres_programs
from store.postgres.migrate import migrate

SETTINGS = {
    "shared_buffers": "512MB",
    "max_connections": "200",
    "max_wal_size": "8GB",
    "min_wal_size": "1GB",
}
PGBENCH_CLIENTS = 64
PGBENCH_THREADS = 2
PGBENCH_TRIES = 3  # a disk that others keep busy may stand still for seconds
PLAIN_TABLE = """
CREATE TABLE IF NOT EXISTS public.plain (
  position  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream_id uuid NOT NULL,
  version   int NOT NULL,
  type      text NOT NULL,
  time      timestamptz NOT NULL DEFAULT now(),
  data      jsonb NOT NULL,
  UNIQUE (stream_id, version)
)
"""
PLAIN_INSERT = """\\set v random(1, 2000000000)
INSERT INTO public.plain (stream_id, version, type, data) VALUES (gen_random_uuid(), :v, \
'step.finished', '{"step": "1.17", "tokens": {"input": 542, "output": 64}, "cost": 1200, \
"tool": "search_documents", "arguments": {"query": "retry budget of the ingest worker", \
"limit": 8}, "ok": true, "text": "%s"}');
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running, migrated Postgres.

    Attributes:
        filesystem: Of its data, such as `ext4`.
    """

    url: str
    pid: int
    directory: Path
    filesystem: str

    def cpu(self) -> float:
        """Seconds spent by all its processes, those that ended too."""
        postmaster = psutil.Process(self.pid)
        spent = postmaster.cpu_times()
        total = spent.user + spent.system + spent.children_user + spent.children_system
        for child in postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        return total

    def checkpoint(self) -> None:
        """Between measurements, so that none falls into one."""
        with Connection[object].connect(self.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def pgbench(self, seconds: float) -> float:
        """Single prepared inserts a second, by 64 clients."""
        with Connection[object].connect(self.url, autocommit=True) as connection:
            connection.execute(PLAIN_TABLE)
            connection.execute("TRUNCATE public.plain")
        script = self.directory / "insert.sql"
        script.write_text(PLAIN_INSERT % ("x" * 60))
        command = [
            *(str(postgres_programs() / "pgbench"), "-n", "-M", "prepared"),
            *("-c", str(PGBENCH_CLIENTS), "-j", str(PGBENCH_THREADS), "-T", f"{seconds:.0f}"),
            *("-f", str(script), self.url),
        ]
        for _ in range(PGBENCH_TRIES):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if found := re.search(r"tps = ([\d.]+)", done.stdout):
                return float(found[1])
        raise RuntimeError(
            f"pgbench wrote nothing, {PGBENCH_TRIES} times: the disk does not answer"
        )


@asynccontextmanager
async def running() -> AsyncGenerator[Server]:
    """A fresh server, gone with the block."""
    with tempfile.TemporaryDirectory(prefix="pygent-bench-") as name:
        directory = Path(name)
        sockets = socket_directory(directory)
        async with embedded_postgres(
            directory / "postgres", sockets=sockets, settings=SETTINGS
        ) as postgres:
            await migrate(postgres.url)
            yield Server(
                url=postgres.url,
                pid=postgres.pid,
                directory=directory,
                filesystem=_filesystem(directory),
            )


def _filesystem(directory: Path) -> str:
    places = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    for parent in (directory, *directory.parents):
        if str(parent) in places:
            return places[str(parent)]
    return "unknown"
