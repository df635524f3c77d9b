# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed since the last scheduled look, and is it worth telling a person. Pure: a state machine for each problem.

A problem is one finding id at one component. It is announced once it was seen often enough in a row, and solved once it
was away often enough in a row. What nobody could measure is neither: it stays what it was.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import UNKNOWN
from .triage_looks import NOT_LOOKED_AT

NEW = "new"
WORSE = "worse"
SOLVED = "solved"
FLAPPING = "flapping"
OPEN = "open"
LOST = "lost"
MISSED = "missed"
BAD_NEWS = (NEW, WORSE, FLAPPING)
"""Changes that a scheduler may want to hear of as an exit status."""

URGENT = "P1"
FORGET = 7 * 86400.0
"""Seconds after which a problem is dropped that no run could look at: its host has most likely left the inventory."""
MISSED_ID = "health.run.missed"
LATE = 2.5
"""A run that begins later than so many intervals after the one before it says that runs were missed."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """confirm, clear: looks in a row. flaps: changes within window seconds that are still no flapping.

    remind: seconds between reminders of what is open, 0 for none. every: seconds between runs, 0 where nobody says.
    """

    confirm: int = 2
    clear: int = 2
    flaps: int = 5
    window: float = 3600.0
    remind: float = 4 * 3600.0
    every: float = 0.0


@dataclasses.dataclass(frozen=True)
class Seen:
    """A finding of this run. by: the failing component that it only follows from, empty for a root cause.

    hosts: the inventory hosts whose looks show it; only a run that measured all of them can say that it is away.
    """

    target: str
    component: str
    id: str
    severity: str
    state: str
    summary: str
    by: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.component, self.id)


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is known of one problem between runs. Times are epoch seconds.

    announced: the severity that people were told, empty where they were told nothing (or that it is solved).
    bad, good: looks in a row that saw it, or did not. worse, better: in a row with another severity than announced.
    changes: when it came or went, within the window.
    """

    target: str
    component: str
    id: str
    severity: str
    state: str
    summary: str
    first: float
    last: float
    by: str = ""
    hosts: tuple[str, ...] = ()
    announced: str = ""
    told: float = 0.0
    bad: int = 0
    good: int = 0
    worse: int = 0
    better: int = 0
    changes: tuple[float, ...] = ()
    flapping: bool = False

    @property
    def key(self) -> str:
        return key_of(self.component, self.id)

    def to_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "hosts": list(self.hosts), "changes": list(self.changes)}

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Problem:
        """Fields that another release kept and this one does not know are left out."""
        values = {field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data}
        for name in ("hosts", "changes"):
            values[name] = tuple(values.get(name) or ())
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Event:
    """One change worth telling. before: the severity that people knew, empty where they knew nothing."""

    kind: str
    target: str
    component: str
    id: str
    severity: str
    summary: str
    at: float
    since: float
    before: str = ""

    @property
    def key(self) -> str:
        return key_of(self.component, self.id)

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Event:
        return cls(**{field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data})


@dataclasses.dataclass(frozen=True)
class Look:
    """One run: when, which hosts it really measured, at which components it was blind to a part.

    looked: the hosts that were asked at all, also where their system did not answer.
    """

    now: float
    measured: frozenset[str]
    blind: frozenset[str] = frozenset()
    looked: frozenset[str] = frozenset()


def key_of(component: str, name: str) -> str:
    return f"{component} {name}"


def one_each(seen: t.Iterable[Seen]) -> dict[str, Seen]:
    """Key -> the worst of what has it: a root cause before what follows, then the higher severity."""
    found: dict[str, Seen] = {}
    for item in seen:
        other = found.get(item.key)
        if other is None or (bool(item.by), item.severity) < (bool(other.by), other.severity):
            found[item.key] = item
    return found


def advance(
    known: t.Mapping[str, Problem], seen: t.Iterable[Seen], look: Look, rules: Rules
) -> tuple[dict[str, Problem], list[Event]]:
    """The problems after this run, and what to tell: worst first. known: key -> problem, of all hosts."""
    here = one_each(seen)
    problems: dict[str, Problem] = {}
    events: list[Event] = []
    for key in sorted({*known, *here}):
        old, item = known.get(key), here.get(key)
        if item is not None:
            problem = _seen(old, item, look.now, rules)
        elif old is not None and _is_away(old, look):
            problem = _away(old, look.now, rules)
        elif old is not None:
            problem = old
        else:
            continue
        measured = item is not None or problem is not old
        kind = _kind(problem, old, look.now, rules) if measured else _left(problem, look.now)
        if kind:
            events.append(_event(kind, problem, look.now))
            problem = _told(kind, problem, look.now)
        if kind != LOST and not _is_over(problem, look.now, rules):
            problems[key] = problem
    return problems, sorted(events, key=lambda event: (event.severity, event.kind, event.key))


def _is_away(old: Problem, look: Look) -> bool:
    """Whether this run would have seen it. Who could not look, or not at all of it, does not know."""
    if old.id == NOT_LOOKED_AT:
        return set(old.hosts) <= look.looked
    return set(old.hosts) <= look.measured and (old.state == UNKNOWN or old.component not in look.blind)


def _seen(old: Problem | None, item: Seen, now: float, rules: Rules) -> Problem:
    came = old is None or old.good > 0
    old = old or Problem(item.target, item.component, item.id, item.severity, item.state, item.summary, now, now)
    announced = old.announced
    better = old.better + 1 if announced and item.severity > announced else 0
    if better >= rules.clear:
        announced, better = item.severity, 0
    changes = _recent((*old.changes, now) if came else old.changes, now, rules)
    return dataclasses.replace(
        old,
        target=item.target,
        severity=item.severity,
        state=item.state,
        summary=item.summary,
        by=item.by,
        hosts=item.hosts,
        first=now if came and not old.announced else min(old.first, now),
        last=now,
        announced=announced,
        told=min(old.told, now),
        bad=1 if came else old.bad + 1,
        good=0,
        worse=old.worse + 1 if announced and item.severity < announced else 0,
        better=better,
        changes=changes,
        flapping=_flaps(old.flapping, changes, rules),
    )


def _away(old: Problem, now: float, rules: Rules) -> Problem:
    changes = _recent(old.changes if old.good else (*old.changes, now), now, rules)
    return dataclasses.replace(
        old,
        last=now,
        told=min(old.told, now),
        bad=0,
        good=old.good + 1,
        worse=0,
        better=0,
        changes=changes,
        flapping=_flaps(old.flapping, changes, rules),
    )


def _recent(moments: t.Iterable[float], now: float, rules: Rules) -> tuple[float, ...]:
    """Moments of the window. One that is still to come was written before the clock was set back: it counts as now."""
    return tuple(min(at, now) for at in moments if now - min(at, now) <= rules.window)


def _flaps(before: bool, changes: t.Sequence[float], rules: Rules) -> bool:
    """It ends only at half of what it began with, so that the flapping does not flap."""
    return len(changes) > (rules.flaps // 2 if before else rules.flaps)


def _kind(problem: Problem, old: Problem | None, now: float, rules: Rules) -> str:
    """What there is to tell of a problem that this run could see or miss; empty for nothing."""
    if problem.flapping and not (old and old.flapping) and not problem.by:
        return FLAPPING
    if problem.good:
        enough = problem.good >= rules.clear and not problem.flapping
        return SOLVED if problem.announced and enough else ""
    rises = not problem.by and (not problem.announced or problem.severity < problem.announced)
    if rises and _confirmed(problem, rules):
        return WORSE if problem.announced else NEW
    due = bool(problem.announced) and rules.remind > 0 and now - problem.told >= rules.remind
    return OPEN if due else ""


def _confirmed(problem: Problem, rules: Rules) -> bool:
    if problem.severity == URGENT:
        return True
    times = problem.worse if problem.announced else problem.bad
    return times >= rules.confirm and not problem.flapping


def _left(problem: Problem, now: float) -> str:
    return LOST if now - problem.last > FORGET else ""


def _event(kind: str, problem: Problem, now: float) -> Event:
    return Event(
        kind=kind,
        target=problem.target,
        component=problem.component,
        id=problem.id,
        severity=problem.severity,
        summary=problem.summary,
        at=now,
        since=problem.first,
        before=problem.announced,
    )


def _told(kind: str, problem: Problem, now: float) -> Problem:
    announced = "" if kind in (SOLVED, LOST) else problem.severity
    return dataclasses.replace(problem, announced=announced, told=now, worse=0, better=0)


def _is_over(problem: Problem, now: float, rules: Rules) -> bool:
    """Nothing is left of it, not even a change that counts for flapping."""
    return problem.good >= rules.clear and not problem.announced and not _recent(problem.changes, now, rules)


def missed(last: float | None, now: float, rules: Rules) -> Event | None:
    """What to tell where a run comes too late after the one before it. A clock that was set back tells nothing."""
    if last is None or rules.every <= 0 or now - last <= LATE * rules.every:
        return None
    text = f"Health runs were missed: the last one was {now - last:.0f} s ago, and one every {rules.every:.0f} s is due"
    return Event(MISSED, "", "health", MISSED_ID, "P4", text, now, last)
