# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker_service against an engine in memory: each refusal with a twin that passes with only that condition changed."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import docker_service
from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import apply
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError, Failed
from docker_stub import StubEngine, recorded, run_program

DEFAULTS = {
    "docker_host": None,
    "project": None,
    "service": None,
    "container": None,
    "identity": None,
    "force": False,
    "stop_timeout": None,
    "wait": True,
    "wait_timeout": 0.6,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(docker_service, "_POLL", 0.01)
    monkeypatch.setattr("ansible_collections.incident.response.plugins.module_utils.core.docker_plan.STEADY", 0.02)


def go(engine, check=False, **options):
    return apply({**DEFAULTS, **options}, check, run_program, engine.join)


def refused(engine, check=False, **options):
    with pytest.raises(Failed) as caught:
        go(engine, check, **options)
    return caught.value.result


def obeys(engine):
    """An engine that does what it is told."""
    counter = iter(range(100))

    def state(identifier, **changes):
        engine.data[identifier]["State"].update(changes)

    def start(identifier, *_rest):
        state(identifier, Status="running", StartedAt=f"2030-01-01T00:00:{next(counter):02d}Z", Pid=0)
        health = engine.data[identifier]["State"].get("Health")
        if health:
            health["Status"] = "healthy"
            health["Log"] = [{"End": "2030-01-01T00:01:40Z", "ExitCode": 0, "Output": ""}]

    def unpause(identifier):
        state(identifier, Status="running")
        health = engine.data[identifier]["State"].get("Health")
        if health:
            health["Log"] = [{"End": "2030-01-01T00:00:00Z", "ExitCode": 0, "Output": ""}]
            health["Status"] = "healthy"

    def signal(_identifier, _name):
        engine.processes = [["7", "1", "Ss", "app"]]

    engine.on.update(start=start, restart=start, unpause=unpause, signal=signal)
    return engine


def one(name="healthy", **state):
    return obeys(StubEngine(recorded(name, **state)))


def frozen():
    engine = one("healthy", Pid=4_000_000_000)
    engine.processes = [["4000000000", "1", "T", "app"]]
    return engine


DECISIONS = [
    ("started", "healthy", (), "already"),
    ("started", "exit1", ("start",), "start"),
    ("started", "start_failed", ("start",), "start"),
    ("started", "paused", None, "unpause instead"),
    ("restarted", "healthy", ("restart",), "restart"),
    ("restarted", "exit1", ("restart",), "restart"),
    ("restarted", "paused", None, "unpause instead"),
    ("unpaused", "paused", ("unpause",), "unpause"),
    ("unpaused", "healthy", (), "not paused"),
    ("unpaused", "exit1", None, "start it instead"),
    ("continued", "healthy", (), "not stopped"),
    ("continued", "paused", None, "unpause instead"),
    ("continued", "exit1", None, "start it instead"),
]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize(("state", "name", "verbs", "words"), DECISIONS)
def test_decisions(state, name, verbs, words, check):
    engine = one(name)
    if verbs is None:
        result = refused(engine, check, service=name, state=state)
        assert result["changed"] is False and engine.made() == []
    else:
        result = go(engine, check, service=name, state=state)
        assert result["changed"] is bool(verbs)
        assert [call[0] for call in engine.made()] == ([] if check else list(verbs))
    assert words in result["msg"]
    assert result["containers"][0]["name"] == f"rec-{name}"
    assert set(result["diff"]) == {"before", "after"}


def test_diff_shows_before_and_after():
    result = go(one("exit1"), service="exit1", state="started")
    before, after = result["diff"]["before"]["rec-exit1"], result["diff"]["after"]["rec-exit1"]
    assert (before["status"], after["status"]) == ("exited", "running")
    assert before["started_at"] != after["started_at"]
    checked = go(one("exit1"), True, service="exit1", state="started")
    assert checked["diff"]["after"]["rec-exit1"]["status"] == "running"


def test_frozen_is_continued_and_not_started():
    engine = frozen()
    assert "state=continued" in refused(engine, service="healthy", state="started")["msg"]
    result = go(frozen(), service="healthy", state="continued", wait=False)
    assert result["changed"] is True


def test_what_an_init_started_is_continued_from_inside():
    engine = one("healthy", Pid=4_000_000_000)
    engine.processes = [["4000000000", "1", "Ss", "tini"], ["4000000001", "4000000000", "T", "app"]]
    engine.on["signal"] = lambda *_arguments: None
    engine.on["run_inside"] = lambda *_arguments: setattr(engine, "processes", [["4000000000", "1", "Ss", "tini"]])
    result = go(engine, service="healthy", state="continued", wait=False)
    assert result["changed"] is True
    assert [call[0] for call in engine.made()] == ["signal", "run_inside"]


def test_force_restarts_a_paused_container():
    engine = one("paused")
    assert go(engine, service="paused", state="restarted", force=True)["changed"] is True
    assert [call[0] for call in engine.made()] == ["unpause", "restart"]


IDENTITY = {"id": recorded("healthy")["Id"], "started_at": recorded("healthy")["State"]["StartedAt"]}


@pytest.mark.parametrize(
    "identity",
    [{"id": "0" * 64}, {"id": IDENTITY["id"][:11]}, {"id": IDENTITY["id"], "started_at": "2020-01-01T00:00:00Z"}]
    + [{"id": IDENTITY["id"], "started_at": ""}],
)
@pytest.mark.parametrize("check", [False, True])
def test_another_container_is_refused(identity, check):
    engine = one()
    result = refused(engine, check, service="healthy", state="restarted", identity=identity)
    assert engine.made() == []
    assert IDENTITY["id"][:12] in result["msg"] and IDENTITY["started_at"] in result["msg"]
    assert "is not the container that was seen" in result["msg"]


@pytest.mark.parametrize(
    "identity", [IDENTITY, {"id": IDENTITY["id"][:12]}, {"id": None, "started_at": IDENTITY["started_at"]}, {}, None]
)
def test_the_same_container_passes(identity):
    assert go(one(), service="healthy", state="restarted", identity=identity)["changed"] is True


def test_a_container_never_started_has_an_empty_identity():
    engine = one("start_failed")
    identity = {"id": recorded("start_failed")["Id"], "started_at": ""}
    assert go(engine, service="start_failed", state="started", identity=identity)["changed"] is True


def test_restarted_by_somebody_else_between_plan_and_act():
    engine = one()
    looks = iter(range(100))

    def meanwhile(identifier):
        if next(looks) == 1:
            engine.data[identifier]["State"]["StartedAt"] = "2031-01-01T00:00:00Z"

    engine.on["inspect"] = meanwhile
    result = refused(engine, service="healthy", state="restarted")
    assert engine.made() == [] and "2031-01-01" in result["msg"]


def replicas(number=3, name="healthy"):
    made = []
    for index in range(number):
        data = recorded(name)
        data["Id"], data["Name"] = f"{index}" * 64, f"/rec-{index}"
        data["Config"]["Labels"]["com.docker.compose.service"] = "orders"
        made.append(data)
    return obeys(StubEngine(*made))


def test_replicas_one_at_a_time():
    engine = replicas()
    result = go(engine, service="orders", state="restarted")
    assert [call[:2] for call in engine.made()] == [("restart", f"{index}" * 64) for index in range(3)]
    assert len(result["containers"]) == 3
    order = [call for call in engine.calls if call[0] in ("restart", "inspect")]
    first, second = order.index(("restart", "0" * 64, 10)), order.index(("restart", "1" * 64, 10))
    assert ("inspect", "0" * 64) in order[first:second], "looked at again before the next one is touched"


def test_identity_names_the_one_replica():
    engine = replicas()
    result = go(engine, service="orders", state="restarted", identity={"id": "1" * 64})
    assert [call[1] for call in engine.made()] == ["1" * 64]
    assert len(result["containers"]) == 1


def test_the_next_replica_is_not_touched_when_one_fails():
    engine = replicas()
    engine.on["restart"] = lambda identifier, _timeout: engine.data[identifier]["State"].update(
        Status="exited", ExitCode=1, StartedAt="2030-01-01T00:00:00Z"
    )
    result = refused(engine, service="orders", state="restarted")
    assert len(engine.made()) == 1
    assert result["changed"] is True, "it was restarted, and that is said"
    assert "ended again with 1" in result["msg"] and "status exited" in result["msg"]
    assert "Not touched: rec-1, rec-2" in result["msg"] and "hello" in result["msg"]


def test_one_refusal_stops_all_before_the_first():
    engine = replicas()
    engine.data["2" * 64]["State"]["Status"] = "paused"
    refused(engine, service="orders", state="restarted")
    assert engine.made() == []


def test_several_projects_need_a_name():
    engine = replicas(2)
    engine.data["1" * 64]["Config"]["Labels"]["com.docker.compose.project"] = "other"
    assert "several projects (other, rec)" in refused(engine, service="orders", state="restarted")["msg"]
    assert go(engine, service="orders", project="rec", state="restarted")["changed"] is True


def test_missing_says_what_to_type():
    engine = StubEngine()
    text = refused(engine, service="my orders", project="shop", state="started")["msg"]
    assert "docker compose -p shop up -d 'my orders'" in text
    assert "There is no container orders-1" in refused(engine, container="orders-1", state="started")["msg"]


def test_nothing_is_claimed_that_was_not_seen():
    """The engine says yes and does nothing."""
    engine = one()
    engine.on.clear()
    result = refused(engine, service="healthy", state="restarted")
    assert result["changed"] is False and "no change can be seen" in result["msg"]


def test_not_healthy_in_time():
    engine = one("unhealthy")
    engine.on["restart"] = lambda identifier, _timeout: engine.data[identifier]["State"].update(
        StartedAt="2030-01-01T00:00:00Z"
    )
    result = refused(engine, service="unhealthy", state="restarted")
    assert "not well after 0.6 s" in result["msg"] and "health unhealthy" in result["msg"]
    assert result["changed"] is True
    again = one("unhealthy")
    again.on["restart"] = lambda identifier, _timeout: again.data[identifier]["State"].update(
        StartedAt="2030-01-01T00:00:00Z"
    )
    assert go(again, service="unhealthy", state="restarted", wait=False)["changed"] is True


def test_health_from_before_a_pause_does_not_count():
    engine = one("paused")
    engine.data[recorded("paused")["Id"]]["State"]["Health"]["Status"] = "healthy"
    engine.on["unpause"] = lambda identifier: engine.data[identifier]["State"].update(Status="running")
    assert "not well" in refused(engine, service="paused", state="unpaused")["msg"]
    assert go(one("paused"), service="paused", state="unpaused")["changed"] is True


def test_health_from_before_a_restart_does_not_count():
    """The engine keeps the log of probes through a restart."""
    engine = one()
    engine.on["restart"] = lambda identifier, _timeout: engine.data[identifier]["State"].update(
        StartedAt="2030-01-01T00:00:00Z"
    )
    assert "not well" in refused(engine, service="healthy", state="restarted")["msg"]


def test_a_crash_after_the_start_is_no_success():
    engine = one("exit1")

    def start(identifier):
        engine.data[identifier]["State"].update(Status="restarting", ExitCode=3, StartedAt="2030-01-01T00:00:00Z")

    engine.on["start"] = start
    assert "crashed" in refused(engine, service="exit1", state="started")["msg"]


def test_a_crash_between_two_questions_is_no_failure_to_look():
    engine = one("healthy", Pid=4_000_000_000)
    engine.failing["top"] = CollectError("failed", "Container 0123 is restarting, wait until the container is running")
    assert (
        go(engine, service="healthy", state="restarted")["changed"] is True and ("top", IDENTITY["id"]) in engine.calls
    )
    engine = one("healthy", Pid=4_000_000_000)
    engine.failing["top"] = CollectError("timeout", "timed out")
    assert "timed out" in refused(engine, service="healthy", state="started")["msg"]


def test_the_engine_refuses():
    engine = one("exit1")
    engine.failing["start"] = CollectError("failed", "driver failed: port is already allocated")
    result = refused(engine, service="exit1", state="started")
    assert "port is already allocated" in result["msg"] and "status exited" in result["msg"]
    assert result["changed"] is False


def test_no_engine():
    engine = StubEngine()
    engine.failing["join"] = CollectError("refused", "Connection refused")
    assert refused(engine, service="x", state="started")["msg"] == "Connection refused"


@pytest.mark.parametrize(("given", "used"), [(None, 10), (0, 0), (33, 33)])
def test_stop_timeout(given, used):
    engine = one()
    go(engine, service="healthy", state="restarted", stop_timeout=given)
    assert engine.made("restart") == [("restart", IDENTITY["id"], used)]


def test_secrets_in_the_log_are_masked():
    engine = one("exit1")
    engine.lines = [engine.lines[0]._replace(text="password=Canary7Xq \x1b[31m")]
    engine.on["start"] = lambda identifier: None
    message = refused(engine, service="exit1", state="started")["msg"]
    assert "Canary7Xq" not in message and "\x1b" not in message and "[redacted" in message
