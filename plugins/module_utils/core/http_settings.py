# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HTTP endpoints are judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from . import thresholds
from .findings import Finding, Remedy
from .http_snapshot import Endpoint

THRESHOLDS: dict[str, dict[str, float]] = {
    "health_ms": {"warn": 1000, "crit": 3000},
    "failed_in_a_row": {"warn": 1, "crit": 3},
    "transitions": {"warn": 3, "crit": 5},
    "errors_per_100": {"warn": 1, "crit": 5},
    "latency_ms": {"warn": 1000, "crit": 3000},
    "descriptors_percent": {"warn": 80, "crit": 95},
    "restarts": {"warn": 2, "crit": 3},
}
"""Pairs of warn and crit; higher is worse in all of them."""
DAY = 86400.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the caller declared. The timeouts: what the probes waited. lookback: seconds of history that count."""

    thresholds: thresholds.Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    certificate_warn: float = 20.0
    certificate_crit: float = 3.0
    connect_timeout: float = 3.0
    timeout: float = 5.0
    read_timeout: float = 10.0
    lookback: float = 900.0
    least_requests: int = 20
    logs_in: bool = False
    validate_certs: bool = True

    def level(self, name: str, value: float) -> str | None:
        """critical, warning, or None for a value below both."""
        return thresholds.level(self.thresholds, name, value)

    def pair(self, name: str) -> dict[str, float]:
        return dict(self.thresholds[name])


def finding(
    endpoint: Endpoint,
    name: str,
    state: str,
    severity: str,
    summary: str,
    *,
    observed: t.Any = None,
    threshold: t.Any = None,
    evidence: t.Iterable[str] = (),
    causes: t.Iterable[str] = (),
    remedies: t.Iterable[Remedy] = (),
    details: dict[str, t.Any] | None = None,
) -> Finding:
    """A finding about this endpoint."""
    return Finding(
        id=name,
        component=endpoint.component,
        subject=endpoint.name,
        state=state,
        severity=severity,
        summary=f"{endpoint.name} {summary}",
        observed=observed,
        threshold=threshold,
        evidence=tuple(evidence)[:20],
        causes=tuple(causes),
        remedies=tuple(remedies),
        details={"url": endpoint.name, **(details or {})},
    )


def command(endpoint: Endpoint, *words: str) -> str:
    """A curl command line that a person can paste: without credentials and without the query of the URL."""
    return " ".join(shlex.quote(part) for part in ("curl", "-sS", "-i", "-m", "10", *words, endpoint.name))


def span(milliseconds: float) -> str:
    """A duration for people."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def days(seconds: float) -> str:
    """A long time for people."""
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:.0f} days"
    return f"{seconds / 3600:.0f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes"
