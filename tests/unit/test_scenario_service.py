# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service scenario's tree: what is started or restarted, and what is left to a dependency or to people."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import decide, gate, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.plan import Plan
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import service
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import (
    Observed,
    Runtime,
    Scope,
    ScopeError,
    Service,
)

SCENARIO = service.SCENARIO
RUNS = {"kind": "docker", "host": "docker-1", "project": "shop", "service": "auth"}


def scope(**changes: t.Any) -> Scope:
    """auth needs a database and a cache; the cache's container is known too."""
    services = {
        "auth": Service("auth", None, ("shop-db", "shop-cache"), groups=("http_services",)),
        "shop-db": Service("shop-db", None, (), groups=("postgresql",)),
        "shop-cache": Service("shop-cache", Runtime("docker", "docker-1", "shop", "cache"), (), groups=("redis",)),
    }
    return Scope("auth", {"runtime": RUNS, "depends_on": ["shop-db", "shop-cache"], **changes}, services)


def finding(name: str, component: str = "auth", **details: t.Any) -> Finding:
    return Finding(name, component, component, "critical", "P1", name, remedies=(Remedy("by hand"),), details=details)


def page(*findings: Finding, kind: str = "ok", **row: t.Any) -> Observed:
    listed = [{"component": "auth", "kind": kind, "status": 200 if kind == "ok" else 0, "ms": {"total": 3.0}, **row}]
    result = {"findings": [item.to_dict() for item in findings], "snapshot": {"listed": listed}}
    return Observed("service auth", "incident.response.http_health_info", "auth", result)


def containers(*findings: Finding, status: str = "running", listening: list[str] | None = None) -> Observed:
    entry: dict[str, t.Any] = {"id": "auth-id", "started_at": "2026-01-01T00:00:00Z", "status": status}
    entry.update(health="healthy", listening=listening)
    snapshot = {"services": {"auth": {"containers": [entry]}}}
    result = {"snapshot": snapshot, "findings": [item.to_dict() for item in findings]}
    return Observed("containers on docker-1", "incident.response.docker_health_info", "docker-1", result)


def plan(*looks: Observed, done: tuple[gate.Done, ...] = (), where: Scope | None = None) -> Plan:
    where = where or scope()
    verdict = decide.decide(judged(SCENARIO, where, looks), SCENARIO.graph(where))
    return SCENARIO.plan(Case(where, verdict, looks, done))


def titles(found: Plan) -> list[tuple[str, str]]:
    return [(action.title, action.risk) for action in found.actions]


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("docker.container.not_running", "exited", [("start auth", "low")]),
        ("docker.container.paused", "paused", [("unpause auth", "low")]),
        ("docker.process.frozen", "running", [("continue auth", "low")]),
        ("docker.container.crash_loop", "restarting", []),
        ("docker.container.missing", "missing", []),
        ("docker.memory.oom_killed", "exited", []),
        ("docker.port.loopback_only", "running", []),
    ],
)
def test_what_is_down_comes_back_and_what_a_start_does_not_mend_is_left(
    name: str, status: str, expected: list[tuple[str, str]]
) -> None:
    found = plan(
        page(finding("http.connect.refused"), kind="refused"),
        containers(finding(name, "container:auth", exit_code=137), status=status),
    )
    assert titles(found) == expected
    assert bool(found.escalate) is not bool(expected)


@pytest.mark.parametrize(
    ("name", "options"), [("http.response.silent", {"dump": "quit"}), ("http.connect.refused", {})]
)
def test_what_hangs_is_restarted_once_and_never_twice(name: str, options: dict[str, str]) -> None:
    looks = (page(finding(name), kind="silent"), containers())
    first = plan(*looks)
    (action,) = first.actions
    assert (action.title, action.risk, action.options) == ("restart auth", "low", options)
    assert action.identity == {"id": "auth-id", "started_at": "2026-01-01T00:00:00Z"}
    assert runtimes.call_of(action).options["state"] == "restarted"
    again = plan(*looks, done=(gate.Done(1.0, "auth", "restart", action.key),))
    assert titles(again) == []
    assert "restarted for this before" in again.escalate


@pytest.mark.parametrize(
    ("listening", "restarted"),
    [(None, True), ([], True), (["127.0.0.1 8080", "::1 8080"], True), (["127.0.0.1 9000", ":: 8080"], False)],
)
def test_what_listens_is_not_restarted_for_a_refusal_on_the_way_to_it(
    listening: list[str] | None, restarted: bool
) -> None:
    found = plan(page(finding("http.connect.refused"), kind="refused"), containers(listening=listening))
    assert titles(found) == ([("restart auth", "low")] if restarted else [])
    assert ("port 8080" in found.escalate) is not restarted
    silent = plan(page(finding("http.response.silent"), kind="silent"), containers(listening=listening))
    assert titles(silent) == [("restart auth", "low")], "who says nothing hangs, whatever it listens on"


def test_without_a_container_that_runs_nothing_is_restarted() -> None:
    silent = page(finding("http.response.silent"), kind="silent")
    assert titles(plan(silent, containers(status="exited"))) == []
    assert titles(plan(silent, where=scope(runtime=None))) == []
    elsewhere = plan(silent, where=scope(runtime={**RUNS, "kind": "nomad"}))
    assert titles(elsewhere) == []
    assert elsewhere.escalate


@pytest.mark.parametrize(
    ("cause", "command"),
    [
        (finding("redis.server.refused", "shop-cache"), "incident.response.scenario_redis --limit shop-cache"),
        (finding("docker.container.paused", "container:shop-cache"), "scenario_redis --limit shop-cache"),
        (finding("postgresql.connections.full", "shop-db"), "incident.response.scenario_database --limit shop-db"),
    ],
)
def test_a_service_is_left_alone_for_what_a_dependency_does(cause: Finding, command: str) -> None:
    victim = finding("http.health.failing", dependency="redis")
    found = plan(page(victim, kind="ok"), containers(), Observed("x", "y", "z", {"findings": [cause.to_dict()]}))
    assert titles(found) == []
    assert command in [remedy.command for remedy in found.proposals][0]
    assert "auth is left alone" in found.notes[0]
    assert found.waits_for == (cause.component.removeprefix("container:"),)
    assert Plan.from_dict(found.to_dict()) == found


def test_a_hang_behind_a_dead_dependency_is_the_dependencys() -> None:
    looks = (
        page(finding("http.response.silent"), kind="silent"),
        containers(),
        Observed("x", "y", "z", {"findings": [finding("redis.server.refused", "shop-cache").to_dict()]}),
    )
    assert titles(plan(*looks)) == []


@pytest.mark.parametrize(
    "name",
    ["http.errors.high", "http.health.shallow", "http.health.slow", "http.health.flapping", "http.latency.high"]
    + ["http.name.unresolved", "http.connect.timeout", "http.tls.expired", "http.response.reset"],
)
def test_errors_slowness_and_networks_are_no_reason_for_a_restart(name: str) -> None:
    found = plan(page(finding(name)), containers())
    assert titles(found) == []
    assert found.escalate
    assert found.proposals


def test_who_is_blamed_from_outside_the_inventory_is_named() -> None:
    found = plan(page(finding("http.health.failing", dependency="ldap")), containers())
    assert titles(found) == []
    assert "auth blames ldap" in found.escalate


def test_looks_go_to_everything_that_it_needs_by_its_own_check() -> None:
    calls = {call.name: (call.module.rpartition(".")[2], call.host) for call in SCENARIO.checks(scope())}
    assert calls == {
        "service auth": ("http_health_info", "auth"),
        "postgresql shop-db": ("postgresql_health_info", "shop-db"),
        "redis shop-cache": ("redis_health_info", "shop-cache"),
        "containers on docker-1": ("docker_health_info", "docker-1"),
    }


def test_the_proof_is_an_answer_with_nothing_found() -> None:
    where = scope()
    good = SCENARIO.prove(where, [page(), containers()], ())
    assert (good.good, good.metric) == (True, 3.0)
    silent = SCENARIO.prove(where, [page(finding("http.response.silent"), kind="silent"), containers()], ())
    assert (silent.good, silent.metric) == (False, None)
    looping = SCENARIO.prove(where, [page(), containers(finding("docker.container.crash_loop", "container:auth"))], ())
    assert not looping.good
    other = Observed("x", "y", "z", {"findings": [finding("redis.memory.high", "shop-cache").to_dict()]})
    assert SCENARIO.prove(where, [page(), containers(), other], ()).good, "a dependency's own trouble is not its own"
    assert not SCENARIO.prove(where, [], ()).good


def test_errors_are_part_of_the_proof_where_they_are_measured() -> None:
    metrics = {"errors_per_100": 0.0, "requests": 40}
    assert "0 % errors in 40 requests" in SCENARIO.prove(scope(), [page(metrics=metrics), containers()], ()).note


def test_a_runtime_that_is_none_is_said() -> None:
    with pytest.raises(ScopeError, match="auth: runtime"):
        SCENARIO.services("auth", {"runtime": "docker"})
