"""`facts.toml`: what no metadata says, and what was decided by name."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FACTS = Path(__file__).with_name("facts.toml")


@dataclass(frozen=True, slots=True)
class Carried:
    """What a wheel carries beside its own code: found by the patterns of its files."""

    within: str
    name: str
    licence: str
    version: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A licence that is not permissive, and why this one component may have it."""

    name: str
    licence: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All of the file; a licence by the name of a distribution."""

    licences: dict[str, str]
    carried: tuple[Carried, ...]
    accepted: tuple[Accepted, ...]


@cache
def facts() -> Facts:
    """The file, read once."""
    read = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    return Facts(
        licences=read["licences"],
        carried=tuple(
            Carried(**{**entry, "files": tuple(entry.get("files", ()))})
            for entry in read["carried"]
        ),
        accepted=tuple(Accepted(**entry) for entry in read["accepted"]),
    )
