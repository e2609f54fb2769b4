"""`python -m deploy.inventory licences | sbom FILE`: write, or say what may not be shipped."""

import sys
from pathlib import Path

from deploy.inventory.bom import bill
from deploy.inventory.carried import carried, unknown_files
from deploy.inventory.facts import facts
from deploy.inventory.installed import ROOT, packages
from deploy.inventory.licence import refused
from deploy.inventory.pages import page_components
from deploy.inventory.report import notices, page

LIST = ROOT / "docs/licences.md"
NOTICES = ROOT / "NOTICES"


def main(what: str, *where: str) -> int:
    """The exit code: 1 where something may not be shipped."""
    installed, within, pages = packages(), carried(), page_components()
    problems = [*refused([*installed, *within, *pages], facts().accepted)]
    problems += [f"{file}: nobody has read its licence" for file in unknown_files()]
    if problems:
        sys.stderr.write("\n".join(problems) + "\n")
        return 1
    if what == "licences":
        LIST.write_text(page(installed, within, pages), encoding="utf-8")
        NOTICES.write_text(notices(pages), encoding="utf-8")
        return 0
    target = Path(where[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill([*installed, *within, *pages]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
