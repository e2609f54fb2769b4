import pytest

from protocols.errors import InvalidRequest
from protocols.operations.conversations import Conversation, ConversationQuery
from protocols.operations.tasks import SubmitTask
from protocols.principals import Principal
from store.connect import Store
from store.operations import conversation_list
from store.projector import Projector
from tests.store.people import OTHER_TEAM, factory, somebody, with_agent


async def asked(
    store: Store, text: str, context: str | None = None, *, agent: str = "guide"
) -> str:
    request = SubmitTask(agent=agent, input=text, context_id=context)
    return (await factory(store).tasks.submit(request)).id


async def listed(
    store: Store, principal: Principal | None = None, **query: object
) -> list[Conversation]:
    asked_for = ConversationQuery.model_validate(query)
    return (await factory(store, principal).conversations.list(asked_for)).items


async def test_the_conversation_continued_last_comes_first_with_its_first_question(
    store: Store,
) -> None:
    await with_agent(store)
    await with_agent(store, "clerk")
    await asked(store, "What is a task?", "talk")
    alone = await asked(store, "Something else")
    other = await asked(store, "And you?", agent="clerk")
    last = await asked(store, "And then?", "talk")
    await Projector(store).catch_up()

    found = await listed(store)
    assert [one.context_id for one in found] == ["talk", other, alone]
    assert [(one.title, one.turns, one.task) for one in found] == [
        ("What is a task?", 2, last),
        ("And you?", 1, other),
        ("Something else", 1, alone),
    ]
    assert [one.context_id for one in await listed(store, agent="guide")] == ["talk", alone]
    assert await listed(store, somebody(team=OTHER_TEAM)) == []
    joined = await asked(store, "May I?", "talk", agent="clerk")
    await Projector(store).catch_up()
    assert [one.task for one in await listed(store, agent="guide")] == [last, alone]
    assert [one.task for one in await listed(store, agent="clerk")] == [joined, other]


async def test_pages_go_on_behind_a_long_conversation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_list, "WALKED", 4)
    await with_agent(store)
    early = [await asked(store, f"early {number}") for number in range(3)]
    for number in range(9):
        await asked(store, f"turn {number}", "long")
    await Projector(store).catch_up()
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        query = ConversationQuery(cursor=cursor, limit=2)
        page = await factory(store).conversations.list(query)
        assert len(page.items) <= 2
        seen += [one.context_id for one in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == ["long", *reversed(early)]


async def test_a_cursor_or_an_agent_that_cannot_be_is_refused(store: Store) -> None:
    for field, value in (("cursor", "bm8"), ("agent", "a\0b")):
        query = ConversationQuery.model_validate({field: value})
        with pytest.raises(InvalidRequest) as refusal:
            await factory(store).conversations.list(query)
        assert refusal.value.field == field
    assert await listed(store, agent="nobody") == []
