# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Alertmanager is judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import Facts, Finding, build_finding
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "failed_percent": {"warn": 1, "crit": 50},
    "silence_days": {"warn": 30, "crit": 365},
}
"""Pairs of warn and crit; higher is worse in all of them."""
SEVERITIES = {
    "critical": "P2",
    "page": "P2",
    "emergency": "P2",
    "error": "P3",
    "major": "P3",
    "high": "P3",
    "warning": "P3",
}
"""What an alert's own severity means here; any other is P4."""
QUIET = ("none", "info")
"""Severities of alerts that are meant for nobody; they may go nowhere."""
NOWHERE = ("null", "blackhole", "devnull", "/dev/null")
"""Names of receivers that send nothing, where the configuration does not show which ones do."""


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. created_by: whose silences are our own. lookback, expires_within, settle: seconds."""

    component: str = ""
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    watchdog: str = ""
    watch_labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    severity_label: str = "severity"
    created_by: str = "incident.response"
    findings_for_alerts: bool = False
    lookback: float = 900.0
    expires_within: float = 600.0
    settle: float = 300.0
    validate_certs: bool = True

    def severity_of(self, labels: t.Mapping[str, str]) -> str:
        """An alert's severity as that of a finding."""
        return SEVERITIES.get(labels.get(self.severity_label, "").lower(), "P4")


def finding(
    settings: Settings,
    name: str,
    subject: str,
    state: str,
    severity: str,
    summary: str,
    **facts: t.Unpack[Facts],
) -> Finding:
    """A finding about this Alertmanager."""
    return build_finding(name, settings.component, subject, state, severity, f"{subject} {summary}", **facts)


def label_text(labels: t.Mapping[str, str], most: int = 8) -> str:
    """Labels for people, the name of the alert first."""
    rest = [f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname"][:most]
    return f"{labels.get('alertname') or 'an alert without a name'} ({', '.join(rest)})"
