"""Who asks in these tests, and a worker that writes to a task as attempts do."""

import uuid
from dataclasses import dataclass, field

import msgspec

from protocols.agents import AgentSpec
from protocols.events import (
    AnyData,
    AttemptStarted,
    StepFinished,
    StepStarted,
    StreamId,
    TaskCompleted,
)
from protocols.operations.tasks import SubmitTask
from protocols.principals import Actor, Principal, Role, TeamId
from protocols.steps import StepKind, Usage
from protocols.tasks import STATE_CODES, TaskState
from store.connect import Store
from store.knowledge.embedders.hashing import Hashing
from store.operations import StoredFactory
from store.operations.catalogue import BUILT_IN
from store.postgres.log.event_log import TASK, Append, Appended

TEAM = TeamId(1)
OTHER_TEAM = TeamId(2)


def somebody(role: Role = Role.OPERATOR, team: TeamId = TEAM, name: str = "ada") -> Principal:
    return Principal(actor=Actor(f"user:{name}"), team=team, role=role, name=name)


def factory(store: Store, principal: Principal | None = None) -> StoredFactory:
    return StoredFactory(store, principal or somebody(), BUILT_IN, Hashing())


async def with_agent(store: Store, name: str = "guide", principal: Principal | None = None) -> None:
    await factory(store, principal).agents.create(AgentSpec(name=name))


async def submitted(
    store: Store, text: str = "Why?", *, agent: str = "guide", principal: Principal | None = None
) -> str:
    receipt = await factory(store, principal).tasks.submit(SubmitTask(agent=agent, input=text))
    return receipt.id


@dataclass
class Worker:
    """Makes one attempt at one task."""

    store: Store
    task: str
    number: int = 1
    team: TeamId = TEAM
    seq: int = field(default=0, init=False)

    async def start(self, *, state: TaskState | None = TaskState.WORKING) -> Appended:
        return await self._append(
            (AttemptStarted(worker="w1"),), key=uuid.uuid4(), seq=0, state=state
        )

    async def write(self, *data: AnyData, state: TaskState | None = None) -> Appended:
        self.seq += 1
        return await self._append(data, key=None, seq=self.seq, state=state)

    async def step(self, ordinal: int, *, tokens: int = 10, cost: int = 7) -> Appended:
        step = f"{self.number}.{ordinal}"
        await self.write(
            StepStarted(step=step, kind=StepKind.MODEL, name="m", arguments=msgspec.Raw(b"{}"))
        )
        return await self.write(
            StepFinished(step=step, usage=Usage(input=tokens, output=tokens), cost=cost)
        )

    async def complete(self) -> Appended:
        return await self.write(
            TaskCompleted(message="1.1", text="Because."), state=TaskState.COMPLETED
        )

    async def _append(
        self,
        data: tuple[AnyData, ...],
        *,
        key: uuid.UUID | None,
        seq: int,
        state: TaskState | None,
    ) -> Appended:
        return await self.store.log.append(
            Append(
                stream=StreamId(self.task),
                team=self.team,
                kind=TASK,
                actor=Actor("agent:guide"),
                data=data,
                attempt=self.number,
                seq=seq,
                key=key,
                to_state=None if state is None else STATE_CODES[state],
            )
        )
