"""The client without an event loop: the same calls, from any thread, and an end by Ctrl-C."""

import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from subprocess import PIPE, Popen

import pytest
from anyio import to_thread

import pygent
from tests.serving import Served

PAIRS = [
    (pygent.Client, pygent.AsyncClient),
    (pygent.TaskHandle, pygent.AsyncTaskHandle),
    (pygent.Stream, pygent.AsyncStream),
    (pygent.TextStream, pygent.AsyncTextStream),
]
RESOURCES = ("tasks", "agents", "knowledge")

FOLLOWS = """
import sys, pygent
with pygent.Client() as client:
    for event in client.tasks.stream(sys.argv[1]):
        print(event.type, flush=True)
"""
WAITS = """
import sys, pygent
print("waiting", flush=True)
pygent.Client().tasks.wait(sys.argv[1])
"""
ASKS = """
import pygent
client = pygent.Client()
print(client.me().team)
"""
ASKS_ASYNC = """
import asyncio, pygent

async def main():
    async with pygent.AsyncClient() as client:
        print((await client.me()).team)

asyncio.run(main())
"""
FORKS = """
import os, pygent
client = pygent.Client()
team = client.me().team
if child := os.fork():
    print(team, os.waitpid(child, 0)[1], flush=True)
else:
    client.close()
    try:
        client.me()
    except RuntimeError as error:
        print(error, flush=True)
"""


def test_both_clients_say_the_same() -> None:
    client, other = pygent.Client("http://hub", "k"), pygent.AsyncClient("http://hub", "k")
    assert parameters(pygent.Client) == parameters(pygent.AsyncClient)
    resources = [(getattr(client, name), getattr(other, name)) for name in RESOURCES]
    for blocking, asynchronous in PAIRS + [(type(one), type(two)) for one, two in resources]:
        methods, twins = public(blocking), public(asynchronous)
        assert set(methods) == set(twins)
        for name, method in methods.items():
            assert parameters(method) == parameters(twins[name]), method
            if name != "close":
                said = inspect.getdoc(twins[name]) or ""
                assert inspect.getdoc(method) == said.replace("AsyncTasks", "Tasks"), method


def public(kind: type) -> dict[str, Callable[..., object]]:
    members = inspect.getmembers(kind, inspect.isfunction)
    named = {name: one for name, one in members if not name.startswith("_")}
    return {"close" if name == "aclose" else name: one for name, one in named.items()}


def parameters(of: Callable[..., object]) -> list[tuple[str, object, object]]:
    found = inspect.signature(of).parameters.values()
    return [(one.name, one.kind, one.default) for one in found]


async def test_a_script_asks_reads_lists_and_waits(served: Served) -> None:
    key = await served.key()
    task = await served.task()
    worker = served.worker(task)
    await worker.begin()
    await worker.finish("hello")

    def script() -> None:
        with pygent.Client(served.url, key) as client:
            assert client.tasks.wait(task).text == "hello"
            assert [event.version for event in client.tasks.stream(task, after=5)] == [6, 7]
            with client.tasks.text(task) as stream:
                assert next(stream) == pygent.Text(message="1.1", text="hello")
                assert stream.answer().task == stream.task
                assert stream.text == "hello"
            handle = client.tasks.submit("echo", "again")
            assert handle.get().state is pygent.TaskState.SUBMITTED
            with pytest.raises(pygent.TimedOut):
                handle.wait(timeout=0.05)
            assert handle.cancel().state is pygent.TaskState.CANCELED
            assert client.agents.get("echo").name == "echo"
            assert client.knowledge.create("notes").documents == 0
            assert [one.name for one in client.knowledge.list()] == ["notes"]
            assert client.search("nothing").passages == []
            assert client.me().team == 1
            with pytest.raises(pygent.NotFound):
                client.run("nobody", "hello")
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.me()

    await to_thread.run_sync(script)


async def test_threads_share_a_client(served: Served) -> None:
    key = await served.key()
    tasks = [await served.task(f"number {number}") for number in range(4)]
    for number, task in enumerate(tasks):
        worker = served.worker(task)
        await worker.begin()
        await worker.finish(f"number {number}")

    def script() -> list[str]:
        with pygent.Client(served.url, key) as client, ThreadPoolExecutor(8) as pool:
            return [answer.text for answer in pool.map(client.tasks.wait, tasks * 8)]

    texts = await to_thread.run_sync(script)
    assert texts == [f"number {number}" for number in range(4)] * 8


async def test_closing_ends_what_other_threads_wait_for(served: Served) -> None:
    key, task = await served.key(), await served.task()
    ended: list[str] = []

    def waits(client: pygent.Client, started: threading.Event) -> None:
        started.set()
        try:
            client.tasks.wait(task)
        except RuntimeError as error:
            ended.append(str(error))

    def script() -> None:
        client = pygent.Client(served.url, key)
        client.me()
        started = threading.Event()
        other = threading.Thread(target=waits, args=(client, started))
        other.start()
        started.wait()
        time.sleep(0.2)  # either side of the first request, it ends
        client.close()
        other.join(5)
        assert not other.is_alive()

    await to_thread.run_sync(script)
    assert ended == ["the client was closed meanwhile"]


async def test_a_stream_that_is_left_early_lets_go_of_its_connection(served: Served) -> None:
    key, task = await served.key(), await served.task()
    await served.worker(task).begin()

    def script() -> None:
        with pygent.Client(served.url, key) as client:
            with client.tasks.stream(task) as events:
                assert [event.version for event in islice(events, 2)] == [1, 2]
            assert list(events) == []
            assert client.tasks.get(task).version == 4

    await to_thread.run_sync(script)


async def test_a_client_that_was_forgotten_is_complained_about_and_ends(served: Served) -> None:
    key = await served.key()

    def script() -> None:
        client = pygent.Client(served.url, key)
        client.me()
        (thread,) = [one for one in threading.enumerate() if one.name == "pygent"]
        with pytest.warns(ResourceWarning, match="was not closed"):
            del client
        thread.join(5)
        assert not thread.is_alive()

    await to_thread.run_sync(script)


@contextmanager
def started(script: str, served: Served, key: str, *words: str) -> "Generator[Popen[str]]":
    """The script as a program of its own; whatever happens, it does not outlive the block."""
    process = Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *words],
        env={"PATH": os.defpath, "PYGENT_URL": served.url, "PYGENT_API_KEY": key},
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("script", "says"), [(FOLLOWS, "message.started"), (WAITS, "waiting")])
async def test_ctrl_c_ends_a_script_at_once_wherever_it_waits(
    served: Served, script: str, says: str
) -> None:
    key, task = await served.key(), await served.task()
    await served.worker(task).begin()

    def interrupted() -> tuple[int, str, float]:
        with started(script, served, key, task) as process:
            assert process.stdout is not None
            while says not in process.stdout.readline():
                assert process.poll() is None
            time.sleep(0.3)  # into the wait
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
            return process.returncode, errors, time.monotonic() - began

    code, errors, seconds = await to_thread.run_sync(interrupted)
    assert code == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1
    assert seconds < 3


@pytest.mark.parametrize(
    ("script", "out"),
    [
        (ASKS, "1\n"),
        (ASKS_ASYNC, "1\n"),
        (FORKS, "this client was made before a fork: make one in each process\n1 0\n"),
    ],
)
async def test_a_script_that_closes_nothing_ends_in_peace(
    served: Served, script: str, out: str
) -> None:
    key = await served.key()

    def done() -> tuple[int, str, str]:
        with started(script, served, key) as process:
            said, errors = process.communicate(timeout=10)
            return process.returncode, said, errors

    assert await to_thread.run_sync(done) == (0, out, "")
