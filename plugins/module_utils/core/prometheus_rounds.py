# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a Prometheus in which round, and what of an earlier round a question depends on. Pure."""

from __future__ import annotations

from .prometheus_facts import server_now, settled_at
from .prometheus_queries import (
    DROPPED_WINDOW,
    TOP,
    alert_counts,
    clocks,
    dropped,
    dropped_then,
    duration,
    instant,
    label_names,
    latency,
    restarts,
    traffic,
    up,
    windows,
)
from .prometheus_queries import matchers as chosen
from .prometheus_settings import Settings
from .prometheus_snapshot import Snapshot

METRICS = "metrics"
"""The question for the server's own page of metrics."""
NOT_READY = {"walreplay": "/api/v1/status/walreplay", METRICS: "/metrics"}
"""What a server answers that is not ready yet: name of a part -> path."""
QUERIED = {
    "server": ("buildinfo",),
    "alerts": ("alert_counts",),
    "targets": ("up", "down", "clocks", "offsets"),
    "services": ("labels", "restarts"),
}
"""Part of a look -> questions that can be asked about any moment."""
PRESENT = {
    "server": ("runtimeinfo", "tsdb"),
    "rules": ("rules",),
    "alerts": ("alerts", "rules"),
    "alertmanagers": ("alertmanagers", "rules", "runtimeinfo"),
    "targets": ("targets",),
}
"""Part of a look -> questions that are answered as of now only."""


def clock(settings: Settings) -> dict[str, str]:
    """The simplest question that there is: whether this is a Prometheus, and what time it has."""
    return {"clock": instant("time()", settings, at=False)}


def first_round(settings: Settings, now: float, queries: bool = True) -> dict[str, str]:
    """What is asked at once of a server that is ready: name of a question -> path. queries: it answers those."""
    apart, drift = clocks(settings)
    known = {
        "buildinfo": "/api/v1/status/buildinfo",
        "runtimeinfo": "/api/v1/status/runtimeinfo",
        "tsdb": f"/api/v1/status/tsdb?limit={TOP}",
        "rules": "/api/v1/rules?exclude_alerts=true",
        "alerts": "/api/v1/alerts",
        "alertmanagers": "/api/v1/alertmanagers",
        "targets": "/api/v1/targets?state=active",
        "alert_counts": instant(alert_counts(), settings),
        "up": instant(up(settings), settings),
        "down": instant(f"topk({settings.max_rows}, up{chosen(settings)} == 0)", settings),
        "clocks": instant(apart, settings),
        "offsets": instant(drift, settings),
        "labels": label_names(settings, now),
        "restarts": instant(restarts(settings), settings),
    }
    wanted = [name for part in settings.parts for name in QUERIED.get(part, ())] if queries else []
    if settings.at is None:
        wanted += [name for part in settings.parts for name in PRESENT.get(part, ())]
    return {METRICS: "/metrics", **{name: known[name] for name in wanted}}


def second_round(settings: Settings, snapshot: Snapshot, labels: tuple[str, ...]) -> dict[str, str]:
    """What is asked once the labels of requests and the start of the server are known."""
    asked = _notifications(settings, snapshot) if settings.looks_at("alertmanagers") else {}
    if not settings.looks_at("services"):
        return asked
    asked["latency"] = instant(latency(settings), settings)
    found = snapshot.data("labels")
    if not isinstance(found, list) or found:
        asked["past"] = instant(traffic(settings, labels, settings.window, settings.compare_offset), settings)
        for window in windows(settings):
            asked[f"traffic {duration(window)}"] = instant(traffic(settings, labels, window), settings)
    return asked


def _notifications(settings: Settings, snapshot: Snapshot) -> dict[str, str]:
    """What this server dropped since it has settled: by the series that it has of itself."""
    if settings.at is not None:
        return {"dropped": instant(dropped_then(settings), settings)}
    began, settled, now = (
        (snapshot.metrics or {}).get("process_start_time_seconds"),
        settled_at(snapshot, settings),
        server_now(snapshot),
    )
    if began is None or settled is None or now is None or now <= settled:
        return {}
    return {"dropped": instant(dropped(began, min(DROPPED_WINDOW, now - settled)), settings)}
