"""The marked places of the pages, and what belongs there.

A place begins with `<!-- made from the code: NAME -->` and ends with `<!-- end -->`.
"""

import re
from collections.abc import Callable
from pathlib import Path

from deploy.reference.commands import commands
from deploy.reference.events import events
from deploy.reference.metrics import metrics
from deploy.reference.rest import operations, problems, schemas
from deploy.reference.variables import clients, hub, providers, store, workers

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "docs/settings.md",
    "docs/reference/commands.md",
    "docs/reference/rest.md",
    "docs/reference/events.md",
    "docs/reference/metrics.md",
)
PLACES: dict[str, Callable[[], str]] = {
    "settings of the hub": hub,
    "settings of the store": store,
    "settings of workers": workers,
    "settings of clients": clients,
    "model providers": providers,
    "commands": commands,
    "operations": operations,
    "problems": problems,
    "schemas": schemas,
    "events": events,
    "metrics": metrics,
}
_PLACE = re.compile(
    r"(?P<begin><!-- made from the code: (?P<name>[a-z ]+) -->\n).*?(?P<end><!-- end -->)",
    re.DOTALL,
)


def write() -> list[str]:
    """Every page says what the code says; the names of those that had to be changed."""
    changed = outdated()
    for page in changed:
        (ROOT / page).write_text(_filled((ROOT / page).read_text("utf-8")), "utf-8")
    return changed


def outdated() -> list[str]:
    """Names of the pages whose marked places are not what the code says."""
    found = {page: (ROOT / page).read_text("utf-8") for page in PAGES}
    return [page for page, text in found.items() if _filled(text) != text]


def _filled(text: str) -> str:
    return _PLACE.sub(
        lambda place: f"{place['begin']}\n{PLACES[place['name']]().strip()}\n\n{place['end']}", text
    )
