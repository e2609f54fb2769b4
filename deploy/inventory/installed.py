"""The Python packages a factory installs: what the lock files name, as the installed ones say it.

Only what Linux and macOS install on the Pythons we support counts. A package that only another
Python installs has its licence in `facts.toml`.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement

from deploy.inventory.component import Component
from deploy.inventory.facts import facts
from deploy.inventory.licence import WORDS

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-weights.lock")
PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.13.0")
SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
HASH = re.compile(r"sha256:([0-9a-f]{64})")


def packages() -> list[Component]:
    """Every package of the lock files, by name and version."""
    return sorted(
        (
            Component(
                name=requirement.name,
                version=version_of(requirement),
                licence=licence_of(requirement.name),
                purl=f"pkg:pypi/{requirement.name}@{version_of(requirement)}",
                hashes=tuple(sorted(hashes)),
            )
            for lock in LOCKS
            for requirement, hashes in _locked(ROOT / lock)
            if requirement.marker is None or is_installed_anywhere(requirement.marker)
        ),
        key=lambda component: (component.name, component.version),
    )


def distributions() -> list[Distribution]:
    """Those of them that are installed here."""
    found = (installed(name) for name in dict.fromkeys(package.name for package in packages()))
    return [one for one in found if one is not None]


def installed(name: str) -> Distribution | None:
    """The distribution here; None where this Python or system needs none."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def licence_of(name: str) -> str:
    """Its SPDX expression: by hand, or as its metadata says; empty when nobody knows."""
    if known := facts().licences.get(name):
        return known
    found = installed(name)
    if found is None:
        return ""
    if expression := found.metadata.get("License-Expression"):
        return expression
    said = (found.metadata.get("License") or "").strip()
    if said and "\n" not in said:
        return WORDS.get(said, said)
    classifiers = found.metadata.get_all("Classifier") or []
    words = [one.split(" :: ")[-1] for one in classifiers if one.startswith("License ::")]
    return " AND ".join(WORDS.get(word, word) for word in sorted(words))


def version_of(requirement: Requirement) -> str:
    """The locked version."""
    return str(requirement.specifier).removeprefix("==")


def is_installed_anywhere(marker: Marker) -> bool:
    """Whether a system and a Python we support install what has this marker."""
    return any(
        marker.evaluate(
            {
                "sys_platform": system,
                "platform_machine": machine,
                "python_full_version": python,
                "python_version": python.rpartition(".")[0],
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }
        )
        for system, machine in SYSTEMS
        for python in PYTHONS
    )


def _locked(lock: Path) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement of a lock file with the hashes of its files."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            yield Requirement(line.split("--hash")[0].strip()), HASH.findall(line)
