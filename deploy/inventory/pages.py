"""What is in the built pages: read from a build with source maps, in a copy of `.web`.

Needs Node first on the path and the packages of the last `make site`. Touches nothing there.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from deploy.inventory.component import Component
from deploy.inventory.installed import ROOT, installed

WEB = ROOT / ".web"
NOT_COPIED = frozenset({"node_modules", "build"})
PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")
FONT = ".woff2"
FRONTEND = "reflex"  # its own parts of each frontend; they lie in no package
BUNDLER = "vite"  # a small helper of it is in each page
LICENCE_FILE = re.compile(r"(licen[cs]e|notice|copying)(\.(md|txt))?", re.IGNORECASE)
BUNDLED = "# Licenses of bundled dependencies"  # of the tool, not of its helper
SECONDS = 300


def page_components() -> list[Component]:
    """What somebody else wrote of the pages."""
    names = sorted({*_packages(), BUNDLER})
    return [*map(_component, names), _frontend()]


def licence_text(component: Component) -> str:
    """The licence as the component's own files have it."""
    if component.name == FRONTEND:
        found = installed(FRONTEND)
        files = [Path(str(found.locate_file(f))) for f in found.files or []] if found else []
        texts = [file for file in files if file.parent.name == "licenses"]
    else:
        texts = [f for f in _folder(component.name).iterdir() if LICENCE_FILE.fullmatch(f.name)]
    if not texts:
        raise FileNotFoundError(f"{component.name} has no licence file: read its source")
    whole = "\n\n".join(file.read_text(encoding="utf-8").strip() for file in sorted(texts))
    return whole.partition(BUNDLED)[0].strip()


def _packages() -> set[str]:
    with tempfile.TemporaryDirectory(prefix="pygent-pages-") as name:
        copy = Path(name)
        _copy(copy)
        subprocess.run(  # noqa: S603  our own fixed command
            [_node(), "node_modules/.bin/react-router", "build", "--sourcemapClient"],
            cwd=copy,
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
        return {*_of_scripts(copy / "build/client"), *_of_fonts(copy / "build/client")}


def _node() -> str:
    if found := shutil.which("node"):
        return str(Path(found).absolute())
    raise FileNotFoundError("there is no node on the path: use `make licences` or `make sbom`")


def _copy(target: Path) -> None:
    for entry in WEB.iterdir():
        if entry.name not in NOT_COPIED:
            copy = shutil.copytree if entry.is_dir() else shutil.copy
            copy(entry, target / entry.name)
    (target / "node_modules").symlink_to(WEB / "node_modules")


def _of_scripts(site: Path) -> Iterator[str]:
    maps = sorted(site.glob("**/*.js.map"))
    if not maps:
        raise FileNotFoundError("the build made no source maps")
    for file in maps:
        for source in json.loads(file.read_text(encoding="utf-8"))["sources"]:
            if found := PACKAGE.findall(source):
                yield found[-1]


def _of_fonts(site: Path) -> Iterator[str]:
    """Fonts keep their bytes when they are built."""
    ours = {_digest(file) for file in ROOT.glob(f"assets/**/*{FONT}")}
    built = {_digest(file) for file in site.glob(f"**/*{FONT}")} - ours
    packages = {_digest(f): f for f in sorted((WEB / "node_modules").glob(f"**/*{FONT}"))}
    for digest in built:
        yield PACKAGE.findall(packages[digest].as_posix())[-1]


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _component(name: str) -> Component:
    described = json.loads((_folder(name) / "package.json").read_text(encoding="utf-8"))
    return Component(
        name=name,
        version=described["version"],
        licence=described["license"],
        purl=f"pkg:npm/{name.replace('@', '%40')}@{described['version']}",
        in_pages=True,
    )


def _frontend() -> Component:
    found = installed(FRONTEND)
    version = found.version if found else ""
    return Component(
        name=FRONTEND,
        version=version,
        licence="Apache-2.0",
        purl=f"pkg:pypi/{FRONTEND}@{version}",
        in_pages=True,
    )


def _folder(name: str) -> Path:
    return WEB / "node_modules" / name
