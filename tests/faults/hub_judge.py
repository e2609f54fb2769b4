"""Judges what subscribers of the hub were told, knowing nothing of hubs.

    python -m tests.faults.hub_judge TRUTH FOLLOWED

`FOLLOWED` is the record of `following.py`. `TRUTH` is JSON lines too: `["wrote", channel, epoch,
offset, number, at]` was acknowledged to the writer; `["kept", channel, epoch, offset, number]`
stands in the log or the history at the end; `["top", channel, epoch, offset]` is where a channel
stands at the end; `["trouble", round, kind, at]`: something is taken away; `["back", round, kind,
at]`: it is there again.

A channel of the log (`task:…`) never has a gap, said or unsaid. Any other may say `recovered:
false`; between two such answers nothing is missing either, by offset and by what was acknowledged.
"""

import json
import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

LATE_SECONDS = 1.0  # told so long after it was written, a subscriber is not live
LOG = "task:"
OWN_CLOSE = 1000  # by which a subscriber changes over
CHANGE_SECONDS = 10.0  # which that takes at most, on a machine with much else to do
FOR_GOOD = (*range(3500, 4000), *range(4500, 5000))  # clients do not come back after these


@dataclass(kw_only=True)
class Gaps:
    """Counts of what went wrong, and how much was looked at.

    Attributes:
        unkept: Acknowledged to the writer and not in the log.
        holes: Versions the log itself lacks.
        silent: Missing between two publications, without a word.
        lost: Missing at the end, or from a channel of the log.
        refused: Positions in the log that were not recovered.
        different: Another content under the same epoch and offset.
        sent_away: Closed for good.
        said: Answers `recovered: false` of other channels; they are no fault.
        closed: How often connections were closed with which code; they are no fault.
        live: Seconds until each subscriber was live again after each fault, by kind.
    """

    subscribers: int = 0
    told: int = 0
    unkept: int = 0
    holes: int = 0
    silent: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    refused: int = 0
    different: int = 0
    sent_away: int = 0
    said: int = 0
    closed: Counter[int] = field(default_factory=Counter[int])
    live: dict[str, list[float]] = field(default_factory=dict[str, list[float]], repr=False)
    where: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not any(
            (
                self.unkept,
                self.holes,
                self.silent,
                self.lost,
                self.doubled,
                self.out_of_order,
                self.refused,
                self.different,
                self.sent_away,
            )
        )

    def live_again(self, share: float = 0.99) -> dict[str, float]:
        """Within how many seconds this share of the subscribers was live again, by kind."""
        return {kind: _quantile(seconds, share) for kind, seconds in sorted(self.live.items())}

    def blame(self, fault: str, count: int, where: str) -> None:
        """Count a fault, and remember some of the places."""
        if count:
            setattr(self, fault, getattr(self, fault) + count)
            if len(self.where) < 20:
                self.where.append(f"{fault} {count}: {where}")


@dataclass
class Truth:
    """What the writer knows."""

    wrote: dict[str, dict[int, float]]  # channel: number: when
    numbers: dict[tuple[str, str, int], int]  # channel, epoch, offset: number
    kept: dict[str, dict[int, int]]  # channel of the log: version: number
    tops: dict[str, tuple[str, int]]
    backs: list[tuple[str, float]]
    troubles: list[float]


@dataclass
class Span:
    """What one subscriber was told of a channel since it last began anew."""

    epoch: str
    offset: int
    numbers: list[int] = field(default_factory=list[int])


def judge(truth: Iterable[str], followed: Iterable[str]) -> Gaps:
    """What is to be said of these records."""
    gaps = Gaps()
    known = _truth(truth)
    _judge_log(gaps, known)
    lines: dict[tuple[int, str], list[list[Any]]] = defaultdict(list)
    who_there_is: set[int] = set()
    left: dict[int, list[float]] = defaultdict(list)
    for line in followed:
        kind, who, *words = json.loads(line)
        who_there_is.add(who)
        if kind in ("joined", "told"):
            lines[who, words[0]].append([kind, *words[1:]])
        elif kind == "closed":
            gaps.closed[words[0]] += 1
            if words[0] == OWN_CLOSE:
                left[who].append(float(words[1]))
            gaps.blame("sent_away", int(words[0] in FOR_GOOD), f"subscriber {who}: {words[0]}")
    gaps.subscribers = len(who_there_is)
    for (who, channel), told in lines.items():
        if channel.startswith(LOG):
            _judge_logged(gaps, known, f"subscriber {who} {channel}", channel, told)
        else:
            _judge_kept(gaps, known, f"subscriber {who} {channel}", channel, told)
    _time(gaps, known, lines, left)
    return gaps


def _truth(lines: Iterable[str]) -> Truth:
    truth = Truth(defaultdict(dict), {}, defaultdict(dict), {}, [], [])
    for line in lines:
        match json.loads(line):
            case ["wrote", str(channel), str(epoch), int(offset), int(number), at]:
                truth.wrote[channel][number] = float(at)
                truth.numbers[channel, epoch, offset] = number
            case ["kept", str(channel), str(epoch), int(offset), int(number)]:
                truth.numbers.setdefault((channel, epoch, offset), number)
                truth.kept[channel][offset] = number
            case ["top", str(channel), str(epoch), int(offset)]:
                truth.tops[channel] = (epoch, offset)
            case ["back", _, str(kind), at]:
                truth.backs.append((kind, float(at)))
            case ["trouble", _, _, at]:
                truth.troubles.append(float(at))
            case _:
                pass  # for people
    return truth


def _judge_log(gaps: Gaps, truth: Truth) -> None:
    for channel, (_, top) in truth.tops.items():
        if channel.startswith(LOG):
            kept = truth.kept.get(channel, {})
            gaps.blame("holes", len(set(range(1, top + 1)) ^ set(kept)), channel)
            there = set(kept.values())
            gaps.blame("unkept", len(truth.wrote.get(channel, {}).keys() - there), channel)


def _judge_logged(
    gaps: Gaps, truth: Truth, where: str, channel: str, lines: Sequence[list[Any]]
) -> None:
    kept = truth.kept.get(channel, {})
    _, top = truth.tops[channel]
    first = int(lines[0][2])  # a subscriber has joined before it is told anything
    versions: list[int] = []
    for kind, *words in lines:
        if kind == "told":
            version, number, _ = words
            versions.append(version)
            gaps.blame("different", int(kept.get(version) != number), f"{where} {version}")
        else:
            _, offset, is_recovering, has_recovered, _ = words
            gaps.blame("refused", int(is_recovering and not has_recovered), f"{where} at {offset}")
    gaps.told += len(versions)
    missing = set(range(first + 1, top + 1)) - set(versions)
    gaps.blame("lost", len(missing), f"{where} {sorted(missing)[:3]}")
    gaps.blame("doubled", len(versions) - len(set(versions)), where)
    gaps.blame("out_of_order", sum(b < a for a, b in pairwise(versions)), where)


def _judge_kept(
    gaps: Gaps, truth: Truth, where: str, channel: str, lines: Sequence[list[Any]]
) -> None:
    span = Span("", 0)
    seen: set[tuple[str, int]] = set()
    for kind, *words in lines:
        if kind == "joined":
            epoch, offset, is_recovering, has_recovered, _ = words
            if is_recovering and has_recovered:
                at = f"{where} at {span.offset}"
                gaps.blame("silent", int((epoch, offset) != (span.epoch, span.offset)), at)
                span.epoch, span.offset = epoch, offset
            else:
                gaps.said += is_recovering
                _judge_span(gaps, truth, where, channel, span)
                span = Span(epoch, offset)
        else:
            offset, number, _ = words
            gaps.told += 1
            at = f"{where} {span.epoch} {offset} after {span.offset}"
            if offset > span.offset + 1:
                gaps.blame("silent", offset - span.offset - 1, at)
            elif offset <= span.offset:
                is_known = (span.epoch, offset) in seen
                gaps.blame("doubled" if is_known else "out_of_order", 1, at)
            known = truth.numbers.setdefault((channel, span.epoch, offset), number)
            gaps.blame("different", int(known != number), at)
            seen.add((span.epoch, offset))
            span.offset = offset
            span.numbers.append(number)
    _judge_span(gaps, truth, where, channel, span)
    epoch, top = truth.tops[channel]
    missing = top - span.offset if epoch == span.epoch else 1
    gaps.blame("lost", max(missing, 0), f"{where} ends at {span.offset} of {top}")


def _judge_span(gaps: Gaps, truth: Truth, where: str, channel: str, span: Span) -> None:
    """By what was acknowledged, whatever the offsets say."""
    if span.numbers:
        told = set(span.numbers)
        acknowledged = sorted(truth.wrote.get(channel, {}))
        first = bisect_left(acknowledged, min(told))
        last = bisect_right(acknowledged, max(told))
        missing = [number for number in acknowledged[first:last] if number not in told]
        gaps.blame("silent", len(missing), f"{where} numbers {missing[:3]} in {span.epoch}")
        gaps.blame("doubled", len(span.numbers) - len(told), f"{where} by number")


def _time(
    gaps: Gaps,
    truth: Truth,
    lines: dict[tuple[int, str], list[list[Any]]],
    left: dict[int, list[float]],
) -> None:
    """When each was last told something late, or that something is missing, after each trouble.

    Not counted is what was written while it was changing over to another hub by itself.
    """
    began = [at for _, at in truth.backs]
    ends = [min((at for at in truth.troubles if at > back), default=inf) for back in began]
    last: dict[tuple[int, int], float] = {}
    for (who, channel), told in lines.items():
        wrote = truth.wrote.get(channel, {})
        for kind, *words in told:
            at = float(words[-1])
            if kind == "joined":
                _, _, is_recovering, has_recovered, _ = words
                is_late = is_recovering and not has_recovered
            else:
                written = wrote.get(words[1], at)
                is_late = at - written > LATE_SECONDS and not _changed_over(
                    left[who], after=written, until=at
                )
            fault = bisect_right(began, at) - 1
            if is_late and fault >= 0 and at < ends[fault]:
                last[who, fault] = max(last.get((who, fault), 0.0), at - began[fault])
    everybody = {who for who, _ in lines}
    for fault, (kind, _) in enumerate(truth.backs):
        seconds = gaps.live.setdefault(kind, [])
        seconds += [last.get((who, fault), 0.0) for who in everybody]


def _changed_over(left: Sequence[float], *, after: float, until: float) -> bool:
    """Whether it left after this was written (or shortly before) and until it was told."""
    last = bisect_right(left, until) - 1
    return last >= 0 and left[last] > max(after - LATE_SECONDS, until - CHANGE_SECONDS)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 2) if ordered else 0.0


if __name__ == "__main__":
    with Path(sys.argv[1]).open() as truth, Path(sys.argv[2]).open() as followed:
        found = judge(truth, followed)
    print(found)
    print("live again, p99:", found.live_again())
    sys.exit(0 if found.is_clean else 1)
