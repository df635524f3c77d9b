# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database scenario's tree: which root cause asks for which remedy, and what is left to people on purpose."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import (
    POSTGRESQL_CONNECTION as CONNECTION,
)
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import PROTECTION, SPEC
from ansible_collections.incident.response.plugins.module_utils.core import decide, gate, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.gate import Done
from ansible_collections.incident.response.plugins.module_utils.core.plan import Action, Plan
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import (
    Answer,
    PostgresqlSnapshot,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_summary import summary
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import (
    postgresql,
    postgresql_actions,
    postgresql_plan,
)
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import Observed, Scope, ScopeError
from postgresql_made import made, session, waiter

SCENARIO = postgresql.SCENARIO
SERVER = {"kind": "docker", "host": "docker-1", "project": "shop", "service": "db"}
POOL = {"kind": "docker", "host": "docker-1", "project": "shop", "service": "pool"}


def scope(**changes: t.Any) -> Scope:
    return Scope("shop-db", {"runtime": SERVER, "postgresql_pooler_runtime": POOL, **changes}, {})


def look(snapshot: PostgresqlSnapshot) -> Observed:
    found = judge(snapshot, Settings(component="shop-db"))
    result = {
        "reachable": snapshot.reachable,
        "findings": [finding.to_dict() for finding in found],
        "snapshot": json.loads(json.dumps(summary(snapshot, ()))),
        "thresholds": {"idle_age": 300.0},
    }
    return Observed("server shop-db", "incident.response.postgresql_health_info", "shop-db", result)


def container(*findings: Finding, logs: t.Sequence[str] = (), **changes: t.Any) -> Observed:
    entry = {
        "id": "db-id", "started_at": "2026-01-01T00:00:00Z", "status": "running", "health": "healthy",
        "logs": [{"at": "2026-01-01T00:00:00Z", "text": line} for line in logs], **changes,
    }  # fmt: skip
    services = {"db": {"containers": [entry]}, "pool": {"containers": [{**entry, "id": "pool-id"}]}}
    result = {"snapshot": {"services": services}, "findings": [finding.to_dict() for finding in findings]}
    return Observed("containers on docker-1", "incident.response.docker_health_info", "docker-1", result)


def docker(name: str, component: str = "container:db", severity: str = "P2", **details: t.Any) -> Finding:
    remedies = (Remedy("do it by hand"),)
    return Finding(name, component, component, "critical", severity, name, remedies=remedies, details=details)


def plan(*looks: Observed, done: t.Sequence[Done] = (), where: Scope | None = None) -> Plan:
    where = where or scope()
    seen = [*looks] if any("docker" in item.module for item in looks) else [*looks, container()]
    findings = judged(SCENARIO, where, seen)
    verdict = decide.decide(findings, SCENARIO.graph(where))
    return SCENARIO.plan(Case(where, verdict, tuple(seen), tuple(done)))


def titles(found: Plan) -> list[str]:
    return [action.title for action in found.actions]


def down(kind: str = "refused", code: str = "", message: str = "") -> Observed:
    return look(PostgresqlSnapshot(address="db1:5432", answer=Answer("db1:5432", kind, message, code)))


def full(**changes: t.Any) -> PostgresqlSnapshot:
    return made([session(pid) for pid in range(1, 98)], **changes)


@pytest.mark.parametrize(
    ("name", "status", "verb", "risk"),
    [
        ("docker.container.not_running", "exited", "start", "disruptive"),
        ("docker.container.paused", "paused", "unpause", "low"),
        ("docker.process.frozen", "running", "continue", "low"),
    ],
)
def test_a_server_that_is_down_comes_back(name: str, status: str, verb: str, risk: str) -> None:
    found = plan(down("silent" if verb == "continue" else "refused"), container(docker(name), status=status))
    assert titles(found) == [f"{verb} db"]
    assert found.risk == risk
    assert found.actions[0].blames == (name,)


def test_the_container_explains_why_the_server_refuses() -> None:
    looks = [down(), container(docker("docker.container.not_running", exit_code=0), status="exited")]
    verdict = decide.decide(judged(SCENARIO, scope(), looks), SCENARIO.graph(scope()))
    assert [finding.id for finding in verdict.roots] == ["docker.container.not_running"]
    assert [item.finding.id for item in verdict.suppressed] == ["postgresql.server.refused"]


def test_a_server_that_answers_for_itself_is_not_explained_by_its_health_check() -> None:
    looks = [look(full()), container(docker("docker.container.unhealthy"), docker("docker.memory.high", severity="P3"))]
    verdict = decide.decide(judged(SCENARIO, scope(), looks), SCENARIO.graph(scope()))
    assert {finding.id for finding in verdict.roots} == {"postgresql.connections.full", "postgresql.connections.idle"}
    alone = [look(made()), container(docker("docker.container.unhealthy"))]
    assert [finding.id for finding in judged(SCENARIO, scope(), alone)] == ["docker.container.unhealthy"]


@pytest.mark.parametrize(
    "words", ["the database system is starting up", "das Datenbanksystem ist im Wiederherstellungsmodus"]
)
def test_what_recovers_is_waited_for_and_never_restarted(words: str) -> None:
    unhealthy = container(docker("docker.container.unhealthy"), logs=["LOG:  redo in progress, elapsed time: 10.00 s"])
    found = plan(down("error", "57P03", words), unhealthy)
    assert titles(found) == ["wait for shop-db"]
    assert found.risk == "none"
    assert "restart" not in json.dumps([remedy.to_dict() for remedy in found.proposals]).replace("a restart would", "")
    proof = SCENARIO.prove(scope(), [down("error", "57P03", words), unhealthy], ())
    assert not proof.good and "redo in progress" in proof.note


@pytest.mark.parametrize(
    "seen",
    [
        down("dns"),
        down("timeout"),
        down("reset"),
        down("tls"),
        down("not_protocol"),
        down("refused"),
        down("error", "28000"),
        down("error", "28P01"),
        down("error", "3D000"),
        down("error", "53100"),
        down("error", "XX001"),
        down("error", "57P03", "the database system is shutting down"),
    ],
    ids=lambda item: item.result["findings"][0]["id"],
)
def test_what_only_a_person_can_mend(seen: Observed) -> None:
    found = plan(seen)
    assert titles(found) == []
    assert found.escalate and found.proposals


def test_a_server_that_hangs_is_restarted_only_with_its_name_and_hash() -> None:
    found = plan(down("silent"))
    assert titles(found) == ["restart db"] and found.risk == "destructive"
    call = runtimes.call_of(found.actions[0])
    assert call.options["stop_timeout"] >= 60 and call.options["identity"]["id"] == "db-id"
    settings = gate.Settings(mode="auto", max_risk="disruptive")
    assert not gate.check_approval(settings, found).ok
    only_hash = gate.Settings(mode="auto", max_risk="disruptive", approve=found.hash)
    assert not gate.check_approval(only_hash, found).ok
    both = gate.Settings(mode="auto", max_risk="disruptive", approve=found.hash, confirm="shop-db")
    assert gate.check_approval(both, found).ok


def test_idle_sessions_go_within_the_dose() -> None:
    found = plan(look(full()))
    assert titles(found) == ["terminate idle sessions of shop-db"]
    action = found.actions[0]
    assert found.risk == "disruptive"
    assert set(action.blames) == {"postgresql.connections.full", "postgresql.connections.idle"}
    assert action.options == {
        "criteria": "idle", "action": "terminate", "min_age": 300.0, "headroom": 23.0, "max_share": 0.25, "count": 24,
    }  # fmt: skip
    call = runtimes.call_of(action)
    assert (call.module, call.host) == ("incident.response.postgresql_sessions", "shop-db")
    assert "identity" not in call.options


def test_the_hash_outlives_one_session_more_or_less() -> None:
    one_less = made([session(pid) for pid in range(1, 97)], reserve_used=True)
    one_less.ordinary = Answer("db1:5432", "error", "", "53300", "InitPostgres", True)
    assert plan(look(full())).hash == plan(look(one_less)).hash


@pytest.mark.parametrize(
    ("used", "capacity", "endable", "expected"),
    [
        (97, 97, 97, 20),
        (96, 97, 97, 20),
        (80, 97, 97, 5),
        (97, 97, 7, 7),
        (97, 97, 0, 0),
        (9, 9, 9, 2),
        (70, 97, 70, 0),
    ],
)
def test_dose(used: int, capacity: int, endable: int, expected: int) -> None:
    assert postgresql_plan.dose(used, capacity, endable, 20.0) == expected


def test_where_all_idle_ones_are_protected_nobody_goes() -> None:
    found = plan(look(made([session(pid, advisory=True) for pid in range(1, 98)])))
    assert titles(found) == [] and "protected" in found.escalate


def test_a_storm_is_left_to_its_client() -> None:
    young = [session(pid, age=400.0, login_at=made().now - 5) for pid in range(1, 98)]
    found = plan(look(made(young)))
    assert titles(found) == []
    assert "client" in found.escalate and any("storm" in note for note in found.notes)


def _blocked(state: str, **changes: t.Any) -> PostgresqlSnapshot:
    root = session(1, state, 400.0, **changes)
    waiting = [session(10 + n, "active", 300.0, wait_type="Lock") for n in range(10)]
    return made([root, *waiting], waiters=[waiter(10 + n, 1) for n in range(10)])


def test_a_session_idle_in_transaction_goes_alone() -> None:
    found = plan(look(_blocked("idle in transaction")))
    assert titles(found) == ["terminate the session of pid 1 on shop-db"]
    call = runtimes.call_of(found.actions[0])
    assert call.options["identity"] == {"pid": 1, "backend_start": "start-1"}
    assert (call.options["criteria"], call.options["action"]) == ("idle_in_transaction", "terminate")


def test_the_root_of_a_chain_is_cancelled_first_and_ended_where_that_did_not_help() -> None:
    snapshot = _blocked("active")
    first = plan(look(snapshot))
    assert titles(first) == ["cancel the statement of pid 1 on shop-db"]
    tried = Done(0.0, "shop-db", first.actions[0].verb, first.actions[0].key)
    assert titles(plan(look(snapshot), done=[tried])) == ["terminate the session of pid 1 on shop-db"]


@pytest.mark.parametrize("changes", [{"superuser": True}, {"advisory": True}, {"application": "pg_dump"}], ids=str)
@pytest.mark.parametrize("state", ["active", "idle in transaction"])
def test_a_protected_root_is_left_to_a_person(state: str, changes: dict[str, t.Any]) -> None:
    found = plan(look(_blocked(state, **changes)))
    assert titles(found) == [] and "is not ended" in found.escalate


def test_a_long_query_is_cancelled_only_where_slots_run_short() -> None:
    running = session(500, "active", 400.0)
    assert titles(plan(look(made([running])))) == []
    short = plan(look(made([running, *(session(pid, "active", 1.0) for pid in range(1, 97))])))
    assert titles(short) == ["cancel the statement of pid 500 on shop-db"]


def test_full_of_sessions_at_work_is_a_restart_after_a_checkpoint_that_is_only_proposed() -> None:
    found = plan(look(made([session(pid, "active", 1.0) for pid in range(1, 98)])))
    assert titles(found) == ["checkpoint shop-db", "restart db"] and found.risk == "destructive"
    assert any("at work" in note for note in found.notes)
    short = plan(look(made([session(pid, "active", 1.0) for pid in range(1, 91)])))
    assert titles(short) == [] and "at work" in short.escalate


def test_full_and_nobody_can_look_is_a_restart_that_is_only_proposed() -> None:
    found = plan(down("error", "53300"))
    assert found.risk == "destructive" and titles(found) == ["restart db"]


def test_a_pooler_that_is_down_is_started() -> None:
    stopped = container(docker("docker.container.not_running", "container:pool"), status="exited")
    found = plan(look(made()), stopped)
    assert titles(found) == ["start pool"] and found.risk == "low"


def test_a_cause_and_its_slots_share_one_action() -> None:
    snapshot = made([session(1, "idle in transaction", 400.0), *(session(pid) for pid in range(2, 98))])
    snapshot.waiters = [waiter(50, 1)]
    found = plan(look(snapshot))
    assert titles(found) == [
        "terminate idle sessions of shop-db",
        "terminate the session of pid 1 on shop-db",
    ] or titles(found) == ["terminate the session of pid 1 on shop-db", "terminate idle sessions of shop-db"]


def test_an_action_comes_back_from_json_as_it_was() -> None:
    for found in (plan(look(full())), plan(look(_blocked("active"))), plan(down("silent"))):
        again = Plan.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again == found and again.hash == found.hash
        assert [Action.from_dict(action.to_dict()) for action in found.actions] == list(found.actions)


def test_no_plan_holds_a_secret_and_every_option_that_is_inherited_exists() -> None:
    assert set(postgresql_actions.CONNECTION) == set(CONNECTION.options)
    assert set(postgresql_actions.PROTECTION) == set(PROTECTION.options)
    secrets = {name for name, option in SPEC.options.items() if option.get("no_log")}
    for action in plan(look(full())).actions:
        assert not secrets & set(action.options)
        assert secrets <= set(action.inherits)


def test_waiting_costs_no_budget() -> None:
    found = plan(down("error", "57P03", "the database system is starting up"))
    waited = [Done(100.0, "shop-db", "wait for")]
    assert gate.check_budget(gate.Settings(), found, [*waited, Done(100.0, "shop-db", "checkpoint")], 101.0).ok
    ending = plan(look(full()))
    assert gate.check_budget(gate.Settings(), ending, waited, 101.0).ok
    assert not gate.check_budget(gate.Settings(), ending, [Done(100.0, "shop-db", "x")], 101.0).ok


@pytest.mark.parametrize(
    ("changes", "good", "said"),
    [
        ({}, True, "login in 9 ms"),
        ({"login_ms": 1500.0}, False, "takes 1500 ms"),
        ({"login_ms": None, "reserve_used": True}, False, "no sign of life"),
        ({"superuser": True}, False, "no sign of life"),
        ({"waiters": [waiter(2, 1, age=1.0)]}, False, "waits for a lock"),
        ({"waiters": None}, False, "locks could not be seen"),
        ({"started": made().now - 5}, True, "login in 9 ms"),
        ({"used": 79}, False, "headroom" if False else "short of slots"),
    ],
    ids=str,
)
def test_proof(changes: dict[str, t.Any], good: bool, said: str) -> None:
    proof = SCENARIO.prove(scope(), [look(made(**changes)), container()], ())
    assert proof.good is good and said in proof.note, proof.note


def test_proof_wants_the_headroom_that_was_declared() -> None:
    half = look(made([session(pid, "active", 1.0) for pid in range(60)]))
    assert SCENARIO.prove(scope(), [half, container()], ()).good
    assert not SCENARIO.prove(scope(postgresql_headroom=50), [half, container()], ()).good
    assert not SCENARIO.prove(scope(), [down(), container()], ()).good


@pytest.mark.parametrize(
    "changes",
    [
        {"postgresql_headroom": 0.2},
        {"postgresql_headroom": True},
        {"postgresql_headroom": "much"},
        {"runtime": "docker"},
    ],
    ids=str,
)
def test_variables_that_make_no_sense_are_said_before_anything_is_looked_at(changes: dict[str, t.Any]) -> None:
    with pytest.raises(ScopeError):
        SCENARIO.services("shop-db", {"runtime": SERVER, **changes})


def test_works_without_any_runtime() -> None:
    where = scope(runtime=None, postgresql_pooler_runtime=None)
    assert [call.host for call in SCENARIO.checks(where)] == ["shop-db"]
    assert titles(plan(down("refused"), where=where)) == []
    assert titles(plan(look(full()), where=where)) == ["terminate idle sessions of shop-db"]
