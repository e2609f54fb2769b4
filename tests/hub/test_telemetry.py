"""Log lines: one for each event, escaped, cut, with ids, and without secrets."""

import io
import json
import logging
import time
from collections.abc import Callable, Generator
from typing import Literal

import pytest
import structlog
from pydantic import TypeAdapter, ValidationError

from agents.logs import configure_logging as for_workers
from hub.telemetry import MAX_LINE_CHARACTERS
from hub.telemetry import configure_logging as for_the_hub
from tests.serving import logging_to

logger = logging.getLogger("hub.test")
KEY = "pgk_0123abcd_" + "s" * 43


@pytest.fixture
def log() -> Generator[io.StringIO]:
    stream = io.StringIO()
    with logging_to(stream):
        yield stream


def fail(reason: str) -> None:
    raise ValueError(reason)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_carries_its_fields_and_the_ids_of_its_request(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", trace_id="t1"):
        logger.info("task submitted", extra={"task": "x", "seconds": 0.5, "is_new": True})
    (line,) = lines(log)
    assert line["event"] == "task submitted"
    assert (line["request_id"], line["trace_id"]) == ("r1", "t1")
    assert (line["task"], line["seconds"], line["is_new"]) == ("x", 0.5, True)
    assert (line["level"], line["logger"]) == ("info", "hub.test")


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_breaks_out_of_its_line(form: str) -> None:
    stream = io.StringIO()
    with logging_to(stream, form):  # pyright: ignore[reportArgumentType]  one of both
        logger.info(
            'a\r\nb {"level": "critical"} \x1b[31mred\x1b[0m \u2028 \u202e',
            extra={"path": '/x\n2026 [error] forged", "level": "error'},
        )
        logger.info("next")
    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert "\x1b[31m" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("filling", ["x", "\u00e9", "\U0001f4a9", "\x00", '"'])
def test_a_line_is_cut_and_stays_json(log: io.StringIO, filling: str) -> None:
    logger.info(filling * 1_000_000, extra={f"f{n}": filling * 100_000 for n in range(20)})
    (text,) = log.getvalue().splitlines()
    assert len(text) <= MAX_LINE_CHARACTERS
    json.loads(text)


def test_keys_and_passwords_in_addresses_are_taken_out(log: io.StringIO) -> None:
    logger.info("started with %s", KEY, extra={"url": "postgresql://pygent:hunter2@db/pygent"})
    try:
        fail(f"bad {KEY} for redis://:hunter2@cache:6379/0")
    except ValueError:
        logger.exception("failed", extra={"nested": {"key": [KEY]}})
    assert KEY not in log.getvalue()
    assert "hunter2" not in log.getvalue()
    assert "[secret]" in log.getvalue()


def test_a_trace_is_one_line_of_json_and_keeps_its_end(log: io.StringIO) -> None:
    try:
        fail("the end")
    except ValueError:
        logger.exception("failed")
    (line,) = lines(log)
    assert str(line["exception"]).endswith("ValueError: the end")


@pytest.mark.parametrize("configure", [for_the_hub, for_workers])
def test_a_value_that_does_not_fit_is_not_quoted(
    configure: Callable[[Literal["json"], str], None],
) -> None:
    stream = io.StringIO()
    content = {"a": "my\ndiary, input_type=", "b": "of"}  # a trace shows the lines of the program
    with logging_to(stream):
        configure("json", "debug")
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
        try:
            TypeAdapter(dict[str, int]).validate_python(content)
        except ValidationError:
            logger.exception("An answer cannot be read")
    said = stream.getvalue()
    assert said.count("unable to parse string as an integer") == 2
    assert said.count("input_value=") == 2
    assert "diary" not in said


@pytest.mark.parametrize("configure", [for_the_hub, for_workers])
def test_a_value_of_any_length_is_written_quickly(
    log: io.StringIO, configure: Callable[[Literal["json"], str], None]
) -> None:
    configure("json", "info")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(log)
    began = time.process_time()
    logger.info("read", extra={"reason": "input_value=" * 20_000})
    assert time.process_time() - began < 5
    assert "input_value=" in log.getvalue()
