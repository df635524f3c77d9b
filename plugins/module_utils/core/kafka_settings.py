# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kafka snapshot is judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import shlex

from .kafka_lag import LagRules
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "lag": {"warn": 1000, "crit": 10000},
    "lag_age_seconds": {"warn": 60, "crit": 600},
    "disk_used_percent": {"warn": 85, "crit": 95},
    "quorum_lag_records": {"warn": 1000, "crit": 10000},
    "quorum_lag_seconds": {"warn": 10, "crit": 60},
    "rebalance_seconds": {"warn": 5, "crit": 300},
    "expiring_percent": {"warn": 71, "crit": 93},
    "transaction_seconds": {"warn": 60, "crit": 1200},
    "traffic_seconds": {"warn": 600, "crit": 3600},
}
"""Pairs of warn and crit; higher is worse in all of them.

lag is the sum over a group; expiring_percent is the part of offsets.retention.minutes that has passed (5 and 6.5 of the
default 7 days); rebalance_seconds is how long a group was seen to rebalance.
"""


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared about the cluster. bootstrap: the address that commands in remedies name."""

    component: str = "kafka"
    bootstrap: str = "localhost:9092"
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    rules: LagRules = LagRules()
    expected_brokers: tuple[int, ...] = ()
    expected_topics: tuple[str, ...] = ()
    expected_replication: int | None = None
    busy_topics: tuple[str, ...] = ()
    expected_empty: tuple[str, ...] = ()
    command_config: bool = False

    def command(self, tool: str, *words: str) -> str:
        """A command line that a person can paste."""
        parts = [tool, "--bootstrap-server", self.bootstrap]
        if self.command_config:
            parts += ["--command-config", "client.properties"]
        return " ".join(shlex.quote(part) for part in (*parts, *words))
