"""Feeds while Redis is away for long: rows are forgotten at last, and found again in the log."""

import anyio
import pytest

from protocols.channels import Namespace, StreamPosition
from store import feeds
from store.addresses import Addresses
from store.connect import open_store
from store.feeds import Feeds
from store.projection import Touched
from store.projector import Projector
from tests.conftest import OwnValkey
from tests.store.people import TEAM, submitted, with_agent


async def test_rows_that_were_forgotten_are_published_when_redis_is_back(
    database: str, own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "WAITING_ROWS", 1)
    monkeypatch.setattr(feeds, "RETRY_SECONDS", 0.2)
    async with open_store(Addresses(database=database, redis=own_valkey.url)) as store:
        await with_agent(store)
        tasks = [await submitted(store) for _ in range(3)]
        await Projector(store).catch_up()
        position = max([event.position for event in await store.log.follow(after=0, limit=100)])
        waiting = Feeds(store)
        touched = [Touched(Namespace.TASKS, TEAM, task, is_urgent=True) for task in tasks]

        waiting.note(touched[:1], position=1)
        await waiting.flush()  # nobody answers
        waiting.note(touched[1:], position=position)
        assert waiting.due_in() == feeds.IDLE_SECONDS, "they are forgotten"

        async with own_valkey.running():
            await anyio.sleep(feeds.RETRY_SECONDS)
            await waiting.flush()
            page = await store.broker.read_feed("tasks:1", after=StreamPosition("", 0))
    said = b"".join(one.data for one in page.publications)
    assert all(task.encode() in said for task in tasks)
