# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, and whether anybody would hear of it if they fired. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, SEVERITIES, UNKNOWN, WARNING, Finding, Remedy
from .prometheus_facts import (
    Alert,
    Group,
    alert_totals,
    alerting,
    alerts,
    groups,
    is_watchdog,
    server_now,
    settled_at,
    started,
)
from .prometheus_judge_server import History, same_process
from .prometheus_parse import items, rows, whole
from .prometheus_queries import DROPPED_WINDOW
from .prometheus_settings import Settings
from .prometheus_snapshot import Snapshot
from .quantities import count, span

DROPPED = "prometheus_notifications_dropped_total"
LISTED = 10
FRESH = 60.0
"""Seconds until a server that scrapes itself has enough samples of itself."""
URGENT = ("critical", "page", "error", "emergency", "fatal")


def judge_rules(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    """Groups with rules that fail, and groups that are not evaluated any more."""
    if not settings.looks_at("rules"):
        return
    now, began = server_now(snapshot), started(snapshot)
    for group in groups(snapshot):
        yield from _failing(group, settings)
        yield from _stale(group, settings, now, began)


def _failing(group: Group, settings: Settings) -> t.Iterator[Finding]:
    bad = [rule for rule in group.rules if rule.health not in ("ok", "unknown")]
    if not bad:
        return
    blind = any(rule.kind == "alerting" for rule in bad)
    yield settings.finding(
        "prometheus.rule.failing",
        CRITICAL if blind else WARNING,
        "P2" if blind else "P3",
        f"{count(len(bad), 'rule')} of group {group.name} can't be evaluated: {bad[0].name}: {bad[0].error}",
        subject=f"group {group.name} of {group.file}",
        observed={"failing": len(bad), "rules": len(group.rules)},
        evidence=[f"{rule.kind} {rule.name}: {rule.error or rule.health}" for rule in bad[:LISTED]],
        causes=_causes(bad[0].error),
        remedies=(
            settings.look("Look at the rule and its error", "/api/v1/rules"),
            Remedy("Mend its query, check it with promtool check rules, and let Prometheus read it again", "low"),
        ),
        details={"group": group.name, "file": group.file, "rules": [rule.name for rule in bad[:LISTED]]},
    )


def _causes(error: str) -> tuple[str, ...]:
    text = error.lower()
    if "many-to-many" in text or "duplicate series" in text or "many-to-one" in text:
        return ("two series share the labels that its query matches by: a target or a label was added",)
    if "same labelset" in text or "duplicate" in text:
        return ("its result has the same labels twice",)
    if "timed out" in text or "timeout" in text or "canceled" in text:
        return ("its query takes longer than it may: Prometheus is overloaded, or too many series match",)
    if "too many samples" in text:
        return ("its query loads more samples than it may (query.max-samples)",)
    if "out of order" in text or "out of bounds" in text:
        return ("its result is older than what is stored: the clock jumped, or two groups write one series",)
    return ("its query and the series that it reads don't fit each other", "Prometheus is overloaded")


def _stale(group: Group, settings: Settings, now: float | None, began: float | None) -> t.Iterator[Finding]:
    if now is None or not group.interval or not group.rules:
        return
    ages = [rule.evaluated for rule in group.rules if rule.evaluated is not None]
    last = group.evaluated or max(ages, default=began)
    if last is None:
        return
    age = now - max(last, began or 0.0)
    level = settings.level("rule_intervals", age / group.interval)
    if level is None:
        return
    yield settings.finding(
        "prometheus.rule.stale",
        level,
        "P2" if level == CRITICAL else "P3",
        f"Group {group.name} was not evaluated for {span(age)}, and is due every {span(group.interval)}",
        subject=f"group {group.name} of {group.file}",
        observed={"seconds": round(age, 1), "interval": group.interval, "intervals": round(age / group.interval, 1)},
        threshold=settings.pair("rule_intervals"),
        causes=("its rules take longer than its interval", "Prometheus hangs or is starved of CPU"),
        remedies=(
            settings.look("Look at how long its rules take (evaluationTime)", "/api/v1/rules"),
            Remedy("Split the group, or give it a longer interval", "low"),
        ),
        since=last,
        details={"group": group.name, "file": group.file},
    )


def judge_notifications(snapshot: Snapshot, settings: Settings, history: History) -> t.Iterator[Finding]:
    """Whether alerts reach an Alertmanager. Without alerting rules nothing has to."""
    if not settings.looks_at("alertmanagers") or settling(snapshot, settings):
        return
    data = snapshot.data("alertmanagers")
    active = items(data.get("activeAlertmanagers")) if isinstance(data, dict) else None
    needed = bool(alerting(groups(snapshot)) or alert_totals(snapshot))
    if active is not None and not active:
        if needed:
            yield _nobody(snapshot, settings)
        return
    yield from _dropped(snapshot, settings, history)


def settling(snapshot: Snapshot, settings: Settings) -> bool:
    """Whether the server was started or read its configuration only just now."""
    now, settled = server_now(snapshot), settled_at(snapshot, settings)
    return settings.at is None and now is not None and settled is not None and now < settled


def _nobody(snapshot: Snapshot, settings: Settings) -> Finding:
    firing = sum(number for (_name, state, _sev), number in alert_totals(snapshot).items() if state == "firing")
    return settings.finding(
        "prometheus.alertmanager.none",
        CRITICAL,
        "P2",
        f"Prometheus at {settings.url} knows no Alertmanager: nobody hears of its alerts ({firing} firing)",
        observed={"active": 0, "firing": firing, "rules": len(alerting(groups(snapshot)))},
        causes=(
            "its configuration names none (alerting.alertmanagers)",
            "the discovery of Alertmanagers finds none, or relabelling drops all of them",
        ),
        remedies=(
            settings.look("Look at what it knows", "/api/v1/alertmanagers"),
            Remedy("Name the Alertmanager in its configuration, check that, and let Prometheus read it again", "low"),
        ),
    )


def _dropped(snapshot: Snapshot, settings: Settings, history: History) -> t.Iterator[Finding]:
    told = [(row.labels.get("instance", ""), row.value) for row in rows(snapshot.part("dropped"))]
    for instance, lost in told:
        if whole(lost) >= 1:
            yield _lost(settings, instance, whole(lost), span(DROPPED_WINDOW))
    total, now, settled = (snapshot.metrics or {}).get(DROPPED), server_now(snapshot), settled_at(snapshot, settings)
    if told or not total or settings.at is not None or now is None or settled is None or now - settled < FRESH:
        return
    began = started(snapshot)
    seen = [
        sample
        for sample in history
        if same_process(sample, began) and isinstance(sample.get("dropped"), (int, float))
        if snapshot.now - sample.get("at", 0.0) <= 2 * DROPPED_WINDOW
    ]
    if not seen:
        yield settings.finding(
            "prometheus.notifications.dropped",
            UNKNOWN,
            "P4",
            f"Prometheus at {settings.url} has dropped {total:.0f} notifications since it started; when is not known",
            observed={"dropped": total},
            causes=("it does not scrape itself, and no earlier look is known",),
            remedies=(Remedy("Look again in some minutes, or let Prometheus scrape itself"),),
        )
    elif total > seen[0]["dropped"]:
        yield _lost(settings, "", round(total - seen[0]["dropped"]), span(snapshot.now - seen[0]["at"]))


def _lost(settings: Settings, instance: str, number: int, within: str) -> Finding:
    return settings.finding(
        "prometheus.notifications.dropped",
        CRITICAL,
        "P2",
        f"Prometheus {instance or 'at ' + settings.url} dropped {count(number, 'notification')} within {within}:"
        " alerts don't reach the Alertmanager",
        subject=instance or settings.url,
        observed={"dropped": number},
        threshold={"crit": 1},
        causes=("the Alertmanager is down or can't be reached", "it refuses or is too slow, and the queue is full"),
        remedies=(
            settings.look("Look at which Alertmanagers it knows, and ask those", "/api/v1/alertmanagers"),
            Remedy("Start the Alertmanager, or mend the network between both", "low"),
        ),
        details={"instance": instance},
    )


def judge_alerts(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    """The alert that always fires; and alerts as findings, where that is asked for."""
    if not settings.looks_at("alerts"):
        return
    totals = alert_totals(snapshot)
    firing = {name for (name, state, _severity) in totals if state == "firing"}
    yield from _watchdog(snapshot, settings, firing)
    if not settings.report_alerts:
        return
    listed: dict[tuple[str, str, str], list[Alert]] = {}
    for alert in alerts(snapshot):
        listed.setdefault((alert.name, alert.state, alert.severity), []).append(alert)
    for (name, state, severity), number in sorted(totals.items()):
        if state == "firing" and not is_watchdog(name, settings) and severity.lower() not in ("none", "info"):
            yield _firing(settings, (name, severity, number), listed.get((name, state, severity), []))


def _watchdog(snapshot: Snapshot, settings: Settings, firing: set[str]) -> t.Iterator[Finding]:
    rules = [rule for rule in alerting(groups(snapshot)) if is_watchdog(rule.name, settings)]
    known = any(part is not None and part.kind == "ok" for part in map(snapshot.part, ("alerts", "alert_counts")))
    names = {rule.name for rule in rules if rule.health != "unknown"} or (
        {settings.watchdog} - {""} if not rules else set()
    )
    for name in sorted(names - firing):
        if not known:
            continue
        yield settings.finding(
            "prometheus.watchdog.silent",
            CRITICAL,
            "P2",
            f"The alert {name}, which has to fire always, does not fire",
            subject=f"alert {name}",
            observed={"firing": False, "rule": bool(rules)},
            causes=("its rule is not loaded or can't be evaluated", "its query has no result any more"),
            remedies=(settings.look("Look at the rule", "/api/v1/rules"),),
        )


def _firing(settings: Settings, which: tuple[str, str, int], mine: t.Sequence[Alert]) -> Finding:
    name, severity, number = which
    urgent = severity.lower() in URGENT
    level = severity.upper() if severity.upper() in SEVERITIES else "P2" if urgent else "P3"
    jobs = {alert.labels.get(settings.job_label) or alert.labels.get("job", "") for alert in mine}
    one = next(iter(jobs)) if len(jobs) == 1 else ""
    return settings.finding(
        "prometheus.alert.firing",
        CRITICAL if level in ("P1", "P2") else WARNING,
        level,
        f"Alert {name} fires {number} times" if number > 1 else f"Alert {name} fires",
        subject=f"alert {name}" + (f" ({severity})" if severity else ""),
        component=settings.component_of(one) if one else "",
        observed={"firing": number, "severity": severity},
        evidence=[text for alert in mine[:LISTED] if (text := alert.summary or alert.labels.get("instance", ""))],
        causes=("what its rule says",),
        remedies=(settings.look("Look at what it is about", "/api/v1/alerts"),),
        since=min((alert.since for alert in mine if alert.since is not None), default=None),
        details={"job": one, "alertname": name},
    )
