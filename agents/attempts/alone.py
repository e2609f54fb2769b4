"""An attempt in a process of its own: `python -m agents.attempts.alone TASK TEAM ATTEMPT`.

The worker that starts it has appended `attempt.started`, owns the job, and judges how this process
ends: with code 0 when the attempt ended by an event or was lost, anything else is a death. SIGTERM
hands the task back. Tools of tests come in through `run`.
"""

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import aclosing, suppress
from functools import partial

import anyio

from agents.attempts.attempt import Attempt, claim_of
from agents.attempts.watch import Watch
from agents.conversation import earlier_of
from agents.factory import Factory
from agents.knowledge import search_of
from agents.logs import configure_logging
from agents.models.providers import Outside
from agents.settings import AgentSettings, accesses
from agents.tool import Tool
from agents.tools import TOOLS
from protocols.events import StreamId
from protocols.principals import TeamId
from protocols.task_fold import fold
from store.connect import open_store
from store.knowledge.embedders import choose_embedder

POOL_SIZE = 3
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(arguments: list[str], *, tools: Mapping[str, Tool] = TOOLS) -> None:
    """The attempt that the arguments name has ended."""
    settings = AgentSettings()
    _die_with_parent()
    limit = settings.alone_megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    configure_logging(settings.log_format, settings.log_level, file=settings.log_file)
    task, team, number = arguments
    work = partial(
        run, settings, StreamId(task), TeamId(int(team)), number=int(number), tools=tools
    )
    anyio.run(work, backend_options={"use_uvloop": True})


async def run(
    settings: AgentSettings,
    task_id: StreamId,
    team: TeamId,
    *,
    number: int,
    tools: Mapping[str, Tool],
) -> None:
    """Make the attempt of that number, which the worker has started."""
    async with (
        open_store(settings.addresses, pool_size=POOL_SIZE) as store,
        aclosing(Outside(accesses())) as outside,
    ):
        search = search_of(store, choose_embedder())
        factory = Factory(
            store.log, outside=outside, tools=tools, search=search, earlier=earlier_of(store)
        )
        task = fold(task_id, await store.log.read_state(task_id))
        claim = claim_of(task, team, number)
        name = f"alone {os.getpid()}"
        attempt = Attempt(task, claim, log=store.log, factory=factory, worker=name)
        watch = Watch(store)
        watch.add(attempt)
        if task.cancel_requested_by is not None:
            attempt.cancel()
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            group.start_soon(_hand_back_on_signal, attempt)
            await attempt.run()
            group.cancel_scope.cancel()


async def _hand_back_on_signal(attempt: Attempt) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as received:
        async for _ in received:
            attempt.hand_back()


def _die_with_parent() -> None:
    """By the kernel where it can, which no loop in C delays; by standard input elsewhere."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()


def _exit_at_end_of_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
