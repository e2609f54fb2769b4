"""`pygent up`: servers, hub with dashboard, workers and scheduler, from one command.

Starts embedded Postgres and Valkey unless URLs name others, migrates, seeds, keeps every part
alive, and gives the first person a link that logs her in. A signal ends the parts first, then the
servers they stand on.
"""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated

import anyio
import typer
from anyio import CancelScope
from anyio.abc import TaskStatus

from hub.cli.data_directory import (
    LINK_FILE,
    Running,
    forget_running,
    write_private,
    write_running,
)
from hub.cli.exits import command
from hub.cli.reach import require_free_port, require_servers
from hub.cli.running import compose
from hub.cli.running.prepare import Prepared, prepare
from hub.cli.running.readiness import until_read, until_ready
from hub.cli.running.servers import servers
from hub.cli.running.supervisor import Child, keep
from hub.cli.settings import UpSettings, inherited
from hub.identity.tickets import link_of
from hub.settings import HubSettings
from hub.telemetry import configure_logging
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
    configure_logging(settings.log_format, settings.log_level)
    require_free_port(settings.host, settings.port)
    compose.require_site(composition.site_dir)
    await require_servers(settings)
    count = composition.workers if workers is None else workers

    with CancelScope() as starting, locked(settings.data_dir):
        async with anyio.create_task_group() as watch:
            signals = await watch.start(_Signals(starting).run)
            async with servers(settings) as (database_url, redis_url):
                prepared = await prepare(
                    settings, composition, database_url=database_url, redis_url=redis_url
                )
                signals.stops = CancelScope()
                with signals.stops:
                    await _run(settings, prepared, workers=count)
            watch.cancel_scope.cancel()


async def _run(settings: HubSettings, prepared: Prepared, *, workers: int) -> None:
    url = f"http://{_reachable(settings.host)}:{settings.port}"
    shared = inherited(
        PYGENT_DATABASE_URL=prepared.database_url,
        PYGENT_REDIS_URL=prepared.redis_url,
        PYGENT_HOST=settings.host,
        PYGENT_PORT=str(settings.port),
        PYGENT_DATA_DIR=str(settings.data_dir),
    )
    is_ready = anyio.Event()
    try:
        async with anyio.create_task_group() as group:
            for part in _parts(shared, workers=workers):
                group.start_soon(partial(keep, part, is_ready=is_ready.is_set))
            await until_ready(url)
            if workers:
                await until_read(url, key=prepared.api_key)
            write_running(settings.data_dir, _running(prepared, url=url))
            _announce(settings, prepared, url=settings.public_url or url)
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

    def __init__(self, starting: CancelScope) -> None:
        self.stops = starting

    async def run(self, *, task_status: TaskStatus["_Signals"]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started(self)
            async for _ in received:
                self.stops.cancel()


def _reachable(host: str) -> str:
    """An address of this machine for a host that means all of them."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _announce(settings: HubSettings, prepared: Prepared, *, url: str) -> None:
    """Say that everything serves; the link goes to a terminal or a private file, never to a log."""
    link = link_of(url, prepared.ticket)
    if sys.stdout.isatty():
        sys.stdout.write(f"\n  Log in with this link, once, within ten minutes:\n\n  {link}\n\n")
    else:
        path = settings.data_dir / LINK_FILE
        write_private(path, link + "\n")
        logger.info("the login link is in a file that only you can read", extra={"file": str(path)})
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
