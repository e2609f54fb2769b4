"""The factory ends and begins again in the middle of its work; poison; two factories at once."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import anyio
import psutil
import pytest
from anyio.to_thread import run_sync

from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask, TaskReceipt
from protocols.rest.client import RestClient
from protocols.tasks import TaskState
from tests.flows.product import (
    SHORT_LEASES,
    Product,
    is_part,
    lives,
    prepared,
    running,
    scripted,
    spoken,
    words,
)
from tests.flows.watchers import assert_whole, by_socket, by_sse, everything

DEATHS = 5


async def ask(client: RestClient, *turns: dict[str, object]) -> TaskReceipt:
    await client.agents.create(AgentSpec.model_validate(scripted("speaker", *turns)))
    return await client.tasks.submit(SubmitTask(agent="speaker", input="speak"))


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_second_start_continues_where_the_first_ended(end: str):
    """Stopped softly the task is handed back; after `kill -9` its lease runs out."""
    with running(environment={**SHORT_LEASES, "PYGENT_GRACE_SECONDS": "0.3"}) as product:
        async with product.client() as client:
            receipt = await ask(client, dict(spoken(200, seconds=4.0)))
            async with by_socket(product, receipt) as one, by_sse(product, receipt) as other:
                await one.saw("message.delta", count=10)
                await run_sync(product.stop if end == "stop" else product.kill)
                await run_sync(product.start)
                await one.over(seconds=60)
                await other.over(seconds=60)
            log = await everything(client, receipt.id)
            task, _ = await client.tasks.get(receipt.id)
        assert_whole(one, log)
        assert_whole(other, log)
        assert (task.state, task.answer) == (TaskState.COMPLETED, words(200))
        first, last = task.attempts
        assert first.outcome == ("handed_back" if end == "stop" else "died")
        assert not last.is_alone or end == "kill"


async def test_a_poisoned_task_is_given_up_with_its_reasons_and_harms_nobody():
    """It takes its worker along once; then it dies alone, and others' tasks go on meanwhile."""
    with running(environment=SHORT_LEASES) as product:
        async with product.client() as client:
            receipt = await ask(client, dict(spoken(10, seconds=60.0)))
            async with by_sse(product, receipt) as seen:
                await seen.saw("message.delta")
                product.kill_part("worker")
                await seen.saw("attempt.started", count=2, seconds=20)
                other = await client.tasks.submit(SubmitTask(agent="speaker", input="too"))
                for number in range(1, DEATHS + 1):
                    await seen.saw("attempt.started", count=number + 1, seconds=30)
                    await run_sync(kill_alone, product)
                await seen.over(seconds=30)
            task, _ = await client.tasks.get(receipt.id)
            assert task.state is TaskState.FAILED
            assert task.code is not None
            assert str(DEATHS) in (task.reason or "")
            alone = [attempt for attempt in task.attempts if attempt.is_alone]
            assert len(alone) == DEATHS
            assert all(attempt.outcome in {"died", "failed"} for attempt in alone)
            neighbour, _ = await client.tasks.get(other.id)
            assert (neighbour.state, neighbour.attempt) == (TaskState.WORKING, 1)
            await client.tasks.cancel(other.id)


def kill_alone(product: Product) -> None:
    """`kill -9` of the process in which one attempt is made alone."""
    worker = product.part("worker")
    for child in worker.children():
        if "agents.alone" in child.cmdline():
            child.kill()
            psutil.wait_procs([child], timeout=5)
            return
    raise AssertionError("no attempt is made alone")


def test_two_factories_run_side_by_side_one_as_an_ordinary_user_with_a_long_path():
    """Sockets stand in a short directory of their own, whatever the data directory's path."""
    user = ordinary_user()
    with ExitStack() as stack:
        deep = stack.enter_context(prepared(user=user, deep=8))
        plain = stack.enter_context(prepared())
        assert len(str(deep.data_dir)) > 150
        with ThreadPoolExecutor() as pool:
            list(pool.map(Product.start, (deep, plain)))

        for product in (deep, plain):
            said = product.run("agents", "ls")
            assert said.code == 0, said.err
        if user:
            owners = {one.username() for one in deep.everybody()}
            assert owners == {user}
            assert "root" not in owners
        pids = [{one.pid for one in product.everybody()} for product in (deep, plain)]
        assert not pids[0] & pids[1]

        deep.stop()
        assert all(lives(plain.part(name)) for name in ("hub", "worker", "postgres", "valkey"))
        plain.stop()


def ordinary_user() -> str | None:
    """Somebody else than root who can run this installation; None when we are ordinary."""
    if os.geteuid():
        return None
    probe = [sys.executable, "-c", "import hub.cli.app"]
    done = subprocess.run(probe, user="nobody", cwd="/", capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"nobody cannot run {sys.executable}, which lies where only root may read")
    return "nobody"


def test_only_the_owner_reads_what_is_kept_in_the_data_directory():
    with running() as product:
        for name in ("run.json", "cli-key", "service-password", "login-link", "lock"):
            mode = (product.data_dir / name).stat().st_mode
            assert stat.S_IMODE(mode) == 0o600, name
        assert stat.S_IMODE(product.data_dir.stat().st_mode) == 0o700
        assert product.run_json()["url"] == product.url
        for one in product.everybody():
            command = " ".join(one.cmdline())
            assert "pgk_" not in command
            assert product.key not in command
        product.stop()
        assert not (product.data_dir / "run.json").exists()


async def test_more_workers_share_the_tasks():
    with running("--workers", "2", environment=SHORT_LEASES) as product:
        async with product.client() as client:
            await client.agents.create(
                AgentSpec.model_validate(scripted("speaker", spoken(10, seconds=1.0)))
            )
            ids = [
                (await client.tasks.submit(SubmitTask(agent="speaker", input=str(n)))).id
                for n in range(24)
            ]
            workers: set[str] = set()
            with anyio.fail_after(30):
                for task_id in ids:
                    while not (task := (await client.tasks.get(task_id))[0]).state.is_final:
                        await anyio.sleep(0.1)
                    workers |= {attempt.worker for attempt in task.attempts}
        found = [one for one in product.everybody() if is_part(one, "worker")]
        assert len(found) == 2
        assert len(workers) == 2
