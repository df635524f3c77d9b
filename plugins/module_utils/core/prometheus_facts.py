# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets, rules and alerts out of what a Prometheus answered, and what its clock says. Pure; whatever is missing or
malformed in an answer is left out, never an error."""

from __future__ import annotations

import re
import typing as t

from .prometheus_parse import epoch, items, number, rows, scalar, seconds, short, whole, words
from .prometheus_queries import CLASS, START
from .prometheus_settings import Settings, bare
from .prometheus_snapshot import Snapshot

HEAD_TIME = ("prometheus_tsdb_head_max_time_seconds", 1.0), ("prometheus_tsdb_head_max_time", 0.001)
WATCHDOGS = ("Watchdog", "DeadMansSwitch", "DeadMansSnitch")
"""Names by which alerts that fire always are known."""
_QUERY = re.compile(r"(https?://[^\s\"'?]+)\?[^\s\"']*")
_LOGIN = re.compile(r"(https?://)[^\s\"'/@]+@")


class Target(t.NamedTuple):
    """One target. name: its job by the label that services are told apart by. health: up, down or unknown."""

    job: str
    name: str
    instance: str
    url: str = ""
    health: str = "unknown"
    error: str = ""
    last_scrape: float | None = None
    interval: float | None = None


class Up(t.NamedTuple):
    """Targets of a job by the metric up: all, those that are up, and those that were known when the window began."""

    every: int = 0
    alive: int = 0
    began: int = 0


class Rule(t.NamedTuple):
    """One rule. health: ok, err or unknown (not evaluated yet). state: of an alerting one."""

    name: str
    kind: str
    health: str
    error: str
    evaluated: float | None
    state: str


class Group(t.NamedTuple):
    name: str
    file: str
    interval: float | None
    evaluated: float | None
    rules: tuple[Rule, ...]


class Alert(t.NamedTuple):
    name: str
    state: str
    severity: str
    labels: t.Mapping[str, str]
    since: float | None
    summary: str


def server_now(snapshot: Snapshot) -> float | None:
    """Epoch seconds by the server's own clock, when it was asked."""
    return scalar(snapshot.part("clock"))


def started(snapshot: Snapshot) -> float | None:
    """When the server's process started, by its own clock."""
    info = snapshot.data("runtimeinfo")
    found = epoch(info.get("startTime")) if isinstance(info, dict) else None
    return found if found is not None else (snapshot.metrics or {}).get("process_start_time_seconds")


def settled_at(snapshot: Snapshot, settings: Settings) -> float | None:
    """From when on the server knows its Alertmanagers: what it fires before is dropped, and nothing is wrong."""
    info = snapshot.data("runtimeinfo")
    loaded = epoch(info.get("lastConfigTime")) if isinstance(info, dict) else None
    known = [moment for moment in (started(snapshot), loaded) if moment is not None]
    return max(known) + settings.settle if known else None


def newest_sample(snapshot: Snapshot) -> float | None:
    """Time of the newest sample in the head; 0 where it is empty, None where nobody can tell."""
    tsdb = snapshot.data("tsdb")
    stats = tsdb.get("headStats") if isinstance(tsdb, dict) else None
    found = number(stats.get("maxTime")) if isinstance(stats, dict) else None
    if found is not None:
        return max(0.0, found / 1000)
    for name, factor in HEAD_TIME:
        value = (snapshot.metrics or {}).get(name)
        if value is not None:
            return max(0.0, value * factor)
    return None


def targets(snapshot: Snapshot, settings: Settings) -> list[Target]:
    """What the server scrapes, and what the metric up says of others (federated, written by another one)."""
    data = snapshot.data("targets")
    found = [_target(item, settings) for item in items(data.get("activeTargets") if isinstance(data, dict) else None)]
    known = {(target.job, target.instance) for target in found}
    for row in rows(snapshot.part("down")):
        job, instance = row.labels.get("job", ""), row.labels.get("instance", "")
        if (job, instance) not in known:
            found.append(Target(job, row.labels.get(settings.job_label) or job, instance, health="down"))
    return [target for target in found if settings.wants(target.name)]


def _target(item: t.Mapping[str, t.Any], settings: Settings) -> Target:
    labels = words(item.get("labels"))
    job = labels.get("job") or short(item.get("scrapePool") or "")
    health = item.get("health")
    return Target(
        job,
        labels.get(settings.job_label) or job,
        labels.get("instance", ""),
        short(bare(str(item.get("scrapeUrl") or ""))),
        health if health in ("up", "down") else "unknown",
        short(plain(str(item.get("lastError") or ""))),
        epoch(item.get("lastScrape")),
        seconds(item.get("scrapeInterval")),
    )


def plain(error: str) -> str:
    """An error without what URLs in it may hold: logins and queries."""
    return _LOGIN.sub(r"\1", _QUERY.sub(r"\1", error[:4096]))


def intervals(found: t.Iterable[Target]) -> dict[str, float]:
    """Name of a job -> seconds between its scrapes, the longest of its targets."""
    longest: dict[str, float] = {}
    for target in found:
        if target.interval:
            longest[target.name] = max(longest.get(target.name, 0.0), target.interval)
    return longest


def alive(snapshot: Snapshot, settings: Settings) -> dict[str, Up]:
    """Name of a job -> its targets by the metric up."""
    found: dict[str, list[int]] = {}
    kinds = ("all", "up", START)
    for row in rows(snapshot.part("up")):
        name, kind = row.labels.get(settings.job_label) or row.labels.get("job", ""), row.labels.get(CLASS, "")
        if kind in kinds:
            found.setdefault(name, [0, 0, 0])[kinds.index(kind)] += whole(row.value)
    return {name: Up(*numbers) for name, numbers in found.items() if numbers[0]}


def groups(snapshot: Snapshot) -> list[Group]:
    data = snapshot.data("rules")
    found = []
    for item in items(data.get("groups") if isinstance(data, dict) else None):
        rules = tuple(_rule(rule) for rule in items(item.get("rules")))
        name, file = short(item.get("name") or ""), short(item.get("file") or "")
        found.append(Group(name, file, seconds(item.get("interval")), epoch(item.get("lastEvaluation")), rules))
    return found


def _rule(item: t.Mapping[str, t.Any]) -> Rule:
    return Rule(
        short(item.get("name") or ""),
        short(item.get("type") or ""),
        short(item.get("health") or "unknown"),
        short(plain(str(item.get("lastError") or ""))),
        epoch(item.get("lastEvaluation")),
        short(item.get("state") or ""),
    )


def alerting(found: t.Iterable[Group]) -> list[Rule]:
    return [rule for group in found for rule in group.rules if rule.kind == "alerting"]


def alerts(snapshot: Snapshot) -> list[Alert]:
    """Firing and pending ones, where the server lists them one by one."""
    data = snapshot.data("alerts")
    found = []
    for item in items(data.get("alerts") if isinstance(data, dict) else None):
        labels, notes = words(item.get("labels")), words(item.get("annotations"))
        said = notes.get("summary") or notes.get("description") or notes.get("message") or ""
        state = short(item.get("state") or "unknown")
        name, severity = labels.get("alertname", ""), labels.get("severity", "")
        found.append(Alert(name, state, severity, labels, epoch(item.get("activeAt")), said))
    return found


def alert_totals(snapshot: Snapshot) -> dict[tuple[str, str, str], int]:
    """Name, state and severity of alerts -> how many; from the list, or from the metric ALERTS where there is none."""
    totals: dict[tuple[str, str, str], int] = {}
    if snapshot.data("alerts") is not None:
        for alert in alerts(snapshot):
            key = (alert.name, alert.state, alert.severity)
            totals[key] = totals.get(key, 0) + 1
        return totals
    for row in rows(snapshot.part("alert_counts")):
        name, state, severity = (row.labels.get(label, "") for label in ("alertname", "alertstate", "severity"))
        totals[name, state, severity] = whole(row.value)
    return totals


def is_watchdog(name: str, settings: Settings) -> bool:
    return name == settings.watchdog if settings.watchdog else name in WATCHDOGS
