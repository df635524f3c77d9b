# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a Prometheus as the plain JSON that a check returns. Pure."""

from __future__ import annotations

import json
import math
import typing as t

from .prometheus_facts import alert_totals, alerts, groups, newest_sample, plain, server_now, started, targets
from .prometheus_judge_rules import DROPPED, settling
from .prometheus_judge_server import APPENDED
from .prometheus_judge_services import insufficient
from .prometheus_judge_targets import freshest
from .prometheus_parse import items, short
from .prometheus_queries import TOP, duration, windows
from .prometheus_services import Service, has_requests, services
from .prometheus_settings import Settings
from .prometheus_snapshot import OK, Snapshot
from .quantities import count, span
from .redact import clean

INSUFFICIENT = "insufficient_data"
ATTACHED = 60_000
LISTED = 200
HIDDEN = ("discoveredLabels", "globalUrl", "scrapeUrl", "droppedTargets")


def summary(snapshot: Snapshot, settings: Settings, left_out: t.Mapping[str, int]) -> dict[str, t.Any]:
    """Totals, and the rows that matter most. left_out: id of a finding -> how many of it are not listed."""
    return {
        "url": settings.url,
        "at": settings.at if settings.at is not None else server_now(snapshot),
        "server": _server(snapshot),
        "targets": _targets(snapshot, settings),
        "rules": _rules(snapshot),
        "alerts": _alerts(snapshot, settings),
        "services": [row(service, settings) for service in _ordered(snapshot, settings)[: settings.max_rows]],
        "cardinality": _cardinality(snapshot),
        "notes": sorted({note for part in snapshot.parts.values() for note in (*part.warnings, *part.infos)})[:TOP],
        "left_out": dict(left_out),
    }


def _server(snapshot: Snapshot) -> dict[str, t.Any]:
    build, info = (snapshot.data(name) for name in ("buildinfo", "runtimeinfo"))
    build, info = (value if isinstance(value, dict) else {} for value in (build, info))
    return {
        "ready": snapshot.ready.status == 200,
        "version": short(build.get("version") or ""),
        "program": snapshot.program,
        "started": started(snapshot),
        "newest_sample": newest_sample(snapshot),
        "reload_successful": info.get("reloadConfigSuccess"),
        "retention": short(info.get("storageRetention") or ""),
    }


def _targets(snapshot: Snapshot, settings: Settings) -> dict[str, t.Any]:
    found = targets(snapshot, settings)
    down = [target for target in found if target.health == "down"]
    rows = [
        {"job": target.job, "service": target.name, "instance": target.instance, "error": target.error}
        for target in down[: settings.max_rows]
    ]
    return {"active": len(found), "down": len(down), "listed": rows}


def _rules(snapshot: Snapshot) -> dict[str, t.Any]:
    found = groups(snapshot)
    rules = [rule for group in found for rule in group.rules]
    failing = sum(rule.health not in ("ok", "unknown") for rule in rules)
    return {"groups": len(found), "rules": len(rules), "failing": failing}


def _alerts(snapshot: Snapshot, settings: Settings) -> dict[str, t.Any]:
    """Firing first. Pending ones are facts as well: an alert that waits for its time is the first sign of a fault."""
    totals = alert_totals(snapshot)
    order = sorted(
        alerts(snapshot), key=lambda alert: (alert.state != "firing", alert.name, sorted(alert.labels.items()))
    )
    listed = [
        {
            "name": alert.name,
            "state": alert.state,
            "severity": alert.severity,
            "labels": dict(alert.labels),
            "since": alert.since,
            "summary": alert.summary,
        }
        for alert in order[: settings.max_rows]
    ]
    states = {
        state: sum(number for key, number in totals.items() if key[1] == state) for state in ("firing", "pending")
    }
    names = sorted(totals.items(), key=lambda item: (item[0][1] != "firing", -item[1], item[0]))
    by_name = [
        {"name": name, "state": state, "severity": severity, "count": number}
        for (name, state, severity), number in names[: settings.max_rows]
    ]
    return {**states, "by_name": by_name, "listed": listed}


def _ordered(snapshot: Snapshot, settings: Settings) -> list[Service]:
    """Those with the most errors first, then the busiest."""

    def rank(service: Service) -> tuple[float, float]:
        share, _why = service.ratio(settings.window, settings.min_requests)
        counts = service.windows.get(settings.window)
        return -(share or 0.0), -(counts.total if counts else 0.0)

    return sorted(services(snapshot, settings), key=rank)


def row(service: Service, settings: Settings) -> dict[str, t.Any]:
    """One service. Ratios are per 100 requests, or insufficient_data, never a zero that nobody measured."""
    least = settings.min_requests
    counts = service.windows.get(settings.window)
    errors = {}
    for window in windows(settings):
        share, _why = service.ratio(window, least)
        held = service.windows.get(window)
        told = share is not None and held is not None and (held.covered or window == settings.window)
        errors[duration(window)] = round(100 * share, 3) if share is not None and told else INSUFFICIENT
    enough = service.p99 is not None and (service.measured or 0.0) >= least
    return {
        "job": service.name,
        "component": settings.component_of(service.name),
        "requests": round(counts.total, 1) if counts else None,
        "requests_before": round(service.past.total, 1) if service.past and service.past.covered else INSUFFICIENT,
        "errors_per_100": errors,
        "p99_ms": _ms(service.p99) if enough and service.p99 is not None else INSUFFICIENT,
        "restarts": service.restarts.most if service.restarts else 0,
        "targets": [service.up.alive, service.up.every] if service.up else None,
        "insufficient": insufficient(service, settings),
    }


def _ms(seconds: float) -> float | str:
    return round(1000 * seconds, 1) if math.isfinite(seconds) else "+Inf"


def _cardinality(snapshot: Snapshot) -> dict[str, t.Any]:
    """What the head holds, and what most of it is: for a person who looks for memory, no judgement."""
    data = snapshot.data("tsdb")
    if not isinstance(data, dict):
        return {}
    stats = data.get("headStats")
    named = {
        "metrics": "seriesCountByMetricName",
        "labels": "labelValueCountByLabelName",
        "pairs": "seriesCountByLabelValuePair",
    }
    return {
        "series": stats.get("numSeries") if isinstance(stats, dict) else None,
        **{
            name: {short(item.get("name") or ""): item.get("value") for item in items(data.get(key))[:TOP]}
            for name, key in named.items()
        },
    }


def sample(snapshot: Snapshot) -> list[dict[str, t.Any]]:
    """What a later look is judged by."""
    metrics = snapshot.metrics or {}
    if not metrics:
        return []
    counted = {"appended": metrics.get(APPENDED), "dropped": metrics.get(DROPPED)}
    return [{"at": snapshot.now, "started": started(snapshot), **counted}]


def measured(snapshot: Snapshot, settings: Settings, left_out: t.Mapping[str, int]) -> list[str]:
    """What was looked at, for people: a healthy verdict lists it."""
    if not snapshot.speaks:
        return []
    said = [f"{sum(part.kind == OK for part in snapshot.parts.values())} of {len(snapshot.parts)} questions answered"]
    if settings.at is not None:
        said.append(f"as of {settings.at:.0f}: only what queries tell; readiness, rules and scrape errors are of now")
    if not settings.validate_certs and settings.url.startswith("https:"):
        said.append("its certificate was NOT verified (validate_certs=false)")
    said += [*_counted(snapshot, settings), *_about_services(snapshot, settings)]
    said += [f"{number} more findings {name} are not listed" for name, number in sorted(left_out.items())]
    return said


def _counted(snapshot: Snapshot, settings: Settings) -> t.Iterator[str]:
    if snapshot.data("targets") is not None or snapshot.data("up") is not None:
        found = targets(snapshot, settings)
        every = freshest(found)
        yield f"{count(len(found), 'target')}{' scraped ' + every if every else ''}"
    if snapshot.data("rules") is not None:
        yield count(sum(len(group.rules) for group in groups(snapshot)), "rule")
    if snapshot.data("alerts") is not None or snapshot.data("alert_counts") is not None:
        totals = alert_totals(snapshot)
        firing = sum(number for key, number in totals.items() if key[1] == "firing")
        yield f"{count(firing, 'alert')} firing, {sum(totals.values()) - firing} pending"
    if settling(snapshot, settings):
        yield "it was started or read its configuration just now: whether it reaches an Alertmanager was not judged"
    newest, now = newest_sample(snapshot), server_now(snapshot)
    if newest is not None and now is not None:
        yield f"newest sample {span(max(0.0, now - newest))} old"


def _about_services(snapshot: Snapshot, settings: Settings) -> t.Iterator[str]:
    if not settings.looks_at("services") or snapshot.part("latency") is None:
        return
    if has_requests(snapshot) is False:
        yield f"no series of {settings.requests_metric}: errors, budget and traffic were not measured"
    found = services(snapshot, settings)
    few = [service for service in found if insufficient(service, settings)]
    yield count(len(found), "service")
    if few:
        yield f"insufficient data for some windows of {len(few)}"


def attachments(snapshot: Snapshot) -> dict[str, str]:
    """What evidence keeps: what the API said about targets, rules and alerts, the first ones of many."""
    files = {}
    for name in ("targets", "rules", "alerts"):
        data = snapshot.data(name)
        if isinstance(data, dict):
            kept = {key: _slim(value) for key, value in data.items() if isinstance(value, list)}
            files[f"{name}.json"] = json.dumps(clean(kept), indent=1, default=str)[:ATTACHED]
    return files


def _slim(found: list[t.Any]) -> list[dict[str, t.Any]]:
    """Without what discovery knows of a target: it is most of the answer, and may hold anything."""
    kept = [{key: value for key, value in item.items() if key not in HIDDEN} for item in items(found[:LISTED])]
    return [{**item, "lastError": plain(str(item["lastError"]))} if item.get("lastError") else item for item in kept]
