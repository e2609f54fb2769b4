"""A factory with workers: agents made by scripts, workers in this process or in their own."""

import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from agents.app import open_worker
from agents.settings import AgentSettings
from agents.worker import Worker
from protocols.agents import AgentSpec
from protocols.events import AttemptStarted, Event, StreamId
from protocols.operations.tasks import SubmitTask
from protocols.principals import FIRST_TEAM, Actor, system
from protocols.task_fold import fold
from protocols.tasks import STATE_CODES, Task, TaskId, TaskState
from store.addresses import Addresses
from store.connect import Store, open_store
from store.operations.agents import StoredAgents
from store.operations.catalogue import BUILT_IN, Catalogue
from store.operations.tasks import StoredTasks
from store.postgres.log.event_log import TASK, Append
from tests.agents.crashing import TOOLS

DEADLINE_SECONDS = 60.0  # of a machine with four times too much to do
ROOT = Path(__file__).resolve().parents[2]
LONG = "one two three four five six seven eight nine ten " * 10  # an answer that takes its time


def is_writing(task: Task) -> bool:
    return any(said.text for said in task.said)


@dataclass
class Site:
    """One test's factory."""

    store: Store
    settings: AgentSettings

    @property
    def tasks(self) -> StoredTasks:
        return StoredTasks(self.store, system())

    async def agent(self, **fields: object) -> str:
        spec = AgentSpec.model_validate({"name": "actor", "model": "scripted", **fields})
        catalogue = Catalogue(tools=frozenset(TOOLS), providers=BUILT_IN.providers)
        agents = StoredAgents(self.store, system(), catalogue=catalogue, knowledge=None)
        await agents.create(spec)
        return spec.name

    async def submit(self, text: str = "go", *, agent: str = "actor") -> StreamId:
        receipt = await self.tasks.submit(SubmitTask(agent=agent, input=text))
        return StreamId(receipt.id)

    async def events(self, task: StreamId) -> list[Event]:
        return await self.store.log.read(task, limit=5000)

    async def task(self, task: StreamId) -> Task:
        return fold(TaskId(task), await self.events(task))

    async def until(
        self, task: StreamId, is_so: Callable[[Task], bool], *, seconds: float = DEADLINE_SECONDS
    ) -> Task:
        with anyio.fail_after(seconds):
            while not is_so(found := await self.task(task)):
                await anyio.sleep(0.02)
        return found

    async def end(self, task: StreamId, *, seconds: float = DEADLINE_SECONDS) -> Task:
        return await self.until(task, lambda found: found.state.is_final, seconds=seconds)

    async def die_once(self, task: StreamId) -> None:
        """As if a worker had begun the task and died; its job waits again."""
        await self.store.log.append(
            Append(
                stream=task,
                team=FIRST_TEAM,
                kind=TASK,
                actor=Actor("agent:actor"),
                data=(AttemptStarted(worker="the dead"),),
                attempt=1,
                key=uuid.uuid4(),
                to_state=STATE_CODES[TaskState.WORKING],
            ),
        )

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[Worker]:
        """A worker in this process, stopped softly at the end."""
        alone = (sys.executable, "-m", "tests.agents.crashing")
        async with (
            open_worker(self.settings, tools=TOOLS, alone=alone) as worker,
            anyio.create_task_group() as group,
        ):
            await group.start(worker.run)
            try:
                yield worker
            finally:
                worker.stop()


@pytest.fixture
async def site(addresses: Addresses) -> AsyncGenerator[Site]:
    settings = AgentSettings(
        database_url=addresses.database,
        redis_url=addresses.redis,
        redis_prefix=addresses.redis_prefix,
        lease_seconds=3.0,
        beat_seconds=0.5,
        grace_seconds=0.2,
        log_level="warning",
    )
    async with open_store(addresses) as store:
        yield Site(store, settings)


@dataclass
class WorkerProcess:
    """A worker as a process of its own."""

    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """As a crash would end it, with its children left to end by themselves."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


StartWorker = Callable[[], WorkerProcess]


@pytest.fixture
def start_worker(site: Site) -> Generator[StartWorker]:
    started: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        environment = site.settings.environment(PYTHONPATH=str(ROOT))
        command = [sys.executable, "-m", "tests.agents.crashing", "worker"]
        started.append(WorkerProcess(subprocess.Popen(command, env=environment, cwd=ROOT)))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()
