# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a consumer group keeping up with one partition? A verdict from recorded samples; no I/O, no clock.

The rules are those of Burrow, in this order, for a partition whose lag is above what is allowed right now:

1. its committed offset fell and has not come back: rewound
2. nobody is a member of the group and its commits do not advance: stopped (one sample is enough)
3. the last commit is longer ago than all commits seen span, and lag was not within the allowed recently: stopped
4. lag was within the allowed at some sample: ok
5. the committed offset never changed: stalled (needs a window of at least twice the commit interval, else unknown)
6. it advances: catching_up where the lag falls fast enough to be gone within a day; ok where the lag is no more than
   what arrives between two commits; else slow
"""

from __future__ import annotations

import dataclasses
import typing as t

OK = "ok"
CATCHING_UP = "catching_up"
SLOW = "slow"
STALLED = "stalled"
STOPPED = "stopped"
REWOUND = "rewound"
UNKNOWN = "unknown"

VERDICTS = (OK, CATCHING_UP, UNKNOWN, SLOW, REWOUND, STALLED, STOPPED)
"""Worst last."""

EMPTY_STATES = ("Empty", "Dead")
NEVER_COMMITTED = "never_committed"
COMMITTED = "committed"


@dataclasses.dataclass(frozen=True)
class LagSample:
    """One look at one partition. offset: committed (None: never). end: log end then; lag may be given in its place."""

    at: float
    offset: int | None
    end: int | None = None
    lag: int | None = None

    @property
    def behind(self) -> int | None:
        """Records not yet read, never below zero: offsets are read before ends, and both move."""
        if self.lag is not None:
            return max(0, self.lag)
        if self.offset is None or self.end is None or self.offset < 0:
            return None
        return max(0, self.end - self.offset)

    @property
    def log_end(self) -> int | None:
        if self.end is not None or self.offset is None or self.lag is None:
            return self.end
        return self.offset + self.lag


@dataclasses.dataclass(frozen=True)
class LagRules:
    """allowed: records that nobody calls lag. commit_interval: seconds between two commits of a healthy consumer."""

    allowed: int = 10
    commit_interval: float = 5.0
    longest_catch_up: float = 86400.0

    @property
    def window(self) -> float:
        """Seconds that a committed offset must stand still before that means anything."""
        return 2 * self.commit_interval


@dataclasses.dataclass(frozen=True)
class Membership:
    """Who reads the partition. members: how many, None where unknown."""

    members: int | None = None
    state: str = ""

    @property
    def nobody(self) -> bool:
        if self.members is not None:
            return self.members == 0 and self.state not in ("PreparingRebalance", "CompletingRebalance")
        return self.state in EMPTY_STATES


@dataclasses.dataclass(frozen=True)
class PartitionLag:
    """The verdict on one partition and the numbers that it rests on."""

    verdict: str
    reason: str
    committed: int | None = None
    end: int | None = None
    lag: int | None = None
    commit: str = COMMITTED
    eta_seconds: float | None = None
    consumed_per_second: float | None = None
    produced_per_second: float | None = None
    window: float = 0.0
    unread: bool = False
    since: float | None = None


def judge_partition(
    samples: t.Iterable[LagSample],
    *,
    now: float,
    end: int | None = None,
    earliest: int | None = None,
    rules: LagRules = LagRules(),
    membership: Membership = Membership(),
    recent_ends: t.Sequence[int] = (),
) -> PartitionLag:
    """The verdict on one partition.

    samples: oldest first or not, duplicates allowed. end: the log end now, where it is newer than the last sample's.
    recent_ends: log ends seen lately; where one of them was already committed, lag was zero recently.
    """
    ordered = _usable(samples)
    series = _after_recreation(ordered, end)
    if not series:
        return PartitionLag(UNKNOWN, "there is no sample", end=end)
    last = series[-1]
    current_end = last.log_end if end is None else end
    if last.offset is None or last.offset < 0:
        return _never_committed(series, current_end, earliest, rules, membership)
    lag = _waiting(last, end, earliest)
    if lag is None:
        return PartitionLag(UNKNOWN, "the log end could not be read", committed=last.offset)
    committed = [sample for sample in series if sample.offset is not None and sample.offset >= 0]
    facts = _facts(committed, lag, current_end, now, earliest)
    return _verdict(committed, facts, rules, membership, now, recent_ends)


def _waiting(last: LagSample, end: int | None, earliest: int | None) -> int | None:
    """Records that are still there to be read: what retention deleted does not wait any more."""
    lag = last.behind if end is None else max(0, end - _offset(last))
    gone = 0 if earliest is None else max(0, earliest - _offset(last))
    return None if lag is None else max(0, lag - gone)


def _usable(samples: t.Iterable[LagSample]) -> list[LagSample]:
    """Sorted by time, one sample a moment; the later of two with the same stamp counts."""
    by_time: dict[float, LagSample] = {}
    for sample in samples:
        by_time[sample.at] = sample
    return [by_time[at] for at in sorted(by_time)]


def _after_recreation(series: list[LagSample], end: int | None) -> list[LagSample]:
    """Only what belongs to the topic that exists now: a log end that fell means that it was recreated or truncated."""
    start = 0
    for index in range(1, len(series)):
        before, after = series[index - 1].end, series[index].end
        if before is not None and after is not None and after < before:
            start = index
    kept = series[start:]
    if end is not None and kept:
        kept = [sample for sample in kept if sample.end is None or sample.end <= end] or kept[-1:]
    return kept


def _facts(series: list[LagSample], lag: int, end: int | None, now: float, earliest: int | None) -> PartitionLag:
    first, last = series[0], series[-1]
    window = last.at - first.at
    consumed = produced = None
    if window > 0:
        consumed = (_offset(last) - _offset(first)) / window
        if first.log_end is not None and last.log_end is not None:
            produced = (last.log_end - first.log_end) / window
    lost = ""
    if earliest is not None and _offset(last) < earliest:
        lost = f"; {earliest - _offset(last)} of the records were deleted before they were read"
    return PartitionLag(
        verdict=UNKNOWN,
        reason=lost,
        committed=last.offset,
        end=end,
        lag=lag,
        consumed_per_second=consumed,
        produced_per_second=produced,
        window=window,
    )


def _verdict(
    series: list[LagSample],
    facts: PartitionLag,
    rules: LagRules,
    membership: Membership,
    now: float,
    recent_ends: t.Sequence[int],
) -> PartitionLag:
    lag = t.cast(int, facts.lag)
    if lag <= rules.allowed:
        return _as(facts, OK, f"lag {lag} is within the {rules.allowed} allowed")
    unread = membership.nobody and not _advances(series)
    fell = _fell(series)
    if fell is not None:
        reason = f"the committed offset fell from {fell.offset} to {facts.committed}"
        return _as(facts, REWOUND, reason, unread=unread, since=fell.at)
    if unread:
        return _as(facts, STOPPED, "the group has no members", unread=True, since=_first_above(series, rules))
    age = now - series[-1].at
    if _stopped_by_age(series, rules, age) and not _zero_recently(series, recent_ends, rules):
        reason = f"no commit for {age:.0f} s, longer than the {facts.window:.0f} s that all commits seen span"
        return _as(facts, STOPPED, reason, unread=True, since=series[-1].at)
    if any(_behind(sample) <= rules.allowed for sample in series):
        return _as(facts, OK, f"lag was within the {rules.allowed} allowed during the window")
    return _moving(series, facts, rules)


def _moving(series: list[LagSample], facts: PartitionLag, rules: LagRules) -> PartitionLag:
    """Rules 5 and 6: always above the allowed lag, somebody is there."""
    if len(series) < 2:
        return _as(facts, UNKNOWN, "one sample can't tell whether the lag is being worked off")
    if not _advances(series):
        if facts.window < rules.window * 0.99:
            reason = (
                f"nothing was committed for {facts.window:.1f} s, which is shorter than the {rules.window:g} s"
                f" (twice the commit interval) that a verdict needs"
            )
            return _as(facts, UNKNOWN, reason)
        return _as(facts, STALLED, f"the committed offset stood still for {facts.window:.0f} s", since=series[0].at)
    lags = [_behind(sample) for sample in series]
    top = max(range(len(lags)), key=lambda index: (lags[index], index))
    fallen, span = lags[top] - lags[-1], series[-1].at - series[top].at
    if fallen > 0 and span > 0:
        return _falling(facts, fallen / span, rules)
    if _explained_by_commits(facts, rules):
        return _as(facts, OK, "the lag is what arrives between two commits")
    return _as(facts, SLOW, "offsets advance, but the lag does not fall", since=series[0].at)


def _falling(facts: PartitionLag, rate: float, rules: LagRules) -> PartitionLag:
    eta = t.cast(int, facts.lag) / rate
    if eta > rules.longest_catch_up:
        return _as(facts, SLOW, f"the lag falls so slowly that it would take {eta / 3600:.0f} h", eta=eta)
    return _as(facts, CATCHING_UP, f"the lag falls by {rate:.1f} a second", eta=eta)


def _never_committed(
    series: list[LagSample],
    end: int | None,
    earliest: int | None,
    rules: LagRules,
    membership: Membership,
) -> PartitionLag:
    """A state of its own: where the group would start to read is its own setting, so its lag is not known."""
    first, last = series[0], series[-1]
    window = last.at - first.at
    waiting = None if end is None or earliest is None else max(0, end - earliest)
    arrived = None if first.end is None or end is None else end - first.end
    facts = PartitionLag(UNKNOWN, "", end=end, commit=NEVER_COMMITTED, window=window)
    if waiting is not None and waiting <= rules.allowed:
        return _as(facts, OK, "never committed, and there is next to nothing to read")
    if membership.members and (arrived or 0) > rules.allowed and window >= rules.window * 0.99:
        reason = f"{arrived} records arrived within {window:.0f} s, and nothing was ever committed"
        return dataclasses.replace(facts, verdict=STALLED, reason=reason, lag=arrived, since=first.at)
    return _as(facts, UNKNOWN, "never committed, so where the group would start to read is not known")


def _as(
    facts: PartitionLag,
    verdict: str,
    reason: str,
    eta: float | None = None,
    unread: bool = False,
    since: float | None = None,
) -> PartitionLag:
    return dataclasses.replace(
        facts, verdict=verdict, reason=reason + facts.reason, eta_seconds=eta, unread=unread, since=since
    )


def _offset(sample: LagSample) -> int:
    return t.cast(int, sample.offset)


def _behind(sample: LagSample) -> int:
    behind = sample.behind
    return 1 << 62 if behind is None else behind


def _advances(series: list[LagSample]) -> bool:
    return any(_offset(after) > _offset(before) for before, after in zip(series, series[1:]))


def _fell(series: list[LagSample]) -> LagSample | None:
    """The sample before the committed offset fell, where it has not been reached again."""
    last = _offset(series[-1])
    for before, after in zip(series, series[1:]):
        if _offset(after) < _offset(before) and last < _offset(before):
            return before
    return None


def _first_above(series: list[LagSample], rules: LagRules) -> float:
    """When the present run of samples above the allowed lag began."""
    since = series[-1].at
    for sample in reversed(series):
        if _behind(sample) <= rules.allowed:
            break
        since = sample.at
    return since


def _stopped_by_age(series: list[LagSample], rules: LagRules, age: float) -> bool:
    return len(series) >= 2 and age > series[-1].at - series[0].at and age >= rules.window * 0.99


def _zero_recently(series: list[LagSample], recent_ends: t.Sequence[int], rules: LagRules) -> bool:
    last = _offset(series[-1])
    return any(end - last <= rules.allowed for end in recent_ends)


def _explained_by_commits(facts: PartitionLag, rules: LagRules) -> bool:
    """A consumer that keeps up still shows what was produced since its last commit, more or less as the looks fall."""
    produced = facts.produced_per_second
    return produced is not None and t.cast(int, facts.lag) <= produced * rules.commit_interval


def window_of(
    fresh: t.Sequence[LagSample], history: t.Sequence[LagSample], rules: LagRules, most: int = 10
) -> list[LagSample]:
    """The samples to judge by: the fresh ones, and of the past no more than makes the window long enough.

    An old sample without lag must not hide what happens now. The newest old sample always stays where the offset fell
    against it: that is how a rewind between two looks is seen.
    """
    ordered = _usable(fresh)
    if not ordered:
        return []
    chosen = list(ordered)
    older = [sample for sample in _usable(history) if sample.at < ordered[0].at]
    for sample in reversed(older):
        long_enough = ordered[-1].at - chosen[0].at >= rules.window
        if long_enough or len(chosen) >= most or _says_nothing(sample, chosen[0], rules):
            break
        chosen.insert(0, sample)
    if older and older[-1] not in chosen and _fell_between(older[-1], ordered[-1]):
        chosen.insert(0, older[-1])
    return chosen


def _says_nothing(old: LagSample, new: LagSample, rules: LagRules) -> bool:
    """All was read long ago, and nothing was committed since: what waits now may have come a second ago or an hour."""
    return _behind(old) <= rules.allowed and old.offset == new.offset and new.at - old.at > rules.window


def _fell_between(before: LagSample, after: LagSample) -> bool:
    return before.offset is not None and after.offset is not None and after.offset < before.offset


def worst(verdicts: t.Iterable[str]) -> str:
    """The verdict on a group: that of its worst partition; ok where there is none."""
    return max(verdicts, key=VERDICTS.index, default=OK)
