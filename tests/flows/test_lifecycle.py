"""The factory ends and begins again in the middle of its work; poison; two factories at once."""

import os
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import anyio
import psutil
import pytest
from anyio.to_thread import run_sync

from hub.cli.settings import inherited
from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask, TaskReceipt
from protocols.rest.client import RestClient
from protocols.tasks import TaskState
from tests.flows.processes import lives
from tests.flows.product import COMMAND, ROOT, SHORT_LEASES, UNSEEDED, Product, prepared, running
from tests.flows.speakers import scripted, spoken, words
from tests.flows.watchers import assert_whole, by_socket, by_sse, everything

DEATHS = 5


async def ask(client: RestClient, *turns: dict[str, object]) -> TaskReceipt:
    await client.agents.create(AgentSpec.model_validate(scripted("speaker", *turns)))
    return await client.tasks.submit(SubmitTask(agent="speaker", input="speak"))


async def test_a_second_start_continues_where_the_first_ended():
    """After `kill -9` of all the lease runs out; stopped softly the task is handed back."""
    with running(
        environment={**SHORT_LEASES, **UNSEEDED, "PYGENT_GRACE_SECONDS": "0.3"}
    ) as product:
        async with product.client() as client:
            receipt = await ask(client, dict(spoken(150, seconds=3.0)))
            async with by_socket(product, receipt) as one, by_sse(product, receipt) as other:
                for number, end in enumerate((product.kill, product.stop), start=1):
                    await one.saw("attempt.started", count=number, seconds=30)
                    before = one.deltas
                    await one.saw("message.delta", count=before + 5)
                    await run_sync(end)
                    await run_sync(product.start)
                await one.over(seconds=60)
                await other.over(seconds=60)
            log = await everything(client, receipt.id)
            task, _ = await client.tasks.get(receipt.id)
        assert_whole(one, log)
        assert_whole(other, log)
        assert (task.state, task.answer) == (TaskState.COMPLETED, words(150))
        assert [attempt.outcome for attempt in task.attempts] == [
            "died",
            "handed_back",
            "completed",
        ]


async def test_a_poisoned_task_is_given_up_with_its_reasons_and_harms_nobody():
    """It takes its worker along once; then it dies alone, and others' tasks go on meanwhile."""
    with running(environment={**SHORT_LEASES, **UNSEEDED}) as product:
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
        if "agents.attempts.alone" in child.cmdline():
            child.kill()
            psutil.wait_procs([child], timeout=5)
            return
    raise AssertionError("no attempt is made alone")


async def test_two_factories_run_side_by_side_one_as_an_ordinary_user_with_a_long_path():
    """Sockets stand in a short directory of their own; two workers share the tasks."""
    user, command, environment = ordinary_user()
    with ExitStack() as stack:
        deep = stack.enter_context(
            prepared(user=user, command=command, environment={**environment, **UNSEEDED}, deep=8)
        )
        plain = stack.enter_context(prepared(environment=UNSEEDED))
        assert len(str(deep.data_dir)) > 150
        with ThreadPoolExecutor() as pool:
            for started in (pool.submit(deep.start), pool.submit(plain.start, "--workers", "2")):
                started.result()

        said = deep.run("agents", "ls")
        assert said.code == 0, said.err
        if user:
            assert {one.username() for one in deep.everybody()} == {user}
        pids = [{one.pid for one in product.everybody()} for product in (deep, plain)]
        assert not pids[0] & pids[1]

        deep.stop()
        assert not (deep.data_dir / "run.json").exists()
        assert all(lives(plain.part(name)) for name in ("hub", "worker", "postgres", "valkey"))
        assert len(await workers_of_many_tasks(plain)) == 2
        plain.stop()
    if os.geteuid() == 0 and user is None:
        pytest.skip("both ran as root: nobody cannot read where this Python is installed")


def ordinary_user() -> tuple[str | None, Sequence[str], Mapping[str, str]]:
    """Somebody else than root and a way in which he can run this installation; None without."""
    if os.geteuid():
        return None, (str(COMMAND),), {}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = [str(ROOT), sysconfig.get_path("platlib")]
    choices: list[tuple[tuple[str, ...], dict[str, str]]] = [
        ((str(COMMAND),), {}),
        (  # where root's own Python lies in a directory of his
            (f"/usr/bin/python{version}", "-m", "hub.cli.app"),
            {"PYTHONPATH": os.pathsep.join(packages)},
        ),
    ]
    for command, environment in choices:
        with suppress(OSError, subprocess.SubprocessError):
            probe = [*command, "up", "--help"]  # imports all of it
            env = inherited(HOME="/", **environment)
            subprocess.run(probe, user="nobody", cwd="/", env=env, capture_output=True, check=True)
            return "nobody", command, environment
    return None, (str(COMMAND),), {}


async def workers_of_many_tasks(product: Product) -> set[str]:
    """The names of those who did 24 tasks of a second each."""
    workers: set[str] = set()
    async with product.client() as client:
        spec = scripted("speaker", spoken(10, seconds=1.0))
        await client.agents.create(AgentSpec.model_validate(spec))
        requests = [SubmitTask(agent="speaker", input=str(number)) for number in range(24)]
        ids = [(await client.tasks.submit(request)).id for request in requests]
        with anyio.fail_after(30):
            for task_id in ids:
                while not (task := (await client.tasks.get(task_id))[0]).state.is_final:
                    await anyio.sleep(0.1)
                workers |= {attempt.worker for attempt in task.attempts}
    return workers


def test_only_the_owner_reads_what_is_kept_in_the_data_directory(product: Product):
    for name in ("run.json", "cli-key", "service-password", "login-link", "lock"):
        mode = (product.data_dir / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    assert stat.S_IMODE(product.data_dir.stat().st_mode) == 0o700
    assert product.run_json()["url"] == product.url
    for one in product.everybody():
        command = " ".join(one.cmdline())
        assert "pgk_" not in command
        assert "postgresql://" not in command
