# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits to be told, and the message that tells it. Pure.

Events wait for each hook by itself, so that a webhook that fails does not make a command tell the same again.
"""

from __future__ import annotations

import typing as t

from .health import BAD_NEWS, FLAPPING, LOST, MISSED, NEW, OPEN, SOLVED, WORSE, Event, Problem

MOST = 200
"""Events that wait for a hook that fails: the oldest ones give way."""
ORDER = (NEW, WORSE, FLAPPING, OPEN, SOLVED, LOST, MISSED)
WORDS = {
    NEW: "new",
    WORSE: "worse",
    FLAPPING: "flapping",
    OPEN: "still open",
    SOLVED: "solved",
    LOST: "no longer looked at",
    MISSED: "missed runs",
}


def queue(waiting: t.Sequence[Event], events: t.Iterable[Event]) -> list[Event]:
    """What waited, then what is new. A reminder of what nobody heard of yet, or late runs told twice, say nothing."""
    found = list(waiting)
    for event in events:
        said = any(other.key == event.key for other in found)
        if not (said and event.kind in (OPEN, MISSED)):
            found.append(event)
    return found[-MOST:]


def rest(waiting: t.Iterable[Event], sent: t.Collection[Event]) -> list[Event]:
    """What still waits after a hook took some."""
    return [event for event in waiting if event not in sent]


def headline(events: t.Sequence[Event]) -> str:
    """How many changes of which kind, and the worst of them in words."""
    counts = {kind: sum(event.kind == kind for event in events) for kind in ORDER}
    parts = ", ".join(f"{count} {WORDS[kind]}" for kind, count in counts.items() if count)
    first = min(events, key=lambda event: (ORDER.index(event.kind), event.severity), default=None)
    return f"{parts}: {first.severity} {first.summary}" if first else "nothing changed"


def message(
    events: t.Sequence[Event], problems: t.Iterable[Problem], verdict: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Plain JSON for a hook: what changed, what is open, and what the verdict of this run says to do."""
    told = ("outcome", "severity", "at", "target", "component", "scenario", "command", "contact", "call", "respond_by")
    return {
        "kind": "health",
        "headline": headline(events),
        "changes": [event.to_dict() for event in events],
        "open": opened(problems),
        **{name: verdict.get(name) for name in told},
    }


def opened(problems: t.Iterable[Problem]) -> list[dict[str, t.Any]]:
    """The problems that people were told of and that are not solved, worst first."""
    names = ("target", "component", "id", "severity", "state", "summary", "flapping")
    found = [problem for problem in problems if problem.announced]
    found.sort(key=lambda problem: (problem.severity, problem.key))
    return [{**{name: getattr(problem, name) for name in names}, "since": problem.first} for problem in found]


def is_bad(events: t.Iterable[Event]) -> bool:
    return any(event.kind in BAD_NEWS for event in events)
