# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How kubernetes_health_info reads an API: pages, refusals, slowness, hostile text, and 10,000 pods."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import ssl
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_made as made
import pytest
import yaml
from ansible_collections.incident.response.plugins.module_utils.clients import kubernetes_errors as errors
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_link import Link, connect
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_login import Login
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_options import KubernetesOptions
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_cron import last_due
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_parse import quantity
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from http_servers import Visit, certificate, deaf, refusing, serving, tls
from kubernetes_made import Api, cluster, container, ended, ids, look, looked, only, params, pod, serving_api, status

LOOP = container("CrashLoopBackOff", 7, ended(1))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's own kubeconfig is used, and a proxy of the environment is not either."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")


def link(url: str, deadline: float = 20, **options: Any) -> Link:
    return connect(KubernetesOptions(host=url, **options), Deadline(deadline))


# Pages


def test_a_list_is_read_page_by_page_and_nothing_twice() -> None:
    pods = [pod(f"app-a1-{number}") for number in range(1234)]
    with serving_api({"pods": pods}) as api:
        found = list(link(api.url).pages("/api/v1/pods", limit=500))
    assert [item["metadata"]["name"] for item in found] == [f"app-a1-{number}" for number in range(1234)]
    assert len(api.requests) == 3


def gone_at(times: int) -> made.Special:
    """Forgets the place in the list so many times."""
    told: list[str] = []

    def special(path: str, query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        if path != "/api/v1/pods" or query.get("continue") != "1000" or len(told) >= times:
            return None
        told.append(path)
        return status(410, "The provided continue parameter is too old", "Expired")

    return special


def test_a_list_that_is_forgotten_is_begun_anew_once() -> None:
    pods = [pod(f"app-a1-{number}") for number in range(1300)]
    with serving_api({"pods": pods}, gone_at(1)) as api:
        found = [item["metadata"]["name"] for item in link(api.url).pages("/api/v1/pods")]
    assert len(found) == len(set(found)) == 1300
    with serving_api({"pods": pods}, gone_at(2)) as api, pytest.raises(errors.Expired):
        list(link(api.url).pages("/api/v1/pods"))


def test_an_empty_list_may_be_null() -> None:
    with serving_api({}, lambda _path, _query, _visit: (200, b'{"items": null, "metadata": null}')) as api:
        assert list(link(api.url).pages("/api/v1/pods")) == []


# Each failure by its name


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(401, "Unauthorized", "Unauthorized"), errors.Unauthorized),
        (made.forbidden("pods"), errors.Forbidden),
        (status(404, 'pods "x" not found', "NotFound"), errors.NotFound),
        (status(409, "already exists", "AlreadyExists"), errors.Conflict),
        (status(410, "too old", "Expired"), errors.Expired),
        (status(422, "is invalid", "Invalid"), errors.Invalid),
        (status(500, "etcdserver: request timed out"), errors.ServerError),
        ((200, b"<!DOCTYPE html><html>Welcome</html>"), errors.NotKubernetes),
        ((302, b""), errors.NotKubernetes),
        ((404, b"404 page not found"), errors.NotKubernetes),
        ((200, b"[" * 100_000), errors.NotKubernetes),
    ],
)
def test_every_answer_has_its_exception(answer: tuple[int, bytes], kind: type[errors.ApiError]) -> None:
    with serving_api({}, lambda _path, _query, _visit: answer) as api, pytest.raises(errors.ApiError) as caught:
        link(api.url).get("/api/v1/namespaces/shop/pods/x")
    assert type(caught.value) is kind


def test_a_refusal_says_what_is_not_allowed() -> None:
    answer = made.forbidden("pods", 'in the namespace "shop"')
    with serving_api({}, lambda _path, _query, _visit: answer) as api, pytest.raises(errors.Forbidden) as caught:
        link(api.url).get("/api/v1/namespaces/shop/pods")
    assert caught.value.place == errors.Place("list", "pods", "shop", "")


def test_a_question_waits_where_the_api_says_so_and_an_order_does_not() -> None:
    def busy(_path: str, _query: dict[str, str], visit: int) -> tuple[int, bytes] | None:
        return status(429, "Too many requests") if visit == 1 else (200, b'{"kind": "Pod"}')

    with serving_api({}, busy) as api:
        assert link(api.url).get("/api/v1/namespaces/shop/pods/x") == {"kind": "Pod"}
    assert len(api.requests) == 2


def drip(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    visit.forever(b" ", 0.05)


def drip_headers(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.forever(b"X: y\r\n", 0.2)


def cut_off(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    visit.reset()


@pytest.mark.parametrize(
    ("serve", "kind"), [(drip, errors.Silent), (drip_headers, errors.Silent), (cut_off, errors.Unreachable)]
)
def test_an_answer_that_never_ends(serve: Callable[[Visit], None], kind: type[errors.ApiError]) -> None:
    begun = time.monotonic()
    with serving(serve) as server, pytest.raises(errors.ApiError) as caught:
        link(server.url(""), timeout=0.7).get("/api/v1/pods")
    assert type(caught.value) is kind
    assert time.monotonic() - begun < 5


def test_nobody_there_and_nobody_home() -> None:
    with pytest.raises(errors.Unreachable, match="nothing listens"):
        link(f"http://127.0.0.1:{refusing()}").get("/version")
    with pytest.raises(errors.Unreachable, match="name can't be resolved"):
        link("http://no-such-host.invalid").get("/version")
    with deaf() as port, pytest.raises(errors.Silent):
        link(f"http://127.0.0.1:{port}", timeout=0.5).get("/version")


# The check on top of it


@pytest.mark.parametrize(
    ("answer", "name", "reachable"),
    [
        (status(401, "Unauthorized", "Unauthorized"), "auth.failed", True),
        (made.forbidden("pods"), "auth.forbidden", True),
        ((200, b"<html>"), "api.unreachable", False),
    ],
)
def test_an_api_that_shows_nothing_is_one_finding(answer: tuple[int, bytes], name: str, reachable: bool) -> None:
    result = looked({}, lambda _path, _query, _visit: answer)
    finding = only(result, name)
    assert result["reachable"] is reachable
    assert finding["state"] == ("unknown" if reachable else "critical")


def test_an_api_that_is_not_there_or_does_not_answer() -> None:
    assert only(look(f"http://127.0.0.1:{refusing()}"), "api.unreachable")["state"] == "critical"
    with deaf() as port:
        assert only(look(f"http://127.0.0.1:{port}", timeout=0.5), "api.silent")["state"] == "critical"


def test_a_kind_that_may_not_be_read_costs_nothing_but_itself() -> None:
    def special(path: str, _query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        return made.forbidden(path.rpartition("/")[2]) if path.endswith(("/nodes", "/resourcequotas")) else None

    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), special)
    assert sorted(ids(result)) == ["auth.forbidden", "pod.crashloop"]
    finding = next(row for row in result["findings"] if row["id"] == "kubernetes.auth.forbidden")
    assert (finding["state"], finding["observed"]["unread"]) == ("unknown", ["nodes", "quotas"])
    assert "nodes: may not list nodes" in finding["evidence"]
    parts = [part for part in made.PATHS if part not in ("nodes", "quotas")]
    assert ids(looked(cluster(), special, parts=parts)) == []


def test_a_namespace_that_may_not_be_read() -> None:
    def special(path: str, _query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        if "/namespaces/pay/" in path:
            return made.forbidden(path.rpartition("/")[2], 'in the namespace "pay"')
        if "/namespaces/shop/" in path:
            items = cluster(pod("app-a1-x", LOOP)).get(path.rpartition("/")[2], [])
            return 200, json.dumps({"items": items}).encode()
        return None

    result = looked(cluster(), special, namespaces=["shop", "pay"])
    assert sorted(ids(result)) == ["auth.forbidden", "pod.crashloop"]


def test_where_replicasets_may_not_be_read_the_deployment_is_still_named() -> None:
    def special(path: str, _query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        return made.forbidden("replicasets") if path.endswith("/replicasets") else None

    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), special)
    crash = next(row for row in result["findings"] if row["id"] == "kubernetes.pod.crashloop")
    assert crash["subject"] == "Deployment shop/app"


def test_one_list_that_hangs_costs_its_timeout_and_is_unknown() -> None:
    held = threading.Event()

    def special(path: str, _query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        if path.endswith("/events"):
            held.wait(20)
        return None

    begun = time.monotonic()
    result = looked(cluster(), special, timeout=1.0)
    held.set()
    finding = only(result, "api.silent")
    assert (finding["state"], finding["observed"]["unread"]) == ("unknown", ["events"])
    assert time.monotonic() - begun < 10


# Logs


def logs(answers: dict[str, tuple[int, bytes]]) -> made.Special:
    """By the value of previous."""
    return lambda path, query, _visit: answers.get(query.get("previous", "")) if path.endswith("/log") else None


TRACE = b"""2026-11-28T12:00:00.000000001Z connect to db:5432: connection refused
2026-11-28T12:00:00.000000002Z panic: no database
2026-11-28T12:00:00.000000003Z 
2026-11-28T12:00:00.000000004Z goroutine 1 [running]:
2026-11-28T12:00:00.000000005Z main.main()
2026-11-28T12:00:00.000000006Z \t/src/main.go:12 +0x1d
"""


def test_the_log_of_the_life_before_is_read_with_its_stack_trace() -> None:
    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), logs({"true": (200, TRACE)}))
    finding = only(result, "pod.crashloop")
    assert any(line.startswith("trace (go, 1 times): panic: no database") for line in finding["evidence"])
    assert any("depends on is away" in cause for cause in finding["causes"])
    assert "shop-app-a1-x-app-previous-log.txt" in result["attachments"]
    assert result["snapshot"]["workloads"]["shop/app"]["pods"][0]["containers"][0]["traces"][0]["kind"] == "go"


def test_the_snapshot_has_the_last_lines_with_their_times_of_what_is_in_trouble() -> None:
    answers = {"true": (200, TRACE), "false": (200, b"2026-11-28T12:00:01Z a new life\n")}
    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), logs(answers))
    (sick,) = result["snapshot"]["workloads"]["shop/app"]["pods"]
    assert sick["name"] == "app-a1-x", "a pod that is well is only counted"
    (box,) = sick["containers"]
    assert box["logs"][0] == {
        "at": "2026-11-28T12:00:00.000000001Z",
        "text": "connect to db:5432: connection refused",
    }


def test_a_workload_that_logs_much_hides_no_other() -> None:
    text = b"".join(b"2026-11-28T12:00:00Z %d %s\n" % (number, b"x" * 3000) for number in range(80))
    pods = [pod("app-a1-x", LOOP), pod("app-a1-y", LOOP)]
    result = looked(cluster(*pods), logs({"true": (200, text), "false": (200, b"")}))
    rows = [box for one in result["snapshot"]["workloads"]["shop/app"]["pods"] for box in one["containers"]]
    assert [len(box["logs"]) for box in rows] == [20, 20], "the end of it is kept"
    assert rows[0]["logs"][-1]["text"].startswith("79 x") and rows[0]["logs_cut"]
    assert len(json.dumps(result["snapshot"]["workloads"])) < 100 * 1024


def test_where_the_life_before_is_gone_this_one_is_read() -> None:
    gone = status(400, 'previous terminated container "app" in pod "app-a1-x" not found', "BadRequest")
    answers = {"true": gone, "false": (200, b"2026-11-28T12:00:00Z boom\n")}
    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), logs(answers))
    assert any("log: boom" in line for line in only(result, "pod.crashloop")["evidence"])


def test_a_kubelet_that_gives_no_log_is_told_and_the_cause_is_found_without() -> None:
    away = status(500, 'Get "https://node1:10250/containerLogs/": dial tcp 172.20.0.15:10250: connection refused')
    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), logs({"true": away, "false": away}))
    only(result, "pod.crashloop")
    assert any(line.startswith("left out: log of shop/app-a1-x/app: Get") for line in result["measured"])


def test_logs_that_may_not_be_read_are_unknown() -> None:
    message = 'User "x" cannot get resource "pods/log" in API group "" in the namespace "shop"'
    no = status(403, message, "Forbidden")
    result = looked(cluster(pod("app-a1-x", LOOP), pod("app-a1-y")), logs({"true": no, "false": no}))
    assert sorted(ids(result)) == ["auth.forbidden", "pod.crashloop"]
    finding = next(row for row in result["findings"] if row["id"] == "kubernetes.auth.forbidden")
    assert "logs in shop: may not get pods/log" in finding["evidence"]


def test_the_log_of_a_job_that_failed_is_read() -> None:
    crashed = pod("once-x", container(terminated=ended(3)), owner="Job/once", phase="Failed", revision="")
    failed = made.condition("Failed", "True", 60, "BackoffLimitExceeded")
    job = {"metadata": made.meta("once"), "status": {"failed": 1, "conditions": [failed]}}
    answers = {"false": (200, b"2026-11-28T12:00:00Z job broke\n")}
    result = looked(cluster(pod("app-a1-x"), pod("app-a1-y"), crashed, jobs=[job]), logs(answers))
    assert "log: job broke" in only(result, "job.failed")["evidence"]


def test_logs_are_read_of_what_is_in_trouble_only_and_of_two_pods_of_each() -> None:
    pods = [pod(f"app-a1-{number}", LOOP) for number in range(9)] + [pod("well")]
    with serving_api(cluster(*pods), logs({"true": (200, TRACE)})) as api:
        look(api.url)
        assert len([path for path in api.requests if "/log?" in path]) == 2
        before = len(api.requests)
        look(api.url, log_lines=0)
        assert not [path for path in api.requests[before:] if "/log?" in path]


# What others wrote


def test_hostile_text_and_secrets_go_nowhere() -> None:
    token = "abcdefgh-token-12345678"
    bad = container("CrashLoopBackOff", 7, ended(1, message="\x1b[31mpassword=hunter2hunter2\x1b[0m {{ 7*7 }}"))
    evil = pod("app-a1-x", bad)
    evil["metadata"]["labels"]["note"] = "\x1b]0;owned\x07"
    evil["spec"]["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": "canary-in-env-4711"}]
    evil["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "canary-in-annotation-4711"}
    text = f"2026-11-28T12:00:00Z \x1b[2Jlogin with {token} and postgres://u:canary-dsn-4711@db/x \u202eevil\n".encode()
    result = looked(cluster(evil, pod("app-a1-y")), logs({"true": (200, text)}))
    whole = json.dumps(result)
    for secret in (token, base64.b64encode(token.encode()).decode(), "hunter2hunter2", "4711"):
        assert secret not in whole
    assert "\\u001b" not in whole
    assert "\\u202e" not in whole
    assert "{{ 7*7 }}" in whole, "braces are text; who templates a result marks it unsafe"


@pytest.mark.parametrize("broken", [None, [], "x", 7, {"metadata": None}, {"metadata": {"ownerReferences": "x"}}])
@pytest.mark.parametrize("part", sorted(made.PATHS))
def test_objects_of_any_shape_break_nothing(part: str, broken: Any) -> None:
    made_wrong = {"metadata": {"name": "x"}, "spec": broken, "status": broken, "type": "Warning", "endpoints": broken}
    listed = [row for row in (broken, made_wrong) if isinstance(row, dict)]
    special = lambda path, _query, _visit: (  # noqa: E731
        (200, json.dumps({"items": [*listed, 7, None]}).encode()) if path == made.PATHS[part] else None
    )
    assert looked(cluster(), special)["reachable"] is True


# Many pods


def test_ten_thousand_pods_take_bounded_time_and_memory() -> None:
    with serving_api({}, made.pages_of(10_000)) as api:
        begun = time.monotonic()
        result = look(api.url)
        spent = time.monotonic() - begun
        tracemalloc.start()
        look(api.url, deadline=200.0, timeout=60.0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert ids(result) == ["pod.crashloop"]
    assert result["snapshot"]["pods"] == 10_000
    assert len(json.dumps(result)) < 1024 * 1024
    assert spent < 25, "within the deadline"
    assert peak < 60 * 1024 * 1024, "a page and what is kept of it, never the whole list of 40 MiB as objects"


# Logging in


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Api, Path]]:
    file = certificate(tmp_path, "api.test")
    with serving_api(context=tls(file)) as api:
        yield api, file


def test_the_context_that_threads_share_is_not_changed_while_they_shake_hands(tmp_path: Path) -> None:
    """urllib3 sets the protocols for each connection; in a race OpenSSL then sends garbage."""
    context = Login(KubernetesOptions(host="https://api.test", validate_certs=False)).context
    assert context is not None
    context.set_alpn_protocols(["h2"])
    server = tls(certificate(tmp_path, "api.test"))
    server.set_alpn_protocols(["h2", "http/1.1"])
    question, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = context.wrap_bio(answer, question, server_hostname="api.test")
    server_end = server.wrap_bio(question, answer, server_side=True)
    for end in (client_end, server_end, client_end, server_end):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    assert server_end.selected_alpn_protocol() == "http/1.1"


def test_tls_is_verified_and_the_reason_is_told(secure: tuple[Api, Path], tmp_path: Path) -> None:
    api, file = secure
    assert ids(look(api.url, ca_cert=str(file))) == []
    assert "self-signed" in only(look(api.url), "api.tls")["summary"]
    loose = look(api.url, validate_certs=False)
    assert ids(loose) == []
    assert "the certificate of the API was not verified" in loose["measured"]
    assert ids(look(api.url, ca_cert=str(file), tls_server_name="api.test")) == []
    assert "match" in only(look(api.url, ca_cert=str(file), tls_server_name="other.test"), "api.tls")["summary"].lower()
    (tmp_path / "old").mkdir()
    old = certificate(tmp_path / "old", "api.test", -10, -1)
    with serving_api(context=tls(old)) as expired:
        assert "expired" in only(look(expired.url, ca_cert=str(old)), "api.tls")["summary"]


def test_an_expired_client_certificate_is_named(secure: tuple[Api, Path], tmp_path: Path) -> None:
    """A Kubernetes API takes it in the handshake, and then says only that it does not know who asks."""
    (tmp_path / "client").mkdir()
    client = certificate(tmp_path / "client", "client", -10, -1)
    answer = status(401, "Unauthorized", "Unauthorized")
    with serving_api({}, lambda _path, _query, _visit: answer, tls(secure[1])) as api:
        result = look(api.url, ca_cert=str(secure[1]), api_key=None, client_cert=str(client), client_key=str(client))
    day = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).date().isoformat()
    assert f"the client certificate expired at {day}" in only(result, "auth.failed")["summary"]


def kubeconfig(where: Path, url: str, ca: Path, token: str) -> Path:
    data = base64.b64encode(ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority-data": data}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
    }
    file = where / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


def test_a_kubeconfig_is_read_and_its_secrets_stay_in_it(
    secure: tuple[Api, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, file = secure
    config = kubeconfig(tmp_path, api.url, file, "token-of-the-config-0815")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    result = look("", kubeconfig=str(config), api_key=None)
    assert ids(result) == []
    assert api.headers[-1]["Authorization"] == "Bearer token-of-the-config-0815"
    assert "token-of-the-config-0815" not in json.dumps(result)
    assert list((tmp_path / "tmp").iterdir()) == [], "what a kubeconfig holds in itself is left in no file"
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert ids(look("", api_key=None)) == []
    with pytest.raises(Misuse, match="nope"):
        look("", kubeconfig=str(config), context="nope", api_key=None)


def test_a_token_file_is_read_anew_for_each_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first-token\n")
    with serving_api() as api:
        asked = link(api.url, api_key_file=str(file))
        asked.get("/version")
        file.write_text("second-token\n")
        asked.get("/version")
    assert [row["Authorization"] for row in api.headers] == ["Bearer first-token", "Bearer second-token"]


def test_to_act_as_somebody_else() -> None:
    with serving_api() as api:
        link(api.url, impersonate_user="jane", impersonate_groups=("ops",)).get("/version")
    assert (api.headers[0]["Impersonate-User"], api.headers[0]["Impersonate-Group"]) == ("jane", "ops")


def test_no_cluster_is_a_wrong_option_and_no_sick_cluster() -> None:
    with pytest.raises(Misuse, match="no cluster is named"):
        look("", api_key=None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespaces": []}, "namespaces: an empty list is not all"),
        ({"names": [" "]}, "names: an empty list is not all"),
        ({"label_selector": " "}, "label_selector"),
        ({"parts": []}, "parts"),
        ({"log_lines": -1}, "log_lines"),
        ({"timeout": 0.0}, "timeout"),
        ({"host": "api.example.com"}, "host"),
        ({"kubeconfig": "/no/such/file"}, "kubeconfig: /no/such/file can't be read"),
        ({"impersonate_groups": ["ops"]}, "impersonate_groups"),
        ({"thresholds": {"restarts": {"warn": 9, "crit": 1}}}, "above its crit"),
        ({"thresholds": {"memory_percent": {"warn": 0.9}}}, "in percent"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        made.perform(made.CHECK, {**params("http://127.0.0.1:1"), **options})


# Small pure parts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", 0.5),
        ("1Gi", 2**30),
        ("128Mi", 128 * 2**20),
        ("2", 2),
        ("1e3", 1000),
        ("1.5k", 1500),
        ("x", None),
        (None, None),
    ],
)
def test_quantities(text: Any, number: float | None) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize(
    ("line", "zone", "due"),
    [
        ("*/5 * * * *", "", "2026-11-28T12:00:00"),
        ("0 3 * * *", "", "2026-11-28T03:00:00"),
        ("0 3 * * *", "Europe/Berlin", "2026-11-28T02:00:00"),
        ("30 12 * * mon-fri", "", "2026-11-27T12:30:00"),
        ("0 0 1 * *", "", "2026-11-01T00:00:00"),
        ("0 0 13 * 5", "", "2026-11-27T00:00:00"),
        ("@yearly", "", "2026-01-01T00:00:00"),
        ("15,45 */6 * * *", "", "2026-11-28T06:45:00"),
        ("61 * * * *", "", None),
        ("nonsense", "", None),
        ("0 3 * * *", "No/Where", None),
    ],
)
def test_when_a_cronjob_was_due(line: str, zone: str, due: str | None) -> None:
    now = datetime.datetime(2026, 11, 28, 12, 3, tzinfo=datetime.UTC).timestamp()
    wanted = datetime.datetime.fromisoformat(f"{due}+00:00").timestamp() if due else None
    assert last_due(line, zone, now) == wanted
