"""One wheel for all tests of it."""

import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.shipping.wheels import built


@pytest.fixture(scope="session")
def wheel_directory() -> Generator[Path]:
    """Where environments may lie: Postgres, which never runs as root, must reach its files."""
    with tempfile.TemporaryDirectory(prefix="pygent-wheel-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture(scope="session")
def wheel(wheel_directory: Path) -> Path:
    return built(wheel_directory)
