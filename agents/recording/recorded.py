"""What earlier attempts recorded, found again by what is asked for: done once, never done again.

A step is the same when ordinal, kind, name and arguments are. A finished step gives its result; a
tool that failed gives its failure, which its model has read. Pure: made from a folded task.
"""

from collections.abc import Mapping

import msgspec

from protocols.steps import StepKind
from protocols.tasks import Step, StepState, Task

_TOOLS = frozenset({StepKind.TOOL, StepKind.RETRIEVAL})


class Recorded:
    """The steps of a task that need not be done again."""

    def __init__(self, task: Task | None = None) -> None:
        self._steps: dict[int, Step] = {}
        for step in task.steps if task else ():
            if _is_done(step):
                self._steps[ordinal(step.id)] = step  # a later attempt's own is the newer one

    def find(self, number: int, *, kind: StepKind, name: str, arguments: object) -> Step | None:
        """The step that was asked for then as it is now; None: it must be done."""
        step = self._steps.get(number)
        if step is None or step.kind is not kind or step.name != name:
            return None
        return step if msgspec.json.decode(step.arguments) == arguments else None

    def results(self, kind: StepKind) -> list[Mapping[str, object]]:
        """The results of all finished steps of a kind."""
        decoder = msgspec.json.Decoder(dict[str, object])
        return [
            decoder.decode(step.result)
            for step in self._steps.values()
            if step.kind is kind and step.state is StepState.FINISHED
        ]


def ordinal(step: str) -> int:
    """The number of a step in its task; its id is `attempt.ordinal`."""
    return int(step.rpartition(".")[2])


def _is_done(step: Step) -> bool:
    if step.state is StepState.FINISHED:
        return True
    return step.state is StepState.FAILED and step.kind in _TOOLS
