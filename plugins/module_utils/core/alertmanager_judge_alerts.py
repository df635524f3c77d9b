# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What its alerts say about itself: the watchdog, alerts that go nowhere, alerts that never arrived. Pure.

An alert that fires is a fact about something else. It becomes a finding only where the caller asks for that.
"""

from __future__ import annotations

import typing as t

from .alertmanager_settings import NOWHERE, QUIET, Settings, finding, label_text
from .alertmanager_snapshot import ACTIVE, SUPPRESSED, Alert, Snapshot
from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .quantities import count

MOST = 100
"""Findings for alerts, at most; the summary counts all."""


def judge_alerts(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    alerts = snapshot.alerts
    if alerts is not None:
        yield from _watchdog(alerts, settings)
        yield from _unrouted(alerts, snapshot, settings)
        if settings.findings_for_alerts:
            yield from _firing(alerts, settings)
    yield from _missing(alerts, snapshot, settings)


def is_watchdog(alert: Alert, settings: Settings) -> bool:
    return bool(settings.watchdog) and alert.name == settings.watchdog


def _watchdog(alerts: t.Sequence[Alert], settings: Settings) -> t.Iterator[Finding]:
    if not settings.watchdog:
        return
    mine = [alert for alert in alerts if is_watchdog(alert, settings)]
    if any(alert.state != SUPPRESSED for alert in mine):
        return
    silenced = sorted({by for alert in mine for by in (*alert.silenced_by, *alert.inhibited_by, *alert.muted_by)})
    what = "is suppressed" if mine else "is not there"
    yield finding(
        settings,
        "alertmanager.watchdog.missing",
        f"{settings.component}, alert {settings.watchdog}",
        CRITICAL,
        "P2",
        f"{what}, and it should always fire: whether any alert gets through is not known",
        observed={"alerts": len(alerts), "suppressed": len(mine)},
        evidence=[f"suppressed by {by}" for by in silenced] or [f"{count(len(alerts), 'other alert')} arrived"],
        causes=("somebody silenced it",)
        if mine
        else (
            "Prometheus is down, or can't reach this Alertmanager",
            "its rule was removed, or is called otherwise than declared",
        ),
        remedies=(
            Remedy("Look at Prometheus: is it up, does it evaluate its rules, which Alertmanagers does it know"),
        ),
    )


def goes_nowhere(alert: Alert, receivers: t.Mapping[str, tuple[str, ...]] | None) -> bool:
    """Whether none of its receivers sends anything."""
    if not alert.receivers:
        return False  # versions that do not say
    if receivers is None:
        return all(name.lower() in NOWHERE for name in alert.receivers)
    return all(not receivers.get(name, ("unknown",)) for name in alert.receivers)


def _unrouted(alerts: t.Sequence[Alert], snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    receivers = snapshot.receivers
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        quiet = alert.labels.get(settings.severity_label, "").lower() in QUIET
        if alert.state == ACTIVE and not quiet and not is_watchdog(alert, settings) and goes_nowhere(alert, receivers):
            groups.setdefault(alert.name, []).append(alert)
    if not groups:
        return
    worst = min(settings.severity_of(alert.labels) for group in groups.values() for alert in group)
    total = sum(map(len, groups.values()))
    names = sorted({name for group in groups.values() for alert in group for name in alert.receivers})
    yield finding(
        settings,
        "alertmanager.alert.unrouted",
        settings.component,
        WARNING,
        "P3" if worst == "P2" else "P4",
        f"has {count(total, 'active alert')} that nobody is told about: the receiver sends nothing",
        observed={"alerts": total, "receivers": names},
        evidence=[
            f"{count(len(group), 'alert')}, such as {label_text(group[0].labels)}, to {', '.join(group[0].receivers)}"
            for _name, group in sorted(groups.items())
        ],
        causes=("no route fits them but the default one", "they were sent nowhere on purpose"),
        remedies=(
            Remedy("See where one goes: amtool config routes test --config.file=FILE label=value"),
            Remedy("Add a route or an integration to the receiver, check with amtool check-config, reload", "low"),
        ),
        details={"alertnames": sorted(groups)[:50]},
    )


def _firing(alerts: t.Sequence[Alert], settings: Settings) -> t.Iterator[Finding]:
    groups: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        severity = alert.labels.get(settings.severity_label, "")
        if alert.state == ACTIVE and severity.lower() != "none" and not is_watchdog(alert, settings):
            groups.setdefault((alert.name, severity), []).append(alert)
    ordered = sorted(groups.items(), key=lambda item: (settings.severity_of(item[1][0].labels), -len(item[1]), item[0]))
    for (name, said), group in ordered[:MOST]:
        severity = settings.severity_of(group[0].labels)
        yield finding(
            settings,
            "alertmanager.alert.firing",
            f"alert {name}" + (f", severity {said}" if said else ""),
            CRITICAL if severity == "P2" else WARNING,
            severity,
            f"is firing, {count(len(group), 'time')}",
            observed={"alerts": len(group)},
            evidence=[label_text(alert.labels) for alert in group[:10]],
            since=min((alert.since for alert in group if alert.since is not None), default=None),
            details={"alertname": name, "labels": [alert.labels for alert in group[:10]]},
        )


def _missing(alerts: t.Sequence[Alert] | None, snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    if snapshot.expected_problem is not None:
        yield finding(
            settings,
            "alertmanager.unmeasured",
            f"{settings.component}, alerts of Prometheus",
            UNKNOWN,
            "P3",
            f"could not be read: {snapshot.expected_problem.message}",
            observed={"kind": snapshot.expected_problem.kind},
            remedies=(Remedy("Check prometheus_url, or hand over prometheus_alerts"),),
        )
    if snapshot.expected is None or alerts is None:
        return
    absent = absent_of(snapshot.expected, alerts)
    if not absent:
        return
    yield finding(
        settings,
        "alertmanager.alert.missing",
        settings.component,
        CRITICAL,
        "P2",
        f"does not know {count(len(absent), 'alert')} that {'fires' if len(absent) == 1 else 'fire'} in Prometheus",
        observed={"firing": len(snapshot.expected), "missing": len(absent)},
        evidence=[label_text(labels) for labels in absent],
        causes=(
            "Prometheus sends its alerts to another Alertmanager, or to none",
            "its notifications are dropped: the queue is full, or this server refuses them",
            "alert_relabel_configs drop them",
        ),
        remedies=(
            Remedy("Look at /api/v1/alertmanagers of Prometheus and at prometheus_notifications_dropped_total"),
            Remedy("Tell those who are on call by another way until it is cured"),
        ),
        details={"alertnames": sorted({labels.get("alertname", "") for labels in absent})[:50]},
    )


def absent_of(expected: t.Sequence[dict[str, str]], alerts: t.Sequence[Alert]) -> list[dict[str, str]]:
    """Alerts of Prometheus that are not among these. Prometheus adds labels (external ones) on the way, and may drop
    some, so those that both have are compared."""
    exact = {frozenset(alert.labels.items()) for alert in alerts}
    by_name: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_name.setdefault(alert.name, []).append(alert)
    absent = []
    for labels in expected:
        if frozenset(labels.items()) in exact:
            continue
        same = by_name.get(labels.get("alertname", ""), ())
        if not any(_agree(labels, alert.labels) for alert in same):
            absent.append(labels)
    return absent


def _agree(ours: t.Mapping[str, str], theirs: t.Mapping[str, str]) -> bool:
    return all(theirs.get(name, value) == value for name, value in ours.items())
