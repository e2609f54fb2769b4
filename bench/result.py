"""One number of a benchmark, with the limit it is held against.

A bench is a module of this folder with `def run() -> list[Result]`, async or not; when `run` takes
`quick`, a shorter form can be asked for, and with `minutes` how long it watches.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured.

    Attributes:
        name: What it says, for a reader who knows the product.
        value: In `unit`.
        limit: As a person reads it, such as `≥ 1.3`; None: only said, not held against anything.
        is_met: Whether the limit holds; None where there is none.
    """

    name: str
    value: float
    unit: str
    limit: str | None = None
    is_met: bool | None = None


def at_least(name: str, value: float, *, limit: float, unit: str) -> Result:
    """A number that must not be lower."""
    return Result(name=name, value=value, unit=unit, limit=f"≥ {limit:g}", is_met=value >= limit)


def at_most(name: str, value: float, *, limit: float, unit: str) -> Result:
    """A number that must not be higher."""
    return Result(name=name, value=value, unit=unit, limit=f"≤ {limit:g}", is_met=value <= limit)


def noted(name: str, value: float, *, unit: str) -> Result:
    """A number beside the others, to understand them by."""
    return Result(name=name, value=value, unit=unit)
