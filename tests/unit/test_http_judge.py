# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http_health_info's judgement: each row of the catalogue with the twin that stays silent, and hostile answers."""

from __future__ import annotations

import json
import math
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.http_certificate import validity
from ansible_collections.incident.response.plugins.module_utils.core.http_health_body import read
from ansible_collections.incident.response.plugins.module_utils.core.http_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.http_judge_health import in_a_row, transitions
from ansible_collections.incident.response.plugins.module_utils.core.http_judge_metrics import traffic
from ansible_collections.incident.response.plugins.module_utils.core.http_judge_reach import WAYS
from ansible_collections.incident.response.plugins.module_utils.core.http_metrics import (
    BadSeries,
    Reader,
    quantile,
    since,
    status_class,
)
from ansible_collections.incident.response.plugins.module_utils.core.http_settings import THRESHOLDS, Settings
from ansible_collections.incident.response.plugins.module_utils.core.http_snapshot import (
    Attempt,
    Certificate,
    Look,
    Probe,
    Times,
)
from ansible_collections.incident.response.plugins.module_utils.core.http_summary import (
    attachments,
    sample,
    summary,
)
from ansible_collections.incident.response.plugins.module_utils.core.http_summary import (
    measured as said_to_be_measured,
)
from http_made import NOW, URL, failed, look, measured, metrics, probe

DAY = 86400.0
LAB = {
    "status": "failing",
    "service": "orders",
    "dependencies": {"postgres": {"status": "ok"}, "kafka": {"status": "failing", "error": "connection refused"}},
}


def ids(seen: Look, history: t.Sequence[t.Mapping[str, t.Any]] = (), **settings: t.Any) -> list[str]:
    return sorted(finding.id for finding in judge([seen], Settings(**settings), history))


def only(seen: Look, **settings: t.Any) -> Finding:
    found = judge([seen], Settings(**settings))
    assert len(found) == 1, [finding.id for finding in found]
    return found[0]


def outcome(marks: str) -> tuple[Probe, ...]:
    """x is a bad probe."""
    return tuple(probe(503, "") if mark == "x" else probe() for mark in marks)


def past(marks: str, ago: float = 60.0) -> dict[str, t.Any]:
    return {"at": NOW - ago, "bad": {URL: marks}, "metrics": {}}


# Nothing wrong


def test_a_healthy_endpoint_is_silent_and_says_what_was_measured() -> None:
    assert ids(look()) == []
    assert ids(measured()) == []
    said = " ".join(said_to_be_measured([measured()], Settings(), ()))
    assert "1 endpoint asked 3 times" in said
    assert "metrics of 1 of 1" in said


def test_no_endpoint_at_all() -> None:
    assert judge([]) == []
    assert (sample([]), said_to_be_measured([], Settings(), ()), attachments([])) == ([], [], {})
    assert summary([], Settings(), ())["endpoints"] == 0


# Where it can fail before there is an answer


@pytest.mark.parametrize("kind", sorted(WAYS))
def test_every_way_of_not_answering_has_its_own_finding(kind: str) -> None:
    found = only(look(failed(kind)))
    assert found.id == WAYS[kind].id
    assert found.state == "critical"
    assert found.severity == WAYS[kind].severity
    assert found.component == "shop"
    assert found.causes and found.remedies
    assert "so it was" in " ".join(found.evidence)


@pytest.mark.parametrize(
    ("kind", "severity"), [("refused", "P1"), ("dns", "P2"), ("timeout", "P1"), ("silent", "P1"), ("reset", "P1")]
)
def test_severities_are_those_of_the_catalogue(kind: str, severity: str) -> None:
    assert only(look(failed(kind))).severity == severity


def test_ways_have_distinct_ids() -> None:
    assert len({way.id for way in WAYS.values()}) == len(WAYS)


@pytest.mark.parametrize("kind", ["deadline", "failed", "something new"])
def test_what_could_not_be_looked_at_is_unknown_and_never_ok(kind: str) -> None:
    found = only(look(failed(kind)))
    assert (found.id, found.state) == ("http.unmeasured", "unknown")


def test_an_endpoint_that_was_never_asked_is_unknown() -> None:
    assert only(Look(look().endpoint, NOW)).id == "http.unmeasured"


def test_only_the_remedy_of_a_timeout_says_what_will_not_help() -> None:
    assert "restart of the service will not help" in only(look(failed("timeout"))).remedies[0].text
    assert only(look(failed("timeout")), connect_timeout=7.0).threshold == {"within_seconds": 7.0}


def attempts(*kinds: str, first: str = "10.0.0.1") -> tuple[Attempt, ...]:
    return tuple(Attempt(first if not n else f"10.0.0.{n + 1}", kind) for n, kind in enumerate(kinds))


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), []),
        (attempts("ok", "ok"), []),
        (attempts("refused", first="10.0.0.9"), ["http.connect.partial"]),
        (attempts("timeout", first="10.0.0.9"), ["http.connect.partial"]),
        (attempts("unreachable", first="2001:db8::1"), []),  # no IPv6 here: nothing is known about the server
        (attempts("refused", first="::1"), []),
        (attempts("refused", first="127.0.0.1"), []),
        (attempts("refused", first="no address"), ["http.connect.partial"]),
    ],
)
def test_one_of_several_addresses_is_dead(others: tuple[Attempt, ...], expected: list[str]) -> None:
    assert ids(look(probe(attempts=attempts("ok")), others=others)) == expected


def test_addresses_of_an_endpoint_that_is_down_are_no_second_finding() -> None:
    assert ids(look(failed("refused", attempts=attempts("refused", "refused")))) == ["http.connect.refused"]


# Health


@pytest.mark.parametrize(
    ("marks", "state"), [("x", "warning"), ("xx", "warning"), ("xxx", "critical"), ("xxxx", "critical")]
)
def test_one_bad_probe_is_a_warning_and_three_in_a_row_are_critical(marks: str, state: str) -> None:
    found = only(look(*outcome(marks)))
    assert (found.id, found.state, found.severity) == ("http.health.failing", state, "P2")
    assert found.observed["in_a_row"] == len(marks)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, []),
        (204, []),
        (299, []),
        (301, ["http.health.failing"]),
        (400, ["http.health.failing"]),
        (401, ["http.auth.rejected"]),
        (403, ["http.auth.rejected"]),
        (404, ["http.health.failing"]),
        (429, ["http.health.failing"]),
        (500, ["http.health.failing"]),
        (503, ["http.health.failing"]),
        (599, ["http.health.failing"]),
    ],
)
def test_statuses(status: int, expected: list[str]) -> None:
    assert ids(look(*[probe(status, "")] * 3)) == expected


def test_expected_statuses_replace_the_rule() -> None:
    wanted = {"expected_status": (401, 503)}
    assert ids(look(*[probe(401)] * 3, wanted=wanted)) == []
    assert ids(look(*[probe(503, json.dumps(LAB))] * 3, wanted={"expected_status": (503,)})) == ["http.health.degraded"]
    assert ids(look(*[probe(200)] * 3, wanted=wanted)) == ["http.health.failing"]


def test_a_rejected_login_is_unknown_and_says_whose_it_is() -> None:
    found = only(look(probe(401)))
    assert found.state == "unknown"
    assert "has none" in found.summary
    assert "refuses the login" in only(look(probe(403)), logs_in=True).summary


def test_the_failing_dependency_is_named() -> None:
    found = only(look(*[probe(503, json.dumps(LAB))] * 3))
    assert found.details["dependency"] == "kafka"
    assert found.details["dependencies"] == {"kafka": "connection refused"}
    assert "its dependency kafka fails" in found.summary
    assert "kafka fails: connection refused" in found.evidence
    assert "will not help" in found.remedies[0].text
    assert len(found.remedies) == 1, "nobody restarts a service whose dependency fails"


def test_two_failing_dependencies_are_not_blamed_on_one() -> None:
    body = json.dumps({"status": "failing", "dependencies": {"redis": {"status": "failing"}, "pg": {"status": "down"}}})
    found = only(look(*[probe(503, body)] * 3))
    assert found.details["dependency"] == ""
    assert set(found.details["dependencies"]) == {"redis", "pg"}


def test_a_good_status_with_a_body_that_says_down() -> None:
    found = only(look(*[probe(200, '{"status":"DOWN","components":{"db":{"status":"DOWN"}}}')] * 3))
    assert (found.id, found.details["dependency"]) == ("http.health.failing", "db")


def test_degraded_is_a_warning() -> None:
    found = only(look(*[probe(200, '{"status":"degraded","checks":{"mail":{"status":"warn","output":"slow"}}}')] * 3))
    assert (found.id, found.state, found.details["dependency"]) == ("http.health.degraded", "warning", "mail")


def test_a_part_that_fails_below_a_whole_that_is_up() -> None:
    assert ids(look(*[probe(200, '{"status":"UP","components":{"mail":{"status":"DOWN"}}}')] * 3)) == [
        "http.health.degraded"
    ]


def test_an_unexpected_body() -> None:
    wanted = {"expected_body": '"version": *"2'}
    assert ids(look(*[probe(200, '{"version": "2.1"}')] * 3, wanted=wanted)) == []
    assert ids(look(*[probe(200, "<h1>It works</h1>")] * 3, wanted=wanted)) == ["http.health.unexpected"]
    assert ids(look(*[probe(500, "<h1>It works</h1>")] * 3, wanted=wanted)) == ["http.health.failing"]


def test_bad_once_and_good_again() -> None:
    found = only(look(*outcome(".x........")))
    assert (found.id, found.state, found.severity) == ("http.health.failing", "warning", "P3")
    assert "1 of 10" in found.summary


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        ([], "...", []),
        ([], ".x.x......", ["http.health.flapping"]),
        ([], "x.x.x.x.x.", ["http.health.flapping"]),
        ([], ".x.......x", ["http.health.flapping"]),
        ([], "..x.......", ["http.health.failing"]),
        ([], "xxx.......", ["http.health.failing"]),
        (["x..", "..x"], "...", ["http.health.flapping"]),
        (["xxx", "..."], "...", []),
        (["..."], "xxx", ["http.health.failing"]),
        (["xxx"], "...", []),
        (["xxx", "..."], "xxx", ["http.health.failing"]),
        (["x..", "x.."], "x..", ["http.health.flapping"]),
    ],
)
def test_flapping_needs_three_transitions_within_ten_probes(earlier: list[str], now: str, expected: list[str]) -> None:
    history = [past(marks.replace("x", "1").replace(".", "0"), ago=60.0 * (9 - n)) for n, marks in enumerate(earlier)]
    assert ids(look(*outcome(now)), history) == expected


def test_flapping_does_not_advise_a_restart() -> None:
    found = only(look(*outcome("x.x.x.x.x.")))
    assert found.severity == "P2"
    assert all(remedy.risk == "none" for remedy in found.remedies)
    assert "x.x.x.x.x." in found.evidence[0]


def test_history_that_is_old_or_broken_or_of_others_does_not_count() -> None:
    rows: list[t.Any] = [
        past("101", ago=5000.0),
        {"at": "yesterday", "bad": {URL: "101"}},
        {"bad": {URL: "101"}},
        {"at": NOW, "bad": ["101"]},
        {"at": NOW - 1, "bad": {"http://other/": "10101"}},
        {"at": NOW - 1, "bad": {URL: None}, "metrics": None},
        {},
    ]
    assert ids(look(), rows) == []
    assert ids(measured(), rows) == []


def test_counting_outcomes() -> None:
    assert [in_a_row(row) for row in ([], [True], [True, False], [False, True, True])] == [0, 1, 0, 2]
    assert [transitions(row) for row in ([], [True], [True, False], [False, True, False])] == [0, 0, 1, 2]


# Slow, too long, somebody else


@pytest.mark.parametrize(
    ("times", "state"),
    [([999.0] * 3, None), ([1000.0] * 3, "warning"), ([3000.0] * 3, "critical"), ([5.0, 5.0, 9000.0], None)],
)
def test_slow_is_judged_by_the_median(times: list[float], state: str | None) -> None:
    found = judge([look(*[probe(ms=ms) for ms in times])])
    assert [finding.state for finding in found] == ([state] if state else [])
    assert not found or (found[0].id, found[0].severity) == ("http.health.slow", "P3")


@pytest.mark.parametrize("phase", ["dns", "connect", "tls", "ttfb"])
def test_the_slow_phase_is_named(phase: str) -> None:
    times = Times(**{phase: 1900.0}, total=2000.0)
    assert only(look(*[probe(times=times)] * 3)).details["phase"] == phase


def test_a_health_page_without_end() -> None:
    assert ids(look(*[probe(cut=True)] * 3)) == ["http.response.endless"]
    assert only(look(probe(cut=True))).state == "warning"


@pytest.mark.parametrize(
    ("server", "expected"),
    [("nginx/1.27", []), ("Caddy", ["http.server.unexpected"]), ("", ["http.server.unexpected"])],
)
def test_another_server_on_the_port(server: str, expected: list[str]) -> None:
    wanted = {"expected_headers": (("server", "^nginx"),)}
    assert ids(look(*[probe(headers={"server": server} if server else {})] * 3, wanted=wanted)) == expected


def test_who_does_not_answer_is_not_another_server() -> None:
    wanted = {"expected_headers": (("server", "^nginx"),)}
    assert ids(look(failed("refused"), wanted=wanted)) == ["http.connect.refused"]


# TLS


@pytest.mark.parametrize(
    ("left", "validate", "expected", "severity"),
    [
        (21 * DAY, True, [], ""),
        (20 * DAY - 1, True, ["http.tls.expiring"], "P3"),
        (3 * DAY, True, ["http.tls.expiring"], "P3"),
        (3 * DAY - 1, True, ["http.tls.expiring"], "P1"),
        (-1.0, False, ["http.tls.expired"], "P1"),
    ],
)
def test_a_certificate_near_its_end(left: float, validate: bool, expected: list[str], severity: str) -> None:
    found = judge([look(probe(certificate=Certificate(NOW - DAY, NOW + left)))], Settings(validate_certs=validate))
    assert [finding.id for finding in found] == expected
    assert not found or found[0].severity == severity


def test_a_certificate_that_could_not_be_read_is_not_judged() -> None:
    assert ids(look(probe(certificate=Certificate()))) == []
    assert (
        validity(b"") == validity(None) == validity(b"\x30\x82") == validity(b"\x30\x03\x30\x01\x02") == Certificate()
    )


def test_unverified_is_said() -> None:
    seen = look(wanted={"health_url": "https://shop.example/health"})
    assert "NOT verified" in " ".join(said_to_be_measured([seen], Settings(validate_certs=False), ()))


# Metrics


@pytest.mark.parametrize(
    ("ok", "bad", "expected"),
    [
        (100, 0, []),
        (199, 1, []),
        (99, 1, ["http.errors.high"]),
        (95, 4, ["http.errors.high"]),
        (95, 5, ["http.errors.high", "http.health.shallow"]),
        (0, 100, ["http.errors.high", "http.health.shallow"]),
        (0, 19, []),
        (0, 0, []),
        (10, 10, ["http.errors.high", "http.health.shallow"]),
    ],
)
def test_errors_need_twenty_requests(ok: float, bad: float, expected: list[str]) -> None:
    assert ids(measured(later={"ok": 1000.0 + ok, "bad": bad})) == expected


def test_too_few_requests_are_said_and_are_not_health() -> None:
    seen = measured(later={"ok": 1003.0})
    assert summary([seen], Settings(), ())["listed"][0]["metrics"]["errors_per_100"] == "insufficient_data"
    assert "insufficient data" in " ".join(said_to_be_measured([seen], Settings(), ()))


def test_errors_of_a_service_whose_health_fails_are_not_shallow() -> None:
    seen = measured(later={"ok": 1000.0, "bad": 100.0}, probes=outcome("xxx"))
    assert ids(seen) == ["http.errors.high", "http.health.failing"]


def test_an_earlier_look_widens_the_window() -> None:
    row = {"at": NOW - 300, "bad": {}, "metrics": {URL: {"start": NOW - 3600, "statuses": {"2": 900.0, "5": 0}}}}
    seen = measured(first={"bad": 40.0}, later={"bad": 40.0})
    assert ids(seen) == []
    assert ids(seen, [row]) == ["http.errors.high", "http.health.shallow"]
    assert traffic(seen, Settings(), [row]).seconds == 300
    other = {**row, "metrics": {URL: {"start": NOW - 9000, "statuses": {"2": 0, "5": 0}}}}
    assert "http.errors.high" not in ids(seen, [other]), "another process counted those"
    old = {**row, "at": NOW - 5000}
    assert ids(seen, [old]) == []


def test_counters_that_began_anew_are_not_negative() -> None:
    seen = measured(first={"ok": 100000.0, "bad": 9.0}, later={"ok": 30.0, "bad": 30.0})
    assert traffic(seen, Settings()).errors == 50.0


@pytest.mark.parametrize(("slow", "state"), [(0, None), (1, None), (2, "critical"), (50, "critical")])
def test_latency_is_the_99th_percentile_of_the_window(slow: float, state: str | None) -> None:
    found = judge([measured(first={"slow": 500.0}, later={"ok": 1100.0, "slow": 500.0 + slow})])
    assert [finding.state for finding in found] == ([state] if state else [])
    assert not found or found[0].id == "http.latency.high"


def test_latency_without_a_second_reading_is_not_judged() -> None:
    assert ids(look(first=metrics(NOW, slow=900.0))) == []


def test_latency_levels() -> None:
    pairs = {**THRESHOLDS, "latency_ms": {"warn": 1000, "crit": 60000}}
    found = judge([measured(later={"ok": 1100.0, "slow": 50.0})], Settings(thresholds=pairs))
    assert [(finding.state, finding.severity) for finding in found] == [("warning", "P3")]


@pytest.mark.parametrize(
    ("used", "limit", "state"),
    [
        (79, 100, None),
        (80, 100, "warning"),
        (95, 100, "critical"),
        (500, 0, None),
        (500, None, None),
        (None, 100, None),
    ],
)
def test_descriptors(used: float | None, limit: float | None, state: str | None) -> None:
    found = judge([look(first=metrics(NOW, open_fds=used, max_fds=limit))])
    assert [finding.state for finding in found] == ([state] if state else [])
    assert not found or found[0].id == "http.descriptors.high"


def starts(*ago: float) -> list[dict[str, t.Any]]:
    return [
        {"at": NOW - 600 + 60 * n, "bad": {}, "metrics": {URL: {"start": NOW - start, "statuses": {}}}}
        for n, start in enumerate(ago)
    ]


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([], None),
        (starts(3600, 3600.9), None),
        (starts(5000), None),
        (starts(9000, 5000), "warning"),
        (starts(9000, 8000, 5000), "critical"),
    ],
)
def test_restarts_within_the_lookback(history: list[dict[str, t.Any]], state: str | None) -> None:
    found = judge([measured()], Settings(), history)
    assert [finding.state for finding in found] == ([state] if state else [])
    assert not found or found[0].id == "http.process.restarted"


def test_a_restart_under_our_eyes_counts_at_once() -> None:
    seen = measured(later={"ok": 3.0, "start_time": NOW - 1})
    found = only(seen)
    assert (found.id, found.state) == ("http.process.restarted", "warning")
    assert "while it was looked at" in found.summary


def test_broken_metrics_are_a_finding_and_nothing_else_is_judged_by_them() -> None:
    seen = look(
        first=metrics(NOW - 2), later=metrics(NOW, kind="broken", message="they are an HTML page", open_fds=1024.0)
    )
    found = only(seen)
    assert (found.id, found.severity) == ("http.metrics.broken", "P3")
    assert "HTML page" in found.summary


def test_metrics_of_a_service_that_is_down_are_no_second_finding() -> None:
    seen = look(failed("refused"), first=metrics(NOW, kind="refused", message="no"))
    assert ids(seen) == ["http.connect.refused"]
    assert ids(look(first=metrics(NOW, kind="refused", message="no"))) == ["http.metrics.broken"]


@pytest.mark.parametrize("kind", ["deadline", "failed"])
def test_metrics_that_nobody_had_the_time_to_read_are_unknown(kind: str) -> None:
    found = only(look(first=metrics(NOW, kind=kind, message="no time")))
    assert (found.id, found.state) == ("http.unmeasured", "unknown")


# Series


def reader(*series: tuple[str, dict[str, str], float], **names: str) -> Reader:
    found = Reader(**names)
    for name, labels, value in series:
        found.add(name, labels, value)
    return found


def test_statuses_are_summed_by_class_and_by_the_first_name_that_is_there() -> None:
    found = reader(
        ("http_requests_total", {"status": "200"}, 5),
        ("http_requests_total", {"status": "204"}, 2),
        ("http_requests_total", {"status": "503"}, 1),
        ("http_requests_total", {"status": "what"}, 9),
        ("http_request_duration_seconds_count", {"status": "500"}, 77),
        ("process_open_fds", {}, 3),
    ).metrics(NOW)
    assert (found.statuses, found.requests_name, found.open_fds) == ({"2": 7, "5": 1}, "http_requests_total", 3)


@pytest.mark.parametrize("label", ["status", "code", "status_code", "http_status_code", "http_response_status_code"])
def test_the_label_of_the_status_goes_by_many_names(label: str) -> None:
    assert status_class({label: "503"}) == "5"
    assert status_class({label: "5xx"}) == "5"
    assert status_class({label: "50"}) == status_class({"x": "500"}) == ""


def test_other_names_of_metrics() -> None:
    found = reader(
        ("hits", {"code": "200"}, 1),
        ("http_requests_total", {"code": "200"}, 9),
        ("took_bucket", {"le": "+Inf"}, 1),
        requests="hits",
        latency="took",
    ).metrics(NOW)
    assert (found.statuses, found.buckets) == ({"2": 1}, {math.inf: 1})


@pytest.mark.parametrize(
    ("series", "why"),
    [
        ([], "no series"),
        ([("up", {"a": "1"}, 1), ("up", {"a": "1"}, 2)], "twice"),
        ([("http_requests_total", {"status": "200"}, math.nan)], "nan"),
        ([("http_requests_total", {"status": "200"}, -1)], "-1"),
        ([("process_open_fds", {}, math.inf)], "inf"),
        ([("http_request_duration_seconds_bucket", {}, 1)], "upper bound"),
        ([("http_request_duration_seconds_bucket", {"le": "many"}, 1)], "upper bound"),
        ([("http_request_duration_seconds_bucket", {"le": "1"}, 1)], r"\+Inf"),
    ],
)
def test_series_that_can_not_be_judged_by(series: list[tuple[str, dict[str, str], float]], why: str) -> None:
    with pytest.raises(BadSeries, match=why):
        reader(*series).metrics(NOW)


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ("up 1", True),
        ('up{a="b",c="d}\\"{"} -1.5e-07 1700000000000', True),
        ("a:b_total\t+Inf", True),
        ("x{} NaN", True),
        ("x .5", True),
        ('http_requests_total{status="200"} 1', False),
        ("process_open_fds 1", False),
        ("up", False),
        ("up one", False),
        ("up 1 2 3", False),
        ('up{a="b 1', False),
        ('up{a="b"}} 1', False),
        ('{"utf8.name",a="b"} 1', False),
        ("x{" * 1000, False),
        ("9up 1", False),
    ],
)
def test_only_what_is_judged_or_odd_is_left_to_the_parser(line: str, passes: bool) -> None:
    found = Reader()
    assert found.passes(line) is passes
    assert found.series == passes


def test_a_series_that_passes_twice_is_a_duplicate() -> None:
    found = Reader()
    assert found.passes('up{a="1"} 1') and found.passes('up{a="2"} 1')
    with pytest.raises(BadSeries, match="twice"):
        found.passes('up{a="1"} 2')


def test_nan_where_nothing_is_judged_by_it_is_fine() -> None:
    assert reader(("go_gc_duration_seconds", {"quantile": "0.5"}, math.nan)).metrics(NOW).series == 1
    assert reader(("process_max_fds", {}, math.inf)).metrics(NOW).max_fds == 0.0


@pytest.mark.parametrize(
    ("buckets", "q", "expected"),
    [
        ({}, 0.5, None),
        ({1.0: 0.0, math.inf: 0.0}, 0.5, None),
        ({1.0: 10.0, math.inf: 10.0}, 0.5, 0.5),
        ({1.0: 0.0, 2.0: 10.0, math.inf: 10.0}, 0.5, 1.5),
        ({1.0: 5.0, 2.0: 10.0, math.inf: 10.0}, 0.99, 1.98),
        ({1.0: 5.0, 2.0: 5.0, math.inf: 10.0}, 0.99, 2.0),
        ({math.inf: 10.0}, 0.99, 0.0),
        ({1.0: 6.0, 2.0: 5.0, math.inf: 10.0}, 0.3, 0.5),
    ],
)
def test_quantiles_are_those_of_prometheus(buckets: dict[float, float], q: float, expected: float | None) -> None:
    found = quantile(buckets, q)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_new_process_counts_from_zero() -> None:
    after = metrics(NOW, ok=5000.0, start_time=NOW - 1)
    assert since(metrics(NOW - 2, ok=1000.0), after).statuses == {"2": 5000.0, "5": 0.0}


# Bodies


@pytest.mark.parametrize(
    ("body", "state", "failing"),
    [
        (LAB, "bad", {"kafka": "connection refused"}),
        ({"status": "ok", "dependencies": {"kafka": {"status": "ok"}}}, "good", {}),
        (
            {"status": "DOWN", "components": {"db": {"status": "DOWN", "details": {"error": "timeout"}}}},
            "bad",
            {"db": "timeout"},
        ),
        (
            {"status": "DOWN", "components": {"db": {"status": "DOWN", "components": {"a": {"status": "DOWN"}}}}},
            "bad",
            {"db.a": ""},
        ),
        ({"status": "DOWN", "details": {"disk": {"status": "OUT_OF_SERVICE"}}}, "bad", {"disk": ""}),
        (
            {"status": "fail", "checks": {"pg:time": [{"status": "pass"}, {"status": "fail", "output": "late"}]}},
            "bad",
            {"pg:time": "late"},
        ),
        ({"status": "DOWN", "checks": [{"name": "mq", "status": "DOWN", "data": {"error": "x"}}]}, "bad", {"mq": "x"}),
        (
            {"status": "Unhealthy", "entries": {"sql": {"status": "Unhealthy", "description": "no login"}}},
            "bad",
            {"sql": "no login"},
        ),
        ({"status": "error", "checks": {"db": True, "redis": "error: refused"}}, "bad", {"redis": "error: refused"}),
        ({"checks": {"db": False}}, "", {"db": ""}),
        ({"healthy": False}, "bad", {}),
        ({"errors": {"db": "refused"}}, "", {"db": "refused"}),
        ({"status": "warn"}, "fair", {}),
        ({"status": "something new"}, "", {}),
        ({"status": 7, "dependencies": None, "checks": 3, "components": [None, 1, {"name": 4}]}, "", {}),
        ({}, "", {}),
    ],
)
def test_shapes_of_health_pages(body: dict[str, t.Any], state: str, failing: dict[str, str]) -> None:
    found = read(json.dumps(body))
    assert (found.state, {item.name: item.error for item in found.failing}) == (state, failing)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("", ""),
        ("OK\n", "good"),
        ("DOWN", "bad"),
        ("false", "bad"),
        ('"UP"', "good"),
        ("<html><body>error</body></html>", ""),
        ("[" * 100_000, ""),
        ('{"a":' * 5000, ""),
        ('{"status": NaN}', ""),
        ("null", ""),
        ("[]", ""),
        ("1" * 5000, ""),
    ],
)
def test_bodies_that_are_no_health_page(body: str, state: str) -> None:
    found = read(body)
    assert (found.state, found.failing) == (state, ())


def test_a_page_nested_without_end_is_bounded() -> None:
    page: dict[str, t.Any] = {"status": "DOWN"}
    for _level in range(50):
        page = {"status": "DOWN", "components": {"x": page}}
    assert len(read(json.dumps(page)).failing) == 1
    crowd = {"status": "DOWN", "checks": {f"c{n}": {"status": "DOWN"} for n in range(5000)}}
    assert len(read(json.dumps(crowd)).failing) == 20


def test_hostile_text_is_inert() -> None:
    page = {"status": "failing", "dependencies": {"k\x1b[31m": {"status": "failing", "error": "a\n\x00b" + "x" * 9999}}}
    found = only(look(*[probe(503, json.dumps(page))] * 3))
    text = json.dumps(found.to_dict())
    assert "\\u001b" not in text and "\\u0000" not in text
    assert len(text) < 5000
    body = "\x1b]0;owned\x07" + "y" * 99_999
    assert "owned" not in " ".join(only(look(*[probe(500, body)] * 3)).evidence)


# What is kept


def test_what_is_kept_of_a_look_is_what_the_next_one_reads() -> None:
    kept = sample([look(*outcome("x.x"))])
    assert kept[0]["bad"] == {URL: "101"}
    later = look(*outcome("..."), now=NOW + 60)
    assert ids(later, kept) == ["http.health.flapping"]
    assert sample([measured()])[0]["metrics"][URL] == {"start": NOW - 3600, "statuses": {"2": 1100.0, "5": 0.0}}
    assert json.loads(json.dumps(kept)) == kept


def test_the_summary_lists_the_sick_first_and_not_all() -> None:
    healthy = [look(wanted={"name": f"http://h{n}/"}) for n in range(500)]
    sick = look(failed("refused"), wanted={"name": "http://sick/"})
    found = summary([*healthy, sick], Settings(), ())
    assert (found["endpoints"], found["healthy"], len(found["listed"])) == (501, 500, 100)
    assert found["answers"] == {"ok": 500, "refused": 1}
    assert found["listed"][0]["url"] == "http://sick/"
    json.dumps(found)


def test_evidence_keeps_the_answer_of_the_sick() -> None:
    assert attachments([look()]) == {}
    kept = attachments([look(*[probe(503, json.dumps(LAB), headers={"server": "x"})] * 3)])
    assert "connection refused" in kept["answer-1.txt"] and "server: x" in kept["answer-1.txt"]


def test_findings_of_many_endpoints_have_their_components() -> None:
    looks = [look(failed("refused"), wanted={"component": name, "name": f"http://{name}/"}) for name in ("a", "b")]
    assert [(f.component, f.subject) for f in judge(looks)] == [("a", "http://a/"), ("b", "http://b/")]
    assert all(json.dumps(finding.to_dict()) for finding in judge(looks))
