# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Prometheus for tests: a healthy one, and what it answers otherwise. States that a real one is rarely in."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ansible_collections.incident.response.plugins.module_utils.checks.prometheus_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from http_servers import Server, Visit, serving

REQUESTS = "increase(http_requests_total"
"""A part of the queries for requests."""
NEVER = "0001-01-01T00:00:00Z"
HTML = b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
METRICS = """# TYPE prometheus_build_info gauge
prometheus_build_info{version="2.42.0"} 1
process_start_time_seconds %f
prometheus_config_last_reload_successful 1
prometheus_notifications_dropped_total 0
prometheus_tsdb_head_samples_appended_total{type="float"} 5000
"""


def stamp(ago: float = 0.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - ago)) + ".123456789Z"


def vector(*rows: tuple[dict[str, str], Any]) -> dict[str, Any]:
    """The data of a query; values are words, as in the real one."""
    return {
        "resultType": "vector",
        "result": [{"metric": labels, "value": [time.time(), str(value)]} for labels, value in rows],
    }


def traffic(**jobs: dict[str, Any]) -> dict[str, Any]:
    """Rows of a window: job -> class of a status -> requests; "start" where there were data at its beginning."""
    return vector(
        *(
            ({"job": job, **({"incident_class": kind} if kind else {})}, value)
            for job, each in jobs.items()
            for kind, value in each.items()
        )
    )


def target(job: str, instance: str, health: str = "up", error: str = "", interval: str = "15s") -> dict[str, Any]:
    return {
        "discoveredLabels": {"__meta_note": "canary-discovered"},
        "labels": {"job": job, "instance": instance},
        "scrapePool": job,
        "scrapeUrl": f"http://{instance}/metrics?token=canary-in-a-query",
        "lastError": error,
        "lastScrape": stamp(5),
        "health": health,
        "scrapeInterval": interval,
    }


def rule(name: str, kind: str = "recording", health: str = "ok", error: str = "", ago: float = 5.0) -> dict[str, Any]:
    found = {"name": name, "type": kind, "health": health, "lastEvaluation": stamp(ago)}
    return {**found, **({"lastError": error} if error else {})}


def group(*rules: dict[str, Any], ago: float = 5.0, interval: int = 15) -> dict[str, Any]:
    return {
        "groups": [
            {"name": "shop", "file": "rules.yml", "interval": interval, "lastEvaluation": stamp(ago), "rules": rules}
        ]
    }


def alert(name: str, state: str = "firing", severity: str = "critical", **labels: str) -> dict[str, Any]:
    found = {"labels": {"alertname": name, "severity": severity, **labels}, "annotations": {"summary": f"{name} it is"}}
    return {**found, "state": state, "activeAt": stamp(60), "value": "1e+00"}


class Answer:
    """An answer as it is, in place of data in the envelope of the API."""

    def __init__(self, body: bytes, status: int = 200, *headers: str) -> None:
        self.body = body
        self.status = status
        self.headers = headers


def error(status: int, kind: str, text: str = "so it is") -> Answer:
    return Answer(json.dumps({"status": "error", "errorType": kind, "error": text}).encode(), status)


def absent() -> Answer:
    return Answer(b"404 page not found\n", 404)


def healthy() -> dict[str, Any]:
    """Path, or a part of a query -> data, or an Answer. The first part that is in a query counts."""
    now = time.time()
    return {
        "/-/ready": Answer(b"Prometheus Server is Ready.\n"),
        "/metrics": Answer((METRICS % (now - 7200)).encode()),
        "/api/v1/status/buildinfo": {"version": "2.42.0"},
        "/api/v1/status/runtimeinfo": {
            "startTime": stamp(7200),
            "reloadConfigSuccess": True,
            "lastConfigTime": stamp(7200),
            "storageRetention": "15d",
        },
        "/api/v1/status/tsdb": {
            "headStats": {"numSeries": 1000, "maxTime": int((now - 5) * 1000)},
            "seriesCountByMetricName": [{"name": "up", "value": 4}],
        },
        "/api/v1/rules": group(rule("a")),
        "/api/v1/alerts": {"alerts": []},
        "/api/v1/alertmanagers": {"activeAlertmanagers": [{"url": "http://am:9093/api/v2/alerts"}]},
        "/api/v1/targets": {"activeTargets": [target("shop", "shop:80")], "droppedTargets": []},
        "/api/v1/labels": ["__name__", "instance", "job", "status"],
        "ALERTS": vector(),
        "max_over_time": vector(),
        "notifications_dropped": vector(),
        "node_timex": vector(),
        "node_time": vector(),
        "histogram_quantile": vector(
            ({"job": "shop", "incident_class": "p99"}, "0.2"), ({"job": "shop", "incident_class": "count"}, "600")
        ),
        REQUESTS: traffic(shop={"2xx": 600, "start": 1}),
        "== 0": vector(),
        "count by (job) (up": vector(
            ({"job": "shop", "incident_class": "all"}, 1),
            ({"job": "shop", "incident_class": "up"}, 1),
            ({"job": "shop", "incident_class": "start"}, 1),
        ),
        "time()": {"resultType": "scalar", "result": [now, f"{now:.3f}"]},
    }


class Stub:
    """Answers as a Prometheus does; changes: what differs from a healthy one. asked: its queries."""

    def __init__(self, changes: dict[str, Any], prefix: str = "", whole: dict[str, Any] | None = None) -> None:
        self.answers = {**changes, **{k: v for k, v in (whole or healthy()).items() if k not in changes}}
        self.prefix = prefix
        self.asked: list[str] = []

    def __call__(self, visit: Visit) -> None:
        path, _mark, query = visit.path.partition("?")
        path = path.removeprefix(self.prefix)
        if path == "/api/v1/query":
            text = urllib.parse.parse_qs(query)["query"][0]
            self.asked.append(text)
            found = next((value for key, value in self.answers.items() if key[0] != "/" and key in text), None)
        else:
            found = self.answers.get(path)
        if "*" in self.answers:
            found = self.answers["*"]
        if found is None:
            found = absent()
        if callable(found):
            found(visit)
        elif isinstance(found, Answer):
            visit.answer(found.body, found.status, *found.headers)
        elif isinstance(found, dict) and "status" in found:
            visit.answer(json.dumps(found).encode())
        else:
            visit.answer(json.dumps({"status": "success", "data": found}).encode())


@contextlib.contextmanager
def stub(changes: dict[str, Any] | None = None, **more: Any) -> Iterator[tuple[Server, Stub]]:
    answers = Stub(changes or {}, **more)
    with serving(answers) as server:
        yield server, answers


def look(url: str, **options: Any) -> dict[str, Any]:
    """One run of the check with its defaults, as a module would run it."""
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    return perform(CHECK, {**params, "url": url, "deadline": 20.0, **options})


def looked(changes: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """A look at a healthy Prometheus with these changes."""
    with stub(changes) as (server, _answers):
        return look(server.url(""), **options)


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"].removeprefix("prometheus.") for finding in result["findings"])


def finding(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in result["findings"] if found["id"] == f"prometheus.{name}")
