# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Redis scenario's tree: which root cause asks for which remedy, and what is left to people on purpose."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import redis_clients, redis_flush, redis_wait
from ansible_collections.incident.response.plugins.module_utils.checks.redis_health import SPEC
from ansible_collections.incident.response.plugins.module_utils.core import decide, gate, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.plan import Action, Plan
from ansible_collections.incident.response.plugins.module_utils.core.redis_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.redis_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.redis_snapshot import RedisSnapshot
from ansible_collections.incident.response.plugins.module_utils.core.redis_summary import summary
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import redis, redis_plan, redis_scope
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import Observed, Scope, ScopeError
from ansible_collections.incident.response.plugins.module_utils.module.redis_options import REDIS_CONNECTION
from redis_made import ANSWERED, made, silent

SCENARIO = redis.SCENARIO
SERVER = {"kind": "docker", "host": "docker-1", "project": "shop", "service": "cache"}
MODULES = {"redis_clients": redis_clients.SPEC, "redis_flush": redis_flush.SPEC, "redis_wait": redis_wait.SPEC}


def scope(**changes: t.Any) -> Scope:
    return Scope("shop-cache", {"runtime": SERVER, **changes}, {})


def look(snapshot: RedisSnapshot) -> Observed:
    found = judge(snapshot, Settings(component="shop-cache"))
    result = {
        "reachable": snapshot.reachable,
        "findings": [finding.to_dict() for finding in found],
        "snapshot": json.loads(json.dumps(summary(snapshot))),
    }
    return Observed("server shop-cache", "incident.response.redis_health_info", "shop-cache", result)


def container(*findings: Finding, **changes: t.Any) -> Observed:
    entry = {
        "id": "cache-id",
        "started_at": "2026-01-01T00:00:00Z",
        "status": "running",
        "health": "healthy",
        **changes,
    }
    result = {
        "snapshot": {"services": {"cache": {"containers": [entry]}}},
        "findings": [finding.to_dict() for finding in findings],
    }
    return Observed("containers on docker-1", "incident.response.docker_health_info", "docker-1", result)


def docker(name: str, severity: str = "P2", **details: t.Any) -> Finding:
    where = "container:cache"
    return Finding(name, where, where, "critical", severity, name, remedies=(Remedy("by hand"),), details=details)


def case(*looks: Observed, **changes: t.Any) -> Case:
    where = scope(**changes)
    seen = [*looks] if any("docker" in item.module for item in looks) else [*looks, container()]
    return Case(where, decide.decide(judged(SCENARIO, where, seen), SCENARIO.graph(where)), tuple(seen))


def plan(*looks: Observed, **changes: t.Any) -> Plan:
    return SCENARIO.plan(case(*looks, **changes))


def titles(found: Plan) -> list[tuple[str, str]]:
    return [(action.title, action.risk) for action in found.actions]


def only(found: Plan) -> Action:
    assert len(found.actions) == 1
    return found.actions[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker.container.not_running", [("start cache", "low")]),
        ("docker.container.paused", [("unpause cache", "low")]),
        ("docker.process.frozen", [("continue cache", "low")]),
        ("docker.container.crash_loop", []),
        ("docker.container.missing", []),
    ],
)
def test_a_container_comes_back_and_what_the_server_says_follows_from_it(
    name: str, expected: list[tuple[str, str]]
) -> None:
    seen = case(look(silent("refused")), container(docker(name, exit_code=137), status="exited"))
    assert seen.verdict.root is not None
    assert seen.verdict.root.id == name
    assert [item.finding.id for item in seen.verdict.suppressed] == ["redis.server.refused"]
    found = SCENARIO.plan(seen)
    assert titles(found) == expected
    assert bool(found.escalate) is not bool(expected)


@pytest.mark.parametrize(
    ("changes", "starts"),
    [
        ({}, True),
        ({"redis_expected_replicas": 1}, False),
        ({"redis_expected_replicas": 1, "redis_persistent": True}, True),
        ({"redis_expected_replicas": 1, "redis_persistent": False}, False),
        ({"redis_persistent": False}, True),
    ],
)
def test_a_primary_without_persistence_that_has_replicas_is_never_started(
    changes: dict[str, t.Any], starts: bool
) -> None:
    down = container(docker("docker.container.not_running", exit_code=0), status="exited")
    found = plan(look(silent("refused")), down, **changes)
    assert bool(found.actions) is starts
    assert ("promote a replica first" in found.escalate) is not starts


def test_an_unhealthy_container_explains_nothing_that_the_server_says_itself() -> None:
    seen = case(
        look(made(probe={"error": "BUSY"}, ping_error="BUSY", info={})), container(docker("docker.container.unhealthy"))
    )
    assert [finding.id for finding in seen.verdict.roots] == ["redis.server.busy"]
    assert not seen.verdict.suppressed


def test_loading_is_waited_for_and_never_restarted() -> None:
    found = plan(look(made(probe={"error": "LOADING"}, info={"loading": "1", "loading_eta_seconds": "30"})))
    assert titles(found) == [("wait for shop-cache", "none")]
    assert "restart" not in " ".join(remedy.command + remedy.text for remedy in found.proposals).replace(
        "a restart would", ""
    )
    assert only(found).verb.startswith(gate.PATIENT)


def test_a_script_is_stopped() -> None:
    action = only(plan(look(made(probe={"error": "BUSY"}, ping_error="BUSY", info={}))))
    assert (action.risk, action.module, action.options) == ("low", "redis_clients", {"state": "script_killed"})


def crowded(connected: int, limit: int = 100) -> RedisSnapshot:
    return made(info={"connected_clients": str(connected + 1), "maxclients": str(limit)})


@pytest.mark.parametrize(("connected", "count"), [(91, 15), (95, 15), (96, 20), (99, 20)])
def test_idle_clients_go_within_the_dose(connected: int, count: int) -> None:
    action = only(plan(look(crowded(connected))))
    assert (action.risk, action.module) == ("disruptive", "redis_clients")
    assert action.options == {"min_idle": 300.0, "headroom": 20.0, "max_share": 0.25, "count": count}
    assert action.identity == {"run_id": ANSWERED["run_id"]}
    assert count <= 0.25 * connected


def test_a_plan_outlives_one_client_more() -> None:
    assert plan(look(crowded(92))).hash == plan(look(crowded(93))).hash
    assert plan(look(crowded(92))).hash != plan(look(crowded(97))).hash


def test_at_the_door_it_is_tried_until_a_place_comes_free() -> None:
    found = plan(look(made(probe={"error": "MAXCLIENTS", "text": "-ERR max number of clients reached"}, info={})))
    action = only(found)
    assert (action.risk, action.module, action.options["deadline"]) == ("disruptive", "redis_clients", 30.0)
    assert "count" not in action.options
    assert [remedy.risk for remedy in found.proposals][-1] == "destructive", "the restart comes last"


FULL: dict[str, t.Any] = {"info": {"maxmemory": "1000000", "used_memory": "1000000", "maxmemory_policy": "noeviction"}}


def test_full_memory_is_for_a_person_in_the_order_of_what_is_lost() -> None:
    found = plan(look(made(**FULL)))
    assert not found.actions
    texts = [remedy.text for remedy in found.proposals]
    order = [
        next(n for n, text in enumerate(texts) if word in text)
        for word in ("pattern", "maxmemory,", "allkeys-lru", "FLUSHDB")
    ]
    assert order == sorted(order)


def test_a_flush_that_the_inventory_allows_still_needs_name_and_hash() -> None:
    allowed = {"pattern": "page:*", "copy_dir": "/backup", "postgresql_headroom": 50}
    found = plan(look(made(**FULL)), redis_flush=allowed, redis_role="cache")
    action = only(found)
    assert (action.risk, action.module) == ("destructive", "redis_flush")
    assert action.options == {"role": "cache", **allowed}
    for mode in ("auto", "ask", "propose"):
        settings = gate.Settings(mode=mode, max_risk="disruptive")
        assert not gate.check_approval(settings, found).ok
    typed = gate.Settings(mode="ask", confirm="shop-cache", approve=found.hash)
    assert gate.check_approval(typed, found).ok


def test_a_hang_is_restarted_only_with_name_and_hash() -> None:
    action = only(plan(look(silent("silent"))))
    assert (action.title, action.risk) == ("restart cache", "destructive")
    assert "all of its data is lost" in action.dose
    saved = only(plan(look(silent("silent")), redis_persistent=True))
    assert "lost" not in saved.dose
    kept = plan(look(silent("silent")), redis_expected_replicas=2)
    assert not kept.actions
    assert "promote a replica first" in kept.escalate


@pytest.mark.parametrize("kind", ["dns", "timeout", "reset", "not_protocol", "tls", "paused"])
def test_what_no_restart_would_mend_is_left_alone(kind: str) -> None:
    found = plan(look(silent(kind)))
    assert not found.actions
    assert found.escalate
    assert found.proposals


def test_not_measured_is_not_touched() -> None:
    found = plan(look(made(refused={"CLIENT LIST": "NOPERM no"})))
    assert not found.actions
    assert any("Not measured" in note for note in found.notes)


@pytest.mark.parametrize(
    "snapshot",
    [
        crowded(95),
        made(**FULL),
        made(probe={"error": "BUSY"}, info={}),
        made(probe={"error": "LOADING"}, info={"loading": "1"}),
    ],
)
def test_every_call_fits_its_module(snapshot: RedisSnapshot) -> None:
    arg_spec = pytest.importorskip("ansible.module_utils.common.arg_spec")
    allowed = {"pattern": "page:*", "whole": False, "copy_dir": "/backup"}
    for action in plan(look(snapshot), redis_flush=allowed).actions:
        call = runtimes.call_of(action)
        assert call.host == "shop-cache"
        spec = MODULES[action.module]
        known = spec.options
        assert set(call.options) <= set(known)
        assert set(action.inherits) <= set(known)
        assert not {"password", "username"} & set(call.options), "secrets are taken over where the action runs"
        kwargs = spec.module_kwargs()
        validator = arg_spec.ArgumentSpecValidator(kwargs.pop("argument_spec"), **kwargs)
        assert validator.validate(dict(call.options)).error_messages == []


def test_what_is_inherited_is_the_connection() -> None:
    assert tuple(REDIS_CONNECTION.options) == redis_plan.CONNECTION
    assert set(redis_plan.CONNECTION) <= set(SPEC.options)
    assert set(redis_flush.SPEC.options) >= redis_scope.FLUSH


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"redis_headroom": 0.2}, "redis_headroom"),
        ({"redis_headroom": True}, "redis_headroom"),
        ({"redis_min_idle": "5m"}, "redis_min_idle"),
        ({"redis_persistent": "maybe"}, "redis_persistent"),
        ({"redis_flush": "all"}, "redis_flush"),
        ({"redis_flush": {"patern": "x"}}, "patern"),
        ({"redis_flush": {"pattern": "x", "whole": True}}, "one of pattern and whole"),
        ({"runtime": "docker"}, "runtime"),
    ],
)
def test_impossible_variables_are_named(settings: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ScopeError, match=said):
        SCENARIO.services("shop-cache", settings)


# The proof


def proof(snapshot: RedisSnapshot, *blamed: str, **changes: t.Any) -> t.Any:
    return SCENARIO.prove(scope(**changes), [look(snapshot), container()], blamed)


def test_good_is_fast_and_without_anything_refused() -> None:
    assert proof(made()).good
    assert proof(made()).metric == 0.2


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (silent("refused"), "refuses connections"),
        (made(pings=(12.0, 11.0, 15.0)), "10 ms or more"),
        (made(later=None), "read once only"),
        (made(later={"rejected_connections": "1"}), "turned 1 away"),
        (made(later={"errorstat_OOM": "count=2"}), "refused 2 write"),
        (made(probe={"error": "LOADING"}, pings=(), info={"loading": "1"}), "loads its data"),
    ],
)
def test_what_is_no_proof(snapshot: RedisSnapshot, said: str) -> None:
    found = proof(snapshot)
    assert not found.good
    assert said in found.note


def test_memory_has_to_have_room_again_where_it_was_blamed() -> None:
    full = made(info={"maxmemory": "1000", "used_memory": "870", "maxmemory_policy": "allkeys-lru"})
    assert proof(full).good
    assert "87 % full" in proof(full, "redis.memory.full").note


def test_a_store_must_not_evict() -> None:
    evicting = made(later={"evicted_keys": "3"})
    assert proof(evicting, redis_role="cache").good
    assert not proof(evicting, redis_role="store").good
