"""A conversation over several tasks, through a real worker."""

import anyio

from protocols.events import StreamId
from protocols.operations.tasks import SubmitTask
from store.projector import Projector
from tests.agents.conftest import Site


async def test_each_task_of_a_conversation_is_given_the_ones_before(site: Site) -> None:
    await site.agent(script=[{"text": "first answer"}, {"text": "second"}, {"text": "third"}])
    answers: list[str | None] = []
    words: list[int] = []
    async with site.worker(), anyio.create_task_group() as group:
        group.start_soon(_project, site)
        for question in ("one?", "two?", "three?"):
            request = SubmitTask(agent="actor", input=question, context_id="talk")
            receipt = await site.tasks.submit(request)
            ended = await site.end(StreamId(receipt.id))
            answers.append(ended.answer)
            words.append(ended.usage.input)
        group.cancel_scope.cancel()

    assert answers == ["first answer", "second", "third"]
    assert words == [1, 4, 6]  # one? · first answer · two? · second · three?


async def _project(site: Site) -> None:
    projector = Projector(site.store)
    while True:
        await projector.catch_up()
        await anyio.sleep(0.01)
