"""Build hook: puts the built pages and the README into the wheel, or refuses to make one without.

It builds nothing: `make wheel` has built the pages before. A hook, so that every way to make a
wheel (`make wheel`, `uv build --wheel`, `pip wheel .`) gives a whole one or none. An editable
installation finds all of it in the checkout.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APPLICATION = "pygent_factory/_app"
PAGES = ".web/build/client"  # as `hub/cli/compose.py` looks for it beside the packages
NEEDED = ("index.html", "404.html")
README = "README.md"  # the guide answers from it too


class PagesHook(BuildHookInterface):
    """Adds what the packages find beside them to a wheel that will be shipped."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See the module."""
        if version == "editable":
            return
        pages = Path(self.root) / PAGES
        if missing := [name for name in NEEDED if not (pages / name).is_file()]:
            raise FileNotFoundError(
                f"the pages are not built: {PAGES} has no {missing[0]}; use `make wheel`"
            )
        included = {
            str(Path(self.root) / name): f"{APPLICATION}/{name}" for name in (PAGES, README)
        }
        build_data["force_include"].update(included)
