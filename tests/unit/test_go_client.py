# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""go_health_info and go_runtime against real Go programs, and against everything that is mistaken for one."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import go_runtime
from ansible_collections.incident.response.plugins.module_utils.checks.go_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse, missing_library, perform
from ansible_collections.incident.response.plugins.plugin_utils import evidence
from ansible_collections.incident.response.plugins.plugin_utils.store import Store
from go_made import Builder
from go_stub import METRICS, ROOT, STACKS, STATES, Service, Stub, answer, build, free_ports, go, metrics, until

CANARY = "hunter2canary"
PPROF = "/debug/pprof"
GOROUTINE, STATE, HEAP = f"{PPROF}/goroutine?debug=1", f"{PPROF}/goroutine?debug=2", f"{PPROF}/heap"
RAW = f"{PPROF}/goroutine"
Result = dict[str, t.Any]


def profile(label: str = "") -> bytes:
    built = Builder()
    built.sample(["main.remember", "main.handle"], [900, 700], {"user": label} if label else None)
    return built.packed()


def healthy() -> dict[str, t.Any]:
    return {
        "/metrics": answer(metrics()),
        GOROUTINE: answer(STACKS),
        STATE: answer(STATES),
        RAW: answer(profile()),
        HEAP: answer(profile()),
        f"{HEAP}?gc=1": answer(profile()),
    }


def look(url: str, **changes: t.Any) -> Result:
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    params.update(metrics_url=f"{url}/metrics", pprof_url=url + PPROF, samples=1, interval=0.2)
    return perform(CHECK, {**params, **changes})


def ids(result: Result) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def one(result: Result, name: str) -> Result:
    return next(finding for finding in result["findings"] if finding["id"] == name)


def act(url: str, check_mode: bool = False, **changes: t.Any) -> Result:
    params = {name: option.get("default") for name, option in go_runtime.SPEC.options.items()}
    params.update(metrics_url=f"{url}/metrics", pprof_url=url + PPROF)
    return go_runtime.perform({**params, **changes}, check_mode)


# Against real programs


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The lab's gateway: it starts without any of its neighbours, and leaks on request."""
    return build(ROOT / "lab" / "services", "./cmd/gateway", tmp_path_factory.mktemp("go") / "gateway")


PATIENT = {"gc_pause_ms": {"warn": 60_000, "crit": 60_000}, "gc_pause_percent": {"warn": 100, "crit": 100}}
"""A busy machine of tests is no slow collector."""


@pytest.fixture
def service(gateway: pathlib.Path) -> t.Iterator[Service]:
    with Service(gateway) as started:
        yield started


def test_a_healthy_program_is_silent(service: Service) -> None:
    result = look(service.url, samples=3, wait_reasons=True, thresholds=PATIENT)
    assert (result["status"], result["reachable"], result["findings"]) == ("ok", True, [])
    assert result["snapshot"]["goroutines"]["count"] > 5
    assert result["snapshot"]["goroutines"]["states"]
    assert len(result["samples"]) == 3
    assert [entry["name"] for entry in result["attachments"]] == ["goroutine.pb.gz", "heap-1.pb.gz", "heap-2.pb.gz"]


def test_a_memory_leak_is_found_and_the_function_is_named(service: Service, tmp_path: pathlib.Path) -> None:
    service.switch("leak_memory", 20)
    history: list[Result] = []

    def leak() -> Result | None:
        result = look(service.url, history=list(history), leak_seconds=2.0)
        history.extend(json.loads(json.dumps(result["samples"])))
        return result if "go.heap.leak" in ids(result) else None

    result = until(leak)
    service.switch("leak_memory", 0)
    finding = one(result, "go.heap.leak")
    assert finding["details"]["top"][0]["function"] == "lab/services/internal/faults.leakMemory"
    assert "faults.leakMemory allocates is kept" in finding["causes"][0]
    assert finding["details"]["growth"][0]["function"] == "lab/services/internal/faults.leakMemory"
    assert_pprof_opens(result, tmp_path, "heap-1.pb.gz", "lab/services/internal/faults.leakMemory")
    assert_pprof_opens(result, tmp_path, "goroutine.pb.gz", "runtime.gopark")

    collected = act(service.url)
    assert collected["changed"]
    assert collected["collections"] >= 1
    assert collected["top"][0]["function"] == "lab/services/internal/faults.leakMemory", "in use, no garbage"
    assert collected["after"]["collections"] > collected["before"]["collections"]


def assert_pprof_opens(result: Result, tmp_path: pathlib.Path, name: str, function: str) -> None:
    """The file that the evidence has, not what the check returned."""
    files = evidence.bundle([{"name": "gateway", "result": result}], {})
    evidence.write(tmp_path / "evidence", files, "now")
    path = tmp_path / "evidence" / f"01-gateway-{name}"
    done = subprocess.run([go(), "tool", "pprof", "-top", str(path)], capture_output=True, text=True, timeout=120)
    assert not done.returncode, done.stderr
    assert function in done.stdout


def test_a_burst_is_silent_while_it_lasts_and_after_it(service: Service) -> None:
    history: list[Result] = []
    found: set[str] = set()

    def quiet(done: t.Callable[[], bool]) -> bool:
        result = look(service.url, history=list(history), leak_seconds=2.0)
        history.extend(result["samples"])
        found.update(ids(result))
        return done()

    quiet(lambda: True)
    service.switch("burst_memory", 200)
    until(lambda: quiet(lambda: max(row["heap"] for row in history) > 200 * 2**20), 30)
    until(lambda: quiet(lambda: b'"burst_memory":0' in service.switches()), 60, 0.3)
    until(lambda: quiet(lambda: history[-1]["heap"] < 100 * 2**20), 30)
    assert not [name for name in found if name.endswith(".leak")]


def test_a_goroutine_leak_is_found_with_its_function(service: Service) -> None:
    service.switch("leak_goroutines", 500)
    finding = one(look(service.url, samples=3, interval=0.5), "go.goroutines.leak")
    assert finding["details"]["stacks"][0]["function"] == "lab/services/internal/faults.leakGoroutine"
    assert "faults.leakGoroutine never end" in finding["causes"][0]


def test_states_of_twenty_thousand_goroutines_are_refused(service: Service) -> None:
    service.switch("leak_goroutines", 20_000)
    until(lambda: look(service.url)["snapshot"]["goroutines"]["count"] >= 20_000, 60)
    service.switch("leak_goroutines", 0)
    result = look(service.url, wait_reasons=True)
    assert result["snapshot"]["goroutines"]["states"] == []
    assert any("refused above 10000 goroutines" in line for line in result["measured"])
    assert {"go.goroutines.high", "go.goroutines.stuck"} <= set(ids(result))
    service.reset()
    until(lambda: look(service.url)["snapshot"]["goroutines"]["count"] < 1000, 60)
    assert look(service.url, wait_reasons=True)["snapshot"]["goroutines"]["states"]


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[str]:
    """A program whose goroutines wait for database/sql, labelled with a secret, its command line with another."""
    source = pathlib.Path(__file__).parent / "go_program"
    binary = build(source, ".", tmp_path_factory.mktemp("go") / "program")
    process = subprocess.Popen([str(binary), CANARY], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait(10)


def test_goroutines_that_wait_for_a_database_are_a_finding(waiting: str) -> None:
    def found() -> Result | None:
        result = look(waiting, metrics_url=None, wait_reasons=True)
        there = {finding["id"]: finding for finding in result["findings"]}.get("go.goroutines.waiting_database")
        return result if there and there["observed"]["waiting"] == 40 else None

    result = until(found, 30)
    assert ids(result) == ["go.goroutines.waiting_database"]
    finding = result["findings"][0]
    assert finding["details"]["stacks"][0]["function"] == "main.askDatabase"
    assert finding["observed"]["pool"] == 40
    assert result["snapshot"]["profile"]["top"][0]["function"] == "main.remember"
    assert "metrics (no metrics_url)" in result["measured"]


def test_labels_and_the_command_line_never_leave(waiting: str, tmp_path: pathlib.Path) -> None:
    result = look(waiting, metrics_url=None, wait_reasons=True, samples=2)
    assert CANARY not in json.dumps(result)
    assert [entry["name"] for entry in result["attachments"]] == ["goroutine.pb.gz", "heap-1.pb.gz", "heap-2.pb.gz"]
    for entry in result["attachments"]:
        assert CANARY.encode() not in gzip.decompress(base64.b64decode(entry["content_base64"]))
    assert_pprof_opens(result, tmp_path, "goroutine.pb.gz", "database/sql.(*DB).conn")
    for path in (tmp_path / "evidence").iterdir():
        assert CANARY.encode() not in path.read_bytes()


# Against everything that is mistaken for a program


def hold(beginning: bytes) -> t.Callable[[socket.socket], None]:
    """Sends a beginning and then nothing, until the other side gives up."""

    def serve(client: socket.socket) -> None:
        client.sendall(beginning)
        while client.recv(1024):
            pass

    return serve


def drip(beginning: bytes, piece: bytes) -> t.Callable[[socket.socket], None]:
    """Sends a byte now and then, without an end: no timeout between two bytes is ever reached."""

    def serve(client: socket.socket) -> None:
        client.sendall(beginning)
        while True:
            client.sendall(piece)
            time.sleep(0.02)

    return serve


PAGE = answer(b"<!DOCTYPE html><html>Please log in</html>", "200 OK", "Content-Type: text/html")
WHOLE = profile()


@pytest.mark.parametrize(
    ("reply", "expected", "kind"),
    [
        (answer(b"404 page not found", "404 Not Found"), "go.pprof.absent", "absent"),
        (answer(b"no", "403 Forbidden"), "go.pprof.forbidden", "forbidden"),
        (answer(b"no", "401 Unauthorized"), "go.pprof.forbidden", "forbidden"),
        (answer(b"boom", "500 Internal Server Error"), "go.pprof.broken", "status"),
        (answer(b"", "302 Found", "Location: http://elsewhere.example/"), "go.pprof.broken", "redirect"),
        (answer(b"", "301 Moved", "Location: http://["), "go.pprof.broken", "redirect"),
        (answer(b"", "301 Moved"), "go.pprof.broken", "redirect"),
        (answer(b"", "204 No Content"), "go.pprof.broken", "status"),
        (PAGE, "go.pprof.broken", "html"),
        (answer(b"heap profile: 1: 2"), "go.pprof.broken", "not_gzip"),
        (answer(WHOLE[:-9]), "go.pprof.broken", "truncated"),
        (answer(WHOLE[:-9], length=len(WHOLE)), "go.pprof.broken", "truncated"),
        (answer(gzip.compress(b"\0" * 40_000_000)), "go.pprof.broken", "too_large"),
        (answer(b"x" * 9 * 2**20), "go.pprof.broken", "too_large"),
        (answer(gzip.compress(b"no profile")), "go.pprof.broken", "not_profile"),
        (answer(WHOLE, "200 OK", "Content-Encoding: br"), "go.pprof.broken", "encoded"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "go.pprof.broken", "not_protocol"),
        (b"", "go.pprof.unreachable", "reset"),
        (hold(b""), "go.pprof.unreachable", "silent"),
        (hold(answer(WHOLE[:20], length=len(WHOLE))), "go.pprof.stalled", "stalled"),
    ],
)
def test_heap_profiles_that_are_none_are_told_apart(
    reply: bytes | t.Callable[[socket.socket], None], expected: str, kind: str
) -> None:
    with Stub({**healthy(), HEAP: reply}) as stub:
        result = look(stub.url, timeout=0.3)
    assert ids(result) == [expected]
    assert result["findings"][0]["observed"]["heap"]["kind"] == kind
    assert result["findings"][0]["state"] == "unknown"
    assert result["status"] == "unknown"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(b"404 page not found", "404 Not Found"), "go.metrics.absent"),
        (answer(b"no", "403 Forbidden"), "go.metrics.forbidden"),
        (PAGE, "go.metrics.broken"),
        (answer(b""), "go.metrics.broken"),
        (answer(b"redis_up 1\n" * 1000), "go.metrics.broken"),
        (answer(b"\xff\xfe\x00go_goroutines nonsense\n"), "go.metrics.broken"),
        (answer(metrics()[:60], length=9999), "go.metrics.broken"),
        (b"", "go.metrics.unreachable"),
        (hold(answer(b"go_goroutines 5\n", length=99)), "go.metrics.stalled"),
    ],
)
def test_metrics_that_are_none_are_told_apart(reply: bytes | t.Callable[[socket.socket], None], expected: str) -> None:
    with Stub({**healthy(), "/metrics": reply}) as stub:
        result = look(stub.url, timeout=0.3)
    assert ids(result) == [expected]
    assert result["snapshot"]["profile"]["top"], "the profiles are there all the same"


def test_nothing_listens() -> None:
    [port] = free_ports(1)
    result = look(f"http://127.0.0.1:{port}")
    assert ids(result) == ["go.metrics.unreachable", "go.pprof.unreachable"]
    assert (result["reachable"], result["measured"]) == (False, [])


def test_a_name_that_does_not_resolve() -> None:
    result = look("http://no-such-host.invalid")
    kinds = {finding["observed"][name]["kind"] for finding in result["findings"] for name in finding["observed"]}
    assert kinds == {"dns"}


def test_a_resolver_that_does_not_answer_is_waited_for_no_longer_than_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: over.wait(60))
    try:
        result = look("http://slow.example", timeout=0.2)
    finally:
        over.set()
    assert ids(result) == ["go.metrics.unreachable", "go.pprof.unreachable"]
    assert "nobody resolves slow.example in time" in result["findings"][0]["evidence"][0]


def test_http_on_https_is_a_tls_failure() -> None:
    with Stub(healthy()) as stub:
        result = look(stub.url.replace("http:", "https:"), timeout=1.0)
    assert {f["observed"][name]["kind"] for f in result["findings"] for name in f["observed"]} == {"tls"}
    assert ids(result) == ["go.metrics.unreachable", "go.pprof.unreachable"]


@pytest.mark.parametrize(
    "reply",
    [
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["header", "body", "chunks"],
)
def test_a_slow_sender_does_not_stretch_the_deadline(reply: t.Callable[[socket.socket], None]) -> None:
    with Stub({**healthy(), HEAP: reply}) as stub:
        began = time.monotonic()
        result = look(stub.url, deadline=2.0)
        assert time.monotonic() - began < 20, "ten times the deadline: the machine may be busy"
    assert ids(result) == ["go.pprof.stalled"]


def test_metrics_without_an_end_are_over_at_the_deadline() -> None:
    endless = drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"app_total 1\n" * 5000)
    with Stub({**healthy(), "/metrics": endless}) as stub:
        result = look(stub.url, deadline=1.5)
    assert "go.metrics.stalled" in ids(result)


def test_a_sound_exposition_with_one_damaged_line_is_read() -> None:
    with Stub({**healthy(), "/metrics": answer(b"go_broken{x= 1\n" + metrics() + b"process_open_fds x\n")}) as stub:
        result = look(stub.url)
    assert (ids(result), result["snapshot"]["metrics"]["go_goroutines"]) == ([], 12.0)


def test_fifty_mebibytes_of_other_metrics_are_passed_over() -> None:
    block = b"".join(b'app_requests_total{user="%06d"} 1\n' % number for number in range(25_000))
    with Stub({**healthy(), "/metrics": answer(block * 50 + metrics())}) as stub:
        assert ids(look(stub.url)) == []


def test_a_redirect_is_not_followed_and_the_login_goes_nowhere_else() -> None:
    with Stub(healthy()) as other:
        moved = answer(b"", "307 Temporary Redirect", f"Location: {other.url}/metrics")
        with Stub({**healthy(), "/metrics": moved}) as stub:
            result = look(stub.url, token=CANARY)
        assert other.heads == []
    assert all(f"Authorization: Bearer {CANARY}" in head for head in stub.heads)
    assert result["findings"][0]["observed"]["metrics"]["kind"] == "redirect"
    assert CANARY not in json.dumps(result)


def test_a_login_in_a_redirect_is_not_shown() -> None:
    moved = answer(b"", "302 Found", f"Location: http://me:{CANARY}@elsewhere.example/?token={CANARY}")
    with Stub({**healthy(), HEAP: moved}) as stub:
        text = json.dumps(look(stub.url))
    assert "elsewhere.example" in text
    assert CANARY not in text


def test_a_basic_login_is_sent_and_not_shown() -> None:
    with Stub({**healthy(), HEAP: answer(b"no", f"403 {CANARY}")}) as stub:
        result = look(stub.url, username="doctor", password=CANARY)
    assert base64.b64encode(f"doctor:{CANARY}".encode()).decode() in stub.heads[0]
    assert CANARY not in json.dumps(result)


def test_only_what_is_needed_is_asked_for_in_the_order_that_a_full_program_bears_best() -> None:
    with Stub(healthy()) as stub:
        look(stub.url, samples=2, wait_reasons=True)
    assert stub.seen == ["/metrics", GOROUTINE, STATE, RAW, HEAP, "/metrics", GOROUTINE, HEAP]


def test_close_to_its_limit_nothing_is_asked_that_costs_memory() -> None:
    with Stub(healthy()) as stub:
        result = look(stub.url, wait_reasons=True, memory_limit=16_000_000)
    assert stub.seen == ["/metrics", GOROUTINE, HEAP]
    assert "without their states: its memory limit is too close" in result["measured"]
    assert "go.heap.limit" in ids(result)


def test_profiles_without_metrics_and_metrics_without_profiles() -> None:
    with Stub(healthy()) as stub:
        assert ids(look(stub.url, metrics_url=None, samples=3)) == []
        assert "/metrics" not in stub.seen
        assert stub.seen.count(HEAP) == 2, "so that growth has a name"
        stub.seen.clear()
        assert ids(look(stub.url, pprof_url=None, samples=3)) == []
        assert stub.seen == ["/metrics"] * 3


def test_a_label_does_not_leave_with_a_profile() -> None:
    with Stub({**healthy(), HEAP: answer(profile(CANARY)), RAW: answer(profile(CANARY))}) as stub:
        result = look(stub.url)
    assert len(result["attachments"]) == 2
    for entry in result["attachments"]:
        assert CANARY.encode() not in gzip.decompress(base64.b64decode(entry["content_base64"]))


def test_the_largest_profile_is_left_out_where_the_result_would_be_too_large() -> None:
    assert perform_cap(900_000) == (["small"], True)
    assert perform_cap(1000) == (["small", "large"], False)


def perform_cap(size: int) -> tuple[list[str], bool]:
    from ansible_collections.incident.response.plugins.module_utils.module.check import cap_result

    files = [{"name": "small", "content_base64": "x" * 200_000}, {"name": "large", "content_base64": "y" * size}]
    result = cap_result({"attachments": files, "snapshot": {"a": 1}, "samples": [1], "truncated": False})
    assert result["snapshot"] == {"a": 1}
    return [entry["name"] for entry in result["attachments"]], result["truncated"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metrics_url": "", "pprof_url": ""}, "metrics_url"),
        ({"metrics_url": None, "pprof_url": None}, "both empty"),
        ({"metrics_url": "ftp://host/metrics"}, "no URL such as"),
        ({"pprof_url": "host:6060"}, "no URL such as http://127.0.0.1:8080/debug/pprof"),
        ({"pprof_url": "http://host:port/"}, "pprof_url: it is no URL"),
        ({"pprof_url": "http://host/debug/pprof?x=1"}, "without a query"),
        ({"metrics_url": "http://me:secret@host/metrics"}, "a login in the URL would be shown"),
        ({"metrics_url": "http://host/a b"}, "control character"),
        ({"metrics_url": "http://host/a\r\nX: y"}, "control character"),
        ({"samples": 0}, "samples: 0 is below 1"),
        ({"interval": 0.0}, "interval: 0"),
        ({"leak_seconds": float("inf")}, "leak_seconds"),
        ({"deadline": -1.0}, "deadline: -1"),
        ({"timeout": 0.0}, "timeout: 0"),
        ({"memory_limit": 0}, "memory_limit: 0"),
        ({"samples": 10, "interval": 5.0}, "take 45 s, but deadline is 30 s"),
        ({"thresholds": {"goroutines": {"warn": 9, "crit": 1}}}, "above its crit"),
        ({"thresholds": {"limit_percent": {"warn": 0.8}}}, "would be a ratio"),
        ({"thresholds": {"nonsense": {"warn": 1}}}, "there is no 'nonsense'"),
    ],
)
def test_options_that_make_no_sense_are_refused(changes: Result, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        look("http://127.0.0.1:1", **changes)


def test_a_library_that_does_not_say_its_version_is_asked_of_pip() -> None:
    assert missing_library(CHECK.requirements) is None
    too_new = missing_library([("prometheus_client", "prometheus-client", "999")])
    assert too_new
    assert "is too old: 0." in too_new
    assert "0 at" in str(missing_library([("json.decoder", "no-such-package", "1")]))


# The action


def counting(reply: dict[str, t.Any]) -> dict[str, t.Any]:
    """The counter of collections rises when one is asked for."""
    state = {"cycles": 5}

    def collect(client: socket.socket) -> None:
        state["cycles"] += 1
        client.sendall(answer(profile()))

    def show(client: socket.socket) -> None:
        client.sendall(answer(metrics(state["cycles"])))

    return {**reply, "/metrics": show, f"{HEAP}?gc=1": collect}


def test_a_collection_is_asked_for_once_and_seen() -> None:
    with Stub(counting(healthy())) as stub:
        result = act(stub.url)
    assert stub.seen == ["/metrics", f"{HEAP}?gc=1", "/metrics"]
    assert (result["changed"], result["collections"], result["freed_bytes"]) == (True, 1, 0)
    assert result["top"][0]["function"] == "main.remember"
    assert "collections: 5" in result["diff"]["before"]
    assert "collections: 6" in result["diff"]["after"]
    assert [entry["name"] for entry in result["attachments"]] == ["heap-after-gc.pb.gz"]


def test_check_mode_collects_nothing_and_says_that_it_would() -> None:
    with Stub(counting(healthy())) as stub:
        result = act(stub.url, check_mode=True)
    assert stub.seen == ["/metrics"]
    assert result["changed"]
    assert "would collect" in result["msg"]
    assert "after" not in result


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("limit", "gomemlimit", "refused"),
    [(16_666_666, 0, True), (17_000_000, 0, False), (None, 13_000_000, True), (None, 14_000_000, False)],
)
def test_close_to_a_limit_it_is_refused_before_anything_is_asked(
    limit: int | None, gomemlimit: int, refused: bool, check_mode: bool
) -> None:
    routes = counting(healthy())
    if gomemlimit:
        routes["/metrics"] = answer(metrics(5, gomemlimit))
    with Stub(routes) as stub:
        result = act(stub.url, check_mode, memory_limit=limit)
    if refused:
        assert stub.seen == ["/metrics"]
        assert result["problem"].startswith("Refused, nothing was changed: the program is at 9")
        assert not result["changed"]
    elif limit:
        assert result["changed"]


def test_a_collection_that_nobody_saw_is_no_change_and_a_failure() -> None:
    with Stub(healthy()) as stub:
        result = act(stub.url)
    assert not result["changed"]
    assert "no collection was seen" in result["problem"]


def test_another_process_than_the_one_that_was_looked_at_is_refused() -> None:
    with Stub(counting(healthy())) as stub:
        with pytest.raises(CollectError, match="not the process that was looked at"):
            act(stub.url, identity={"start": 1.6e9})
        assert stub.seen == ["/metrics"]
        assert act(stub.url, identity={"start": 1.7e9})["changed"]
        with pytest.raises(Misuse, match="identity: start"):
            act(stub.url, identity={"start": "yesterday"})


def test_a_program_that_was_started_anew_meanwhile_is_no_success() -> None:
    routes = counting(healthy())
    bodies = iter([metrics(5), METRICS.replace(b"1.7e+09", b"1.8e+09") % (6, 10**15)])
    routes["/metrics"] = lambda client: client.sendall(answer(next(bodies)))
    with Stub(routes) as stub:
        result = act(stub.url)
    assert not result["changed"]
    assert "started anew" in result["problem"]


@pytest.mark.parametrize("reply", [answer(b"no", "403 Forbidden"), PAGE, answer(b"gone", "404 Not Found"), b""])
def test_a_pprof_that_can_not_be_asked_is_an_error_without_secrets(reply: bytes) -> None:
    with Stub({**counting(healthy()), f"{HEAP}?gc=1": reply}) as stub, pytest.raises(CollectError) as caught:
        act(stub.url, token=CANARY)
    assert CANARY not in str(caught.value)


def test_the_action_needs_both_addresses() -> None:
    with pytest.raises(Misuse, match="both needed"):
        act("http://127.0.0.1:1", pprof_url=None)


# As tasks of a play


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - incident.response.incident_check:
        module: go_health_info
        name: program
      register: found
    - incident.response.go_runtime:
        metrics_url: "{{ go_metrics_url }}"
        pprof_url: "{{ go_pprof_url }}"
      register: collected
      diff: true
    - incident.response.go_runtime:
        metrics_url: "{{ go_metrics_url }}"
        pprof_url: "{{ go_pprof_url }}"
        memory_limit: 1000
      register: refused
      ignore_errors: true
    - ansible.builtin.copy:
        content: "{{ {'found': found, 'collected': collected, 'refused': refused} | to_json }}"
        dest: "{{ result_file }}"
        mode: "0600"
"""


@pytest.mark.parametrize("in_process", [True, False])
def test_in_a_play_with_host_variables_and_history(in_process: bool, tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    with Stub(counting(healthy())) as stub:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "incident_in_process": in_process,
            "incident_state_dir": str(tmp_path / "state"),
            "go_metrics_url": f"{stub.url}/metrics",
            "go_pprof_url": stub.url + PPROF,
            "go_token": CANARY,
            "go_samples": 2,
            "go_interval": 0.1,
            "result_file": str(tmp_path / "result.json"),
        }
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"]
        command += ["-e", json.dumps(variables), str(tmp_path / "play.yml")]
        settings = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        }
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings}, cwd=ROOT)
    assert not done.returncode, done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "content_base64" not in done.stdout, "what is kept is not printed"
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["found"]["findings"] == []
    assert "program: ok (metrics 2 times" in result["found"]["msg"]
    files = evidence.bundle([{"name": "program", "result": result["found"]}], {})
    assert sorted(name for name, content in files.items() if isinstance(content, bytes)) == [
        "01-program-goroutine.pb.gz", "01-program-heap-1.pb.gz", "01-program-heap-2.pb.gz",
    ]  # fmt: skip
    assert result["collected"]["changed"]
    assert result["refused"]["failed"]
    assert result["refused"]["msg"].startswith("Refused, nothing was changed")
    with Store(tmp_path / "state") as store:
        rows = store.history("localhost", "go_health_info", 0)
    assert [row["goroutines"] for row in rows] == [12.0, 12.0]
    assert rows[-1]["top"] == [["main.remember", 700]]
