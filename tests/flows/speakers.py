"""Specs of agents that say what a test gave them, as fast as it says."""

from collections.abc import Mapping


def scripted(name: str, *turns: Mapping[str, object], **spec: object) -> dict[str, object]:
    """A spec of an agent that plays these turns."""
    return {"name": name, "model": "scripted", "script": list(turns), **spec}


def words(count: int) -> str:
    """A text that shows at once where a piece is missing."""
    return " ".join(f"w{number}" for number in range(1, count + 1))


def spoken(deltas: int, *, seconds: float) -> Mapping[str, object]:
    """A turn of so many deltas over so many seconds."""
    return {"text": words(deltas), "deltas": deltas, "seconds": seconds}
