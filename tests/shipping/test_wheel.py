"""The wheel: what it carries, and that it runs with nothing else, on every Python there is here."""

import hashlib
import re
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from store.postgres.migrate import MIGRATIONS
from tests.flows.product import Product, free_port
from tests.shipping.wheels import ROOT, VERSIONS, built, installed, pythons

APPLICATION = "pygent_factory/_app/"
OURS = ("agents", "dashboard", "hub", "protocols", "store")
PROGRAM = "import pygent\nprint(pygent.Client().run('guide', 'What is an attempt?').text)"
TRAP = 'raise ImportError("the package of somebody\'s project was imported")\n'


@dataclass(kw_only=True)
class Installed(Product):
    """An installed factory, which is told nothing but its port."""

    def environment_of_commands(self) -> dict[str, str]:
        return {"PYGENT_PORT": str(self.port)}


@contextmanager
def beside_a_project(place: Path, command: Path) -> Generator[Installed]:
    """In the folder of somebody's project, whose packages have the names of ours."""
    directory = place / "project"
    for name in OURS:
        (directory / name).mkdir(parents=True)
        (directory / name / "__init__.py").write_text(TRAP)
    for name in ("out", "err"):
        (directory / name).touch()
    product = Installed(
        directory=directory,
        data_dir=directory / ".pygent",
        port=free_port(),
        command=(str(command),),
    )
    try:
        yield product
    finally:
        if product.process is not None:
            product.kill()


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


@pytest.mark.parametrize("python", VERSIONS)
async def test_it_runs_with_nothing_else_on(
    python: str, wheel: Path, wheel_directory: Path
) -> None:
    interpreter = pythons().get(python)
    if interpreter is None:
        pytest.skip(f"this machine has no Python {python}")
    place = wheel_directory / python
    commands = installed(wheel, place / "venv", python=interpreter)

    with beside_a_project(place, commands / "pygent") as factory:
        factory.start()
        answer = factory.run("run", "guide", "What is an attempt?")
        program = subprocess.run(
            [commands / "python", "-c", PROGRAM],
            capture_output=True,
            text=True,
            cwd=factory.directory,
            env={},
            timeout=60,
            check=False,
        )
        page = await first_page(factory.url)
        factory.stop(signal.SIGINT)

    assert answer.code == 0, answer.err
    assert "one worker's try at one task" in answer.out
    assert "[1]" in answer.out
    assert "one worker's try at one task" in program.stdout, program.stderr
    assert 'type="module"' in page
    assert "Traceback" not in factory.err


async def first_page(url: str) -> str:
    """What a browser without a session is shown."""
    browser = {"Accept": "text/html"}
    async with httpx.AsyncClient(base_url=url, headers=browser, trust_env=False) as client:
        answer = await client.get("/", follow_redirects=True)
        assert answer.status_code == 200
        assert answer.url.path.rstrip("/") == "/login"
        script = re.search(r'"(/assets/[^"]+\.js)"', answer.text)
        assert script is not None
        assert (await client.get(script[1])).status_code == 200
        return answer.text
