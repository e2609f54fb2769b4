"""With a clock in the hand."""

from agents.recording.pace import Pace


def flushed(pace: Pace, *, at: float, took: float) -> float:
    pace.committed(began=at, ended=at + took)
    return round(pace.due - at, 3)


def test_the_first_piece_is_due_at_once_and_the_next_after_50_ms() -> None:
    pace = Pace()
    assert pace.due <= 0
    assert flushed(pace, at=10.0, took=0.002) == 0.05
    assert flushed(pace, at=10.05, took=0.002) == 0.05


def test_slow_commits_stretch_the_interval_to_250_ms_and_quick_ones_shrink_it() -> None:
    pace = Pace()
    assert [flushed(pace, at=1.0, took=0.03) for _ in range(4)] == [0.1, 0.2, 0.25, 0.25]
    assert [flushed(pace, at=2.0, took=0.01) for _ in range(3)] == [0.125, 0.062, 0.05]


def test_a_new_message_begins_at_once() -> None:
    pace = Pace()
    flushed(pace, at=5.0, took=0.001)
    pace.restart()
    assert pace.due < 5.0
