"""Making the wheel, and installing it with its locked requirements into a new environment.

The pages must be built already, as `make test` does first; nothing here needs Node.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from hub.cli.settings import inherited

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
SECONDS = 300.0
VERSIONS = ("3.11", "3.12", "3.13")


def built(directory: Path, *, checkout: Path = ROOT) -> Path:
    """The wheel, made anew into the directory."""
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory))
    _run(*command, cwd=checkout)
    (wheel,) = directory.glob("*.whl")
    return wheel


def installed(wheel: Path, directory: Path, *, python: str) -> Path:
    """The `bin` of a new environment with the wheel, and with what the lock file names for it."""
    _run(python, "-m", "venv", "--without-pip", str(directory))
    install = (str(UV), "pip", "install", "-q", "--python", str(directory / "bin/python"))
    locked = ("--require-hashes", "-r", str(ROOT / "requirements.lock"))
    try:
        _run(*install, "--offline", *locked)  # `make install` has filled the cache
    except AssertionError:
        _run(*install, *locked)
    _run(*install, "--offline", "--no-deps", str(wheel))
    _run(str(UV), "pip", "check", "-q", "--python", str(directory / "bin/python"))
    return directory / "bin"


def interpreter(version: str) -> str | None:
    """One on the path, or one of pyenv's; its stand-ins on the path may end with an error."""
    places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for path in (shutil.which(f"python{version}"), *map(str, places)):
        if (
            path
            and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return path
    return None


def _run(*command: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=inherited(UV_SYSTEM_CERTS="1", SOURCE_DATE_EPOCH=None),
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
