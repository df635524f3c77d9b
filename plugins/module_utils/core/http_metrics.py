# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of /metrics -> the few facts that are judged, and what two readings tell together. Pure."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from .http_snapshot import Metrics

REQUESTS = (
    "http_requests_total",
    "http_server_requests_total",
    "http_server_requests_seconds_count",
    "http_server_request_duration_seconds_count",
    "http_request_duration_seconds_count",
)
LATENCY = ("http_request_duration_seconds", "http_server_requests_seconds", "http_server_request_duration_seconds")
STATUS_LABELS = ("status", "code", "status_code", "http_status_code", "http_response_status_code")
PROCESS = {
    "process_open_fds": "open_fds",
    "process_files_open_files": "open_fds",
    "process_max_fds": "max_fds",
    "process_files_max_files": "max_fds",
    "process_start_time_seconds": "start_time",
}
TRACKED = 50_000
"""Series that are remembered to notice one that stands there twice."""
JITTER = 2.0
"""Seconds by which the start time of one process may differ between two readings: some compute it anew."""

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[Ii]nf|[Nn]a[Nn])"
_LABELS = r"\{(?:[^\"{}]|\"(?:[^\"\\]|\\.)*\")*\}"
_PLAIN = re.compile(rf"(?P<series>(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(?:{_LABELS})?)[ \t]+{_NUMBER}(?:[ \t]+-?\d+)?")
"""A line as exporters write it. What looks otherwise is left to the parser, which knows better and takes longer."""

Labels = t.Mapping[str, str]


class BadSeries(ValueError):
    """The exposition breaks a rule that a judgement depends on. The text says which."""


class Reader:
    """Takes the series of one exposition one by one. Raises BadSeries."""

    def __init__(self, requests: str = "", latency: str = "") -> None:
        self._requests = (requests,) if requests else REQUESTS
        self._latency = {f"{name}_bucket": name for name in ((latency,) if latency else LATENCY)}
        self._wanted = {*self._requests, *self._latency, *PROCESS}
        self._statuses: dict[str, dict[str, float]] = {}
        self._buckets: dict[str, dict[float, float]] = {}
        self._process: dict[str, float] = {}
        self._seen: set[int] = set()
        self.series = 0

    def passes(self, line: str) -> bool:
        """Whether a line is a series that nothing is judged by: it is counted, and needs no parser."""
        match = _PLAIN.fullmatch(line)
        if match is None or match.group("name") in self._wanted:
            return False
        self.series += 1
        self._once(match.group("name"), match.group("series"))
        return True

    def add(self, name: str, labels: Labels, value: float) -> None:
        self.series += 1
        self._once(name, frozenset(labels.items()))
        if name in self._requests:
            status = status_class(labels)
            if status:
                counts = self._statuses.setdefault(name, {})
                counts[status] = counts.get(status, 0.0) + counted(name, value)
        if name in self._latency:
            self._bucket(self._latency[name], labels, counted(name, value))
        elif name in PROCESS:
            self._process[PROCESS[name]] = counted(name, value)

    def _once(self, name: str, labels: t.Hashable) -> None:
        if len(self._seen) >= TRACKED:
            return
        size, mark = len(self._seen), hash((name, labels))
        self._seen.add(mark)
        if len(self._seen) == size:
            raise BadSeries(f"the series {name[:80]} with the same labels is there twice")

    def _bucket(self, name: str, labels: Labels, value: float) -> None:
        try:
            bound = float(labels["le"])
        except (KeyError, ValueError):
            raise BadSeries(f"a bucket of {name} has no upper bound (le)") from None
        buckets = self._buckets.setdefault(name, {})
        buckets[bound] = buckets.get(bound, 0.0) + value

    def metrics(self, at: float, size: int = 0) -> Metrics:
        """What was read. Raises BadSeries."""
        if not self.series:
            raise BadSeries("there is no series in it")
        requests = next((name for name in self._requests if name in self._statuses), "")
        latency = next((name for name in self._latency.values() if name in self._buckets), "")
        buckets = self._buckets.get(latency, {})
        if buckets and math.inf not in buckets:
            raise BadSeries(f"{latency} has no bucket +Inf: it is cut off, or not a histogram")
        return Metrics(
            at=at,
            series=self.series,
            bytes=size,
            requests_name=requests,
            statuses=self._statuses.get(requests, {}),
            latency_name=latency,
            buckets=dict(sorted(buckets.items())),
            open_fds=self._process.get("open_fds"),
            max_fds=self._process.get("max_fds"),
            start_time=self._process.get("start_time"),
        )


def counted(name: str, value: float) -> float:
    """A value that has to be a number from 0 up. Raises BadSeries."""
    if name.endswith("max_fds") and value == math.inf:
        return 0.0
    if not 0 <= value < math.inf:
        raise BadSeries(f"{name} is {value}")
    return float(value)


def status_class(labels: Labels) -> str:
    """First digit of the status, by whatever label it is in; "" where it is in none."""
    for label in STATUS_LABELS:
        status = labels.get(label, "")
        if len(status) == 3 and status[0] in "12345":
            return status[0]
    return ""


def same_process(before: Metrics, after: Metrics) -> bool:
    if before.start_time is None or after.start_time is None:
        return True
    return abs(before.start_time - after.start_time) <= JITTER


def grown(before: t.Mapping[t.Any, float], after: t.Mapping[t.Any, float]) -> dict[t.Any, float]:
    """What each counter grew by; where any of them fell, all began anew, and what they have now is their growth."""
    if any(after.get(name, 0.0) < value for name, value in before.items()):
        return dict(after)
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def since(before: Metrics, after: Metrics) -> Metrics:
    """The traffic between two readings. A new process began at 0, whatever the old one had counted."""
    if not same_process(before, after):
        return after
    return dataclasses.replace(
        after, statuses=grown(before.statuses, after.statuses), buckets=grown(before.buckets, after.buckets)
    )


def quantile(buckets: t.Mapping[float, float], q: float) -> float | None:
    """As Prometheus has it: linear within the bucket, the last finite bound where it is above all of them.

    None without observations. Buckets of two readings may be out of order by a request: they are made monotonous.
    """
    bounds = sorted(buckets)
    total = buckets.get(math.inf, 0.0)
    if not bounds or total <= 0:
        return None
    rank, below, start = q * total, 0.0, 0.0
    for bound in bounds:
        upto = max(below, buckets[bound])
        if upto >= rank and upto > below:
            if bound == math.inf:
                return start
            return start + (bound - start) * (rank - below) / (upto - below)
        below, start = upto, bound if bound != math.inf else start
    return start
