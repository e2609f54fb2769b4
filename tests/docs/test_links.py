"""Links of README.md and docs/ lead to files, and to headings, that are there."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.reading import PAGES, ROOT, anchors, links, name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = [
        link for link in links(page.read_text("utf-8")) if is_ours(link) and not leads(page, link)
    ]
    assert not broken, f"{name(page)}: {broken}"


def is_ours(link: str) -> bool:
    return "://" not in link and not link.startswith("mailto:")


def leads(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text("utf-8"))


def test_the_list_of_decisions_names_each_of_them() -> None:
    folder = ROOT / "docs/decisions"
    listed = links((folder / "README.md").read_text("utf-8"))
    assert listed == sorted(page.name for page in folder.glob("[0-9]*.md"))
