# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a Prometheus and what was declared about it -> findings. Pure. One finding for each id and subject.

This file says in which order it is judged, what could not be, and how many findings there are at most.
"""

from __future__ import annotations

from .findings import Finding, sort_findings
from .prometheus_judge_reach import blocked, unmeasured
from .prometheus_judge_rules import judge_alerts, judge_notifications, judge_rules
from .prometheus_judge_server import QUERY_KINDS, History, judge_clocks, judge_queries, judge_server
from .prometheus_judge_services import declared, judge_services
from .prometheus_judge_targets import judge_targets
from .prometheus_settings import Settings
from .prometheus_snapshot import OK, Snapshot

DEFAULTS = Settings()
NAMES = {
    "clock": "queries",
    "tsdb": "cardinality",
    "runtimeinfo": "state of the server",
    "labels": "labels of requests",
    "clocks": "clocks of targets",
    "offsets": "clocks of targets",
    "down": "targets",
    "up": "targets",
}
"""Questions whose own names say nothing to people."""
SPARE = ("buildinfo", "labels")
"""Questions whose answer an older server or a frontend lacks, and nothing is lost."""


def judge(snapshot: Snapshot, settings: Settings = DEFAULTS, history: History = ()) -> list[Finding]:
    """All findings of one look, worst first. history: samples of earlier looks."""
    closed = blocked(snapshot, settings)
    if closed is not None:
        return [closed]
    findings = [
        *judge_server(snapshot, settings, history),
        *judge_rules(snapshot, settings),
        *judge_notifications(snapshot, settings, history),
        *judge_alerts(snapshot, settings),
        *judge_targets(snapshot, settings),
        *(judge_clocks(snapshot, settings) if settings.looks_at("targets") else ()),
        *judge_services(snapshot, settings),
        *judge_queries(snapshot, settings),
    ]
    missing = {**unread(snapshot), **declared(snapshot, settings)}
    if missing:
        findings.append(unmeasured(settings, missing))
    return sort_findings(findings)


def unread(snapshot: Snapshot) -> dict[str, str]:
    """What was asked and not answered, and why. A query that failed is told elsewhere."""
    found = {}
    for name, part in snapshot.parts.items():
        if part.kind in (OK, *QUERY_KINDS) or (name in SPARE and part.kind == "absent"):
            continue
        if name == "alerts" and part.kind == "too_large" and snapshot.data("alert_counts") is not None:
            continue
        found[NAMES.get(name, name)] = part.message or part.kind
    return found
