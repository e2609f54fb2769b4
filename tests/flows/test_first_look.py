"""What somebody at a terminal sees of `pygent up`: a few steps, her link, and nothing after it."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx

from hub.cli.running.start import LOG_FILE
from tests.flows.processes import until
from tests.flows.product import READY_SECONDS, UNSEEDED, Product, prepared

CTRL_C = b"\x03"


@contextmanager
def on_a_terminal(product: Product) -> Generator[tuple[Callable[[], str], Callable[[], None]]]:
    """What the terminal shows so far, and her Ctrl-C; over when nothing runs any more."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shown = bytearray()

    def look() -> str:
        try:
            while piece := os.read(ours, 65536):
                shown.extend(piece)
        except OSError:  # nothing more now, or nobody writes any more
            pass
        return shown.decode().replace("\r\n", "\n")

    def interrupt() -> None:
        os.write(ours, CTRL_C)

    process = subprocess.Popen(
        [sys.executable, "-c", AS_A_SHELL, *product.command, "up"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=product.directory,
        env=product.environment_of_commands(),
        start_new_session=True,
    )
    product.process = process
    os.close(theirs)
    try:
        yield look, interrupt
        until(lambda: process.poll() is not None, seconds=10, what=look)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        product.process = None
        os.close(ours)


# Takes the terminal as its own, as a login shell does, so that Ctrl-C reaches it.
AS_A_SHELL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_a_terminal_shows_the_steps_and_the_link_and_the_log_goes_to_a_file() -> None:
    with prepared(environment=UNSEEDED) as product, on_a_terminal(product) as (look, interrupt):
        until(lambda: "\nready http" in look(), seconds=READY_SECONDS, what=look)
        before = look()
        steps = ("Starting Postgres and Valkey", "Bringing the database", "Starting hub")
        assert all(step in before for step in steps)
        assert f"{product.url}/auth/ticket#" in before
        ticket = before.partition("/auth/ticket#")[2].split()[0]
        httpx.get(f"{product.url}/api/v1/me", trust_env=False)
        log = product.data_dir / LOG_FILE
        until(lambda: "path=/api/v1/me" in log.read_text(), seconds=5, what=log.read_text)
        assert look() == before, "what she asks for does not carry her link away"
        assert log.stat().st_mode & 0o077 == 0
        assert ticket not in log.read_text()
        interrupt()
        until(lambda: "Ending everything" in look(), seconds=10, what=look)
        assert "Traceback" not in look()
