# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http_health_info against real servers that misbehave: each is told apart, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks.http_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.http_options import HttpOptions, target
from ansible_collections.incident.response.plugins.module_utils.clients.http_probe import BODY_LIMIT, Asker, follow
from ansible_collections.incident.response.plugins.module_utils.clients.http_resolve import Resolver
from ansible_collections.incident.response.plugins.module_utils.core.http_snapshot import Probe
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse, perform
from http_servers import Serve, Visit, certificate, deaf, full, refusing, serving, tls

MIB = 1024 * 1024
PATIENCE = 0.5
SLACK = 8.0
"""Seconds beyond a budget that a busy machine may take."""
METRICS = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",status="200"} 100
http_requests_total{method="GET",status="503"} 0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1"} 100
http_request_duration_seconds_bucket{le="+Inf"} 100
http_request_duration_seconds_sum 3
http_request_duration_seconds_count 100
process_open_fds 10
process_max_fds 1024
process_start_time_seconds 1.7e+09
go_gc_duration_seconds{quantile="0.5"} NaN
"""


def options(**changes: Any) -> HttpOptions:
    return HttpOptions(**{"connect_timeout": PATIENCE, "timeout": PATIENCE, "read_timeout": 2 * PATIENCE, **changes})


def ask(url: str, resolver: Resolver | None = None, deadline: float = 20.0, **changes: Any) -> Probe:
    wanted = options(**changes)
    asker = Asker(wanted, Deadline(deadline), resolver or Resolver(PATIENCE))
    started = time.monotonic()
    found = asker.probe(url, lambda status: 200 <= status < 300)
    budget = wanted.connect_timeout + wanted.read_timeout
    assert time.monotonic() - started < budget + SLACK, "a budget was stretched"
    return found


def params(**changes: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    quick = {"connect_timeout": PATIENCE, "timeout": PATIENCE, "read_timeout": 2 * PATIENCE, "interval": 0, "window": 0}
    return {**defaults, **quick, **changes}


def check(**changes: Any) -> dict[str, Any]:
    return perform(CHECK, params(**changes))


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def healthy(visit: Visit) -> None:
    visit.answer(b'{"status":"ok","service":"stub","dependencies":{}}')


# The twin that is silent


def test_a_healthy_service_is_silent() -> None:
    def serve(visit: Visit) -> None:
        visit.answer(METRICS.encode()) if visit.path == "/metrics" else healthy(visit)

    with serving(serve) as server:
        result = check(health_url=server.url(), metrics_url=server.url("/metrics"), window=0.1)
    assert (result["status"], result["findings"], result["reachable"]) == ("ok", [], True)
    row = result["snapshot"]["listed"][0]
    assert (row["status"], row["probes"], row["server"]) == (200, "...", "stub")
    assert row["metrics"]["kind"] == "ok"
    assert row["metrics"]["series"] == 10
    assert set(row["ms"]) == {"dns", "connect", "tls", "ttfb", "total"}
    assert len(server.requests) == 5, "three probes and two readings"


def test_every_phase_has_its_time() -> None:
    with serving(healthy) as server:
        found = ask(server.url(host="localhost"), Resolver(PATIENCE, _addresses("127.0.0.1")))
    assert (found.kind, found.status) == ("ok", 200)
    assert found.times.connect > 0 and found.times.ttfb > 0
    assert found.times.total >= found.times.connect + found.times.ttfb


# Connections


def test_refused() -> None:
    found = ask(f"http://127.0.0.1:{refusing()}/")
    assert (found.kind, found.status, found.times.ttfb) == ("refused", 0, 0.0)


def test_a_full_queue_is_a_connect_timeout() -> None:
    with full() as port:
        assert ask(f"http://127.0.0.1:{port}/").kind == "timeout"


def test_listens_and_nobody_accepts() -> None:
    with deaf() as port:
        found = ask(f"http://127.0.0.1:{port}/")
        assert (found.kind, found.status) == ("silent", 0)
        assert found.attempts[0].kind == "ok", "the connection itself stood"


def test_accepts_and_says_nothing() -> None:
    with serving(lambda visit: visit.ended.wait()) as server:
        assert ask(server.url()).kind == "silent"


@pytest.mark.parametrize("serve", [Visit.reset, lambda visit: None], ids=["RST", "EOF"])
def test_ends_without_a_byte(serve: Serve) -> None:
    with serving(serve) as server:
        assert ask(server.url()).kind == "reset"


def half(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def half_then_reset(visit: Visit) -> None:
    half(visit)
    visit.reset()


def half_a_chunk(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf")


@pytest.mark.parametrize("serve", [half, half_then_reset, half_a_chunk])
def test_ends_in_the_middle(serve: Serve) -> None:
    with serving(serve) as server:
        found = ask(server.url())
    assert found.kind in ("broken", "reset") if serve is half_then_reset else found.kind == "broken"


@pytest.mark.parametrize(
    "banner", [b"220 mail.example ESMTP\r\n", b"\x16\x03\x01\x00\xff", b"-ERR unknown command\r\n", b"\0" * 70_000]
)
def test_speaks_something_else(banner: bytes) -> None:
    with serving(lambda visit: visit.send(banner)) as server:
        assert ask(server.url()).kind == "not_http"


# Slow, endless, too large


def drip_headers(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    visit.forever(b"x", 0.05)


def drip_status(visit: Visit) -> None:
    visit.forever(b"H", 0.05)


def drip_body(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    visit.forever(b"x", 0.05)


def drip_chunks(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    visit.forever(b"1\r\nx\r\n", 0.05)


def drip_interim(visit: Visit) -> None:
    visit.forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)


@pytest.mark.parametrize("serve", [drip_headers, drip_status, drip_body, drip_chunks, drip_interim])
def test_a_slow_sender_can_not_stretch_the_budget(serve: Serve) -> None:
    with serving(serve) as server:
        found = ask(server.url())
    assert found.kind == "endless"
    assert found.status == (200 if serve in (drip_body, drip_chunks) else 0)


def test_a_body_without_end_is_read_as_far_as_a_health_page_goes() -> None:
    def serve(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        visit.forever(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    with serving(serve) as server:
        found = ask(server.url(), read_timeout=20.0)
        assert (found.kind, found.status, found.cut, len(found.body)) == ("ok", 200, True, BODY_LIMIT)
        assert ids(check(health_url=server.url(), read_timeout=20.0)) == ["http.response.endless"]


@pytest.mark.parametrize("line", [b"X-Header: y\r\n", b"z" * 1000])
def test_headers_without_end(line: bytes) -> None:
    def serve(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\n")
        visit.forever(line)

    with serving(serve) as server:
        assert ask(server.url(), read_timeout=20.0).kind in ("not_http", "endless")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "deflate"])
def test_a_packed_bomb_costs_little_memory(encoding: str) -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB))

    with serving(lambda visit: visit.answer(bomb, 200, f"Content-Encoding: {encoding}")) as server:
        tracemalloc.start()
        try:
            found = ask(server.url(), read_timeout=20.0)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (found.status, found.cut, len(found.body)) == (200, True, BODY_LIMIT)
    assert peak < 8 * MIB


@pytest.mark.parametrize(
    ("body", "kind"),
    [(gzip.compress(b"ok"), "ok"), (gzip.compress(b"x" * 9999)[:30], "broken"), (b"no gzip at all", "broken")],
)
def test_packed_bodies(body: bytes, kind: str) -> None:
    with serving(lambda visit: visit.answer(body, 200, "Content-Encoding: gzip")) as server:
        found = ask(server.url())
    assert found.kind == kind
    assert kind != "ok" or found.body == "ok"


# Redirects


def to(where: str) -> Serve:
    return lambda visit: visit.answer(b"", 302, f"Location: {where}")


@pytest.mark.parametrize("where", ["/health", "/a?b=c", "?again"])
def test_a_redirect_loop_ends(where: str) -> None:
    with serving(to(where)) as server:
        found = ask(server.url())
        assert (found.kind, len(found.redirects)) == ("redirects", 4)
        assert len(server.requests) == 4
        assert ids(check(health_url=server.url())) == ["http.redirect.loop"]


def test_a_redirect_is_followed() -> None:
    def serve(visit: Visit) -> None:
        healthy(visit) if visit.path == "/there" else visit.answer(b"", 308, "Location: there")

    with serving(serve) as server:
        found = ask(server.url())
        assert (found.kind, found.status) == ("ok", 200)
        assert found.redirects == (server.url("/there"),)


def test_a_redirect_that_is_expected_is_the_answer() -> None:
    with serving(to("http://127.0.0.1:1/")) as server:
        assert ids(check(health_url=server.url(), expected_status=[302])) == []


@pytest.mark.parametrize("login", [{"username": "u", "password": "hunter22"}, {"bearer_token": "hunter22"}])
def test_credentials_stay_at_home(login: dict[str, str]) -> None:
    with serving(healthy) as other, serving(to(other.url())) as server:
        found = ask(server.url(), secret_headers={"X-Api-Key": "s3cretvalue"}, headers={"X-Open": "1"}, **login)
        assert found.status == 200
        assert "Authorization: " in server.requests[0] and "X-Api-Key: s3cretvalue" in server.requests[0]
        assert "Authorization" not in other.requests[0] and "s3cretvalue" not in other.requests[0]
        assert "X-Open: 1" in other.requests[0]


def test_credentials_go_along_within_one_origin() -> None:
    def serve(visit: Visit) -> None:
        healthy(visit) if visit.path == "/there" else visit.answer(b"", 302, "Location: /there")

    with serving(serve) as server:
        ask(server.url(), bearer_token="hunter22")
        assert ["Bearer hunter22" in request for request in server.requests] == [True, True]


@pytest.mark.parametrize("where", ["ftp://x/", "javascript:alert(1)", "http://u:p@x/", "http://x:99999/"])
def test_a_redirect_to_nowhere(where: str) -> None:
    with serving(to(where)) as server:
        assert ask(server.url()).kind == "redirect_bad"


def test_no_redirect_leads_from_https_to_http() -> None:
    with pytest.raises(ValueError, match="not encrypted"):
        follow(target("https://a/x"), "http://a/x")
    assert follow(target("http://a/x"), "https://a/y").shown == "https://a/y"


# Names


def _addresses(*hosts: str) -> Any:
    def lookup(_host: str, port: int, **_others: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    return lookup


def test_a_name_that_does_not_resolve() -> None:
    def lookup(*_all: Any, **_others: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    found = ask("http://nowhere.example/", Resolver(PATIENCE, lookup))
    assert (found.kind, found.attempts) == ("dns", ())
    assert "Name or service not known" in found.message


def test_a_resolver_that_hangs() -> None:
    ended = threading.Event()
    resolver = Resolver(PATIENCE, lambda *_all, **_others: [] if ended.wait() else [])
    try:
        assert ask("http://hung.example/", resolver).kind == "dns"
    finally:
        ended.set()


def test_a_name_is_looked_up_once() -> None:
    asked = []

    def lookup(host: str, port: int, **_others: Any) -> list[Any]:
        asked.append(host)
        return _addresses("127.0.0.1")(host, port)

    with serving(healthy) as server:
        resolver = Resolver(PATIENCE, lookup)
        assert [ask(server.url(host="shop.example"), resolver).status for _turn in range(3)] == [200] * 3
    assert asked == ["shop.example"]


def test_every_address_of_a_name_is_tried() -> None:
    with serving(healthy) as server:
        resolver = Resolver(PATIENCE, _addresses("127.0.0.2", "127.0.0.1"))
        found = ask(server.url(host="shop.example"), resolver)
        assert [attempt.kind for attempt in found.attempts] == ["refused", "ok"]
        assert found.status == 200
        asker = Asker(options(), Deadline(10), Resolver(PATIENCE, _addresses("127.0.0.1", "127.0.0.2", "127.0.0.1")))
        others = asker.others(server.url(host="shop.example"))
        assert [(attempt.address, attempt.kind) for attempt in others] == [("127.0.0.2", "refused")]


# TLS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


def test_self_signed(made: Path) -> None:
    file = certificate(made, "self")
    with serving(healthy, tls(file)) as server:
        assert ask(server.url()).kind == "tls_untrusted"
        assert ids(check(health_url=server.url())) == ["http.tls.untrusted"]
        trusted = ask(server.url(), ca_cert=str(file))
        assert (trusted.kind, trusted.status) == ("ok", 200)
        assert trusted.times.tls > 0
        assert trusted.certificate and trusted.certificate.not_after
        assert abs(trusted.certificate.not_after - time.time() - 90 * 86400) < 3600
        assert ids(check(health_url=server.url(), ca_cert=str(file))) == []


@pytest.mark.parametrize(
    ("name", "days", "host", "kind"),
    [
        ("expired", (-30, -1), "127.0.0.1", "tls_expired"),
        ("early", (1, 30), "127.0.0.1", "tls_early"),
        ("other", (-1, 30), "shop.example", "tls_hostname"),
    ],
)
def test_what_is_wrong_with_a_certificate(
    made: Path, name: str, days: tuple[float, float], host: str, kind: str
) -> None:
    file = certificate(made, name, *days)
    with serving(healthy, tls(file)) as server:
        found = ask(server.url(host=host), Resolver(PATIENCE, _addresses("127.0.0.1")), ca_cert=str(file))
        assert found.kind == kind


def test_a_certificate_for_another_address(made: Path) -> None:
    file = certificate(made, "address", address="192.0.2.1")
    with serving(healthy, tls(file)) as server:
        assert ask(server.url(), ca_cert=str(file)).kind == "tls_hostname"


def test_expiry_is_seen_without_verification(made: Path) -> None:
    with serving(healthy, tls(certificate(made, "gone", -30, -1))) as server:
        result = check(health_url=server.url(), validate_certs=False)
        assert ids(result) == ["http.tls.expired"]
        assert "NOT verified" in " ".join(result["measured"])
    with serving(healthy, tls(certificate(made, "soon", -30, 10))) as server:
        assert ids(check(health_url=server.url(), validate_certs=False)) == ["http.tls.expiring"]


def test_a_client_certificate_that_is_missing_and_that_is_there(made: Path) -> None:
    file, client = certificate(made, "strict"), certificate(made, "client")
    with serving(healthy, tls(file, clients=client)) as server:
        missing = ask(server.url(), ca_cert=str(file))
        # With TLS 1.3 the server refuses after the handshake, and its reset may overtake what it says.
        assert missing.kind in ("tls_client", "reset")
        assert "certificate" in missing.message
        good = ask(server.url(), ca_cert=str(file), client_cert=str(client), client_key=str(client))
        assert (good.kind, good.status) == ("ok", 200)


def test_http_and_https_mixed_up(made: Path) -> None:
    with serving(lambda visit: visit.answer(b"TLS?", 400), eager=True) as server:
        found = ask(server.url(scheme="https"))
        assert found.kind == "tls_failed"
        assert "speaks no TLS" in found.message
    with serving(healthy, tls(certificate(made, "mixed"))) as server:
        assert ask(server.url(scheme="http")).kind in ("reset", "not_http")


def test_a_handshake_that_is_never_answered() -> None:
    with deaf() as port:
        assert ask(f"https://127.0.0.1:{port}/").kind == "silent"


def test_a_tls_body_that_drips(made: Path) -> None:
    file = certificate(made, "drip")
    with serving(drip_body, tls(file)) as server:
        assert ask(server.url(), ca_cert=str(file)).kind == "endless"


# Metrics


def page(body: bytes, *headers: str, status: int = 200) -> Serve:
    def serve(visit: Visit) -> None:
        visit.answer(body, status, *headers) if visit.path == "/metrics" else healthy(visit)

    return serve


def series(text: str) -> bytes:
    return (METRICS + text).encode()


BROKEN = {
    "HTML": (page(b"<!DOCTYPE html>\n<html></html>\n"), "HTML"),
    "HTML by its type": (page(METRICS.encode(), "Content-Type: text/html"), "HTML"),
    "an error page without a line's end": (page(b"<html>no</html>"), "HTML"),
    "empty": (page(b""), "no series"),
    "comments only": (page(b"# HELP a b\n"), "no series"),
    "a counter that is NaN": (page(series('http_requests_total{status="500"} NaN\n')), "nan"),
    "a negative counter": (page(series('http_requests_total{status="500"} -1\n')), "-1"),
    "a series twice": (page(series("process_open_fds 11\n")), "twice"),
    "cut off in a line": (page(METRICS.encode()[:-7]), "cut off"),
    "cut off in a histogram": (
        page(METRICS[: METRICS.index('http_request_duration_seconds_bucket{le="+')].encode()),
        "Inf",
    ),
    "not found": (page(b"no\n", status=404), "404"),
    "no value": (page(series("up\n")), "no metric"),
    "no number": (page(series("up one\n")), "no metric"),
    "labels without an end": (page(series('up{a="b 1\n')), "no metric"),
    "JSON": (page(b'{"a": 1}\n'), "no metric"),
    "no UTF-8": (page(series("") + b'up{a="\xff"} 1\n'), "UTF-8"),
    "a line without end": (page(b"# " + b"x" * 100_000 + b"\n"), "longer"),
    "OpenMetrics without its end": (page(METRICS.encode(), "Content-Type: application/openmetrics-text"), "EOF"),
    "shorter than announced": (
        lambda visit: (
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nup 1\n")
            if visit.path == "/metrics"
            else healthy(visit)
        ),
        "middle",
    ),
    "never whole": (lambda visit: drip_body(visit) if visit.path == "/metrics" else healthy(visit), "time"),
    "silent": (lambda visit: visit.ended.wait() if visit.path == "/metrics" else healthy(visit), "no byte"),
}


@pytest.mark.parametrize(("serve", "why"), BROKEN.values(), ids=BROKEN)
def test_metrics_that_are_broken_are_one_finding_and_no_traceback(serve: Serve, why: str) -> None:
    with serving(serve) as server:
        result = check(health_url=server.url(), metrics_url=server.url("/metrics"))
    assert ids(result) == ["http.metrics.broken"]
    assert why in result["findings"][0]["summary"]


@pytest.mark.parametrize("packed", [False, True])
def test_metrics_that_are_too_large(packed: bool) -> None:
    line = b"# " + b"x" * 60_000 + b"\n"
    body = line * (21 * MIB // len(line) + 1)
    serve = page(gzip.compress(body), "Content-Encoding: gzip") if packed else page(body)
    with serving(serve) as server:
        result = check(health_url=server.url(), metrics_url=server.url("/metrics"), read_timeout=20.0)
    assert ids(result) == ["http.metrics.broken"]
    assert "larger than 20 MiB" in result["findings"][0]["summary"]


def test_openmetrics_with_exemplars() -> None:
    text = 'hits_total{status="200"} 5.0 # {trace_id="a"} 0.5 1.7e+09\n# EOF\n'
    kind = "Content-Type: application/openmetrics-text; version=1.0.0"
    with serving(page(text.encode(), kind)) as server:
        result = check(health_url=server.url(), metrics_url=server.url("/metrics"), requests_metric="hits_total")
    assert ids(result) == []
    assert result["samples"][0]["metrics"][server.url()]["statuses"] == {"2": 5.0}


def test_a_shallow_health_page() -> None:
    readings = []

    def serve(visit: Visit) -> None:
        if visit.path != "/metrics":
            return healthy(visit)
        readings.append(1)
        failed = 0 if len(readings) == 1 else 50
        return visit.answer(METRICS.replace('503"} 0', f'503"}} {failed}').encode())

    with serving(serve) as server:
        result = check(health_url=server.url(), metrics_url=server.url("/metrics"), window=0.05)
    assert ids(result) == ["http.errors.high", "http.health.shallow"]


# The whole check


def test_an_endpoint_that_flaps_is_asked_more_often() -> None:
    def serve(visit: Visit) -> None:
        visit.answer(b"ok", 200 if visit.number % 2 else 503)

    with serving(serve) as server:
        assert ids(check(health_url=server.url())) == ["http.health.flapping"]
        assert len(server.requests) == 10


def test_who_was_silent_is_not_asked_again_and_who_reset_is() -> None:
    with serving(lambda visit: visit.ended.wait()) as silent, serving(Visit.reset) as resetting:
        result = check(endpoints=[{"health_url": silent.url()}, {"health_url": resetting.url()}])
        assert (len(silent.requests), len(resetting.requests)) == (1, 3)
    assert ids(result) == ["http.response.reset", "http.response.silent"]


def test_the_dependency_that_fails_is_named() -> None:
    body = {"status": "failing", "service": "o", "dependencies": {"kafka": {"status": "failing", "error": "refused"}}}
    with serving(lambda visit: visit.answer(json.dumps(body).encode(), 503)) as server:
        found = check(health_url=server.url())["findings"][0]
    assert (found["id"], found["state"], found["details"]["dependency"]) == ("http.health.failing", "critical", "kafka")


def test_many_endpoints_have_their_own_findings_and_components() -> None:
    with serving(healthy) as good, serving(Visit.reset) as bad, deaf() as silent:
        rows = [
            {"health_url": good.url("/a")},
            {"health_url": good.url("/b"), "component": "b", "expected_headers": {"Server": "^nginx"}},
            {"health_url": bad.url(), "component": "bad"},
            {"health_url": f"http://127.0.0.1:{refusing()}/", "component": "gone"},
            {"health_url": f"http://127.0.0.1:{silent}/", "component": "silent"},
            {"health_url": good.url("/a?x=1")},
        ]
        result = check(endpoints=rows)
    assert sorted((f["component"], f["id"]) for f in result["findings"]) == [
        ("b", "http.server.unexpected"),
        ("bad", "http.response.reset"),
        ("gone", "http.connect.refused"),
        ("silent", "http.response.silent"),
    ]
    assert result["snapshot"]["healthy"] == 3
    assert len({row["url"] for row in result["snapshot"]["listed"]}) == 6


def test_an_endpoint_without_a_component_has_that_of_all() -> None:
    rows = [
        {"health_url": f"http://127.0.0.1:{refusing()}/"},
        {"health_url": "http://127.0.0.1:1/", "component": "own"},
    ]
    assert {finding["component"] for finding in check(endpoints=rows, component="shop")["findings"]} == {"shop", "own"}
    assert check(endpoints=rows[1:])["findings"][0]["component"] == "own"
    assert check(health_url="http://127.0.0.1:1/")["findings"][0]["component"] == "127.0.0.1:1"


def test_secrets_are_not_in_a_repr() -> None:
    made = HttpOptions(username="u", password="canary", bearer_token="canary", secret_headers={"a": "canary"})
    assert "canary" not in repr(made)


def test_the_deadline_holds_however_many_are_silent() -> None:
    with deaf(128) as port:
        rows = [{"health_url": f"http://127.0.0.1:{port}/{number}"} for number in range(60)]
        started = time.monotonic()
        result = check(endpoints=rows, timeout=1.0, read_timeout=2.0, workers=4, deadline=3.0)
        assert time.monotonic() - started < 3.0 + SLACK
    assert len(result["findings"]) == 60
    found = set(ids(result))
    assert found == {"http.response.silent", "http.unmeasured"}, "nobody is called silent who was not asked"


def test_an_endless_answer_can_not_stretch_the_deadline() -> None:
    with serving(drip_body) as server:
        started = time.monotonic()
        result = check(health_url=server.url(), read_timeout=60.0, deadline=1.0)
        assert time.monotonic() - started < 1.0 + SLACK
    assert ids(result) == ["http.unmeasured"]


def test_no_secret_comes_out() -> None:
    def echo(visit: Visit) -> None:
        visit.answer(visit.request.encode(), 500, f"X-Echo: {visit.path}")

    with serving(echo) as server:
        result = check(
            health_url=server.url("/health?key=canary1canary1"),
            username="doctor",
            password="canary2canary2",
            secret_headers={"X-Api-Key": "canary3canary3"},
        )
        assert "canary1canary1" in server.requests[0]
    text = json.dumps(result)
    assert "canary" not in text
    assert "ZG9jdG9yOmNhbmFyeTJjYW5hcnky" not in text, "the login in base64"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"health_url": "ftp://x/"}, "health_url"),
        ({"health_url": "http://u:canary@x/"}, "username and password"),
        ({"health_url": "http://x/ y"}, "space"),
        ({"health_url": "http:///x"}, "no host"),
        ({"health_url": "http://x:0x/"}, "port"),
        ({"health_url": "http://x/", "metrics_url": "x"}, "metrics_url"),
        ({"endpoints": []}, "empty"),
        ({"health_url": "http://x/", "timeout": 0}, "timeout"),
        ({"health_url": "http://x/", "timeout": 60.0}, "deadline"),
        ({"health_url": "http://x/", "samples": 0}, "samples"),
        ({"health_url": "http://x/", "samples": 11}, "max_samples"),
        ({"health_url": "http://x/", "max_redirects": -1}, "max_redirects"),
        ({"health_url": "http://x/", "window": -1.0}, "window"),
        ({"health_url": "http://x/", "certificate_warn_days": 1.0}, "certificate_warn_days"),
        ({"health_url": "http://x/", "expected_body": "("}, "regular expression"),
        ({"health_url": "http://x/", "thresholds": {"nothing": {"warn": 1}}}, "nothing"),
        ({"health_url": "http://x/", "headers": {"A": "b\r\nC: d"}}, "header"),
        ({"health_url": "https://x/", "ca_cert": "/nowhere"}, "certificate"),
    ],
)
def test_options_that_make_no_sense(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Misuse, match=why) as caught:
        CHECK.run(params(**changes))
    assert "canary" not in str(caught.value)


def test_a_missing_library_is_named_only_where_metrics_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with serving(healthy) as server:
        assert ids(check(health_url=server.url())) == []
        with pytest.raises(Misuse, match="pip install"):
            CHECK.run(params(health_url=server.url(), metrics_url=server.url("/metrics")))


@pytest.mark.parametrize(
    ("url", "shown", "path", "header"),
    [
        ("http://x", "http://x/", "/", "x"),
        ("HTTP://X:80/a?token=1#f", "http://x/a", "/a?token=1", "x"),
        ("https://x:8443/ü", "https://x:8443/%C3%BC", "/%C3%BC", "x:8443"),
        ("http://[::1]:9/a%20b", "http://[::1]:9/a%20b", "/a%20b", "[::1]:9"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/", "/", "xn--bcher-kva.example"),
    ],
)
def test_urls(url: str, shown: str, path: str, header: str) -> None:
    found = target(url)
    assert (found.shown, found.path, found.host_header) == (shown, path, header)


def test_a_name_without_an_address() -> None:
    with pytest.raises(CollectError, match="no address"):
        Resolver(PATIENCE, _addresses()).addresses("x.example", 80, Deadline(5))
