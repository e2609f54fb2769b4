"""`pygent up`: servers, hub with dashboard, workers and scheduler, from one command.

Starts embedded Postgres and Valkey unless URLs name others, migrates, seeds, keeps every part
alive, and gives the first person a link that logs her in. A signal ends the parts first, then the
servers they stand on.
"""

import logging
import os
import signal
from collections.abc import Mapping
from functools import partial
from typing import Annotated

import anyio
import typer
from anyio import CancelScope
from anyio.abc import TaskStatus

from hub.cli.data_directory import Running, forget_running, write_running
from hub.cli.exits import command
from hub.cli.reach import require_free_port, require_servers
from hub.cli.running import compose
from hub.cli.running.prepare import Prepared, prepare
from hub.cli.running.production import require_safe
from hub.cli.running.readiness import until_read, until_ready
from hub.cli.running.servers import servers
from hub.cli.running.start import Start
from hub.cli.running.supervisor import Child, keep
from hub.cli.settings import UpSettings, inherited
from hub.identity.tickets import link_of
from hub.settings import HubSettings
from store.embedded.directory import locked

logger = logging.getLogger(__name__)

app = typer.Typer()


@app.command()
@command
async def up(
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Worker processes; default 1.")
    ] = None,
) -> None:
    """Start everything and print a link that logs you in. Ctrl-C ends all of it.

    Example: `pygent up --workers 4`
    """
    settings, composition = HubSettings(), UpSettings()
    compose.require_settings()
    require_safe(settings)
    require_free_port(settings.host, settings.port)
    compose.require_site(composition.site_dir)
    await require_servers(settings)
    count = composition.workers if workers is None else workers

    start = Start(settings)
    with CancelScope() as starting, locked(settings.data_dir) as directory:
        start.keep_log(directory)
        async with anyio.create_task_group() as watch:
            signals = await watch.start(_Signals(start, starting).run)
            watch.start_soon(start.bound_log)
            start.step(_opening(settings))
            async with servers(settings) as (database_url, redis_url):
                start.step("Bringing the database to this version")
                prepared = await prepare(
                    settings, composition, database_url=database_url, redis_url=redis_url
                )
                signals.stops = CancelScope()
                with signals.stops:
                    await _run(settings, prepared, start, workers=count, is_seeded=composition.seed)
            watch.cancel_scope.cancel()


def _opening(settings: HubSettings) -> str:
    embedded = {"Postgres": settings.database_url is None, "Valkey": settings.redis_url is None}
    ours = [name for name, is_embedded in embedded.items() if is_embedded]
    return f"Starting {' and '.join(ours)}" if ours else "Using the servers that are named"


async def _run(
    settings: HubSettings, prepared: Prepared, start: Start, *, workers: int, is_seeded: bool
) -> None:
    url = f"http://{_reachable(settings.host)}:{settings.port}"
    shared = inherited(
        PYGENT_DATABASE_URL=prepared.database_url,
        PYGENT_REDIS_URL=prepared.redis_url,
        PYGENT_HOST=settings.host,
        PYGENT_PORT=str(settings.port),
        PYGENT_DATA_DIR=str(settings.data_dir),
        PYGENT_LOG_FILE=str(start.log_file) if start.log_file else None,
    )
    is_ready = anyio.Event()
    try:
        async with anyio.create_task_group() as group:
            start.step(f"Starting hub, scheduler and {workers} worker{'s' * (workers != 1)}")
            for part in _parts(shared, workers=workers):
                group.start_soon(partial(keep, part, is_ready=is_ready.is_set))
            await until_ready(url)
            if workers and is_seeded:
                start.step("Waiting until guide has read the documentation")
                await until_read(url, key=prepared.api_key)
            write_running(settings.data_dir, _running(prepared, url=url))
            public_url = settings.public_url or url
            start.is_ready(link_of(public_url, prepared.ticket), url=public_url)
            is_ready.set()
    finally:
        forget_running(settings.data_dir)


def _parts(environment: Mapping[str, str], *, workers: int) -> list[Child]:
    return [
        compose.child("hub", "hub", "--with-dashboard", environment=environment),
        compose.child("scheduler", "scheduler", environment=environment),
        *(
            compose.child(f"worker {number}", "worker", environment=environment)
            for number in range(1, workers + 1)
        ),
    ]


def _running(prepared: Prepared, *, url: str) -> Running:
    return Running(
        pid=os.getpid(),
        url=url,
        database_url=prepared.database_url,
        redis_url=prepared.redis_url,
        api_key=prepared.api_key,
    )


class _Signals:
    """Ends the innermost scope that runs: first the parts, or whatever is starting."""

    def __init__(self, start: Start, starting: CancelScope) -> None:
        self._start = start
        self.stops = starting

    async def run(self, *, task_status: TaskStatus["_Signals"]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started(self)
            async for _ in received:
                self._start.stops()
                self.stops.cancel()


def _reachable(host: str) -> str:
    """An address of this machine for a host that means all of them."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
