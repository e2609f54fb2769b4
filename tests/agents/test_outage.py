"""What workers stand on goes away in mid-task, and they themselves are told to go."""

import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio

from agents.settings import AgentSettings
from protocols.tasks import TaskState
from store.addresses import Addresses
from store.connect import open_store
from store.embedded import embedded_postgres, socket_directory
from store.postgres.migrate import migrate
from tests.agents.conftest import LONG, ROOT, Site, is_writing


async def test_a_killed_postgres_delays_an_answer_and_loses_nothing_of_it(
    tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    sockets = socket_directory(tmp_path)
    first, second = (embedded_postgres(tmp_path / "postgres", sockets=sockets) for _ in range(2))
    async with AsyncExitStack() as until_killed, AsyncExitStack() as opened:
        server = await until_killed.enter_async_context(first)
        await migrate(server.url)
        addresses = Addresses(database=server.url, redis=redis_url, redis_prefix=redis_prefix)
        settings = AgentSettings(
            database_url=server.url, redis_url=redis_url, redis_prefix=redis_prefix
        )
        site = Site(await opened.enter_async_context(open_store(addresses)), settings)
        await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 2}])
        async with site.worker():
            task = await site.submit()
            await site.until(task, is_writing)
            os.kill(server.pid, signal.SIGKILL)
            await server.exited()
            await until_killed.aclose()
            await until_killed.enter_async_context(second)
            ended = await site.end(task)
            again = await site.end(await site.submit("again"))
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, LONG)
    assert len(ended.attempts) == 1
    assert again.state is TaskState.COMPLETED


async def test_a_worker_ends_softly_while_the_database_is_away(
    tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    sockets = socket_directory(tmp_path)
    command = [sys.executable, "-m", "tests.agents.crashing", "worker"]
    async with AsyncExitStack() as until_killed, AsyncExitStack() as opened:
        server = await until_killed.enter_async_context(
            embedded_postgres(tmp_path / "postgres", sockets=sockets)
        )
        await migrate(server.url)
        settings = AgentSettings(
            database_url=server.url,
            redis_url=redis_url,
            redis_prefix=redis_prefix,
            grace_seconds=0.5,
        )
        addresses = Addresses(database=server.url, redis=redis_url, redis_prefix=redis_prefix)
        site = Site(await opened.enter_async_context(open_store(addresses)), settings)
        await site.agent(script=[{"text": LONG, "deltas": 500, "seconds": 20}])
        with (tmp_path / "log").open("wb") as log:
            worker = subprocess.Popen(
                command, env=settings.environment(), cwd=ROOT, stdout=log, stderr=log
            )
        try:
            await site.until(await site.submit(), is_writing)
            os.kill(server.pid, signal.SIGKILL)
            await server.exited()
            worker.send_signal(signal.SIGTERM)
            began = anyio.current_time()
            code = await anyio.to_thread.run_sync(worker.wait, 30)
            seconds = anyio.current_time() - began
        finally:
            worker.kill()
            worker.wait()
    said = (tmp_path / "log").read_text()
    assert code == 0, said
    assert "Traceback" not in said, said
    assert seconds < 0.5 + 10, said


async def test_a_worker_process_ends_softly_on_a_signal(site: Site) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 30}])
    command = [sys.executable, "-m", "tests.agents.crashing", "worker"]
    worker = subprocess.Popen(command, env=site.settings.environment(), cwd=ROOT)
    try:
        task = await site.submit()
        await site.until(task, is_writing)
        worker.send_signal(signal.SIGTERM)
        code = await anyio.to_thread.run_sync(worker.wait, 10)
    finally:
        worker.kill()
        worker.wait()
    assert code == 0
    assert (await site.task(task)).state is TaskState.SUBMITTED
    async with site.store.log_pool.connection() as connection:
        row = await (
            await connection.execute("SELECT count(*) FROM procrastinate_workers")
        ).fetchone()
    assert row == (0,)
