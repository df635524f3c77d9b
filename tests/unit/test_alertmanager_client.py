# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""alertmanager_health_info and alertmanager_silence against a stub that says what real servers rarely say."""

from __future__ import annotations

import gzip
import json
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import alertmanager_silence
from ansible_collections.incident.response.plugins.module_utils.checks.alertmanager_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse, perform
from http_servers import Visit, deaf, refusing, serving

STATUS = {
    "cluster": {"status": "disabled", "peers": []},
    "config": {"original": "receivers:\n- name: team\n  webhook_configs:\n  - url: http://h/CANARY\n"},
    "uptime": "2026-01-01T00:00:00.123456789Z",
    "versionInfo": {"version": "0.28.1"},
}
METRICS = 'alertmanager_notifications_total{integration="webhook"} 7\nprocess_start_time_seconds 1.7e+09\n'
ANSWERS: dict[str, Any] = {
    "/api/v2/status": STATUS,
    "/api/v2/alerts": [],
    "/api/v2/silences": [],
    "/-/ready": b"OK",
    "/metrics": METRICS.encode(),
}
QUICK = {"window": 0.0, "connect_timeout": 0.5, "timeout": 0.5, "read_timeout": 1.0, "deadline": 10.0}
SLACK = 8.0
Answer = Any
"""JSON, bytes, a status, (status, bytes), or what does it all by itself."""


def stub(**changes: Answer) -> Callable[[Visit], None]:
    """A server; changes by the last word of the path, all: of every path."""
    answers = dict(ANSWERS)
    for name, answer in changes.items():
        for path in ANSWERS:
            if name in ("all", path.rpartition("/")[2]):
                answers[path] = answer

    def serve(visit: Visit) -> None:
        path = visit.path.partition("?")[0]
        reply(visit, answers[path] if path in answers else changes.get(path, 404))

    return serve


def reply(visit: Visit, answer: Answer) -> None:
    if callable(answer):
        answer(visit)
    elif isinstance(answer, int):
        visit.answer(b"no", answer)
    elif isinstance(answer, tuple):
        visit.answer(answer[1], answer[0])
    else:
        visit.answer(answer if isinstance(answer, bytes) else json.dumps(answer).encode())


def look(url: str, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    started = time.monotonic()
    result = perform(CHECK, {**params, **QUICK, "url": url, **options})
    assert time.monotonic() - started < {**QUICK, **options}["deadline"] + SLACK, "the deadline was stretched"
    return result


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def test_a_healthy_server_has_nothing_and_says_what_was_measured() -> None:
    with serving(stub()) as server:
        result = look(server.url("/"))
    assert (result["status"], ids(result), result["reachable"]) == ("ok", [], True)
    assert "alerts of 1" in result["measured"]
    assert "CANARY" not in json.dumps(result)
    assert all(request.startswith("GET ") for request in server.requests)


def test_a_prefix_a_login_and_headers_are_sent_and_never_shown() -> None:
    prefixed = {f"/am/x{path}": answer for path, answer in ANSWERS.items()}
    with serving(stub(all=404, **prefixed)) as server:
        result = look(server.url("/am/x/"), username="ann", password="s3cret-pw", headers={"X-Scope-OrgID": "team"})
    assert ids(result) == []
    assert all("Authorization: Basic" in request and "X-Scope-OrgID: team" in request for request in server.requests)
    assert "s3cret-pw" not in json.dumps(result)


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"all": 410, "/api/v1/status": 410}, "alertmanager.api.unsupported", "--web.route-prefix"),
        ({"all": 404, "/api/v1/status": {"status": "success"}}, "alertmanager.api.unsupported", ""),
        ({"all": 404}, "alertmanager.api.unsupported", "no Alertmanager is there"),
        ({"all": b"<html><body>Log in</body></html>"}, "alertmanager.response.unexpected", "a web page"),
        ({"all": {"status": "success", "data": {}}}, "alertmanager.response.unexpected", "another program"),
        ({"all": b"[[[[" * 50_000}, "alertmanager.response.unexpected", "no JSON"),
        ({"all": 401}, "alertmanager.auth.rejected", "401"),
        ({"all": 403}, "alertmanager.auth.rejected", "403"),
    ],
)
def test_another_answer_is_unknown_with_its_reason(changes: dict[str, Any], name: str, said: str) -> None:
    with serving(stub(**changes)) as server:
        result = look(server.url(""))
    assert name in ids(result) and result["status"] == "unknown"
    assert said in next(finding["summary"] for finding in result["findings"] if finding["id"] == name)


def test_an_old_server_with_the_api_v1_only_is_called_that() -> None:
    v1 = b'{"status":"success","data":{}}'
    with serving(stub(all=404, **{"/api/v1/status": v1})) as server:
        result = look(server.url(""))
    assert "only knows the API v1" in result["findings"][0]["summary"]


def test_not_ready_and_a_part_that_fails_leave_the_rest_judged() -> None:
    everything = [{"id": "1", "status": {"state": "active"}, "matchers": [{"name": "x", "value": ""}], "endsAt": "?"}]
    broken = (500, b'{"message":"boom"}')
    with serving(stub(ready=503, alerts=broken, silences=everything)) as server:
        result = look(server.url(""))
    assert ids(result) == [
        "alertmanager.not_ready",
        "alertmanager.silence.matches_all",
        "alertmanager.silence.unbounded",
        "alertmanager.unmeasured",
    ]
    unmeasured = next(f for f in result["findings"] if f["id"] == "alertmanager.unmeasured")
    assert unmeasured["evidence"] == ["its alerts: it answers 500: boom"]


def test_refused_and_silent_cost_one_timeout() -> None:
    assert ids(look(f"http://127.0.0.1:{refusing()}")) == ["alertmanager.unreachable"]
    with deaf() as port, serving(stub()) as server:
        started = time.monotonic()
        result = look(server.url(""), peers=[f"http://127.0.0.1:{port}"])
        assert time.monotonic() - started < 5
    assert ids(result) == ["alertmanager.peer.unreachable"]


def slowly(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    visit.forever(b"x", 0.05)


def endless(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
    visit.forever(b"[" + b" " * 65536)


BOMB = gzip.compress(b" " * (200 * 1024 * 1024), 9)


def bomb(visit: Visit) -> None:
    visit.answer(BOMB, 200, "Content-Encoding: gzip")


@pytest.mark.parametrize("misbehaves", [slowly, endless, bomb])
def test_no_answer_stretches_the_time_or_fills_the_memory(misbehaves: Callable[[Visit], None]) -> None:
    with serving(stub(alerts=misbehaves)) as server:
        tracemalloc.start()
        try:
            result = look(server.url(""), read_timeout=3.0)
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert ids(result) == ["alertmanager.unmeasured"]
    assert most < 100 * 1024 * 1024


def test_ten_thousand_alerts() -> None:
    rows = [
        {
            "labels": {"alertname": f"A{n % 40}", "pod": f"p{n}", "service": "orders", "severity": "warning"},
            "annotations": {"text": "x" * 500},
            "fingerprint": f"{n:016x}",
            "receivers": [{"name": "team"}],
            "startsAt": "2026-11-28T20:24:39.425Z",
            "status": {"state": "suppressed" if n % 2 else "active", "silencedBy": ["s1"] if n % 2 else []},
        }
        for n in range(10_000)
    ]
    body = json.dumps(rows).encode()
    with serving(stub(alerts=body)) as one, serving(stub(alerts=body)) as other:
        started = time.monotonic()
        result = look(one.url(""), peers=[other.url("")], watch_labels={"service": "orders"}, read_timeout=8.0)
        took = time.monotonic() - started
    assert result["snapshot"]["alerts"]["total"] == 10_000
    assert "alertmanager.alert.suppressed" in ids(result)
    assert len(json.dumps(result)) < 200_000
    assert took < 8


def test_hostile_text_is_inert() -> None:
    rows = [
        {
            "labels": {"alertname": "\x1b[31m{{ lookup('pipe', 'id') }}", "note": "a\u202eb\x00"},
            "status": {"state": "active"},
        }
    ]
    with serving(stub(alerts=rows)) as server:
        result = look(server.url(""), findings_for_alerts=True)
    assert not {"\x1b", "\x00", "\u202e"} & set(json.dumps(result, ensure_ascii=False))


def test_prometheus_is_asked_and_gets_no_login_of_ours() -> None:
    firing = {"status": "success", "data": {"alerts": [{"state": "firing", "labels": {"alertname": "A"}}]}}

    def prometheus(visit: Visit) -> None:
        reply(visit, firing if visit.path == "/p/api/v1/alerts" else 404)

    with serving(prometheus) as other, serving(stub()) as server:
        result = look(server.url(""), prometheus_url=other.url("/p"), bearer_token="tok-CANARY")
        assert ids(result) == ["alertmanager.alert.missing"]
        assert "Authorization" not in other.requests[0] and "Authorization" in server.requests[0]
        wrong = look(server.url(""), prometheus_url=server.url(""))
        assert ids(wrong) == ["alertmanager.unmeasured"]
        given = look(server.url(""), prometheus_alerts=[{"alertname": "B"}])
        assert ids(given) == ["alertmanager.alert.missing"]


def test_a_redirect_takes_no_login_with_it() -> None:
    def moved(visit: Visit) -> None:
        visit.answer(b"", 302, f"Location: {target.url(visit.path)}")

    with serving(stub()) as target, serving(moved) as server:
        assert ids(look(server.url(""), bearer_token="tok-CANARY")) == []
        assert not [request for request in target.requests if "Authorization" in request]
        circle = serving(lambda visit: visit.answer(b"", 302, f"Location: {visit.path}"))
        with circle as round_and_round:
            assert ids(look(round_and_round.url(""))) == ["alertmanager.response.unexpected"]
    with serving(lambda visit: visit.send(b"-ERR unknown command\r\n")) as other:
        assert ids(look(other.url(""))) == ["alertmanager.response.unexpected"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "127.0.0.1:9093"}, "url: it is no address"),
        ({"url": "http://u:p@h:1"}, "a login in the address"),
        ({"url": "http://h:1/api/v2"}, "leave out /api/v2"),
        ({"url": "http://h:1/x?y=1"}, "without a query"),
        ({"peers": ["ftp://x"]}, "peers: it is no address"),
        ({"watch_labels": {"a-b": "x"}}, "no name of a label"),
        ({"watch_labels": {"a": ""}}, "needs a value"),
        ({"watch_labels": {"a": None}}, "needs a value"),
        ({"thresholds": {"failed_percent": {"warn": 60}}}, "above its crit"),
        ({"thresholds": {"failed_percent": {"warn": 0.5}}}, "in percent"),
        ({"deadline": 0.0}, "deadline"),
        ({"window": 20.0}, "deadline is 10 s"),
        ({"lookback": -1.0}, "lookback"),
        ({"max_redirects": 99}, "max_redirects"),
        ({"ca_cert": "/nowhere", "url": "https://h:1"}, "certificates"),
        ({"headers": {"a b": "c"}}, "headers"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        look(**{"url": "http://127.0.0.1:1", **options})


# The silence


class Book:
    """A stub that keeps silences, or only says that it does."""

    def __init__(self, alerts: list[dict[str, Any]] | None = None, keeps: bool = True) -> None:
        self.alerts = alerts or []
        self.keeps = keeps
        self.silences: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def __call__(self, visit: Visit) -> None:
        path = visit.path
        if visit.request.startswith("POST"):
            row = json.loads(visit.request.partition("\r\n\r\n")[2])
            mark = row.get("id") or f"00000000-0000-4000-8000-{len(self.silences):012d}"
            if self.keeps:
                self.silences[mark] = {**row, "id": mark, "status": {"state": "active"}}
            reply(visit, {"silenceID": mark})
        elif visit.request.startswith("DELETE"):
            if self.keeps:
                self.silences[path.rpartition("/")[2]]["status"]["state"] = "expired"
            reply(visit, b"")
        elif path == "/api/v2/silences":
            reply(visit, list(self.silences.values()))
        elif path == "/api/v2/alerts":
            reply(visit, self.alerts)
        else:
            found = self.silences.get(path.rpartition("/")[2])
            reply(visit, found if found else 404)


def firing(count: int, **labels: str) -> list[dict[str, Any]]:
    return [
        {"labels": {"alertname": f"A{n}", **labels}, "fingerprint": f"{labels}{n}", "status": {"state": "active"}}
        for n in range(count)
    ]


ORDERS = [{"name": "service", "value": "orders"}]


def silence(url: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in alertmanager_silence.SPEC.options.items()}
    wanted = {"matchers": ORDERS, "incident": "INC-1", "comment": "a restart", "url": url, **options}
    return alertmanager_silence.perform({**params, **{**QUICK, "window": None}, **wanted}, check_mode)


def test_set_once_extended_where_asked_and_ended() -> None:
    book = Book(firing(3, service="orders") + firing(4, service="auth"))
    with serving(book) as server:
        url = server.url("")
        tried = silence(url, check_mode=True)
        assert tried["changed"] and not book.silences and tried["alerts_total"] == 3
        first = silence(url)
        assert first["changed"] and first["silence"]["comment"] == "a restart [incident INC-1]"
        assert 890 < first["silence"]["ends"] - time.time() < 910
        again = silence(url, duration=3600.0)
        assert not again["changed"] and again["silence"]["id"] == first["silence"]["id"]
        longer = silence(url, duration=3600.0, extend=True)
        assert longer["changed"] and longer["diff"]["before"] != longer["diff"]["after"]
        assert not silence(url, duration=60.0, extend=True)["changed"], "it is never made shorter"
        other = silence(url, state="expired", incident="INC-2")
        assert not other["changed"] and other["msg"] == "no such silence stands"
        assert not silence(url, state="expired", incident="INC-1", comment="another")["changed"]
        would = silence(url, check_mode=True, state="expired")
        assert would["changed"] and would["silences"][0]["state"] == "active"
        ended = silence(url, state="expired", comment=None)
        assert ended["changed"] and ended["silences"][0]["state"] == "expired" and ended["diff"]["after"] == ""
        assert not silence(url, state="expired", id=first["silence"]["id"])["changed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"matchers": []}, "it would hide every alert"),
        ({"matchers": None}, "it would hide every alert"),
        ({"matchers": [{"name": "service", "value": ""}]}, "fits every alert there can be"),
        ({"matchers": [{"name": "service", "value": "o.*", "is_regex": True}]}, "set allow_regex"),
        ({"matchers": [{"name": "service", "value": "x", "is_equal": False}]}, "set allow_regex"),
        ({"matchers": [{"name": "a", "value": ".*", "is_regex": True}], "allow_regex": True}, "fits every alert"),
        ({"matchers": [{"name": "a", "value": "x", "is_equal": False}], "allow_regex": True}, "fits every alert"),
        ({"matchers": [{"name": "a", "value": "(a+)+", "is_regex": True}], "allow_regex": True}, "write it simpler"),
        ({"matchers": [{"name": "a b", "value": "x"}]}, "no name of a label"),
        ({"matchers": [*ORDERS, {"name": "service", "value": "auth"}]}, "there twice"),
        ({"duration": 7201.0}, "duration"),
        ({"duration": 0.0}, "duration"),
        ({"max_alerts": 0}, "max_alerts"),
        ({"comment": " "}, "comment"),
        ({"incident": ""}, "incident"),
        ({"state": "expired", "incident": None}, "expired needs id"),
        ({"url": "http://h/api/v2/silences"}, "leave out"),
    ],
)
def test_what_is_refused_before_anybody_is_asked(options: dict[str, Any], said: str) -> None:
    with serving(Book()) as server, pytest.raises(Misuse, match=said):
        silence(**{"url": server.url(""), **options})
    assert not server.requests


def test_a_regular_expression_is_taken_where_it_is_allowed() -> None:
    with serving(Book(firing(2, service="orders-1"))) as server:
        rows = [{"name": "service", "value": "orders-[0-9]+", "is_regex": True}]
        found = silence(server.url(""), matchers=rows, allow_regex=True)
    assert found["changed"] and found["alerts_total"] == 2


@pytest.mark.parametrize(
    ("alerts", "options", "said"),
    [
        (firing(21, service="orders") + firing(1), {}, "max_alerts is 20"),
        (firing(21, service="orders") + firing(1), {"max_alerts": 21}, ""),
        (firing(5, service="orders"), {}, "each of the 5 alerts"),
        (firing(5, service="orders") + firing(1), {}, ""),
        (firing(4, service="orders"), {}, ""),
        ([], {}, ""),
    ],
)
def test_what_hides_too_much_now_is_refused(alerts: list[dict[str, Any]], options: dict[str, Any], said: str) -> None:
    book = Book(alerts)
    with serving(book) as server:
        for check_mode in (True, False):
            found = silence(server.url(""), check_mode=check_mode, **options)
            assert said in found.get("problem", "") and bool(said) == bool(found.get("problem"))
            assert found["changed"] is not bool(said)
    assert bool(book.silences) is not bool(said)


def test_it_has_changed_only_what_it_read_back() -> None:
    with serving(Book(keeps=False)) as server, pytest.raises(CollectError, match="when it was read back"):
        silence(server.url(""))
    book = Book()
    with serving(book) as server:
        silence(server.url(""))
        book.keeps = False
        found = silence(server.url(""), state="expired")
        assert not found["changed"] and "still there" in found["problem"]


def test_those_of_others_are_left_alone() -> None:
    book = Book()
    with serving(book) as server:
        theirs = silence(server.url(""), created_by="ann")
        assert silence(server.url(""))["changed"], "the same matchers by somebody else are another silence"
        with pytest.raises(Misuse, match="was made by ann"):
            silence(server.url(""), state="expired", id=theirs["silence"]["id"])
        assert len(silence(server.url(""), state="expired")["silences"]) == 1
        assert book.silences[theirs["silence"]["id"]]["status"]["state"] == "active"
        assert silence(server.url(""), state="expired", id=theirs["silence"]["id"], created_by="ann")["changed"]


@pytest.mark.parametrize("answer", [404, 401, (500, b'{"message":"boom"}'), b"<html>", {"a": 1}])
def test_a_server_that_is_none_is_an_error_without_secrets(answer: Answer) -> None:
    with serving(lambda visit: reply(visit, answer)) as server, pytest.raises(CollectError) as caught:
        silence(server.url(""), bearer_token="tok-CANARY")
    assert str(server.port) in str(caught.value) and "CANARY" not in str(caught.value)
