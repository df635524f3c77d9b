# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prometheus_health_info against a server in states that a real one is rarely in: none of them is taken for health."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import prometheus_stub as made
import pytest
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from http_servers import Visit, deaf, serving
from prometheus_stub import Answer, alert, finding, group, ids, look, looked, rule, stub, target, traffic, vector

REQUESTS = made.REQUESTS
STALE = {"max": 40, "min": 2, "current": 21}


def test_a_healthy_server_is_silent() -> None:
    result = looked()
    assert ids(result) == []
    row = result["snapshot"]["services"][0]
    assert row["errors_per_100"] == {f"{n}s": 0.0 for n in (300, 1800, 3600, 7200, 21600, 86400, 259200)}
    assert row["p99_ms"] == 200.0
    assert row["insufficient"] == {}


# Not ready, not there, somebody else


def test_a_replay_is_told_with_its_progress() -> None:
    young = {**made.healthy(), "/metrics": Answer((made.METRICS % (time.time() - 60)).encode())}
    old = {**young, "/metrics": Answer((made.METRICS % (time.time() - 900)).encode())}
    waiting = {
        "/-/ready": Answer(b"Service Unavailable", 503),
        "/api/v1/status/walreplay": STALE,
        "time()": Answer(b"Service Unavailable", 503),
    }
    for whole, state in ((young, "warning"), (old, "critical")):
        with stub(waiting, whole=whole) as (server, _answers):
            result = look(server.url(""))
        assert ids(result) == ["server.replaying"]
        replay = finding(result, "server.replaying")
        assert (replay["state"], replay["observed"]["percent"]) == (state, 50)
        assert "50 % done" in replay["summary"]


def test_not_ready_without_a_replay() -> None:
    down = Answer(b"Service Unavailable", 503)
    done = {"min": 2, "max": 40, "current": 40}
    result = looked({"/-/ready": down, "/api/v1/status/walreplay": done, "time()": down})
    assert ids(result) == ["server.not_ready"]
    assert ids(looked({"/-/ready": down, "time()": down})) == ["server.not_ready"]


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"*": Answer(made.HTML)}, "page"),
        ({"*": Answer(b"<html><form><input type=password></form></html>")}, "login"),
        ({"*": Answer(made.HTML, 502)}, "proxy"),
        ({"*": Answer(made.HTML, 503)}, "proxy"),
        ({"*": made.absent()}, "path"),
        ({"*": Answer(b'{"status":"deprecated","error":"v1 is gone"}', 410)}, "alertmanager"),
        ({"time()": made.absent(), "/metrics": Answer(b"alertmanager_build_info 1\n")}, "alertmanager"),
        ({"*": Answer(b"hello")}, "other"),
        ({"*": Answer(b'{"status":"success","data":null}')}, "other"),
        ({"*": Answer(b'{"status":"success","data":' + b"[" * 5000)}, "other"),
    ],
)
def test_whoever_else_answers_is_named(changes: dict[str, Any], kind: str) -> None:
    result = looked(changes)
    assert ids(result) == ["server.unexpected"]
    assert finding(result, "server.unexpected")["details"]["kind"] == kind
    assert result["status"] == "critical"


def test_somebody_else_is_asked_hardly_anything() -> None:
    with stub({"*": Answer(made.HTML)}) as (server, _answers):
        look(server.url(""))
        assert len(server.requests) == 3


def test_a_server_that_answers_no_query_is_judged_by_its_pages() -> None:
    started = time.monotonic()
    info = {"startTime": made.stamp(7200), "reloadConfigSuccess": False}
    changes = {"time()": lambda visit: visit.ended.wait(20), "/api/v1/status/runtimeinfo": info}
    result = looked(changes, timeout=1.0, read_timeout=2.0)
    assert ids(result) == ["config.reload_failed", "unmeasured"]
    assert list(finding(result, "unmeasured")["details"]["parts"]) == ["queries"]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("where", ["/-/ready", "time()"])
def test_a_login_that_is_missing_is_unknown(where: str) -> None:
    result = looked({where: Answer(b"no", 401)})
    assert ids(result) == ["auth.rejected"]
    assert result["status"] == "unknown"


def test_silence_costs_its_timeout_once() -> None:
    started = time.monotonic()
    with deaf() as port:
        result = look(f"http://127.0.0.1:{port}", timeout=0.5, read_timeout=1.0)
    assert ids(result) == ["server.unreachable"]
    assert finding(result, "server.unreachable")["details"]["kind"] == "silent"
    assert time.monotonic() - started < 5


def test_slow_bytes_end_with_the_deadline() -> None:
    started = time.monotonic()
    slow = {"/api/v1/rules": lambda visit: (visit.send(b"HTTP/1.1 200 X\r\n\r\n"), visit.forever(b" ", 0.1))}
    result = looked(slow, read_timeout=30.0, deadline=2.0, timeout=1.0, connect_timeout=1.0)
    assert time.monotonic() - started < 8
    assert "unmeasured" in ids(result)
    assert result["snapshot"]["targets"]["active"] == 1, "what was read by then stays, and the rest is unknown"


# Credentials and secrets


def test_credentials_stay_at_home() -> None:
    with serving(lambda visit: visit.answer(made.HTML)) as other:
        away = Answer(b"", 302, f"Location: {other.url('/login')}")
        with stub({"*": away}) as (server, _answers):
            result = look(
                server.url(""), username="probe", password="canary-Pw7x", secret_headers={"X-Key": "canary-Kq2z"}
            )
        seen = "".join(other.requests)
    assert "Authorization" not in seen
    assert "canary" not in seen
    assert finding(result, "server.unexpected")["details"]["kind"] == "login"
    assert "canary" not in json.dumps(result)


def test_headers_and_token_reach_the_server_at_its_prefix() -> None:
    with stub(prefix="/mimir/prometheus") as (server, _answers):
        result = look(server.url("/mimir/prometheus/"), bearer_token="canary-Tk9p", headers={"X-Scope-OrgID": "shop"})
        requests = list(server.requests)
    assert ids(result) == []
    assert all("X-Scope-OrgID: shop" in text and "Bearer canary-Tk9p" in text for text in requests)
    assert all(text.startswith("GET /mimir/prometheus/") for text in requests)


def test_what_errors_and_urls_hold_is_hidden() -> None:
    why = 'Get "http://root:canary-Lg5d@shop:80/metrics?token=canary-Qz8w": dial tcp: connection refused'
    down = {"activeTargets": [target("shop", "shop:80", "down", why)]}
    result = looked({"/api/v1/targets": down})
    assert ids(result) == ["job.down"]
    assert "connection refused" in finding(result, "job.down")["summary"]
    assert "canary" not in json.dumps(result)


def test_hostile_text_is_inert() -> None:
    down = {"activeTargets": [target("sh\x1b[31mop{{ 1 }}", "a:1", "down", "no\x00\n\x1b]0;x\x07pe")]}
    text = json.dumps(looked({"/api/v1/targets": down}))
    assert "\\u001b" not in text
    assert "\\u0000" not in text


# The server


def test_a_frontend_lacks_parts_and_only_those_are_unknown() -> None:
    lacking = ("status/runtimeinfo", "status/tsdb", "status/buildinfo", "targets", "alertmanagers")
    changes: dict[str, Any] = {f"/api/v1/{name}": made.absent() for name in lacking}
    changes["/metrics"] = Answer(b"cortex_build_info 1\n")
    changes["/-/ready"] = made.absent()
    errors = {REQUESTS: traffic(shop={"2xx": 90, "5xx": 10, "start": 1})}
    result = looked({**changes, **errors}, burn_windows=[])
    assert ids(result) == ["errors.ratio", "unmeasured"]
    assert set(finding(result, "unmeasured")["details"]["parts"]) == {
        "state of the server",
        "cardinality",
        "targets",
        "alertmanagers",
    }
    declared = looked(changes, parts=["rules", "alerts", "services"])
    assert ids(declared) == []


def test_a_reload_that_failed() -> None:
    info = {"startTime": made.stamp(7200), "reloadConfigSuccess": False, "lastConfigTime": made.stamp(3600)}
    assert ids(looked({"/api/v1/status/runtimeinfo": info})) == ["config.reload_failed"]


@pytest.mark.parametrize(
    ("newest", "up_for", "found"),
    [(5, 7200, []), (400, 7200, ["warning"]), (900, 7200, ["critical"]), (90_000, 60, []), (None, 7200, ["critical"])],
)
def test_ingestion_counts_from_the_start_at_the_earliest(newest: float | None, up_for: float, found: list) -> None:
    """A server that was off for a day has old samples until its first scrape. An empty head has the lowest number."""
    at = -(2**63) if newest is None else int((time.time() - newest) * 1000)
    changes = {
        "/api/v1/status/tsdb": {"headStats": {"maxTime": at}},
        "/api/v1/status/runtimeinfo": {"startTime": made.stamp(up_for), "reloadConfigSuccess": True},
    }
    result = looked(changes)
    assert [item["state"] for item in result["findings"]] == found
    assert ids(result) == ["ingestion.stopped"] * len(found)


def test_a_counter_that_stands_since_an_earlier_look() -> None:
    future = {"/api/v1/status/tsdb": {"headStats": {"maxTime": int((time.time() + 86400) * 1000)}}}
    began = looked()["samples"][0]["started"]
    past = {"at": time.time() - 700, "appended": 5000, "started": began}
    changes = {**future, "/api/v1/status/runtimeinfo": {"startTime": made.stamp(7200), "reloadConfigSuccess": True}}
    assert ids(looked(changes, history=[past])) == ["ingestion.stopped"]
    assert ids(looked(changes, history=[{**past, "appended": 4000}])) == []
    assert ids(looked(changes, history=[{**past, "started": began - 500}])) == []


def test_rules_that_fail_and_rules_that_are_late() -> None:
    why = "found duplicate series for the match group {} on the right hand-side"
    broken = group(rule("a"), rule("Full", "alerting", "err", why))
    result = looked({"/api/v1/rules": broken})
    assert ids(result) == ["rule.failing"]
    assert finding(result, "rule.failing")["severity"] == "P2", "an alert that can't fire"
    assert ids(looked({"/api/v1/rules": group(rule("a", ago=600), ago=600)})) == ["rule.stale"]
    fresh = {"groups": [{"name": "n", "interval": 15, "lastEvaluation": made.NEVER, "rules": [rule("a", ago=3)]}]}
    assert ids(looked({"/api/v1/rules": fresh})) == []
    assert ids(looked({"/api/v1/rules": {"groups": None}})) == []


def test_nobody_to_tell_matters_where_there_is_something_to_tell() -> None:
    nobody = {"/api/v1/alertmanagers": {"activeAlertmanagers": [], "droppedAlertmanagers": None}}
    assert ids(looked(nobody)) == []
    assert ids(looked({**nobody, "/api/v1/rules": group(rule("Full", "alerting"))})) == ["alertmanager.none"]
    info = {"startTime": made.stamp(7200), "lastConfigTime": made.stamp(10), "reloadConfigSuccess": True}
    young = {**nobody, "/api/v1/rules": group(rule("Full", "alerting")), "/api/v1/status/runtimeinfo": info}
    result = looked(young)
    assert ids(result) == [], "it has read its configuration 10 seconds ago"
    assert any("was not judged" in text for text in result["measured"])


def test_dropped_notifications_by_its_series_by_history_or_unknown() -> None:
    lost = {"notifications_dropped": vector(({"instance": "localhost:9090"}, "3.2"))}
    assert ids(looked(lost)) == ["notifications.dropped"]
    page = (made.METRICS % (time.time() - 7200)).replace("dropped_total 0", "dropped_total 7")
    itself = {"/metrics": Answer(page.encode())}
    assert looked(itself)["status"] == "unknown"
    began = looked(itself)["samples"][0]["started"]
    earlier = {"at": time.time() - 120, "started": began, "dropped": 7}
    assert ids(looked(itself, history=[earlier])) == []
    assert looked(itself, history=[{**earlier, "dropped": 5}])["status"] == "critical"


def test_a_clock_that_is_wrong() -> None:
    wrong = time.time() + 40
    behind = {"time()": {"resultType": "scalar", "result": [wrong, str(wrong)]}}
    result = looked(behind, thresholds={"ingestion_seconds": {"warn": 900, "crit": 900}}, parts=["services"])
    assert ids(result) == ["clock.skew"]
    assert result["status"] == "critical"
    node = {"node_timex": vector(({"instance": "db:9100", "job": "node"}, "0.2"))}
    skew = finding(looked(node, components={"db:9100": "db"}), "clock.skew")
    assert (skew["component"], skew["state"]) == ("db", "warning")


# Alerts


def test_alerts_are_facts_and_findings_only_on_demand() -> None:
    changes = {
        "/api/v1/alerts": {
            "alerts": [
                alert("Full", job="shop"),
                alert("Slow", "pending", "warning"),
                alert("Watchdog", severity="none"),
                alert("Note", severity="info"),
            ]
        },
        "/api/v1/rules": group(rule("Watchdog", "alerting")),
    }
    result = looked(changes)
    assert ids(result) == []
    assert (result["snapshot"]["alerts"]["firing"], result["snapshot"]["alerts"]["pending"]) == (3, 1)
    asked = looked(changes, report_alerts=True, components={"shop": "shop-host"})
    assert ids(asked) == ["alert.firing"]
    assert finding(asked, "alert.firing")["component"] == "shop-host"


@pytest.mark.parametrize(
    ("said", "severity", "state"),
    [
        ("critical", "P2", "critical"),
        ("warning", "P3", "warning"),
        ("P1", "P1", "critical"),
        ("P4", "P4", "warning"),
        ("", "P3", "warning"),
    ],
)
def test_an_alert_is_as_severe_as_its_label_says(said: str, severity: str, state: str) -> None:
    result = looked({"/api/v1/alerts": {"alerts": [alert("Full", severity=said)]}}, report_alerts=True)
    assert [(item["severity"], item["state"]) for item in result["findings"]] == [(severity, state)]


def test_the_watchdog_has_to_fire() -> None:
    silent = {"/api/v1/rules": group(rule("Watchdog", "alerting"))}
    assert ids(looked(silent)) == ["watchdog.silent"]
    assert ids(looked(watchdog="Heartbeat")) == ["watchdog.silent"], "named, and there is no such rule"
    assert ids(looked({**silent, "/api/v1/alerts": made.error(500, "internal")})) == ["query.failed", "watchdog.silent"]


def test_ten_thousand_alerts_are_counted_in_bounded_memory() -> None:
    many = [alert("Full", instance=f"host-{number}:9100", job="node", note="x" * 300) for number in range(10_000)]
    body = json.dumps({"status": "success", "data": {"alerts": many}}).encode()
    tracemalloc.start()
    result = looked({"/api/v1/alerts": Answer(body)}, report_alerts=True, max_rows=50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ids(result) == ["alert.firing"]
    assert finding(result, "alert.firing")["observed"]["firing"] == 10_000
    assert len(result["snapshot"]["alerts"]["listed"]) == 50
    assert len(json.dumps(result)) < 1024 * 1024
    assert peak < 200 * 1024**2


def test_ten_thousand_alerts_of_different_names_take_no_time() -> None:
    many = {"alerts": [alert(f"Full{number}", job="node") for number in range(10_000)]}
    started = time.monotonic()
    result = looked({"/api/v1/alerts": many}, report_alerts=True, max_rows=50)
    assert len(result["findings"]) == 50
    assert result["snapshot"]["left_out"] == {"prometheus.alert.firing": 9950}
    assert time.monotonic() - started < 15


def test_more_than_is_read_is_counted_by_a_query() -> None:
    endless = Answer(b'{"status":"success","data":{"alerts":["' + b"x" * (17 * 1024**2) + b'"]}}')
    counts = vector(({"alertname": "Full", "alertstate": "firing", "severity": "critical"}, "200000"))
    result = looked({"/api/v1/alerts": endless, "ALERTS": counts})
    assert ids(result) == []
    assert result["snapshot"]["alerts"]["firing"] == 200_000


# Queries


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [(400, "bad_data", "400"), (422, "execution", "422"), (503, "timeout", "503"), (429, "limited", "429")],
)
def test_why_a_query_failed_is_told_apart(status: int, kind: str, word: str) -> None:
    result = looked({REQUESTS: made.error(status, "too_many_requests" if status == 429 else kind)})
    assert ids(result) == ["query.failed"]
    failed = finding(result, "query.failed")
    assert failed["observed"]["kind"] == kind
    assert word in failed["summary"]
    assert result["status"] == "unknown"
    assert result["snapshot"]["services"][0]["errors_per_100"]["300s"] == "insufficient_data"


def test_warnings_are_partial_data_and_infos_are_notes() -> None:
    whole = {"status": "success", "data": traffic(shop={"2xx": 600, "start": 1})}
    partial = {**whole, "warnings": ["store eu-1: connection refused"], "infos": ["not a counter"]}
    result = looked({REQUESTS: partial})
    assert ids(result) == ["query.partial"]
    assert "eu-1" in json.dumps(finding(result, "query.partial")["evidence"])
    assert ids(looked({REQUESTS: {**whole, "infos": ["not a counter"]}})) == []


def shop(**classes: Any) -> dict[str, Any]:
    return {REQUESTS: traffic(shop={kind.lstrip("_"): value for kind, value in classes.items()})}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (shop(_2xx=600, start=1), 0.0),
        (shop(_2xx=599, _5xx=0, start=1), 0.0),
        (shop(_5xx=600, start=1), 100.0),
        (shop(_2xx=10, _5xx=9, start=1), "insufficient_data"),
        (shop(_5xx="NaN", _2xx="NaN", start=1), "insufficient_data"),
        (shop(_5xx="+Inf", _2xx=5, start=1), "insufficient_data"),
        (shop(start=1), "insufficient_data"),
        ({REQUESTS: traffic(shop={"": 600, "start": 1})}, "insufficient_data"),
        ({REQUESTS: vector()}, None),
    ],
)
def test_no_data_are_never_zero(changes: dict[str, Any], expected: Any) -> None:
    result = looked({**changes, "/api/v1/labels": ["job", "status"]}, burn_windows=[])
    rows = result["snapshot"]["services"]
    found = {row["job"]: row["errors_per_100"]["300s"] for row in rows}.get("shop")
    assert found == (expected if expected is not None else "insufficient_data")
    assert ids(result) == (["errors.ratio"] if expected == 100.0 else [])


def burning(**by_window: tuple[float, float, bool]) -> dict[str, Any]:
    """Window in seconds, with w before it -> requests, errors, and whether there were data at its beginning."""
    found = {}
    for window, (total, errors, covered) in by_window.items():
        classes = {"2xx": total - errors, "5xx": errors, **({"start": 1} if covered else {})}
        found[f"[{window[1:]}s]))"] = traffic(shop=classes)
        found[f"[{window[1:]}s])"] = traffic(shop=classes)
    return found


@pytest.mark.parametrize(
    ("windows", "severity"),
    [
        ({"w3600": (10_000, 150, True), "w300": (1000, 9, True)}, None),
        ({"w3600": (10_000, 150, True), "w300": (1000, 15, True)}, "P1"),
        ({"w3600": (10_000, 150, False), "w300": (1000, 15, True)}, None),
        ({"w3600": (10_000, 150, True), "w300": (10, 10, True)}, None),
        ({"w21600": (10_000, 70, True), "w1800": (1000, 7, True)}, "P2"),
        ({"w86400": (10_000, 40, True), "w7200": (1000, 4, True)}, "P3"),
        ({"w259200": (10_000, 20, True), "w21600": (10_000, 20, True)}, "P4"),
    ],
)
def test_both_windows_burn_or_none_does(windows: dict[str, Any], severity: str | None) -> None:
    result = looked(burning(**windows), thresholds={"errors_per_100": {"warn": 50, "crit": 60}})
    assert [item["severity"] for item in result["findings"] if item["id"].endswith("burn")] == (
        [severity] if severity else []
    )


BEFORE = "offset 3600s"


@pytest.mark.parametrize(
    ("before", "now", "up", "expected"),
    [
        ({"2xx": 600, "start": 1}, {"2xx": 600, "start": 1}, 1, []),
        ({"2xx": 600, "start": 1}, {"2xx": 200, "start": 1}, 1, ["warning"]),
        ({"2xx": 600, "start": 1}, {"2xx": 6, "start": 1}, 1, ["critical"]),
        ({"2xx": 600, "start": 1}, None, 1, ["critical"]),
        ({"2xx": 600, "start": 1}, None, 0, []),
        ({"2xx": 600, "start": 1}, None, None, []),
        ({"2xx": 600}, {"2xx": 6, "start": 1}, 1, []),
        ({"2xx": 600, "start": 1}, {"2xx": 6}, 1, []),
        ({"2xx": 20, "start": 1}, {"2xx": 9, "start": 1}, 1, []),
        ({"2xx": 10, "start": 1}, {"2xx": 0, "start": 1}, 1, []),
    ],
)
def test_a_cliff_is_a_drop_that_somebody_measured(before: Any, now: Any, up: int | None, expected: list[str]) -> None:
    classes = {"all": 1, "up": up or 0, "start": 1}
    rows = [({"job": "shop", "incident_class": kind}, number) for kind, number in classes.items()]
    changes = {
        BEFORE: traffic(shop=before),
        REQUESTS: traffic(**({"shop": now} if now else {})),
        "count by (job) (up": vector(*(rows if up is not None else [])),
        "histogram_quantile": vector(),
    }
    result = looked(changes, burn_windows=[])
    assert [item["state"] for item in result["findings"]] == expected
    assert ids(result) == ["traffic.cliff"] * len(expected)


def test_a_prometheus_that_was_just_started_sees_no_cliff() -> None:
    """It has the traffic of an hour ago, and one sample of each series by now."""
    young = vector(({"job": "shop", "incident_class": "all"}, 1), ({"job": "shop", "incident_class": "up"}, 1))
    changes = {BEFORE: traffic(shop={"2xx": 600, "start": 1}), REQUESTS: vector(), "count by (job) (up": young}
    assert ids(looked(changes, burn_windows=[])) == []


def test_names_with_brackets_are_names() -> None:
    down = {"activeTargets": [target("shop", "[::1]:80", "down"), target("shop", "[::2]:80")]}
    assert ids(looked({"/api/v1/targets": down})) == ["target.down"]
    assert ids(looked({"/api/v1/targets": down}, expected_down=["shop/[::1]:*"])) == []


@pytest.mark.parametrize(
    ("p99", "number", "state"),
    [
        ("0.4", 600, ""),
        ("1.5", 600, "warning"),
        ("4", 600, "critical"),
        ("+Inf", 600, "critical"),
        ("4", 10, ""),
        ("NaN", 0, ""),
    ],
)
def test_latency_needs_requests(p99: str, number: int, state: str) -> None:
    rows = [({"job": "shop", "incident_class": "p99"}, p99), ({"job": "shop", "incident_class": "count"}, number)]
    result = looked({"histogram_quantile": vector(*rows)})
    assert ids(result) == (["latency.p99"] if state else [])
    assert [item["state"] for item in result["findings"]] == ([state] if state else [])
    json.dumps(result, allow_nan=False)


def test_a_declared_metric_that_is_nowhere_is_unknown() -> None:
    nowhere = {"/api/v1/labels": [], "histogram_quantile": vector()}
    result = looked(nowhere)
    assert ids(result) == []
    assert any("were not measured" in text for text in result["measured"])
    declared = looked(nowhere, requests_metric="shop_requests_total", latency_metric="shop_seconds")
    assert set(finding(declared, "unmeasured")["details"]["parts"]) == {"requests", "latency"}


def test_an_old_server_that_lists_no_labels_is_asked_for_all_of_them() -> None:
    with stub({"/api/v1/labels": made.absent()}) as (server, answers):
        assert ids(look(server.url(""))) == []
    query = next(text for text in answers.asked if "increase(http_requests_total" in text)
    assert all(f'"{label}"' in query for label in ("status", "code", "http_status_code"))


def test_looking_back_asks_for_that_moment_and_leaves_out_what_is_of_now() -> None:
    broken = {"/api/v1/rules": group(rule("a", health="err")), "== 0": vector(({"job": "shop", "instance": "a:1"}, 0))}
    with stub(broken) as (server, _answers):
        result = look(server.url(""), at="2026-11-28T12:00:00Z")
        paths = [text.split(" ")[1] for text in server.requests]
    assert ids(result) == ["job.down"]
    queries = [path for path in paths if path.startswith("/api/v1/query") and "time%28%29&" not in path]
    assert queries
    assert all("time=1795867200.000" in path for path in queries)
    assert not [path for path in paths if "/rules" in path or "/targets" in path]


def test_many_jobs_are_capped_and_counted() -> None:
    jobs = {f"job-{number}": {"2xx": 50, "5xx": 50, "start": 1} for number in range(300)}
    result = looked({REQUESTS: traffic(**jobs)}, max_rows=20, burn_windows=[])
    assert ids(result) == ["errors.ratio"] * 20
    assert "280 more findings prometheus.errors.ratio are not listed" in result["measured"]
    assert len(result["snapshot"]["services"]) == 20


def test_names_go_into_queries_as_they_are_meant() -> None:
    with stub() as (server, answers):
        look(server.url(""), jobs=['sh"op*', "a.b"], exclude_jobs=["x\\y"])
    query = next(text for text in answers.asked if "increase(http_requests_total" in text)
    assert 'http_requests_total{job=~"sh\\\\\\"op.*|a\\\\.b",job!~"x\\\\\\\\y"}' in query


def test_several_jobs_at_once_point_to_the_network() -> None:
    every = {"activeTargets": [target(name, f"{name}:80", "down", "no route to host") for name in "abcd"]}
    result = looked({"/api/v1/targets": every})
    assert ids(result) == ["job.down"] * 4
    assert all(item["causes"][0].startswith("network or DNS of Prometheus") for item in result["findings"])


def test_a_job_that_is_scraped_too_rarely() -> None:
    slow = {"/api/v1/targets": {"activeTargets": [target("shop", "shop:80", interval="2m")]}}
    assert ids(looked(slow)) == ["window.short"]
    assert ids(looked(slow, window="8m")) == []


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://host"},
        {"url": "http://user:pw@host"},
        {"url": "http://host/?query=1"},
        {"slo": 0.999},
        {"slo": 100.0},
        {"jobs": []},
        {"parts": []},
        {"window": "-5m"},
        {"window": "five"},
        {"lookback": "0"},
        {"at": "yesterday"},
        {"job_label": 'job"} or vector(1)'},
        {"requests_metric": "a b"},
        {"burn_windows": [{"long": "5m", "short": "1h", "factor": 2.0, "severity": "P2"}]},
        {"thresholds": {"latency_ms": {"warn": 5, "crit": 1}}},
        {"thresholds": {"drop_percent": {"warn": 0.5}}},
        {"max_rows": 0},
        {"min_requests": 0},
        {"deadline": 1.0},
        {"headers": {"X": "a\r\nY: b"}},
        {"ca_cert": "/nowhere.pem", "url": "https://127.0.0.1:1"},
    ],
)
def test_what_makes_no_sense_is_refused_before_anybody_is_asked(options: dict[str, Any]) -> None:
    with pytest.raises(Misuse):
        look(**{"url": "http://127.0.0.1:1", **options})


def test_null_and_missing_everywhere_is_no_error() -> None:
    empty: dict[str, Any] = {
        "/api/v1/targets": {"activeTargets": [None, {"labels": None, "health": 3, "lastError": None}]},
        "/api/v1/rules": {"groups": [{"rules": [{"name": None, "lastEvaluation": 5e300}]}, None]},
        "/api/v1/alerts": {"alerts": [{"labels": None, "annotations": 5, "activeAt": "soon"}]},
        "/api/v1/status/tsdb": {"headStats": None, "seriesCountByMetricName": None},
        "/api/v1/status/runtimeinfo": {"startTime": made.NEVER, "reloadConfigSuccess": None},
        REQUESTS: {"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {}]}, {"value": [1]}, None]},
    }
    assert ids(looked(empty)) == []


def test_a_server_in_the_middle_of_its_answer() -> None:
    def cut(visit: Visit) -> None:
        visit.send(b'HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n{"status":"succ')

    result = looked({"/api/v1/targets": cut})
    assert ids(result) == ["unmeasured"]
