"""How long events took to their readers: read off the lines that the log publishes."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.delays import MEASURED, Delays, quantile
from protocols.event_encoding import envelope
from protocols.events import Event

FALSE_TIME = msgspec.Raw(b'{"text":"\\"time\\":\\"1999-01-01T00:00:00Z\\""}')


def line(*, seconds_ago: float) -> bytes:
    time = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    actor = "agent:0199c3f2-0000-7000-8000-000000000001"
    return envelope(
        Event(type="step.started", version=7, time=time, actor=actor, attempt=1, data=FALSE_TIME)
    )


def test_the_time_of_an_event_is_its_own_and_not_one_that_it_speaks_of() -> None:
    delays = Delays()
    delays.note(line(seconds_ago=2.0))
    (found,) = delays.take()
    assert found == pytest.approx(2.0, abs=0.5)
    assert delays.take() == []


def test_a_clock_that_is_ahead_is_allowed_for_and_no_delay_is_below_nothing() -> None:
    delays = Delays()
    delays.ahead = 1.5
    delays.note(line(seconds_ago=0.5))
    delays.ahead = -5.0
    delays.note(line(seconds_ago=0.5))
    behind, found = delays.take()
    assert behind == 0.0
    assert found == pytest.approx(2.0, abs=0.5)


def test_lines_that_are_no_events_are_passed_over() -> None:
    delays = Delays()
    for strange in (b"", b"{}", b'{"time":"yesterday"}', b'{"time":"', b"\xff" * 300):
        delays.note(strange)
    assert delays.take() == []


def test_many_are_measured_evenly_and_never_without_bound() -> None:
    delays = Delays()
    for _ in range(3):
        for _ in range(10 * MEASURED):
            delays.note(line(seconds_ago=0.0))
        found = delays.take()
        assert MEASURED / 2 <= len(found) <= 2 * MEASURED


def test_quantiles_are_of_what_was_found() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.99) == 3.0
    assert quantile([float(n) for n in range(100)], 0.5) == 50.0
    assert quantile([float(n) for n in range(100)], 0.99) == 99.0
