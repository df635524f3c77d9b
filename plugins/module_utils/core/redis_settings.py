# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Redis snapshot is judged by: thresholds, and what the caller declared about the server. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .findings import Facts, Finding, build_finding
from .thresholds import HasThresholds, Pairs

MIB = 1024 * 1024

THRESHOLDS: dict[str, dict[str, float]] = {
    "memory_percent": {"warn": 90, "crit": 98},
    "clients_percent": {"warn": 90, "crit": 100},
    "latency_ms": {"warn": 100, "crit": 1000},
    "evicted_per_second": {"warn": 100, "crit": 10000},
    "rejected_per_minute": {"warn": 5, "crit": 60},
    "big_key_mib": {"warn": 10, "crit": 100},
    "replication_gap_mib": {"warn": 10, "crit": 100},
    "save_age_hours": {"warn": 48, "crit": 168},
    "miss_percent": {"warn": 20, "crit": 50},
    "client_buffer_kib": {"warn": 200, "crit": 10240},
    "blocked_ratio": {"warn": 2, "crit": 20},
}
"""Pairs of warn and crit; higher is worse in all of them."""


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. role: cache, store or "" (nobody said). lookback: seconds that old events count."""

    component: str = "redis"
    address: str = "127.0.0.1:6379"
    role: str = ""
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    memory_limit: int | None = None
    expected_replicas: int | None = None
    expected_blocked: int | None = None
    lookback: float = 60.0
    timeout: float = 2.0

    def command(self, *words: str) -> str:
        """A redis-cli command line that a person can paste; a password goes into REDISCLI_AUTH, never on it."""
        host, _colon, port = self.address.rpartition(":")
        parts = (
            ["redis-cli", "-h", host.strip("[]"), "-p", port] if port.isdigit() else ["redis-cli", "-s", self.address]
        )
        return " ".join(shlex.quote(part) for part in (*parts, *words))

    def finding(self, name: str, state: str, severity: str, summary: str, **facts: t.Unpack[Facts]) -> Finding:
        """A finding about this server."""
        subject = f"Redis at {self.address}"
        said = f"Redis at {self.address} {summary}"
        return build_finding(name, self.component, subject, state, severity, said, **facts)
