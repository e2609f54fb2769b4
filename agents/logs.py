"""Logs of workers and the scheduler: one line for each thing, for a terminal or as JSON.

As the hub's, in fewer lines, since nobody from outside writes into them: control characters are
escaped, addresses lose their passwords, and nothing logs content.
"""

import logging
import re
import sys
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from protocols.errors import InvalidRequest

MAX_CHARACTERS = 4096  # of one value

_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_INPUT = re.compile(r"(?<=input_value=).*(?=, input_type=)")  # what pydantic quotes in its errors
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "asyncio", "openai", "anthropic")


def configure_logging(
    form: Literal["console", "json"], level: str, *, file: Path | None = None
) -> None:
    """All loggers of this process write to standard error; may be called again.

    Args:
        form: For people or for programs.
        level: The least that is written.
        file: It goes there instead, and to standard error only what is a warning at least.

    Raises:
        InvalidRequest: The file cannot be written.
    """
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        handlers[0].setLevel(logging.WARNING)
        handlers.append(_to_file(file))
    for handler in handlers:
        is_on_terminal = handler is handlers[0] and sys.stderr.isatty()
        last: Processor = (
            structlog.processors.JSONRenderer()
            if form == "json"
            else structlog.dev.ConsoleRenderer(colors=is_on_terminal)
        )
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=before, processors=[*_SAFELY, last]
            )
        )
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of what we close on purpose
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _to_file(file: Path) -> logging.Handler:
    try:
        return WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"PYGENT_LOG_FILE: {file} cannot be written: {error.strerror}"
        ) from None


def _safe(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        name: _clean(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _clean(text: str) -> str:
    text = text[-2 * MAX_CHARACTERS :]  # to be looked through takes longer than linear time
    text = _INPUT.sub("…", _PASSWORD.sub("***", text))
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)[-MAX_CHARACTERS:]


_SAFELY: tuple[Processor, ...] = (
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,
    _safe,
)
