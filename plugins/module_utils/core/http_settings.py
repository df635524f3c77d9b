# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HTTP endpoints are judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .findings import Facts, Finding, build_finding
from .http_snapshot import Endpoint
from .thresholds import HasThresholds, Pairs

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


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. The timeouts: what the probes waited. lookback: seconds of history that count."""

    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    certificate_warn: float = 20.0
    certificate_crit: float = 3.0
    connect_timeout: float = 3.0
    timeout: float = 5.0
    read_timeout: float = 10.0
    lookback: float = 900.0
    least_requests: int = 20
    logs_in: bool = False
    validate_certs: bool = True


def finding(
    endpoint: Endpoint, name: str, state: str, severity: str, summary: str, **facts: t.Unpack[Facts]
) -> Finding:
    """A finding about this endpoint."""
    subject = endpoint.name
    carried = {"url": subject}
    said = f"{subject} {summary}"
    return build_finding(name, endpoint.component, subject, state, severity, said, carried=carried, **facts)


def command(endpoint: Endpoint, *words: str) -> str:
    """A curl command line that a person can paste: without credentials and without the query of the URL."""
    return " ".join(shlex.quote(part) for part in ("curl", "-sS", "-i", "-m", "10", *words, endpoint.name))
