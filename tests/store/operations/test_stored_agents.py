import anyio
import pytest

from protocols.agents import AgentSpec, AgentState, agent_id
from protocols.errors import (
    AlreadyExists,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    WrongVersion,
)
from protocols.knowledge import CreateCollection
from protocols.operations.agents import Agent, AgentQuery, SpecCheck, ValidateSpec
from store.connect import Store
from store.projector import Projector
from tests.store.people import TEAM, Worker, factory, submitted, with_agent


async def test_an_agent_is_found_by_name_and_by_id(store: Store) -> None:
    created = await factory(store).agents.create(AgentSpec(name="guide", tools=("clock",)))

    assert created.id == agent_id(TEAM, "guide")
    assert (created.state, created.number, created.latest) == (AgentState.ACTIVE, 1, 1)
    assert created.published_by == "user:ada"
    assert await factory(store).agents.get("guide") == created
    assert await factory(store).agents.get(created.id) == created


async def test_a_name_is_taken_once(store: Store) -> None:
    await with_agent(store)
    with pytest.raises(AlreadyExists, match="guide"):
        await with_agent(store)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (AgentSpec(name="a", tools=("clock", "serch")), "tools.1"),
        (AgentSpec(name="a", tools=("clock", "clock")), "tools.1"),
        (AgentSpec(name="a", model="nobody:x"), "model"),
        (AgentSpec(name="01900000-0000-7000-8000-000000000000"), "name"),
    ],
)
async def test_a_spec_that_cannot_be_is_refused_with_its_field(
    store: Store, spec: AgentSpec, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await factory(store).agents.create(spec)
    assert refusal.value.field == field


async def test_versions_are_published_and_each_can_be_read(store: Store) -> None:
    agents = factory(store).agents
    await agents.create(AgentSpec(name="guide"))
    for n in range(2, 41):
        published = await agents.publish("guide", AgentSpec(name="guide", description=str(n)))
        assert published.number == n

    assert [version.number for version in await agents.versions("guide")] == list(range(40, 0, -1))
    third = await agents.get("guide", number=3)
    assert (third.spec.description, third.number, third.latest) == ("3", 3, 40)
    assert (await agents.get("guide")).spec.description == "40"
    for number in (0, -1, 41, 2**40):
        with pytest.raises(NotFound):
            await agents.get("guide", number=number)


async def test_the_same_spec_again_changes_nothing(store: Store) -> None:
    await with_agent(store)
    before = await factory(store).agents.get("guide")
    assert await factory(store).agents.publish("guide", AgentSpec(name="guide")) == before


async def test_a_spec_of_another_name_is_refused(store: Store) -> None:
    await with_agent(store)
    with pytest.raises(InvalidRequest) as refusal:
        await factory(store).agents.publish("guide", AgentSpec(name="clerk"))
    assert refusal.value.field == "name"


async def test_versions_published_at_once_get_numbers_of_their_own(store: Store) -> None:
    await with_agent(store)
    numbers: list[int] = []

    async def publish(description: str) -> None:
        spec = AgentSpec(name="guide", description=description)
        agent: Agent = await factory(store).agents.publish("guide", spec)
        numbers.append(agent.number)

    async with anyio.create_task_group() as group:
        for n in range(5):
            group.start_soon(publish, f"of {n}")

    history = await factory(store).agents.versions("guide")
    assert [version.number for version in history] == [6, 5, 4, 3, 2, 1]
    assert len({version.spec_hash for version in history}) == 6


async def test_retiring_is_final_and_repeating_it_changes_nothing(store: Store) -> None:
    await with_agent(store)
    retired = await factory(store).agents.retire("guide")

    assert retired.state is AgentState.RETIRED
    assert await factory(store).agents.retire("guide") == retired
    assert (await factory(store).agents.get("guide")).spec == AgentSpec(name="guide")
    with pytest.raises(InvalidTransition, match="retired"):
        await factory(store).agents.publish("guide", AgentSpec(name="guide", description="x"))


async def test_the_list_is_by_name_with_numbers_of_tasks(store: Store) -> None:
    agents = factory(store).agents
    for name in ("clerk", "b-team", "guide"):
        await agents.create(AgentSpec(name=name, description=f"The {name.upper()}"))
    await agents.retire("b-team")
    done, _ = await submitted(store), await submitted(store)
    worker = Worker(store, done)
    await worker.start()
    position = (await worker.complete()).position
    await Projector(store).catch_up()

    page = await agents.list(AgentQuery(limit=2, min_position=position))
    assert [row.name for row in page.items] == ["b-team", "clerk"]
    rest = await agents.list(AgentQuery(limit=2, cursor=page.next))
    assert [row.name for row in rest.items] == ["guide"]
    assert rest.next is None
    guide = rest.items[0]
    assert (guide.open_tasks, guide.finished_tasks, guide.failed_tasks) == (1, 1, 0)

    active = await agents.list(AgentQuery(state=(AgentState.ACTIVE,)))
    assert [row.name for row in active.items] == ["clerk", "guide"]
    found = await agents.list(AgentQuery(text="THE c"))
    assert [row.name for row in found.items] == ["clerk"]


async def test_collections_of_a_spec_must_exist(store: Store) -> None:
    own = factory(store)
    await own.knowledge.create(CreateCollection(name="docs"))
    tools = ("knowledge_search",)

    agent = await own.agents.create(AgentSpec(name="guide", tools=tools, collections=("docs",)))
    assert agent.spec.collections == ("docs",)
    with pytest.raises(InvalidRequest, match="no collection 'nothing'") as refusal:
        await own.agents.publish(
            "guide", AgentSpec(name="guide", tools=tools, collections=("docs", "nothing"))
        )
    assert refusal.value.field == "collections.1"


async def said(store: Store, spec: dict[str, object], agent: str | None = None) -> SpecCheck:
    return await factory(store).agents.validate(ValidateSpec(spec=spec, agent=agent))


async def test_everything_wrong_with_a_spec_is_said_at_once(store: Store) -> None:
    check = await said(store, {"name": "A b", "limits": {"steps": 0}, "colour": "red"})
    assert [(each.field, each.value) for each in check.problems] == [
        ("name", "'A b'"),
        ("limits.steps", "0"),
        ("colour", "'red'"),
    ]
    names: dict[str, object] = {
        "name": "a",
        "model": "nobody:x",
        "tools": ["knowledge_search", "serch"],
        "collections": ["attic"],
    }
    check = await said(store, names)
    assert [each.field for each in check.problems] == ["tools.1", "model", "collections.0"]
    assert (check.problems[0].value, check.number) == ("'serch'", None)
    check = await said(store, {"tools": ["serch"], "limits": {"steps": 0}})
    assert [each.field for each in check.problems] == ["name", "limits.steps", "tools.0"]
    assert check.problems[2].rule.startswith("agent without a name: there is no tool 'serch'")
    check = await said(store, {"name": "A b", "tools": ["serch"]})
    assert check.problems[1].rule.startswith("agent 'A b': there is no tool 'serch'")
    check = await said(store, {"name": "a", "collections": ["attic"]})
    assert [each.field for each in check.problems] == ["spec"]


async def test_what_is_said_of_a_spec_is_what_creating_it_answers(store: Store) -> None:
    agents = factory(store).agents
    await with_agent(store)
    for spec in ({"name": "guide"}, {"name": "01900000-0000-7000-8000-000000000000"}):
        [problem] = (await said(store, dict(spec))).problems
        with pytest.raises((InvalidRequest, AlreadyExists)) as refusal:
            await agents.create(AgentSpec.model_validate(spec))
        assert (problem.rule, problem.field) == (refusal.value.message, refusal.value.field)

    check = await said(store, {"name": "other"})
    assert (check.problems, check.number, check.is_unchanged) == ([], 1, False)
    assert (await agents.list(AgentQuery())).items == []  # nothing was made, and none projected


async def test_a_next_version_is_looked_at_as_what_it_would_become(store: Store) -> None:
    agents = factory(store).agents
    await with_agent(store)
    same, changed = {"name": "guide"}, {"name": "guide", "description": "new"}

    check = await said(store, dict(same), "guide")
    assert (check.number, check.is_unchanged) == (1, True)
    check = await said(store, dict(changed), agent_id(TEAM, "guide"))
    assert (check.number, check.is_unchanged) == (2, False)
    assert [each.field for each in (await said(store, {"name": "x"}, "guide")).problems] == ["name"]
    with pytest.raises(NotFound):
        await said(store, dict(same), "nobody")
    await agents.retire("guide")
    assert "retired" in (await said(store, dict(changed), "guide")).problems[0].rule


async def test_a_version_made_from_an_older_one_is_refused(store: Store) -> None:
    agents = factory(store).agents
    await with_agent(store)
    second = AgentSpec(name="guide", description="second")
    await agents.publish("guide", second, expected=1)

    with pytest.raises(WrongVersion, match="at version 2"):
        await agents.publish("guide", AgentSpec(name="guide", description="mine"), expected=1)
    assert (await agents.publish("guide", second, expected=1)).latest == 2  # repeated: harmless
    assert (await agents.publish("guide", AgentSpec(name="guide"), expected=2)).latest == 3
