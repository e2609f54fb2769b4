"""Build hook: puts into a wheel what does not lie in the checkout as it must lie there.

The built pages and the README, beside our packages; and `pygent`, with a copy of what it needs of
`protocols/` inside, under a name that is ours alone. It builds nothing: `make wheel` has built the
pages before. A hook, so that every way to make a wheel (`make wheel`, `uv build --wheel`, `pip
wheel .`) gives a whole one or none. An editable installation finds all of it in the checkout.
"""

import ast
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APPLICATION = "pygent_factory/_app"
PAGES = ".web/build/client"  # as `hub/cli/running/compose.py` looks for it beside the packages
NEEDED = ("index.html", "404.html")
README = "README.md"  # the guide answers from it too

SDK = "protocols.sdk"
ENTRY = "deploy/wheel/pygent"
PRIVATE = "pygent._protocols"
IMPORT = re.compile(r"^(\s*(?:from|import)) protocols\b", re.MULTILINE)


class ContentsHook(BuildHookInterface):
    """Adds what is missing to a wheel that will be shipped."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See the module."""
        if version == "editable":
            return
        root = Path(self.root)
        if missing := [name for name in NEEDED if not (root / PAGES / name).is_file()]:
            raise FileNotFoundError(
                f"the pages are not built: {PAGES} has no {missing[0]}; use `make wheel`"
            )
        self._written = tempfile.TemporaryDirectory(prefix="pygent-sdk-")
        write_sdk(root, Path(self._written.name))
        included = {str(root / name): f"{APPLICATION}/{name}" for name in (PAGES, README)}
        build_data["force_include"].update(included, **{self._written.name: "pygent"})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what `initialize` wrote."""
        if version != "editable":
            self._written.cleanup()


def write_sdk(root: Path, target: Path) -> None:
    """The folder is `pygent` as it is shipped: it imports nothing of ours but itself."""
    for file in sorted((root / ENTRY).iterdir()):
        if file.is_file():
            _write(file, target / file.name)
    for file in sorted(set(_needed(root, SDK, {}))):
        _write(file, target / "_protocols" / file.relative_to(root / "protocols"))


def _needed(root: Path, module: str, seen: dict[str, Path]) -> Iterator[Path]:
    """The files of a module, of the packages around it, and of all of ours they import."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        file = _file(root, name)
        if file is None or name in seen:
            continue
        seen[name] = file
        yield file
        for imported in _imports(file):
            yield from _needed(root, imported, seen)


def _imports(file: Path) -> Iterator[str]:
    """What a file may import of `protocols`; some are names within modules, not modules."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "protocols":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


def _write(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_text(encoding="utf-8")
    target.write_text(IMPORT.sub(rf"\1 {PRIVATE}", text), encoding="utf-8")
