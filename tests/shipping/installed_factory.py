"""An installed factory in the folder of somebody's project, from its start to its end."""

import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

from tests.flows.processes import free_port
from tests.flows.product import Product

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


async def runs_beside_a_project(place: Path, commands: Path) -> None:
    """`pygent up` with an empty environment, a question from a terminal and from a program."""
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
        doctor = factory.run("doctor")
        page = await first_page(factory.url)
        factory.stop(signal.SIGINT)

    assert answer.code == 0, answer.err
    assert "one worker's try at one task" in answer.out
    assert re.search(r"\[\d+\]", answer.out), answer.out
    assert "one worker's try at one task" in program.stdout, program.stderr
    assert 'type="module"' in page
    assert "by words only" in doctor.out, "the weights are not among what the wheel asks for"
    assert "Traceback" not in factory.err
    assert factory.run("--version").out == f"pygent {version('pygent-factory')}\n"


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
