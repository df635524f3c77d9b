# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kafka snapshot is judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .kafka_lag import LagRules

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


def merge_thresholds(given: t.Mapping[str, t.Any] | None) -> dict[str, dict[str, float]]:
    """The defaults with what was given over them. Raises ValueError that names what is wrong."""
    merged = {name: dict(pair) for name, pair in THRESHOLDS.items()}
    for name, pair in (given or {}).items():
        if name not in merged:
            raise ValueError(f"thresholds: there is no {name!r}; there are {', '.join(sorted(merged))}")
        if not isinstance(pair, t.Mapping) or not pair or set(pair) - {"warn", "crit"}:
            raise ValueError(f"thresholds: {name} takes warn and crit, as in {{warn: 1, crit: 2}}, not {pair!r}")
        merged[name].update({key: _number(name, key, value) for key, value in pair.items()})
    for name, limits in merged.items():
        if limits["warn"] > limits["crit"]:
            warn, crit = limits["warn"], limits["crit"]
            raise ValueError(f"thresholds: {name} has warn {warn:g}, which is above its crit {crit:g}")
    return merged


def _number(name: str, key: str, value: t.Any) -> float:
    if isinstance(value, bool):
        raise ValueError(f"thresholds: {name}.{key} is a number, not {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"thresholds: {name}.{key} is a number, not {value!r}") from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"thresholds: {name}.{key} is a number from 0 up, not {value!r}")
    return number


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the caller declared about the cluster. bootstrap: the address that commands in remedies name."""

    component: str = "kafka"
    bootstrap: str = "localhost:9092"
    thresholds: t.Mapping[str, t.Mapping[str, float]] = dataclasses.field(default_factory=lambda: THRESHOLDS)
    rules: LagRules = LagRules()
    expected_brokers: tuple[int, ...] = ()
    expected_topics: tuple[str, ...] = ()
    expected_replication: int | None = None
    busy_topics: tuple[str, ...] = ()
    expected_empty: tuple[str, ...] = ()
    command_config: bool = False

    def level(self, name: str, value: float) -> str | None:
        """critical, warning, or None for a value below both."""
        pair = self.thresholds[name]
        if value >= pair["crit"]:
            return "critical"
        return "warning" if value >= pair["warn"] else None

    def command(self, tool: str, *words: str) -> str:
        """A command line that a person can paste."""
        parts = [tool, "--bootstrap-server", self.bootstrap]
        if self.command_config:
            parts += ["--command-config", "client.properties"]
        return " ".join(shlex.quote(part) for part in (*parts, *words))
