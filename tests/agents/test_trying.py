"""A model tried by a worker: what it said and how fast, or why it did not answer."""

import json
import time

import anyio
import pytest

from agents import trying
from protocols.errors import Forbidden, InvalidRequest, Unavailable
from protocols.operations.models import ModelTried, TryModel
from protocols.principals import FIRST_TEAM, Actor, Principal, Role, system
from store.operations.catalogue import BUILT_IN
from store.operations.model_trials import QUEUE, TASK, StoredModelTrials
from store.postgres.queue import Queue
from tests.agents.conftest import Site
from tests.agents.unit import anthropic_wire
from tests.agents.unit.http_server import Reply, http_server

CLAUDE = f"anthropic:{anthropic_wire.MODEL}"


async def tried(site: Site, model: str, principal: Principal | None = None) -> ModelTried:
    trials = StoredModelTrials(
        site.store, principal or system(), catalogue=BUILT_IN, room=anyio.Semaphore(4)
    )
    return await trials.attempt(TryModel(model=model))


async def jobs(site: Site) -> int:
    async with site.store.log_pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM procrastinate_jobs")
        row = await cursor.fetchone()
    return row[0] if row else -1


async def test_a_model_says_a_word_with_the_workers_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-test")
    said = anthropic_wire.answer(anthropic_wire.text_block(["Yes", "."]))
    async with http_server(Reply(said)) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        async with site.worker():
            answer = await tried(site, CLAUDE)
    assert (answer.is_answering, answer.answer, answer.reason) == (True, "Yes.", None)
    assert 0 < (answer.first_seconds or 0) <= answer.seconds < 10
    assert answer.output_tokens > 0


async def test_what_keeps_a_model_from_answering_is_an_answer_with_the_cure(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-test")
    async with http_server(Reply(status=401)) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        async with site.worker():
            without_key = await tried(site, "openai:gpt-x")
            refused = await tried(site, CLAUDE)
    assert not without_key.is_answering
    assert "OPENAI_API_KEY" in (without_key.reason or "")
    assert not refused.is_answering
    assert "ANTHROPIC_API_KEY" in (refused.reason or "")


async def test_the_built_in_models_answer_and_a_silent_one_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-test")
    async with site.worker():
        for name in ("scripted", "extractive"):
            assert (await tried(site, name)).is_answering
        monkeypatch.setattr(trying, "ANSWER_SECONDS", 0.0)
        late = await tried(site, "extractive")
    assert (late.is_answering, late.reason) == (False, "extractive did not answer within 0 s")


async def test_who_may_not_and_what_there_is_not_are_refused_before_a_job_is_made(
    site: Site,
) -> None:
    viewer = Principal(actor=Actor("user:v"), team=FIRST_TEAM, role=Role.VIEWER, name="v")
    with pytest.raises(Forbidden):
        await tried(site, "scripted", viewer)
    with pytest.raises(InvalidRequest, match="there is no model provider 'nobody'"):
        await tried(site, "nobody:model")
    with pytest.raises(Unavailable, match="no worker has given a sign of life"):
        await tried(site, "scripted")
    assert await jobs(site) == 0


async def test_a_job_that_comes_too_late_asks_nothing_and_is_done(site: Site) -> None:
    arguments = {"model": "scripted", "reply": "nobody-waits", "until": time.time() - 1}
    await Queue(site.store.log_pool).put(QUEUE, TASK, arguments=json.dumps(arguments))
    async with site.worker():
        with anyio.fail_after(10):
            while await jobs(site):
                await anyio.sleep(0.05)
    answers = site.store.broker.answers
    assert await answers.take("nobody-waits", within_seconds=0.1) is None
