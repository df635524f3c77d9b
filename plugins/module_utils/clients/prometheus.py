# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a Prometheus over its API, in rounds of questions within one deadline.

First whether it is ready and what time it has, alone: of a server that is not there, or of somebody else, nothing more
is asked. Then everything about the server, then what depends on the labels that it has. Answers are bounded; a part
that fails costs nothing but itself.
"""

from __future__ import annotations

import functools
import time
import typing as t

from ..core import prometheus_parse, prometheus_rounds
from ..core.http_snapshot import OK, Probe
from ..core.prometheus_queries import status_labels
from ..core.prometheus_rounds import METRICS
from ..core.prometheus_settings import Settings
from ..core.prometheus_snapshot import Part, Snapshot
from .deadline import Deadline
from .errors import CollectError
from .http_options import HttpOptions
from .http_probe import Asker
from .http_resolve import Resolver
from .pool import gather

LIMIT = 16 * 1024 * 1024
"""Bytes that are read of an answer: 10,000 alerts are about 6 MiB."""
MARGIN = 0.05
"""Share of the deadline that is kept for what comes after the last answer."""
WORKERS = 6
"""Questions at the same time, of the 20 that a server runs by default."""
OWN = (
    "process_start_time_seconds",
    "prometheus_config_last_reload_successful",
    "prometheus_config_last_reload_success_timestamp_seconds",
    "prometheus_notifications_dropped_total",
    "prometheus_tsdb_head_max_time",
    "prometheus_tsdb_head_max_time_seconds",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_tsdb_head_series",
)
"""What is read of the server's own metrics."""


class Collector:
    """State of one look. base: the server's URL with its prefix, without a slash at its end."""

    def __init__(self, base: str, options: HttpOptions, settings: Settings, deadline: Deadline) -> None:
        self.base = base
        self.settings = settings
        self.deadline = deadline
        inner = Deadline(deadline.left() * (1 - MARGIN))
        self._asker = Asker(options, inner, Resolver(options.connect_timeout), limit=LIMIT)

    def look(self) -> Snapshot:
        """Never raises for a sick server."""
        now = time.time()
        ready = self._asker.probe(f"{self.base}/-/ready", _nothing)
        if ready.kind != OK or ready.status in (401, 403):
            return Snapshot(now, ready)
        if ready.status == 503:
            asked = {**prometheus_rounds.clock(self.settings), **prometheus_rounds.NOT_READY}
            return self._told(Snapshot(now, ready, self._ask(asked)))
        return self._rounds(Snapshot(now, ready, self._ask(prometheus_rounds.clock(self.settings))))

    def _rounds(self, known: Snapshot) -> Snapshot:
        """Everything of a Prometheus, its pages of one that answers no query, and hardly anything of somebody else."""
        if known.foreign or known.parts["clock"].kind == "auth":
            paths = {METRICS: "/metrics"}
        else:
            paths = prometheus_rounds.first_round(self.settings, known.now, known.speaks)
        snapshot = self._told(Snapshot(known.now, known.ready, {**known.parts, **self._ask(paths)}))
        return self._more(snapshot) if snapshot.speaks else snapshot

    def _more(self, snapshot: Snapshot) -> Snapshot:
        """With what depends on the first answers."""
        labels = status_labels(self.settings, snapshot.data("labels"))
        parts = self._ask(prometheus_rounds.second_round(self.settings, snapshot, labels))
        both = {**snapshot.parts, **parts}
        return Snapshot(snapshot.now, snapshot.ready, both, snapshot.metrics, snapshot.program, labels)

    def _told(self, snapshot: Snapshot) -> Snapshot:
        """With what the server's page of metrics says, in place of the page."""
        parts = dict(snapshot.parts)
        page = parts.pop(METRICS, Part("absent")).text
        metrics = prometheus_parse.exposition(page, OWN)
        return Snapshot(snapshot.now, snapshot.ready, parts, metrics or None, prometheus_parse.build(page))

    def _ask(self, paths: t.Mapping[str, str]) -> dict[str, Part]:
        jobs: dict[str, t.Callable[[], Part]] = {
            name: functools.partial(self._part, path, name == METRICS) for name, path in paths.items()
        }
        found = gather(jobs, self.deadline, WORKERS)
        return {
            name: Part(part.kind, part.message) if isinstance(part, CollectError) else part
            for name, part in found.items()
        }

    def _part(self, path: str, page: bool) -> Part:
        before = time.time()
        probe = self._asker.probe(self.base + path, _nothing)
        after = time.time()
        return part_of(probe, page)._replace(at=(before + after) / 2, ms=(after - before) * 1000)


def part_of(probe: Probe, page: bool = False) -> Part:
    """What one answer says. page: it is a text of metrics, which is worth something even where it is cut."""
    if probe.kind != OK:
        return Part(probe.kind, probe.message or probe.kind, probe.status)
    if page:
        return Part(OK, "", probe.status, text=probe.body if probe.status == 200 else "")
    return prometheus_parse.answer(probe.status, probe.body, probe.cut)


def _nothing(_status: int) -> bool:
    """Redirects are followed; every other status is an answer. So none of them is accepted as it is."""
    return False


def collect(base: str, options: HttpOptions, settings: Settings, deadline: Deadline) -> Snapshot:
    """One look at a server. Never raises for a sick one."""
    return Collector(base, options, settings, deadline).look()
