"""What the packages carry besides their own code: servers and libraries, and crates of Rust.

Crates are read from the bills of materials within the wheels. Servers and libraries stand in
`facts.toml` by the patterns of their files; a program or library that no pattern knows is refused,
so that somebody reads its licence first.
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import Distribution
from pathlib import Path

from packaging.utils import canonicalize_name

from deploy.inventory.component import Component
from deploy.inventory.facts import facts
from deploy.inventory.installed import distributions

ELF = b"\x7fELF"
EXTENSION = re.compile(r"\.(cpython-\d+-[\w-]+|abi3)\.so$")  # a package's own compiled code
NO_BINARY = (".py", ".pyi", ".pyc", ".txt", ".md", ".h", ".json", ".sql", ".a")


def carried() -> list[Component]:
    """Servers, libraries and crates, by what carries them."""
    by_hand = [
        Component(name=one.name, version=one.version, licence=one.licence, within=one.within)
        for one in facts().carried
    ]
    crates = [crate for one in distributions() for crate in _crates(one)]
    return sorted({*by_hand, *crates}, key=lambda part: (part.within, part.name, part.version))


def unknown_files() -> list[str]:
    """Programs and libraries within the packages that no entry of `facts.toml` knows."""
    known = [(entry.within, pattern) for entry in facts().carried for pattern in entry.files]
    return [
        f"{one.name}: {file}"
        for one in distributions()
        for file in _binaries(one)
        if not any(
            canonicalize_name(one.name) == within and fnmatch(file, pattern)
            for within, pattern in known
        )
    ]


def _binaries(one: Distribution) -> Iterator[str]:
    for file in one.files or []:
        if file.suffix in NO_BINARY or EXTENSION.search(file.name):
            continue
        path = Path(str(one.locate_file(file)))
        if path.is_file() and _begins_with(path, ELF):
            yield file.as_posix()


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as opened:
        return opened.read(len(magic)) == magic


def _crates(one: Distribution) -> Iterator[Component]:
    for file in one.files or []:
        if file.parent.name != "sboms" or file.suffix != ".json":
            continue
        for part in json.loads(file.read_text()).get("components", []):
            if str(part.get("purl", "")).startswith("pkg:cargo/"):
                yield Component(
                    name=part["name"],
                    version=part.get("version", ""),
                    licence=_expression(part.get("licenses", [])),
                    purl=str(part["purl"]).partition("?")[0],
                    within=canonicalize_name(one.name),
                )


def _expression(licences: list[dict[str, object]]) -> str:
    """The SPDX expression of a CycloneDX component."""
    said: list[str] = []
    for entry in licences:
        licence = entry.get("license")
        named = licence.get("id") or licence.get("name") if isinstance(licence, dict) else None
        said.append(" ".join(str(entry.get("expression") or named or "").split()))
    return " AND ".join(filter(None, said))
