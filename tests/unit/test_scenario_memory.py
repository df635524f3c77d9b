# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory scenario's tree, over what the real judges make of a look: each branch, and a twin that differs in one
condition only."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import docker_made
import pytest
from ansible_collections.incident.response.plugins.action import incident_close, incident_open
from ansible_collections.incident.response.plugins.module_utils.core import (
    decide,
    docker_judge,
    docker_settings,
    docker_summary,
    ending,
    gate,
    go_judge,
    go_settings,
    go_summary,
    mitigation,
    runtimes,
)
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Event, KernelOom, Memory
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.go_stacks import Stack
from ansible_collections.incident.response.plugins.module_utils.core.plan import Plan
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import memory
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, Proof, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import (
    Observed,
    Runtime,
    Scope,
    ScopeError,
    Service,
)
from ansible_collections.incident.response.plugins.plugin_utils import likely_checks, report, reporter, say
from ansible_collections.incident.response.plugins.plugin_utils.store import Store
from go_made import MIB, NOW, heap, made, past, reading

SCENARIO = memory.SCENARIO
RUNS = {"kind": "docker", "host": "docker-1", "project": "shop", "service": "auth"}
URLS = {"go_metrics_url": "http://auth:8081/metrics", "go_pprof_url": "http://auth:8081/debug/pprof"}
LIMIT = 128 * MIB
ROOM = (8 * 1024 * MIB, 4 * 1024 * MIB)
FLAT = (60.0, 60.0, 60.0, 60.0, 60.0)
CLIMB = (20.0, 30.0, 40.0, 50.0, 60.0)
RESTART, RAISE = ("restart auth", "low"), ("raise_memory auth", "disruptive")
POOL = Stack(60, ("database/sql.(*DB).conn", "main.verify"))


def scope(**changes: t.Any) -> Scope:
    """auth needs a database and a cache."""
    ago = changes.pop("acted_ago", None)
    services = {
        "auth": Service("auth", None, ("shop-db", "shop-cache"), groups=("http_services",)),
        "shop-db": Service("shop-db", None, (), groups=("postgresql",)),
        "shop-cache": Service("shop-cache", Runtime("docker", "docker-1", "shop", "cache"), (), groups=("redis",)),
    }
    own = {"runtime": RUNS, "depends_on": ["shop-db", "shop-cache"], **URLS, **changes}
    return Scope("auth", own, services, acted_ago=ago)


def program(floors: t.Sequence[float] = FLAT, last: float = 60.0, history: bool = True, **changes: t.Any) -> Observed:
    """A look at the Go program, judged. floors: MiB that earlier collections left, a minute apart; last: now."""
    metrics = changes.pop("metrics", {})
    live = {"go_memstats_next_gc_bytes": 2 * last * MIB, "go_memstats_heap_alloc_bytes": last * MIB, **metrics}
    rows = [reading(NOW + n, **live) for n in (0, 2, 4)]
    profile = heap(NOW + 4, {"main.remember": int(last * MIB), "main.cache": 10 * MIB})
    looked = made(*changes.pop("readings", rows), heaps=(profile,), **changes)
    seen = past([floor * MIB for floor in floors]) if history else []
    settings = go_settings.Settings(component="auth", pprof=URLS["go_pprof_url"])
    found = go_judge.judge(looked, settings, seen)
    result = {"findings": [f.to_dict() for f in found], "snapshot": go_summary.summary(looked, settings, seen)}
    return Observed("go auth", "incident.response.go_health_info", "auth", result)


def containers(
    percent: float = 50.0, kind: str = "healthy", oom: float | None = None, crashes: int = 0, **changes: t.Any
) -> Observed:
    """A look at the container of auth, judged. percent: working set of its limit. oom: seconds ago; beside: another
    process was killed for it."""
    machine, host, beside = (
        changes.pop("machine", ROOM),
        changes.pop("host_pressure", False),
        changes.pop("beside", False),
    )
    used = int(LIMIT * percent / 100)
    memory_ = Memory(used + changes.pop("cache", 0), used, max(used, changes.pop("peak", 0)), LIMIT, 0)
    basis = {"service": "auth", "project": "shop", "memory_limit": LIMIT, "memory": memory_}
    one = docker_made.container(kind, **{**basis, **changes})
    looked = docker_made.look(one, machine=machine)
    if oom is not None:
        at = looked.now - oom
        if kind == "healthy" and not beside:
            one.finished, one.started = at, at + 0.2
        deaths = [] if beside else [at - 10.0 * number for number in range(max(1, crashes))]
        looked.events = sorted(
            (event for moment in deaths for event in _death(one.id, moment)), key=lambda event: event.at
        )
        looked.kernel = [KernelOom(at, one.id, "auth", host)]
        looked.kernel_since = looked.now - 900
        one.restart_count = crashes
    settings = docker_settings.Settings(project="shop", components={"auth": "container:auth"})
    found = docker_judge.judge(looked, settings)
    result = {
        "findings": [f.to_dict() for f in found],
        "snapshot": docker_summary.summary(looked, found),
        "thresholds": {"memory_percent": {"warn": 80, "crit": 92}},
    }
    return Observed("containers on docker-1", "incident.response.docker_health_info", "docker-1", result)


def _death(name: str, at: float) -> list[Event]:
    return [Event(at - 0.1, "oom", name), Event(at, "die", name, 137), Event(at + 0.2, "start", name)]


def blamed(name: str, component: str) -> Observed:
    found = Finding(name, component, component, "critical", "P2", name)
    return Observed("x", "y", "z", {"findings": [found.to_dict()]})


def found_ids(*looks: Observed) -> set[str]:
    return {f["id"] for look in looks for f in look.result["findings"] if f["severity"] != "P4"}


def plan(*looks: Observed, done: tuple[gate.Done, ...] = (), where: Scope | None = None) -> Plan:
    where = where or scope()
    verdict = decide.decide(judged(SCENARIO, where, looks), SCENARIO.graph(where))
    return SCENARIO.plan(Case(where, verdict, looks, done))


def titles(found: Plan) -> list[tuple[str, str]]:
    return [(action.title, action.risk) for action in found.actions]


def waiting(stacks: tuple[Stack, ...] = (POOL,)) -> Observed:
    return program(stacks=stacks, goroutines=60)


# The database, and other dependencies


def test_who_waits_for_the_database_is_left_alone_and_the_databases_scenario_is_named() -> None:
    looks = (waiting(), containers(90.0))
    assert found_ids(*looks) >= {"go.goroutines.waiting_database", "docker.memory.high"}
    found = plan(*looks)
    assert titles(found) == []
    assert "incident.response.scenario_database --limit shop-db" in " ".join(r.command for r in found.proposals)
    assert found.waits_for == ("shop-db",)
    assert "shop-db" in found.escalate
    twin = plan(waiting((dataclasses.replace(POOL, count=2),)), containers(90.0))
    assert titles(twin) == [RAISE], "two that wait are no reason, and then its memory is the matter"


def test_without_a_database_in_the_inventory_that_is_said() -> None:
    where = scope()
    where.services["auth"] = dataclasses.replace(where.services["auth"], depends_on=("shop-cache",))
    found = plan(waiting(), containers(), where=where)
    assert (titles(found), found.waits_for) == ([], ())
    assert "none is among what it depends_on" in found.escalate


@pytest.mark.parametrize(
    ("name", "component", "command"),
    [
        ("redis.server.refused", "shop-cache", "scenario_redis --limit shop-cache"),
        ("docker.container.paused", "container:shop-cache", "scenario_redis --limit shop-cache"),
        ("postgresql.lock.blocking", "shop-db", "scenario_database --limit shop-db"),
    ],
)
@pytest.mark.parametrize("oom", [None, 30.0])
def test_what_a_dependency_has_is_the_dependencys(name: str, component: str, command: str, oom: float | None) -> None:
    own = (program(CLIMB, 70.0), containers(90.0, oom=oom))
    found = plan(*own, blamed(name, component))
    assert titles(found) == []
    assert command in " ".join(remedy.command for remedy in found.proposals)
    assert found.waits_for == (component.removeprefix("container:"),)
    assert titles(plan(program(CLIMB, 70.0), containers(90.0))) == [RESTART], "the twin: nothing it depends on fails"


def test_a_consumer_group_that_lags_is_no_excuse_for_a_leak() -> None:
    own = (program(CLIMB, 70.0), containers(90.0))
    assert titles(plan(*own, blamed("kafka.lag.slow", "group:auth"))) == [RESTART]
    assert titles(plan(containers(), blamed("kafka.lag.slow", "group:auth"))) == []


# A leak


def test_a_leak_near_its_limit_is_restarted_once_and_says_that_it_mends_nothing() -> None:
    looks = (program(CLIMB, 70.0), containers(90.0))
    assert found_ids(*looks) == {"go.heap.leak", "docker.memory.high"}
    found = plan(*looks)
    (action,) = found.actions
    assert (action.title, action.risk, action.undo) == ("restart auth", "low", "")
    assert action.blames == ("docker.memory.high", "go.heap.leak")
    assert runtimes.call_of(action).options["state"] == "restarted"
    assert "does not mend the leak in main.remember" in action.mitigates
    assert action.leaves == "the leak in main.remember"
    assert any("main.remember holds" in note for note in found.notes)
    # 50 MiB in 304 s, and 10 % of 128 MiB are left: the room and what had grown before, at the same pace.
    assert action.recurs == pytest.approx((12.8 + 50) / (50 / 304), rel=0.05)
    again = plan(*looks, done=(gate.Done(1.0, "auth", "restart", action.key),))
    assert titles(again) == []
    assert "restarted for this before" in again.escalate
    assert titles(plan(*looks, done=(gate.Done(1.0, "auth", "restart", "hung:auth"),))) == [RESTART]


def test_what_it_mitigates_is_not_in_the_plans_hash() -> None:
    found = plan(program(CLIMB, 70.0), containers(90.0))
    other = dataclasses.replace(found.actions[0], mitigates="in 3 min", recurs=1.0, leaves="x", reason="now 91 %")
    assert dataclasses.replace(found, actions=(other,)).hash == found.hash
    assert Plan.from_dict(found.to_dict()) == found


def test_a_leak_that_is_far_from_its_limit_waits_for_a_person() -> None:
    # 22 MiB in five hours, found by earlier looks: there is half a day left.
    history = [
        {"at": NOW - 18000.0 + 3000.0 * n, "start": NOW - 86400.0, "floor": (40.0 + 4 * n) * MIB, "cycles": n}
        for n in range(6)
    ]
    live = {"go_memstats_next_gc_bytes": 2 * 62.0 * MIB, "go_memstats_heap_alloc_bytes": 62.0 * MIB}
    looked = made(*(reading(NOW + n, **live) for n in (0, 2, 4)))
    settings = go_settings.Settings(component="auth", memory_limit=LIMIT)
    found = go_judge.judge(looked, settings, history)
    assert [f.id for f in found if f.severity != "P4"] == ["go.heap.leak"]
    result = {"findings": [f.to_dict() for f in found], "snapshot": go_summary.summary(looked, settings, history)}
    look = Observed("go auth", "incident.response.go_health_info", "auth", result)
    calm = plan(look, containers(50.0))
    assert titles(calm) == []
    assert "no reason to restart it" in calm.escalate
    assert titles(plan(look, containers(85.0))) == [RESTART], "the twin: its working set is near the limit"
    assert titles(plan(program(CLIMB, 70.0), containers(50.0))) == [RESTART], "the twin: it climbs faster"


def test_goroutines_that_leak_count_where_they_take_memory() -> None:
    crowd = [reading(NOW + n, go_goroutines=300.0 + 400 * n) for n in (0, 2, 4)]
    stacks = (Stack(1900, ("main.forgotten", "main.handle")),)
    looks = program(readings=crowd, stacks=stacks, goroutines=1900)
    assert "go.goroutines.leak" in found_ids(looks)
    calm = plan(looks, containers(40.0))
    assert titles(calm) == []
    assert "goroutines leak" in calm.escalate
    assert any("main.forgotten" in note for note in calm.notes)
    high = plan(looks, containers(90.0))
    assert titles(high) == [RESTART]
    assert high.actions[0].leaves == "the leak in main.forgotten"
    assert high.actions[0].recurs is None
    assert "unknown" in high.actions[0].mitigates


# A limit that is too small


def test_at_the_limit_with_a_flat_heap_the_limit_is_raised_once() -> None:
    looks = (program(), containers(90.0))
    assert found_ids(*looks) == {"docker.memory.high"}
    found = plan(*looks)
    (action,) = found.actions
    assert (action.title, action.risk, action.dose) == ("raise_memory auth", "disruptive", "128 MiB to 176 MiB")
    assert "docker update --memory" in action.undo
    call = runtimes.call_of(action)
    assert (call.options["state"], call.options["memory"]) == ("memory_raised", "176m")
    assert "persist" not in call.options
    assert any("persist=true" in remedy.command for remedy in found.proposals)
    assert any("GOMEMLIMIT=158MiB" in note for note in found.notes)
    assert "main.remember holds 60 MiB" in found.notes
    assert not action.mitigates, "a larger limit is a cure"
    again = plan(*looks, done=(gate.Done(1.0, "auth", "raise_memory", action.key),))
    assert titles(again) == []
    assert "raised for this before" in again.escalate


def test_a_limit_is_written_down_where_the_inventory_says_so() -> None:
    (action,) = plan(program(), containers(90.0), where=scope(memory_persist=True)).actions
    assert action.options == {"memory": "176m", "persist": True}
    with pytest.raises(ScopeError, match="auth: memory_persist"):
        SCENARIO.services("auth", {"memory_persist": "perhaps"})


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (program(history=False), "not told yet"),
        (None, "without Go metrics"),
    ],
)
def test_what_may_be_a_leak_is_not_given_more(look: Observed | None, said: str) -> None:
    found = plan(*([look] if look else []), containers(90.0))
    assert titles(found) == []
    assert said in found.escalate


def test_a_machine_without_room_gets_no_higher_limit() -> None:
    found = plan(program(), containers(90.0, machine=(1024 * MIB, 100 * MIB)))
    assert titles(found) == []
    assert "the machine has 100 MiB available" in found.escalate
    assert titles(plan(program(), containers(90.0, machine=(1024 * MIB, 200 * MIB)))) == [RAISE]
    assert titles(plan(program(), containers(90.0, machine=None))) == [RAISE], "the module looks again"


def test_gomemlimit_alone_is_for_a_person() -> None:
    tight = {
        "go_gc_gomemlimit_bytes": 70.0 * MIB,
        "go_memstats_sys_bytes": 72.0 * MIB,
        "go_gc_heap_live_bytes": 60.0 * MIB,
    }
    look = program(metrics=tight)
    assert "go.heap.limit" in found_ids(look)
    found = plan(look, containers(60.0))
    assert titles(found) == []
    assert "GOMEMLIMIT" in found.escalate
    assert RAISE in titles(plan(look, containers(90.0))), "the twin: its container is at the limit too"


# Killed for its memory


def test_killed_without_a_leak_its_limit_is_raised() -> None:
    looks = (program(last=30.0), containers(30.0, oom=30.0))
    assert found_ids(*looks) == {"docker.memory.oom_killed"}
    found = plan(*looks)
    assert titles(found) == [RAISE]
    assert found.actions[0].dose == "128 MiB to 192 MiB", "it met its limit: that is the peak"


def test_one_that_is_down_for_it_is_started_too() -> None:
    look = containers(kind="oom_main", memory=None)
    found = plan(look)
    assert titles(found) == [RAISE, ("start auth", "low")]
    assert found.risk == "disruptive"


def test_a_process_beside_the_service_is_no_reason_to_give_the_service_more() -> None:
    look = containers(30.0, oom=30.0, beside=True)
    assert found_ids(look) == {"docker.memory.oom_killed"}
    found = plan(program(last=30.0), look)
    assert titles(found) == []
    assert "another process in its container" in found.escalate


def test_in_a_machine_that_ran_out_nothing_is_raised() -> None:
    found = plan(program(last=30.0), containers(30.0, oom=30.0, host_pressure=True))
    assert titles(found) == []
    assert "the machine itself ran out" in found.escalate


def test_a_loop_of_kills_with_a_leak_is_for_a_person_and_one_without_is_raised_once() -> None:
    killed = containers(40.0, oom=2.0, crashes=4)
    leaking = plan(program(CLIMB, 70.0), killed)
    assert titles(leaking) == []
    assert "each kill is a restart already" in leaking.escalate
    first = plan(program(), killed)
    assert titles(first) == [RAISE]
    assert first.actions[0].identity == {"id": first.actions[0].identity["id"]}, "of any of its lives"
    again = plan(program(), killed, done=(gate.Done(1.0, "auth", "raise_memory", first.actions[0].key),))
    assert (titles(again), bool(again.escalate)) == ([], True)
    assert titles(plan(program(CLIMB, 70.0), containers(40.0, oom=30.0))) == [RESTART], "killed once: a leak as others"


# Nothing, and nobody's


@pytest.mark.parametrize(
    "looks",
    [
        (program(), containers(50.0, cache=64 * MIB)),
        (program((20.0, 20.0, 90.0, 90.0, 20.0), 20.0), containers(50.0, peak=int(LIMIT * 0.99))),
        (program(metrics={"go_memstats_heap_idle_bytes": 400.0 * MIB}), containers(50.0)),
    ],
    ids=["page cache", "a burst that ended", "retained"],
)
def test_what_only_looks_like_high_memory_is_healthy(looks: tuple[Observed, ...]) -> None:
    verdict = decide.decide(judged(SCENARIO, scope(), looks), SCENARIO.graph(scope()))
    assert (verdict.roots, verdict.unknown) == ((), ())
    assert titles(plan(*looks)) == []
    assert plan(*looks).escalate == ""


def test_memory_outside_of_go_is_for_a_person_until_the_limit_is_near() -> None:
    outside = program(metrics={"process_resident_memory_bytes": 300.0 * MIB})
    assert "go.memory.offheap" in found_ids(outside)
    calm = plan(outside, containers(60.0))
    assert titles(calm) == []
    assert "outside of Go's heap" in calm.escalate
    near = plan(outside, containers(90.0))
    assert titles(near) == [RESTART]
    assert near.actions[0].mitigates
    assert titles(plan(outside, containers(30.0, oom=20.0))) == []


@pytest.mark.parametrize("kind", ["paused", "exit1", "stopped", "killed"])
def test_one_that_is_down_for_another_reason_is_the_service_scenarios(kind: str) -> None:
    found = plan(containers(kind=kind, memory=None))
    assert titles(found) == []
    assert "ansible-playbook incident.response.scenario_service --limit auth" in [
        remedy.command for remedy in found.proposals
    ]
    assert "no question of memory" in found.escalate


def test_a_collection_is_only_proposed_and_with_its_whole_command() -> None:
    found = plan(program(CLIMB, 70.0), containers(90.0))
    (command,) = [r.command for r in found.proposals if "go_runtime" in r.command]
    assert command.startswith("ansible auth -m incident.response.go_runtime -a 'metrics_url=http://auth:8081/metrics")
    assert f"memory_limit={LIMIT}" in command
    bare = plan(program(CLIMB, 70.0), containers(90.0), where=scope(go_pprof_url=None))
    assert not [r for r in bare.proposals if "go_runtime" in r.command]


def test_what_is_beside_the_point_is_left_to_people() -> None:
    found = plan(program(metrics={"go_threads": 900.0}), containers(50.0))
    assert titles(found) == []
    assert "go.threads.high is no question of memory" in found.escalate


# Looks


def test_looks_go_to_the_program_and_to_what_it_needs() -> None:
    calls = [(call.name, call.module.rpartition(".")[2], call.host) for call in SCENARIO.checks(scope())]
    assert calls == [
        ("go auth", "go_health_info", "auth"),
        ("redis shop-cache", "redis_health_info", "shop-cache"),
        ("postgresql shop-db", "postgresql_health_info", "shop-db"),
        ("containers on docker-1", "docker_health_info", "docker-1"),
    ]
    bare = SCENARIO.checks(scope(go_metrics_url=None, go_pprof_url=""))
    assert "go auth" not in [call.name for call in bare]


def test_the_check_of_the_program_is_loaded_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likely_checks.context, "CLIARGS", {"args": ("playbooks/scenario_memory.yml",)})
    assert likely_checks.likely() == ["http_health_info", "go_health_info", "docker_health_info"]
    monkeypatch.setattr(likely_checks.context, "CLIARGS", {"args": ("playbooks/scenario_service.yml",)})
    assert likely_checks.likely() == ["http_health_info", "docker_health_info"]


# The proof


def prove(*looks: Observed, ago: float | None = 60.0) -> Proof:
    return SCENARIO.prove(scope(acted_ago=ago), looks, ())


def test_the_proof_is_room_below_the_limit_and_an_answer() -> None:
    good = prove(program(), containers(50.0))
    assert (good.good, good.metric) == (True, pytest.approx(50.0))
    assert not prove(program(), containers(85.0)).good
    assert not prove(containers(50.0)).good, "its metrics were not read"
    assert not prove(program(), containers(50.0, memory=None)).good
    assert not prove(program(CLIMB, 70.0), containers(50.0)).good
    assert not prove(containers(kind="exit1", memory=None)).good
    assert not prove().good


def test_a_kill_before_the_action_is_history_and_one_after_it_is_not() -> None:
    killed = containers(30.0, oom=50.0)
    assert "docker.memory.oom_killed" in found_ids(killed)
    assert prove(program(last=30.0), killed, ago=20.0).good
    assert not prove(program(last=30.0), killed, ago=90.0).good
    assert not prove(program(last=30.0), killed, ago=None).good
    killed.result["duration_ms"] = 50_000
    assert prove(program(last=30.0), killed, ago=90.0).good, "the look was taken long before it was judged"


# How it ends

MITIGATED = mitigation.Mitigation(1000.0, "a restart mends nothing", "the leak in f", 1200.0)
NONE = {"roots": [], "unknown": []}
ROOT = {"roots": [{"id": "go.heap.leak"}], "unknown": []}


def end(**changes: t.Any) -> ending.Ending:
    base = {
        "mode": "auto",
        "check_mode": False,
        "adopted": True,
        "failure": "",
        "verdict": NONE,
        "plan": {"actions": [], "escalate": ""},
        "gate": None,
        "watched": "",
    }
    return ending.ending(**{**base, **changes})


@pytest.mark.parametrize(("watched", "outcome"), [("fixed", "mitigated"), ("unchanged", "unchanged")])
def test_a_watch_that_proves_a_restart_of_what_leaks_is_no_fix(watched: str, outcome: str) -> None:
    found = plan(program(CLIMB, 70.0), containers(90.0))
    over = end(verdict=ROOT, plan=found.to_dict(), watched=watched)
    assert (over.outcome, over.ok, over.closed, over.tell) == (outcome, False, False, True)
    raised = plan(program(), containers(90.0))
    assert end(verdict=ROOT, plan=raised.to_dict(), watched="fixed").outcome == "fixed"
    if watched == "fixed":
        assert over.why == found.actions[0].mitigates


def test_a_later_healthy_look_is_not_called_restored_before_it_was_due() -> None:
    early = end(mitigated=MITIGATED, now=1500.0)
    assert (early.outcome, early.ok, early.closed) == ("mitigated", False, False)
    assert early.why.startswith("healthy now; mitigated at 1970-01-01 00:16:40 UTC, and expected back about")
    late = end(mitigated=MITIGATED, now=2200.0)
    assert (late.outcome, late.ok, late.closed) == ("restored", True, True)
    assert "was not seen again" in late.why
    assert end(mitigated=None).outcome == "restored"


def test_where_nobody_knows_when_it_comes_back_a_day_has_to_pass() -> None:
    unknown = dataclasses.replace(MITIGATED, recurs=None)
    assert end(mitigated=unknown, now=1000.0 + 86399).outcome == "mitigated"
    assert end(mitigated=unknown, now=1000.0 + 86400).outcome == "restored"
    assert "not known" in end(mitigated=unknown, now=2000.0).why


def test_what_was_expected_at_once_is_waited_for_all_the_same() -> None:
    fast = dataclasses.replace(MITIGATED, recurs=6.0)
    assert "back about 1970-01-01 00:16:46 UTC" in end(mitigated=fast, now=1010.0).why
    assert end(mitigated=fast, now=1899.0).outcome == "mitigated"
    assert end(mitigated=fast, now=1900.0).outcome == "restored"


def test_what_was_seen_again_is_waited_for_anew() -> None:
    seen = dataclasses.replace(MITIGATED, seen=1550.0)
    assert end(mitigated=seen, now=2300.0).outcome == "mitigated"
    assert end(mitigated=seen, now=2750.0).outcome == "restored"


def test_what_could_not_be_measured_is_unknown_whatever_was_mitigated() -> None:
    blind = {"roots": [], "unknown": [{"summary": "no metrics"}]}
    assert end(verdict=blind, mitigated=MITIGATED, now=1500.0).outcome == "unknown"


def test_a_mitigation_is_made_of_the_plan_and_survives_json() -> None:
    found = plan(program(CLIMB, 70.0), containers(90.0)).to_dict()
    made_ = mitigation.of_plan(found, 500.0)
    assert made_ is not None
    assert made_.item.startswith("Find and mend the leak in main.remember before about 1970-01-01 00:1")
    assert mitigation.Mitigation.from_dict(made_.to_dict()) == made_
    assert mitigation.of_plan(plan(program(), containers(90.0)).to_dict(), 500.0) is None
    assert "when is not known" in dataclasses.replace(made_, recurs=None).item


class Close(incident_close.ActionModule):
    """The step as far as it keeps what it knows; no play, no target."""

    def __init__(self, directory: pathlib.Path, incident: str) -> None:
        self.directory, self.args, self.vars = directory, {"incident": incident}, {"inventory_hostname": "auth"}

    def store(self) -> Store:
        return Store(self.directory)

    def ends(self, decision: dict[str, t.Any], **changes: t.Any) -> ending.Ending:
        """How a run that adopted the incident ends, with what it keeps for the next one."""
        earlier = self._earlier()
        over = end(verdict=decision["verdict"], plan=decision["plan"], mitigated=earlier, **changes)
        with self.store() as store:
            self._remember(store, over, decision, earlier)
        return over

    def kept(self) -> dict[str, t.Any]:
        with self.store() as store:
            return dict(self.incident(store).data.get("mitigated") or {})


@pytest.fixture
def opened(tmp_path: pathlib.Path) -> Close:
    with Store(tmp_path) as store:
        incident = store.open_incident("auth", "memory", NOW, {"clocks": {"alerted": NOW}, "acted": NOW + 5})
    return Close(tmp_path, incident.id)


LEAKS = {"verdict": ROOT, "plan": plan(program(CLIMB, 70.0), containers(90.0)).to_dict()}
HEALTHY = {"verdict": NONE, "plan": {"actions": [], "escalate": ""}}


def test_what_was_mitigated_is_kept_and_the_next_runs_are_honest_about_it(opened: Close) -> None:
    assert opened.ends(LEAKS, watched="fixed").outcome == "mitigated"
    kept = opened.kept()
    assert (kept["at"], kept["leaves"], kept["seen"]) == (NOW + 5, "the leak in main.remember", None)
    assert opened.ends(HEALTHY, now=NOW + 60).outcome == "mitigated"
    assert opened.kept() == kept
    found = opened.ends({**LEAKS, "plan": HEALTHY["plan"]})
    assert found.outcome == "escalated", "it came back, and is not restarted again"
    assert opened.kept()["seen"] > kept["at"], "so the wait begins anew"
    assert opened.ends(HEALTHY, now=NOW + 86400 * 10**5).outcome == "restored"


def test_a_run_that_mends_keeps_nothing(opened: Close) -> None:
    raised = {"verdict": ROOT, "plan": plan(program(), containers(90.0)).to_dict()}
    assert opened.ends(raised, watched="fixed").outcome == "fixed"
    assert opened.kept() == {}


def test_who_carries_on_is_told_that_it_was_only_mitigated(opened: Close) -> None:
    opened.ends(LEAKS, watched="fixed")
    with opened.store() as store:
        lines = incident_open.ActionModule._left_behind(opened, store, opened.incident(store))  # type: ignore[arg-type]
    text = say.joined(lines).replace("\n", " ") if lines else ""
    assert "it was only mitigated, at 2023-11-14 22:13:25 UTC, and is expected back about 2023-11-14" in text


def test_the_report_and_the_plan_say_what_is_left_to_mend(opened: Close) -> None:
    opened.ends(LEAKS, watched="fixed")
    with opened.store() as store:
        incident = opened.incident(store)
        site = {"impact": {}, "metric": "x", "contacts": {}, "contact": ""}
        store.update_incident(incident.id, outcome="mitigated")
        record = reporter.build(store, store.incident(incident.id), {}, site)
    text = report.markdown(record)
    assert "- Outcome: **mitigated**" in text
    assert "not mended: a restart frees the memory and does not mend the leak in main.remember" in text
    assert "1. [ ] Find and mend the leak in main.remember before about 2023-11-14 22:" in text
    assert "Find and mend the leak" in report.page(record)
    lines = say.joined(say.plan(Plan.from_dict(LEAKS["plan"])))
    assert "mitigates only: a restart frees the memory" in lines
