# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that http_health_info judges, of many endpoints at once, in rounds, within one deadline.

A round asks every endpoint once. Who was good and who was bad each time is asked a few times; who changed is asked
more often, to see whether it flaps; who took a timeout is not asked again.
"""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ..core.http_judge_health import problem
from ..core.http_snapshot import OK, Attempt, Endpoint, Look, Metrics, Probe
from .deadline import Deadline
from .errors import CollectError
from .http_metrics import Names, Scraper
from .http_options import HttpOptions
from .http_probe import Asker
from .http_resolve import Resolver
from .pool import gather

MARGIN = 0.05
"""Share of the deadline that is kept for what comes after the last answer."""
ONCE = ("dns", "timeout", "unreachable", "silent", "endless", "deadline", "failed")
"""Kinds that cost a timeout, or that don't change within seconds: nobody is asked again after one."""
Key = tuple[str, int]
Jobs = dict[Key, t.Callable[[], t.Any]]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """How often to ask, and how. samples: probes of each; most: of one that changes. window: between two readings."""

    samples: int = 3
    most: int = 10
    interval: float = 0.2
    window: float = 2.0
    workers: int = 32
    names: Names = Names()


class Collector:
    """State of one look."""

    def __init__(
        self, endpoints: t.Sequence[Endpoint], options: HttpOptions, wanted: Wanted, deadline: Deadline
    ) -> None:
        self.endpoints = endpoints
        self.wanted = wanted
        self.deadline = deadline
        self._inner = Deadline(deadline.left() * (1 - MARGIN))
        resolver = Resolver(options.connect_timeout)
        keep = sorted({name for endpoint in endpoints for name, _pattern in endpoint.expected_headers})
        self._asker = Asker(options, self._inner, resolver, keep)
        self._scraper = Scraper(options, self._inner, resolver, wanted.names)
        self._measuring = [number for number, endpoint in enumerate(endpoints) if endpoint.metrics_url]
        self.probes: list[list[Probe]] = [[] for _endpoint in endpoints]
        self.others: dict[int, tuple[Attempt, ...]] = {}

    def looks(self, now: float) -> list[Look]:
        started = time.monotonic()
        everybody = list(range(len(self.endpoints)))
        first = self._round(everybody, self._measuring)
        self._addresses()
        while self._again(started):
            self._round([number for number in everybody if self._wants(number)])
        later: dict[int, Metrics] = {}
        whole = [number for number, found in first.items() if found.kind == OK]
        if whole and self.wanted.window:
            self._inner.wait(max(0.0, self.wanted.window - (time.monotonic() - started)))
            later = self._round((), whole)
        return [
            Look(endpoint, now, tuple(self.probes[n]), self.others.get(n, ()), first.get(n), later.get(n))
            for n, endpoint in enumerate(self.endpoints)
        ]

    def _round(self, numbers: t.Sequence[int], measured: t.Sequence[int] = ()) -> dict[int, Metrics]:
        """Ask these once, and read the metrics of those beside it: who hangs costs the same time in both."""
        jobs: Jobs = {}
        for number in numbers:
            endpoint = self.endpoints[number]
            jobs["health", number] = functools.partial(self._asker.probe, endpoint.health_url, endpoint.expects)
        for number in measured:
            jobs["metrics", number] = functools.partial(self._scraper.read, self.endpoints[number].metrics_url)
        metrics: dict[int, Metrics] = {}
        for (what, number), found in gather(jobs, self.deadline, self.wanted.workers).items():
            late = isinstance(found, CollectError)
            if what == "health":
                self.probes[number].append(Probe(found.kind, found.message) if late else found)
            else:
                metrics[number] = Metrics(found.kind, found.message) if late else found
        return metrics

    def _addresses(self) -> None:
        """Further addresses of names that have several."""
        jobs: Jobs = {
            ("address", number): functools.partial(self._asker.others, endpoint.health_url)
            for number, endpoint in enumerate(self.endpoints)
            if self.probes[number][0].times.dns and self.probes[number][0].status
        }
        found = gather(jobs, self.deadline, self.wanted.workers) if jobs else {}
        self.others = {number: result for (_what, number), result in found.items() if isinstance(result, tuple)}

    def _again(self, started: float) -> bool:
        """Whether there is another round; waits until it is time for it."""
        rounds = max(len(probes) for probes in self.probes)
        if not any(self._wants(number) for number in range(len(self.endpoints))) or self._inner.expired():
            return False
        self._inner.wait(max(0.0, rounds * self.wanted.interval - (time.monotonic() - started)))
        return not self._inner.expired()

    def _wants(self, number: int) -> bool:
        done = self.probes[number]
        if done[-1].kind in ONCE:
            return False
        if len(done) < self.wanted.samples:
            return True
        look = Look(self.endpoints[number], 0.0)
        changed = len({bool(problem(look, probe)) for probe in done}) > 1
        return changed and len(done) < self.wanted.most


def collect(endpoints: t.Sequence[Endpoint], options: HttpOptions, wanted: Wanted, deadline: Deadline) -> list[Look]:
    """One look at all endpoints. Never raises for a sick one."""
    return Collector(endpoints, options, wanted, deadline).looks(time.time())
