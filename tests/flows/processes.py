"""Processes outside this one: which part one is, whether it lives, and waiting for what it does."""

import pwd
import socket
import time
from collections.abc import Callable

import psutil

POLL_SECONDS = 0.02


def is_part(process: psutil.Process, name: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    match name:
        case "postgres":
            return bool(command) and command[0].endswith("/postgres")
        case "valkey":
            return bool(command) and "valkey-server" in command[0]
        case _:
            return command[1:4] == ["-m", "hub.cli.app", name]


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended and waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def group_of(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def until(
    condition: Callable[[], bool],
    *,
    seconds: float,
    what: Callable[[], str] = lambda: "it did not become true",
) -> None:
    """Wait for something outside this process to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what())
        time.sleep(POLL_SECONDS)
