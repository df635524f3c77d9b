# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the series of services say about each job: requests, errors, latency, restarts. Pure; no judgement.

Where data are too few, that is what is said: None with a reason, never zero.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .prometheus_facts import Up, alive, intervals, targets
from .prometheus_parse import rows, whole
from .prometheus_queries import CLASS, START, duration, windows
from .prometheus_settings import Pair, Settings
from .prometheus_snapshot import OK, Part, Snapshot

NO_SERIES = "no series"
FEW = "too few requests"
NO_STATUS = "no label of its requests holds a status"
SHORT = "no data yet at the beginning of the window"


class Counts(t.NamedTuple):
    """Requests of one job in one window. known: with a status. covered: there were data when the window began."""

    total: float = 0.0
    errors: float = 0.0
    known: float = 0.0
    covered: bool = False


class Processes(t.NamedTuple):
    """How often processes of a job were restarted: the most of one, and each by its instance."""

    most: int
    each: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Service:
    """One job. windows: seconds -> its requests; a window that is missing has no series at all. p99 in seconds.
    measured: the requests that it is made of, None where there is no such metric.

    up: its targets; None where it has none by that name. interval: seconds between scrapes.
    """

    name: str
    windows: t.Mapping[float, Counts] = dataclasses.field(default_factory=dict)
    past: Counts | None = None
    p99: float | None = None
    measured: float | None = None
    restarts: Processes | None = None
    up: Up | None = None
    interval: float | None = None

    def ratio(self, window: float, least: int) -> tuple[float | None, str]:
        """Share of requests with 5xx in a window; None and why where it can't be told."""
        counts = self.windows.get(window)
        if counts is None or (not counts.total and not counts.covered):
            return None, NO_SERIES
        if counts.total < least:
            return None, FEW
        if not counts.known:
            return None, NO_STATUS
        return counts.errors / counts.total, ""

    def burn(self, pair: Pair, budget: float, least: int) -> tuple[tuple[float, float] | None, str]:
        """How many times too fast the budget is used up, over the long and the short window. budget: 0.001 of 99.9."""
        found = []
        for window in (pair.long, pair.short):
            share, why = self.ratio(window, least)
            if share is None:
                return None, why
            if not self.windows[window].covered:
                return None, SHORT
            found.append(share / budget)
        return (found[0], found[1]), ""


def services(snapshot: Snapshot, settings: Settings) -> list[Service]:
    """All jobs that have requests, latency or restarts, by name."""
    over = {window: traffic(snapshot.part(f"traffic {duration(window)}"), settings) for window in windows(settings)}
    past = traffic(snapshot.part("past"), settings)
    p99, measured = _latency(snapshot, settings)
    again = _restarts(snapshot, settings)
    ups, every = alive(snapshot, settings), intervals(targets(snapshot, settings))
    tables: tuple[t.Mapping[str, t.Any], ...] = (*over.values(), past, p99, measured, again)
    names = {name for table in tables for name in table}
    return [
        Service(
            name,
            {window: found[name] for window, found in over.items() if name in found},
            past.get(name),
            p99.get(name),
            measured.get(name),
            again.get(name),
            ups.get(name),
            every.get(name),
        )
        for name in sorted(names)
        if settings.wants(name)
    ]


def traffic(part: Part | None, settings: Settings) -> dict[str, Counts]:
    """Name of a job -> its requests in one window."""
    found: dict[str, Counts] = {}
    for row in rows(part):
        if not math.isfinite(row.value):
            continue
        name, kind = row.labels.get(settings.job_label, ""), row.labels.get(CLASS, "")
        old = found.get(name, Counts())
        if kind == START:
            found[name] = old._replace(covered=True)
            continue
        found[name] = old._replace(
            total=old.total + row.value,
            errors=old.errors + (row.value if kind == "5xx" else 0.0),
            known=old.known + (row.value if kind else 0.0),
        )
    return found


def _latency(snapshot: Snapshot, settings: Settings) -> tuple[dict[str, float], dict[str, float]]:
    p99: dict[str, float] = {}
    measured: dict[str, float] = {}
    for row in rows(snapshot.part("latency")):
        name = row.labels.get(settings.job_label, "")
        (p99 if row.labels.get(CLASS) == "p99" else measured)[name] = row.value
    return p99, measured


def _restarts(snapshot: Snapshot, settings: Settings) -> dict[str, Processes]:
    found: dict[str, list[tuple[str, int]]] = {}
    for row in rows(snapshot.part("restarts")):
        name = row.labels.get(settings.job_label) or row.labels.get("job", "")
        found.setdefault(name, []).append((row.labels.get("instance", ""), whole(row.value)))
    ordered = {name: sorted(each, key=lambda one: -one[1]) for name, each in found.items()}
    return {name: Processes(each[0][1], tuple(each)) for name, each in ordered.items()}


def has_requests(snapshot: Snapshot) -> bool | None:
    """Whether there is any series of requests; None where nobody could tell."""
    part = snapshot.part("labels")
    if part is None or part.kind != OK or not isinstance(part.data, list):
        return None
    return bool(part.data)
