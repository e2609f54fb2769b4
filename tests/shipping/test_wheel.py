"""The wheel: what it carries, and that it runs with nothing else."""

import hashlib
import re
import shutil
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from store.postgres.migrate import MIGRATIONS
from tests.shipping.installed_factory import runs_beside_a_project
from tests.shipping.wheels import ROOT, built, installed

APPLICATION = "pygent_factory/_app/"


def test_the_wheel_carries_pages_migrations_and_documentation_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    migrations = {f"{APPLICATION}store/postgres/migrations/{p.name}" for p in MIGRATIONS.iterdir()}
    assert migrations <= names
    pages = {f"{APPLICATION}.web/build/client/{name}" for name in ("index.html", "404.html")}
    assert pages <= names
    assert {f"{APPLICATION}README.md", f"{APPLICATION}docs/tasks.md"} <= names
    licences = {name.rpartition("/")[2] for name in names if "dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICES"}
    assert {"pygent/__init__.py", "pygent/py.typed", "pygent/_protocols/sdk/client.py"} <= names

    top = {name.split("/")[0] for name in names}
    assert top <= {
        "pygent",
        "pygent_factory",
        f"pygent_factory-{version('pygent-factory')}.dist-info",
    }
    refused = [n for n in names if re.search(r"(^|/)(tests|__pycache__|node_modules)/|\.lock$", n)]
    assert not refused


def test_the_same_tree_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    again = built(tmp_path)

    assert again.name == wheel.name
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (again, wheel)}
    assert len(digests) == 1


def test_a_wheel_without_the_pages_is_refused(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "deploy").mkdir(parents=True)
    for name in ("pyproject.toml", "requirements.in", "README.md", "LICENSE", "deploy/wheel"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, checkout / name)

    with pytest.raises(AssertionError, match=r"the pages are not built: .* use `make wheel`"):
        built(tmp_path, checkout=checkout)


async def test_it_runs_with_nothing_else(wheel: Path, wheel_directory: Path) -> None:
    commands = installed(wheel, wheel_directory / "own", python=sys.executable)
    await runs_beside_a_project(wheel_directory / "own", commands)


def test_the_version_is_written_once_and_the_changelog_tells_of_it() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/changelog.md").read_text(), re.MULTILINE)

    assert version("pygent-factory") == described["version"], "run `make install` anew"
    assert re.fullmatch(r"Unreleased|" + re.escape(described["version"]) + r", .+", headings[0])
