"""A stream that cannot be folded: its task ends clearly, and whoever asks is told why."""

import anyio
import psycopg
import pytest

from protocols.errors import Unreadable
from protocols.events import StreamId
from protocols.tasks import STATES, TaskState
from tests.agents.conftest import DEADLINE_SECONDS, Site

NO_FIT = "head = '{}'"
NO_JSON = r"body = '\x7b22ff'::bytea"


async def spoil(site: Site, task: StreamId, how: str) -> None:
    async with await psycopg.AsyncConnection.connect(site.settings.database_url or "") as root:
        await root.execute(
            f"UPDATE pygent.event SET {how} "
            "WHERE type = 'task.submitted' AND stream_id = %s".encode(),
            (task,),
        )


async def state_at_the_end(site: Site, task: StreamId) -> TaskState:
    with anyio.fail_after(DEADLINE_SECONDS):
        while True:
            head = await site.store.log.head(task)
            assert head is not None
            if STATES[head.state].is_final:
                return STATES[head.state]
            await anyio.sleep(0.02)


@pytest.mark.parametrize("how", [NO_FIT, NO_JSON])
@pytest.mark.parametrize("has_begun", [False, True])
async def test_it_ends_and_says_so(site: Site, how: str, *, has_begun: bool) -> None:
    await site.agent()
    task = await site.submit()
    if has_begun:
        await site.die_once(task)
    await spoil(site, task, how)
    with pytest.raises(Unreadable, match=f"task {task} cannot be folded"):
        await site.tasks.get(task)

    async with site.worker():
        state = await state_at_the_end(site, task)
        good = await site.end(await site.submit("hello"))

    assert state is (TaskState.FAILED if has_begun else TaskState.REJECTED)
    assert good.state is TaskState.COMPLETED
    last = (await site.events(task))[-1]
    assert last.type == f"task.{state}"
    assert b'"code":"unreadable"' in bytes(last.data)
    async with site.store.log_pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM procrastinate_jobs")
        assert await cursor.fetchone() == (0,)
