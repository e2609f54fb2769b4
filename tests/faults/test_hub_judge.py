"""The judge of the hub's rounds sees each kind of fault; else the rounds would prove nothing."""

import json
from typing import Any

import pytest

from tests.faults.hub_judge import Gaps, judge

LOG, NEWS = "task:1", "news:1"

Line = list[Any]


def truth(channel: str, *, epoch: str = "e", count: int = 4) -> list[Line]:
    """So many were written and acknowledged, one a second, and are kept."""
    numbers = range(1, count + 1)
    return [
        *(["wrote", channel, epoch, n, n, float(n)] for n in numbers),
        *(["kept", channel, epoch, n, n] for n in numbers),
        ["top", channel, epoch, count],
    ]


def joined(
    channel: str,
    offset: int,
    *,
    epoch: str = "e",
    recovering: bool = False,
    recovered: bool = False,
) -> Line:
    return ["joined", 7, channel, epoch, offset, recovering, recovered, 0.0]


def told(channel: str, *offsets: int, late: float = 0.0) -> list[Line]:
    return [["told", 7, channel, offset, offset, offset + late] for offset in offsets]


def judged(known: list[Line], *followed: Line) -> Gaps:
    return judge(map(json.dumps, known), map(json.dumps, followed))


@pytest.mark.parametrize("channel", [LOG, NEWS])
def test_a_whole_record_is_clean(channel: str):
    again = joined(channel, 2, recovering=True, recovered=True)
    gaps = judged(
        truth(channel), joined(channel, 1), *told(channel, 2), again, *told(channel, 3, 4)
    )
    assert gaps.is_clean
    assert (gaps.subscribers, gaps.told) == (1, 3)


@pytest.mark.parametrize(
    ("channel", "offsets", "fault"),
    [
        (LOG, (2, 4), "lost"),
        (LOG, (2, 3), "lost"),
        (LOG, (), "lost"),
        (LOG, (2, 3, 3, 4), "doubled"),
        (LOG, (2, 4, 3), "out_of_order"),
        (NEWS, (2, 4), "silent"),
        (NEWS, (2, 3), "lost"),
        (NEWS, (), "lost"),
        (NEWS, (2, 3, 3, 4), "doubled"),
        (NEWS, (2, 4, 3), "out_of_order"),
    ],
)
def test_what_is_missing_or_comes_twice_or_too_soon_is_counted(
    channel: str, offsets: tuple[int, ...], fault: str
):
    gaps = judged(truth(channel), joined(channel, 1), *told(channel, *offsets))
    assert getattr(gaps, fault) > 0
    assert not gaps.is_clean


@pytest.mark.parametrize("channel", [LOG, NEWS])
def test_another_content_under_the_same_offset_is_counted(channel: str):
    entries = told(channel, 2, 3, 4)
    entries[1][4] = 9
    assert judged(truth(channel), joined(channel, 1), *entries).different == 1


def test_a_position_in_the_log_that_is_not_recovered_is_counted():
    refused = joined(LOG, 2, recovering=True)
    gaps = judged(truth(LOG), joined(LOG, 1), *told(LOG, 2), refused, *told(LOG, 3, 4))
    assert gaps.refused == 1
    assert not gaps.is_clean


def test_elsewhere_a_gap_that_is_said_is_no_fault():
    said = joined(NEWS, 3, recovering=True)
    gaps = judged(truth(NEWS), joined(NEWS, 1), *told(NEWS, 2), said, *told(NEWS, 4))
    assert gaps.is_clean
    assert gaps.said == 1


@pytest.mark.parametrize(
    "again",
    [
        joined(NEWS, 3, recovering=True, recovered=True),
        joined(NEWS, 2, epoch="f", recovering=True, recovered=True),
    ],
    ids=["another offset", "another epoch"],
)
def test_a_recovery_that_is_none_is_a_silent_gap(again: Line):
    gaps = judged(truth(NEWS), joined(NEWS, 1), *told(NEWS, 2), again, *told(NEWS, 3, 4))
    assert gaps.silent == 1


def test_offsets_that_were_given_a_second_time_hide_nothing():
    """As by a Redis that took over and stands where it stood earlier, under the same epoch."""
    known = [*truth(NEWS, count=3), ["wrote", NEWS, "e", 3, 4, 4.0], ["top", NEWS, "e", 3]]
    entries = told(NEWS, 2, 3)
    entries[1][4] = 4  # the third one under that offset is not what was acknowledged as number 3
    gaps = judged(known, joined(NEWS, 1), *entries)
    assert gaps.silent == 1


def test_what_was_acknowledged_and_is_not_kept_is_counted():
    known = [line for line in truth(LOG) if line[:1] != ["kept"] or line[3] != 2]
    gaps = judged(known)
    assert (gaps.unkept, gaps.holes) == (1, 1)


def test_who_is_told_not_to_come_back_is_counted():
    assert judged([], ["closed", 7, 3500, 1.0]).sent_away == 1
    assert judged([], ["closed", 7, 3001, 1.0]).is_clean


def test_being_live_again_counts_from_the_moment_the_part_is_back():
    known = [
        *truth(LOG, count=6),
        ["trouble", 1, "Redis stopped", 1.0],
        ["back", 1, "Redis stopped", 3.0],
        ["trouble", 2, "Redis emptied", 20.0],
    ]
    late = told(LOG, 2, 3, 4, late=2.5)
    gaps = judged(known, joined(LOG, 1), *late, *told(LOG, 5, 6, late=0.5))
    assert gaps.is_clean
    assert gaps.live == {"Redis stopped": [3.5]}
    assert gaps.live_again() == {"Redis stopped": 3.5}


def test_what_comes_late_by_a_change_of_its_own_is_nobodys_fault():
    known = [*truth(LOG, count=6), ["back", 1, "Redis stopped", 1.0]]
    late = told(LOG, 2, 3, 4, 5, 6, late=2.5)
    left: Line = ["closed", 7, 1000, 2.1]
    cut: Line = ["closed", 7, 1006, 2.1]
    assert judged(known, joined(LOG, 1), cut, *late).live == {"Redis stopped": [7.5]}
    assert judged(known, joined(LOG, 1), left, *late).live == {"Redis stopped": [7.5]}
    assert judged(known, joined(LOG, 1), left, *late[:2]).live == {"Redis stopped": [0.0]}
