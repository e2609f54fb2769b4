"""What was said before a task, as a worker asks for it: bounded by the limits of the agent."""

from agents.factory import Earlier
from protocols.agents import Limits
from protocols.messages import Message
from protocols.principals import TeamId
from protocols.tasks import Task
from store.connect import Store
from store.operations import conversations


def earlier_of(store: Store) -> Earlier:
    """The earlier turns of conversations in this store."""

    async def earlier(team: TeamId, task: Task, limits: Limits) -> tuple[Message, ...]:
        characters = conversations.room(limits.tokens)
        return await conversations.earlier(store, team, task, characters=characters)

    return earlier
