"""Logs: one line for each thing that happened, as JSON or for the terminal, safe to keep.

Every line carries the ids of the request it belongs to. Control characters are escaped, secrets
that look like ours are taken out, and a line has at most 8 KiB. Nothing logs content.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from protocols.errors import InvalidRequest

MAX_LINE_CHARACTERS = 8192
MAX_VALUE_CHARACTERS = 2048
MAX_READ_CHARACTERS = 8192  # of a value, to find what must not stay: that takes longer than linear
MAX_TRACE_CHARACTERS = 4096
MAX_FIELDS = 50  # kept where a line would be too long
NOISY = {  # loggers that would write content, or a line for each request, below this level
    "uvicorn.access": logging.CRITICAL,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "sse_starlette": logging.WARNING,
    "python_multipart": logging.WARNING,
    "asyncio": logging.WARNING,
    "websockets": logging.INFO,
    "psycopg": logging.ERROR,  # warns of each connection that is closed on purpose
}

_SECRETS = re.compile(r"pgk_[0-9a-f]{8}_[A-Za-z0-9_-]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_INPUT = re.compile(r"(?<=input_value=).*(?=, input_type=)")  # what pydantic quotes in its errors
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def configure_logging(
    form: Literal["console", "json"] = "console", level: str = "info", *, file: Path | None = None
) -> None:
    """All loggers of this process write to standard error in one form; may be called again.

    Args:
        form: For people or for programs.
        level: The least that is written.
        file: It goes there instead, and to standard error only what is a warning at least. Who
            moves the file away finds a new one in its place.

    Raises:
        InvalidRequest: The file cannot be written.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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
        last = _last(form, colors=file is None or handler is handlers[0])
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=last)
        )
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    for name, least in NOISY.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _to_file(file: Path) -> logging.Handler:
    try:
        return WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"PYGENT_LOG_FILE: {file} cannot be written: {error.strerror}"
        ) from None


def _last(form: Literal["console", "json"], *, colors: bool) -> list[Processor]:
    if form == "json":
        return [*_SAFELY, _as_json]
    return [*_SAFELY, _as_text(colors=colors and sys.stderr.isatty())]


def make_safe(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Every text of the line without control characters and without secrets, and cut."""
    event.pop("color_message", None)  # uvicorn says its message again, for a formatter of its own
    exception = event.pop("exception", None)
    safe: EventDict = {str(name): _safe(value) for name, value in event.items()}
    if isinstance(exception, str):  # its line breaks are its own, its end says the most
        lines = [_clean(line) for line in exception.splitlines()]
        safe["exception"] = "\n".join(lines)[-MAX_TRACE_CHARACTERS:]
    return safe


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple):
        return _clean(repr(value))  # pyright: ignore[reportUnknownArgumentType]  only its text
    return _clean(str(value))


def _clean(text: str) -> str:
    text = _INPUT.sub("…", text[:MAX_READ_CHARACTERS])
    cut = text if len(text) <= MAX_VALUE_CHARACTERS else text[:MAX_VALUE_CHARACTERS] + "…"
    return _CONTROL.sub(_escape, _SECRETS.sub("[secret]", cut))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    line = json.dumps(event, ensure_ascii=False, default=str)
    if len(line) <= MAX_LINE_CHARACTERS:
        return line
    kept = list(event.items())[:MAX_FIELDS]
    room = MAX_LINE_CHARACTERS // (4 * len(kept))  # a half for escapes, a half for the names
    return json.dumps({name[:room]: str(value)[:room] for name, value in kept}, ensure_ascii=False)


def _as_text(*, colors: bool) -> Processor:
    render = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False)

    def text(logger: WrappedLogger, name: str, event: EventDict) -> str:
        return str(render(logger, name, event))[:MAX_LINE_CHARACTERS]

    return text


_SAFELY: tuple[Processor, ...] = (
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,
    make_safe,
)
