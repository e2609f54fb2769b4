"""What `pygent up` leaves in its data directory for the other commands, readable by its owner only.

`run.json` says where the servers are while they run, and carries a key for the client commands.
"""

import json
import os
import stat
from pathlib import Path

import msgspec

from hub.cli.version import VERSION
from protocols.errors import InvalidRequest, Unavailable

RUN_FILE = "run.json"
LINK_FILE = "login-link"


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A factory that runs on this data directory.

    Attributes:
        pid: Of `pygent up`.
        url: Of the hub.
        database_url: With password.
        redis_url: As given or embedded.
        api_key: For the client commands of whoever owns the directory.
        version: Of the program that runs; empty from one that did not say.
    """

    pid: int
    url: str
    database_url: str
    redis_url: str
    api_key: str | None = None
    version: str = ""


def write_private(path: Path, text: str) -> None:
    """The file holds `text` and only its owner reads it, from its first byte on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def write_running(directory: Path, running: Running) -> None:
    """Tell the other commands, and which version tells them."""
    running = msgspec.structs.replace(running, version=running.version or VERSION)
    write_private(directory / RUN_FILE, msgspec.json.encode(running).decode() + "\n")


def forget_running(directory: Path) -> None:
    """The factory does not run any more."""
    (directory / RUN_FILE).unlink(missing_ok=True)


def read_running(directory: Path) -> Running | None:
    """The factory that runs on this directory; None when none does.

    Raises:
        InvalidRequest: The file cannot be read, or is not ours.
    """
    path = directory / RUN_FILE
    try:
        running = msgspec.json.decode(path.read_bytes(), type=Running)
    except FileNotFoundError:
        return None
    except (OSError, json.JSONDecodeError, msgspec.MsgspecError) as error:
        raise InvalidRequest(f"{path} cannot be read: {type(error).__name__}") from None
    return running if _is_alive(running.pid) else None


def require_running(directory: Path, *, otherwise: str) -> Running:
    """The factory that runs on this directory.

    Args:
        directory: The data directory.
        otherwise: The variables that name another one, for the message.

    Raises:
        Unavailable: None does; the message says how to start one.
    """
    running = read_running(directory)
    if running is None:
        raise Unavailable(
            f"no factory runs on the data directory {directory}; start one with `pygent up`,"
            f" or name one by {otherwise}"
        )
    return running


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
