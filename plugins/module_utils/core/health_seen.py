# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the verdict of a triage to what health keeps and exports: problems, measured hosts, metrics. Pure."""

from __future__ import annotations

import typing as t

from .findings import OK, SEVERITIES, STATUS_ORDER, UNKNOWN
from .health import Look, Seen

Row = t.Mapping[str, t.Any]


def seen_of(verdict: Row) -> list[Seen]:
    """Root causes, what follows from them, and what is unknown. Hygiene (P4 that could be better) is no problem."""
    rows: list[tuple[Row, str]] = [(finding, "") for finding in verdict["roots"]]
    rows += [(item["finding"], item["by"]) for item in verdict["suppressed"]]
    rows += [(finding, "") for finding in verdict["unknown"]]
    return [_seen(finding, by, verdict) for finding, by in rows]


def _seen(finding: Row, by: str, verdict: Row) -> Seen:
    component = finding["component"]
    owner, looked = verdict["owners"].get(component, component), verdict["looked_at"]
    shown = verdict["shown_by"].get(component) or ([owner] if owner in looked else sorted(looked))
    return Seen(
        target=owner,
        component=component,
        id=finding["id"],
        severity=_level(finding, verdict),
        state=finding["state"],
        summary=finding["summary"],
        by=by,
        hosts=tuple(shown),
    )


def _level(finding: Row, verdict: Row) -> str:
    """How bad it is here: by the runbook's table and the inventory, where triage says so."""
    return str(verdict["levels"].get(finding["component"], {}).get(finding["id"], finding["severity"]))


def look_of(verdict: Row, now: float) -> Look:
    """Which hosts were measured (every look at them has a result, from a system that answered), or at least asked."""
    measured = {
        host
        for host, looks in verdict["looked_at"].items()
        if looks and all(look["reachable"] and not look["problem"] for look in looks)
    }
    looked = {
        host for host, looks in verdict["looked_at"].items() if looks and not any(look["problem"] for look in looks)
    }
    blind = frozenset(finding["component"] for finding in verdict["unknown"])
    return Look(now, frozenset(measured), blind, frozenset(looked))


def metrics(verdict: Row, now: float, seconds: float) -> str:
    """The text of a file for Prometheus' node_exporter. status: 0 ok, 1 warning, 2 unknown, 3 critical."""
    lines = ["# HELP incident_health_status Worst finding: 0 ok, 1 warning, 2 unknown, 3 critical."]
    lines.append("# TYPE incident_health_status gauge")
    for (target, component), state in sorted(_statuses(verdict).items()):
        labels = f'target="{escaped(target)}",component="{escaped(component)}"'
        lines.append(f"incident_health_status{{{labels}}} {STATUS_ORDER.index(state)}")
    lines.append("# HELP incident_health_findings Findings that do not follow from another one.")
    lines.append("# TYPE incident_health_findings gauge")
    counted = [_level(finding, verdict) for name in ("roots", "unknown", "hygiene") for finding in verdict[name]]
    for severity in SEVERITIES:
        lines.append(f'incident_health_findings{{severity="{severity}"}} {counted.count(severity)}')
    lines.append("# HELP incident_health_last_run_timestamp_seconds When the last run ended.")
    lines.append("# TYPE incident_health_last_run_timestamp_seconds gauge")
    lines.append(f"incident_health_last_run_timestamp_seconds {now:.3f}")
    lines.append("# HELP incident_health_duration_seconds How long the last run took.")
    lines.append("# TYPE incident_health_duration_seconds gauge")
    lines.append(f"incident_health_duration_seconds {max(0.0, seconds):.3f}")
    return "\n".join(lines) + "\n"


def _statuses(verdict: Row) -> dict[tuple[str, str], str]:
    """(target, component) -> worst state; each target that was looked at is there, so that a series never ends."""
    found = {(host, host): OK for host in verdict["looked_at"]}
    rows = [*verdict["roots"], *verdict["unknown"], *(item["finding"] for item in verdict["suppressed"])]
    for finding in [*rows, *verdict["hygiene"]]:
        component = finding["component"]
        pair = (verdict["owners"].get(component, component), component)
        found[pair] = max(found.get(pair, OK), finding["state"], key=STATUS_ORDER.index)
    for host, looks in verdict["looked_at"].items():
        if any(look["problem"] for look in looks):
            found[host, host] = max(found[host, host], UNKNOWN, key=STATUS_ORDER.index)
    return found


def escaped(value: str) -> str:
    """A label's value as the text format wants it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
