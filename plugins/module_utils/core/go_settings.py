# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Go program is judged by: thresholds, and what the caller declared about it. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import Facts, Finding, build_finding
from .hostile import cut, inert
from .redact import clean_text
from .thresholds import HasThresholds, Pairs

MIB = 1024 * 1024

THRESHOLDS: dict[str, dict[str, float]] = {
    "goroutines": {"warn": 1000, "crit": 10_000},
    "goroutines_per_second": {"warn": 10, "crit": 100},
    "waiting_database": {"warn": 5, "crit": 50},
    "leak_percent_per_hour": {"warn": 4, "crit": 100},
    "leak_mib_per_minute": {"warn": 1, "crit": 600},
    "limit_percent": {"warn": 80, "crit": 95},
    "offheap_percent": {"warn": 30, "crit": 60},
    "gc_pause_percent": {"warn": 5, "crit": 20},
    "gc_pause_ms": {"warn": 1000, "crit": 5000},
    "gc_cpu_percent": {"warn": 25, "crit": 50},
    "gc_per_second": {"warn": 20, "crit": 100},
    "threads": {"warn": 500, "crit": 5000},
}
"""Pairs of warn and crit; higher is worse in all of them."""

LEAST_HEAP = 4 * MIB
LEAST_GOROUTINES = 100
LEAST_OFFHEAP = 64 * MIB
LEAST_STUCK = 200


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. leak_seconds: how long something has to grow before it is called a leak."""

    component: str = "go"
    address: str = "127.0.0.1:8080"
    pprof: str = ""
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    memory_limit: float | None = None
    leak_seconds: float = 60.0

    def finding(self, name: str, state: str, severity: str, summary: str, **facts: t.Unpack[Facts]) -> Finding:
        """A finding about this program."""
        subject = f"the Go program at {self.address}"
        said = f"The Go program at {self.address} {summary}"
        return build_finding(name, self.component, subject, state, severity, said, **facts)


def severity(state: str) -> str:
    return "P2" if state == "critical" else "P3"


def safe_function(text: str) -> str:
    """The name of a function, fit to be shown."""
    return cut(clean_text(cut(inert(text), 1024)).replace("\n", " "), 256)
