"""Which factory a client talks to: the one it is told, the environment's, or one that runs here.

The last is found by the `run.json` that `pygent up` leaves in its data directory, as the command
finds it. Only what a client needs of that file is read here.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from protocols.errors import InvalidRequest, Unauthenticated, Unavailable
from protocols.sdk.settings import SdkSettings

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Address:
    """A hub, and the key to it."""

    url: str
    token: str


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    """What `run.json` says, as far as a client asks."""

    pid: int
    url: str
    api_key: str | None = None


def find(url: str | None, token: str | None) -> Address:
    """The factory to talk to; what is given goes before the environment, that before the directory.

    Raises:
        InvalidRequest: The address is none of the web.
        Unavailable: None is named, and none runs on the data directory.
        Unauthenticated: There is no key.
    """
    settings = SdkSettings()
    url, token = url or settings.url, token or settings.api_key
    if url is None:
        running = _running(settings.data_dir)
        url, token = running.url, token or running.api_key
    if token is None:
        raise Unauthenticated(
            "there is no key: give token=…, or set PYGENT_API_KEY;"
            " `pygent token create` makes one where the factory runs"
        )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidRequest(f"{url!r} is not an address such as http://127.0.0.1:8000")
    return Address(url, token)


def _running(directory: Path) -> _Running:
    path = directory / RUN_FILE
    try:
        running = msgspec.json.decode(path.read_bytes(), type=_Running)
    except FileNotFoundError:
        running = None
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidRequest(f"{path} cannot be read: {type(error).__name__}") from None
    if running is None or not _is_alive(running.pid):
        raise Unavailable(
            f"no factory runs on the data directory {directory}; start one with `pygent up`,"
            " or name one by PYGENT_URL and PYGENT_API_KEY"
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
