"""The only file that names other processes: by import string, so that none imports another.

`pygent up` and `pygent hub --with-dashboard` serve hub and dashboard on one port; `pygent
dashboard` serves it alone; workers and scheduler are processes of their own.
"""

import importlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp

from hub.cli.running.supervisor import Child
from protocols.errors import InvalidRequest, Unavailable

DASHBOARD = "dashboard.app"
WORKERS = "agents.app"
SCHEDULERS = "agents.scheduler_app"
PAGES = ("index.html", "404.html")
ROOT = Path(__file__).resolve().parents[3]  # our packages lie here, in a checkout and in a wheel


def open_dashboard(site: Path) -> ASGIApp:
    """The dashboard around the built pages."""
    return cast("ASGIApp", _attribute(DASHBOARD, "application")(site))


def require_site(chosen: Path | None) -> Path:
    """The built pages: those that were chosen, or what `make site` makes.

    Raises:
        Unavailable: The pages are not built.
    """
    site = chosen or ROOT / ".web/build/client"
    for page in PAGES:
        if not (site / page).is_file():
            raise Unavailable(f"the pages are not built: {site} has no {page}; run `make site`")
    return site


def require_settings() -> None:
    """What workers and the scheduler read of the environment is as it should be.

    Raises:
        ValidationError: It names each variable that is not.
    """
    _attribute("agents.settings", "AgentSettings")()


async def run_worker() -> None:
    """Claim tasks until told to stop."""
    await _run(WORKERS, "run_worker")


async def run_scheduler() -> None:
    """Keep projections, leases and partitions in order until told to stop."""
    await _run(SCHEDULERS, "run_scheduler")


def child(name: str, *arguments: str, environment: Mapping[str, str]) -> Child:
    """A part of this same installation as a child process, whatever lies where it is started."""
    command = [sys.executable, "-m", "hub.cli.app", *arguments, "--supervised"]
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    return Child(name=name, command=command, environment={**environment, **ours})


async def _run(module: str, name: str) -> None:
    settings = _attribute("agents.settings", "AgentSettings")()
    run = cast("Callable[[Any], Awaitable[None]]", _attribute(module, name))
    await run(settings)


def _attribute(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise InvalidRequest(f"this installation has no {error.name}") from error
