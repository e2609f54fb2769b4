"""What a person at a terminal sees of a start: its steps and the way in; the log is in a file.

A log on the terminal would carry the link away with the first page that asks for anything. Where
standard error is no terminal, or the form of the log was chosen, everything is logged as by any
other process.
"""

import logging
import sys
from pathlib import Path

import anyio

from hub.cli.data_directory import LINK_FILE, write_private
from hub.settings import HubSettings
from hub.telemetry import configure_logging
from hub.version import VERSION

logger = logging.getLogger(__name__)

LOG_FILE = "pygent.log"
MAX_LOG_BYTES = 16 * 1024 * 1024  # then it begins anew; the one before is kept
LOOK_SECONDS = 60.0
PRIVATE = 0o600


class Start:
    """A start that is under way, told to whoever began it.

    Args:
        settings: Where the log goes, when that was chosen.
    """

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        is_chosen = settings.model_fields_set & {"log_format", "log_level", "log_file"}
        self._is_told = sys.stderr.isatty() and not is_chosen
        self.log_file = settings.log_file

    def keep_log(self, directory: Path) -> None:
        """The log goes where it belongs; the directory is there and ours."""
        if self._is_told:
            self.log_file = directory / LOG_FILE
            self.log_file.touch(mode=PRIVATE)
        configure_logging(self._settings.log_format, self._settings.log_level, file=self.log_file)
        self._write(f"\n  PyGent Factory {VERSION}\n\n")

    def step(self, text: str) -> None:
        """What it does now, before it does it."""
        logger.info(text)
        self._write(f"  {text}\n")

    def is_ready(self, link: str, *, url: str) -> None:
        """Everything serves; the link goes to a terminal or a private file, never to a log.

        In production it goes to no terminal either: those are recorded, and seen by others.
        """
        if sys.stdout.isatty() and not self._settings.is_production:
            sys.stdout.write(
                f"\n  Log in with this link, once, within ten minutes:\n\n  {link}\n\n"
            )
        else:
            path = self._settings.data_dir / LINK_FILE
            write_private(path, link + "\n")
            logger.info(
                "the login link is in a file that only you can read", extra={"file": str(path)}
            )
            self._write(f"\n  A link that logs you in, once, within ten minutes: {path}\n\n")
        if self.log_file is not None:
            self._write(
                f"  Its log: {self.log_file}\n  Ctrl-C ends everything; nothing is lost.\n\n"
            )
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    def stops(self) -> None:
        """A signal came."""
        self._write("\n  Ending everything\n")

    async def bound_log(self) -> None:
        """The log's file does not grow for ever; processes notice that it was moved away."""
        while self._is_told and self.log_file is not None:
            await anyio.sleep(LOOK_SECONDS)
            if self.log_file.exists() and self.log_file.stat().st_size > MAX_LOG_BYTES:
                self.log_file.replace(self.log_file.with_suffix(".before.log"))
                self.log_file.touch(mode=PRIVATE)

    def _write(self, text: str) -> None:
        if self._is_told:
            sys.stderr.write(text)
            sys.stderr.flush()
