"""What one task may use, and what it has used: steps, tokens and money. Plain arithmetic.

Seconds are kept by the attempt, which ends a call in the middle; the others are looked at before
each step, so that a task goes over a limit by one call at most.
"""

from protocols.agents import Limits
from protocols.errors import BudgetExceeded
from protocols.events import BudgetReached
from protocols.steps import Usage

MICRO_DOLLARS = 1_000_000


class LimitReached(BudgetExceeded):
    """A limit is reached; carries the event that says which."""

    def __init__(self, reached: BudgetReached, unit: str) -> None:
        super().__init__(
            f"the agent's limit of {reached.maximum:g} {unit} is reached ({reached.value:g})"
        )
        self.reached = reached


class Budget:
    """One task's account, over all of its attempts."""

    def __init__(
        self, limits: Limits, *, usage: Usage | None = None, cost: int = 0, steps: int = 0
    ) -> None:
        self.limits = limits
        self.usage = usage or Usage()
        self.cost = cost
        self.steps = steps

    def spend(self, usage: Usage | None, cost: int | None) -> None:
        """A recorded step used this."""
        self.usage += usage or Usage()
        self.cost += cost or 0

    def repeat(self) -> None:
        """A step that was recorded, and paid for, by an earlier attempt."""
        self.steps += 1

    def begin(self, steps: int = 1) -> None:
        """So many more steps begin.

        Raises:
            LimitReached: A limit does not allow them; none has begun.
        """
        used = self.usage.input + self.usage.output
        money = self.limits.money * MICRO_DOLLARS
        if self.steps + steps > self.limits.steps:
            raise limit_reached("steps", self.steps, self.limits.steps)
        if used >= self.limits.tokens:
            raise limit_reached("tokens", used, self.limits.tokens)
        if self.cost >= money:
            raise limit_reached("money", self.cost / MICRO_DOLLARS, self.limits.money)
        self.steps += steps


def limit_reached(limit: str, value: float, maximum: float) -> LimitReached:
    """The error, with its event and its sentence."""
    unit = "dollars" if limit == "money" else limit
    return LimitReached(BudgetReached(limit=limit, value=value, maximum=maximum), unit)
