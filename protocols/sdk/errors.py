"""What can go wrong beyond what the hub answers: a task without an answer, and a wait that ended.

FactoryError                  protocols/errors.py; the hub's own answers
├── …
├── TaskFailed                it failed or was rejected: why stands in `task`
│   └── TaskCanceled          somebody stopped it
└── TimedOut                  also a TimeoutError; the task goes on
"""

from protocols.errors import FactoryError
from protocols.tasks import Task, TaskState


class TaskFailed(FactoryError):
    """The task is over and has no answer.

    Attributes:
        task: As it ended. Its `code` is that of the error behind it, such as `budget_exceeded`
            (`pygent.BudgetExceeded.code`), its `reason` a sentence for people.
    """

    code = "task_failed"

    def __init__(self, message: str, *, task: Task) -> None:
        super().__init__(message)
        self.task = task


class TaskCanceled(TaskFailed):
    """Somebody stopped the task before it had an answer."""

    code = "task_canceled"


class TimedOut(FactoryError, TimeoutError):
    """The time for waiting is over; the task is not, and goes on.

    Attributes:
        task_id: Of the task, to wait again or to cancel it.
    """

    code = "timed_out"
    retryable = True

    def __init__(self, message: str, *, task_id: str) -> None:
        super().__init__(message)
        self.task_id = task_id


def ended_without_answer(task: Task) -> TaskFailed:
    """The error a task that is over, but not completed, is for who waits for its answer."""
    if task.state is TaskState.CANCELED:
        return TaskCanceled(f"task {task.id} was canceled", task=task)
    return TaskFailed(
        f"task {task.id} {task.state}: {task.reason or task.code or 'no reason was recorded'}",
        task=task,
    )
