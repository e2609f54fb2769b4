"""What became of a task, told by its events: the fold at its end, and what it forgot on the way.

The fold drops what a dead attempt left unfinished, since it is void. Whoever looks for what went
wrong wants to see it; so the fold is watched while it forgets.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from protocols.events import Event
from protocols.rest.client import RestClient
from protocols.task_fold import advance
from protocols.tasks import Said, Step, Task

PAGE_EVENTS = 1000
FORGETS = frozenset({"died", "handed_back"})
MOST_EVENTS = 50_000  # of longer streams the folded task alone is told


@dataclass(slots=True)
class Story:
    """A task, and what is void of it.

    Attributes:
        task: As it stands.
        epoch: Of the log.
        void_steps: Running when their attempt died; told as they stood then.
        void_said: What was said in them, as far as it was written.
    """

    task: Task
    epoch: str
    void_steps: list[Step] = field(default_factory=list[Step])
    void_said: list[Said] = field(default_factory=list[Said])

    def add(self, events: Iterable[Event]) -> None:
        """Fold these in, and keep what the fold forgets."""
        for event in events:
            steps, said = list(self.task.steps), list(self.task.said)
            advance(self.task, event)
            if len(self.task.steps) < len(steps):
                kept = {step.id for step in self.task.steps}
                self.void_steps += [step for step in steps if step.id not in kept]
            if len(self.task.said) < len(said):
                held = {one.id for one in self.task.said}
                self.void_said += [one for one in said if one.id not in held]

    def said_in(self, step: str) -> list[Said]:
        """What was written in a step before it became void."""
        return [one for one in self.void_said if one.step == step and one.text]


async def read_story(client: RestClient, task_id: str) -> Story:
    """The task at its head, with what became void.

    Raises:
        NotFound: There is no such task.
    """
    task, epoch = await client.tasks.get(task_id)
    if not _has_forgotten(task) or task.version > MOST_EVENTS:
        return Story(task, epoch)
    story = Story(Task(id=task.id), epoch)
    while story.task.version < task.version:
        page = await client.tasks.events(task_id, after=story.task.version, limit=PAGE_EVENTS)
        story.add(page.events)
        if not page.events:
            break
    return story


def _has_forgotten(task: Task) -> bool:
    died = any(attempt.outcome in FORGETS for attempt in task.attempts)
    return died or any(step.reason is not None for step in task.steps)
