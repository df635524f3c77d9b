# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus and the services that it watches are judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t
import urllib.parse

from .findings import Facts, Finding, Remedy, build_finding
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "errors_per_100": {"warn": 1, "crit": 5},
    "drop_percent": {"warn": 50, "crit": 90},
    "latency_ms": {"warn": 1000, "crit": 3000},
    "restarts": {"warn": 2, "crit": 3},
    "clock_seconds": {"warn": 5, "crit": 30},
    "clock_offset_ms": {"warn": 50, "crit": 500},
    "ingestion_seconds": {"warn": 300, "crit": 600},
    "replay_seconds": {"warn": 0, "crit": 300},
    "rule_intervals": {"warn": 4, "crit": 10},
}
"""Pairs of warn and crit; higher is worse in all of them."""

PARTS = ("server", "rules", "alerts", "alertmanagers", "targets", "services")
"""What a look is made of; who asks a frontend that lacks some of them leaves those out."""


class Pair(t.NamedTuple):
    """Two windows of seconds that burn together: both have to use up the budget at factor times its even speed."""

    long: float
    short: float
    factor: float
    severity: str


BURN_PAIRS = (
    Pair(3600, 300, 14.4, "P1"),
    Pair(6 * 3600, 1800, 6, "P2"),
    Pair(86400, 7200, 3, "P3"),
    Pair(3 * 86400, 6 * 3600, 1, "P4"),
)


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. Spans in seconds. slo: percent. at: epoch seconds to look back at, None for now.

    jobs and exclude_jobs: patterns of names; jobs None is all. components: name of a job -> inventory host.
    settle: after a start or a reload, in which the server does not know its Alertmanagers yet.
    expected_down: patterns of JOB or JOB/INSTANCE that are away on purpose.
    """

    component: str = "prometheus"
    url: str = "http://127.0.0.1:9090"
    components: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    parts: tuple[str, ...] = PARTS
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    job_label: str = "job"
    status_label: str = ""
    requests_metric: str = "http_requests_total"
    requests_declared: bool = False
    latency_metric: str = "http_request_duration_seconds"
    latency_declared: bool = False
    jobs: tuple[str, ...] | None = None
    exclude_jobs: tuple[str, ...] = ()
    window: float = 300.0
    compare_offset: float = 3600.0
    lookback: float = 900.0
    slo: float = 99.9
    burn_pairs: tuple[Pair, ...] = BURN_PAIRS
    min_requests: int = 20
    expected_down: tuple[str, ...] = ()
    watchdog: str = ""
    report_alerts: bool = False
    max_rows: int = 100
    at: float | None = None
    timeout: float = 5.0
    read_timeout: float = 10.0
    settle: float = 30.0
    connect_timeout: float = 3.0
    validate_certs: bool = True

    def looks_at(self, part: str) -> bool:
        return part in self.parts

    def wants(self, name: str) -> bool:
        """Whether a job is one of those that are looked at."""
        if any(like(name, pattern) for pattern in self.exclude_jobs):
            return False
        return self.jobs is None or any(like(name, pattern) for pattern in self.jobs)

    def away(self, job: str, instance: str) -> bool:
        """Whether a target was declared to be away."""
        names = (job, f"{job}/{instance}")
        return any(like(name, pattern) for pattern in self.expected_down for name in names)

    def component_of(self, *names: str) -> str:
        """The node of the dependency graph behind a job: what was declared for any of its names, or the job itself."""
        found = next((self.components[name] for name in names if name in self.components), "")
        return found or f"job:{next((name for name in names if name), 'unnamed')}"

    def command(self, path: str, **query: str) -> str:
        """A curl command line that a person can paste: without credentials."""
        words = ["curl", "-sS", "-m", "10", "-G"] if query else ["curl", "-sS", "-m", "10"]
        for name, value in query.items():
            words += ["--data-urlencode", f"{name}={value}"]
        return " ".join(shlex.quote(word) for word in (*words, self.url.rstrip("/") + path))

    def look(self, text: str, path: str, **query: str) -> Remedy:
        """A remedy that only looks."""
        return Remedy(text, "none", self.command(path, **query))

    def finding(
        self,
        name: str,
        state: str,
        severity: str,
        summary: str,
        *,
        subject: str = "",
        component: str = "",
        **facts: t.Unpack[Facts],
    ) -> Finding:
        """A finding about this server, or about what it watches."""
        about = (component or self.component, subject or self.url)
        return build_finding(name, *about, state, severity, summary, carried={"prometheus": self.url}, **facts)


def like(name: str, pattern: str) -> bool:
    """Whether a name is of a pattern with * and ?. Brackets are what they are: addresses have them."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name, re.S))


def bare(url: str) -> str:
    """A URL without its login and its query, which may hold a token."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return ""
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
