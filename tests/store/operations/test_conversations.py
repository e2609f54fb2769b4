import pytest
from pydantic import ValidationError

from protocols.errors import AlreadyExists
from protocols.events import StreamId, TaskCompleted
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.principals import Principal, TeamId
from protocols.task_fold import fold
from protocols.tasks import Task, TaskState
from store.connect import Store
from store.operations import conversations
from store.operations.conversations import MOST_CHARACTERS, MOST_TURNS, room
from store.projector import Projector
from tests.store.people import OTHER_TEAM, TEAM, Worker, factory, somebody, with_agent


async def asked(
    store: Store,
    text: str,
    context: str | None = None,
    *,
    agent: str = "guide",
    principal: Principal | None = None,
) -> str:
    request = SubmitTask(agent=agent, input=text, context_id=context)
    return (await factory(store, principal).tasks.submit(request)).id


async def answered(store: Store, task: str, text: str, *, team: TeamId = TEAM) -> None:
    worker = Worker(store, task, team=team)
    await worker.start()
    await worker.write(TaskCompleted(message="1.1", text=text), state=TaskState.COMPLETED)


async def turn(store: Store, question: str, answer: str, context: str | None) -> str:
    task = await asked(store, question, context)
    await answered(store, task, answer)
    return task


async def given(
    store: Store, task_id: str, *, characters: int = 1000, team: TeamId = TEAM
) -> list[str]:
    await Projector(store).catch_up()
    task: Task = fold(task_id, await store.log.read(StreamId(task_id)))
    said = await conversations.earlier(store, team, task, characters=characters)
    assert [message.role for message in said] == ["user", "assistant"] * (len(said) // 2)
    return [message.text for message in said]


async def test_a_task_begins_its_own_conversation_and_others_join_it(store: Store) -> None:
    await with_agent(store)
    await with_agent(store, "clerk")
    first = await asked(store, "Why?")
    second = await asked(store, "And then?", first)
    third = await asked(store, "And you?", first, agent="clerk")
    await asked(store, "Something else")
    await Projector(store).catch_up()
    tasks = factory(store).tasks

    page = await tasks.list(TaskQuery(context_id=first))
    assert [row.id for row in page.items] == [third, second, first]
    assert {row.context_id for row in page.items} == {first}
    assert [(await tasks.get(task))[0].context_id for task in (first, third)] == [first, first]
    narrower = TaskQuery(context_id=first, agent="guide", text="the", state=(TaskState.SUBMITTED,))
    assert [row.id for row in (await tasks.list(narrower)).items] == [second]
    paged = await tasks.list(TaskQuery(context_id=first, limit=2))
    last = await tasks.list(TaskQuery(context_id=first, limit=2, cursor=paged.next))
    assert [row.id for row in last.items] == [first]


async def test_an_agent_is_given_what_was_answered_before_the_task(store: Store) -> None:
    await with_agent(store)
    first = await turn(store, "Who is Ada?", "A person.", None)
    open_ = await asked(store, "And Eve?", first)
    second = await turn(store, "Where is she?", "In London.", first)
    task = await asked(store, "Since when?", first)
    await answered(store, open_, "Another.")  # too late for this task
    await turn(store, "And now?", "Still.", first)

    said = ["Who is Ada?", "A person.", "Where is she?", "In London."]
    assert await given(store, task) == said
    assert await given(store, first) == []
    assert await given(store, second) == said[:2]


async def test_what_failed_or_was_canceled_is_no_turn(store: Store) -> None:
    await with_agent(store)
    await turn(store, "One?", "1", "talk")
    canceled = await asked(store, "Two?", "talk")
    await factory(store).tasks.cancel(canceled)

    assert await given(store, await asked(store, "Three?", "talk")) == ["One?", "1"]


async def test_turns_are_given_newest_first_as_many_as_fit(store: Store) -> None:
    await with_agent(store)
    for number in range(MOST_TURNS + 2):
        await turn(store, f"q{number:03}", f"a{number:03}", "talk")
    task = await asked(store, "And?", "talk")

    assert (await given(store, task))[::2] == [f"q{n:03}" for n in range(2, MOST_TURNS + 2)]
    assert await given(store, task, characters=23) == ["q020", "a020", "q021", "a021"]
    assert await given(store, task, characters=7) == []


async def test_the_agents_limit_of_tokens_makes_room_for_turns() -> None:
    assert room(200_000) == MOST_CHARACTERS
    assert room(1_000) == 1_000
    assert room(1) == 1


async def test_another_teams_conversation_of_the_same_name_is_another_one(store: Store) -> None:
    stranger = somebody(team=OTHER_TEAM, name="eve")
    await with_agent(store)
    await with_agent(store, principal=stranger)
    await turn(store, "Our secret?", "42", "talk")
    theirs = await asked(store, "Tell me", "talk", principal=stranger)

    assert await given(store, theirs, team=OTHER_TEAM) == []
    page = await factory(store, stranger).tasks.list(TaskQuery(context_id="talk"))
    assert [row.id for row in page.items] == [theirs]


async def test_a_repeated_submission_is_one_task_in_one_conversation(store: Store) -> None:
    await with_agent(store)
    tasks = factory(store).tasks
    request = SubmitTask(agent="guide", input="Why?", context_id="talk")
    first = await tasks.submit(request, key="k")

    assert await tasks.submit(request, key="k") == first
    with pytest.raises(AlreadyExists):
        await tasks.submit(request.model_copy(update={"context_id": "other"}), key="k")


@pytest.mark.parametrize("context", ["", "a b", "é", "x" * 129, "a\n", "../x/"])
def test_a_conversations_name_is_plain(context: str) -> None:
    with pytest.raises(ValidationError):
        SubmitTask(agent="guide", input="Why?", context_id=context)
