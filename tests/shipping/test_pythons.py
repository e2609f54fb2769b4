"""The wheel on the other Pythons of this machine; on its own one it runs in `test_wheel.py`."""

import sys
from pathlib import Path

import pytest

from tests.shipping.installed_factory import runs_beside_a_project
from tests.shipping.wheels import VERSIONS, installed, interpreter

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("python", [version for version in VERSIONS if version != OWN])
async def test_it_runs_with_nothing_else_on(
    python: str, wheel: Path, wheel_directory: Path
) -> None:
    found = interpreter(python)
    if found is None:
        pytest.skip(f"this machine has no Python {python}")
    commands = installed(wheel, wheel_directory / python, python=found)
    await runs_beside_a_project(wheel_directory / python, commands)
