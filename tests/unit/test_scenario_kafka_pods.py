# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kafka scenario on consumers in Kubernetes: how many replicas a slow one gets, why none, and the same tree as on
containers for one that is down or hangs."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import decide, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.gate import Done
from ansible_collections.incident.response.plugins.module_utils.core.plan import Action, Plan
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import kafka
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import (
    Observed,
    Runtime,
    Scope,
    ScopeError,
    Service,
)

SCENARIO = kafka.SCENARIO
RUNTIME = Runtime("kubernetes", "cluster-1", "shop", "Deployment/mails")
MAILER = "container:mailer"
LOAD = {
    "partitions": 6, "arrival": 30.0, "consumed": 20.0, "busy": 1, "capacity": 10.0, "relievable": 1, "bound": None,
}  # fmt: skip
GROUP = {"name": "mails", "members": 2, "lag": 600, "verdict": "slow", "load": LOAD, "partitions": []}
ROW = {
    "kind": "Deployment", "namespace": "shop", "name": "mails", "uid": "u-1", "generation": 7, "wanted": 2,
    "available": 2, "near": {"growth": {"replicas": 2, "fits": 1, "against": []}, "logs": [], "problem": ""},
}  # fmt: skip


def finding(name: str, component: str = "group:mails", severity: str = "P2", **details: t.Any) -> Finding:
    known = {"group": "mails"} if component.startswith("group:") else {}
    return Finding(
        name, component, component, "critical", severity, f"{component}: {name}",
        remedies=(Remedy("do it by hand"),), details={**known, **details},
    )  # fmt: skip


SLOW = finding("kafka.lag.slow", severity="P3")


def scope(depends_on: tuple[str, ...] = ("events",), **settings: t.Any) -> Scope:
    services = {"mailer": Service("mailer", RUNTIME, depends_on), "events": Service("events")}
    for name in set(depends_on) - {"events"}:
        services[name] = Service(name, groups=("postgresql",))
    return Scope("events", {"kafka_consumers": {"mails": "mailer"}, **settings}, services)


def cluster(load: dict[str, t.Any] | None = None, **changes: t.Any) -> Observed:
    row = {**GROUP, "load": {**LOAD, **(load or {})}, **changes}
    return Observed("c", "incident.response.kafka_health_info", "events", {"snapshot": {"groups": [row]}})


def pods(near: dict[str, t.Any] | None = None, **changes: t.Any) -> Observed:
    row = {**copy.deepcopy(ROW), **changes}
    row["near"].update(near or {})
    return Observed(
        "w", "incident.response.kubernetes_health_info", "cluster-1", {"snapshot": {"workloads": {"shop/mails": row}}}
    )


def database(headroom: int | None) -> Observed:
    result = {"snapshot": {"connections": {"headroom": headroom}}}
    return Observed("d", "incident.response.postgresql_health_info", "orders-db", result)


def plan(
    *findings: Finding,
    looks: t.Sequence[Observed] = (),
    where: Scope | None = None,
    done: t.Sequence[Done] = (),
) -> Plan:
    where = where or scope()
    # A look that is given comes before the usual one.
    seen = [*looks, cluster(), pods()]
    verdict = decide.decide(findings, SCENARIO.graph(where))
    return SCENARIO.plan(Case(where, verdict, tuple(seen), tuple(done)))


def only(found: Plan) -> Action:
    (action,) = found.actions
    return action


# How many


def test_a_slow_consumer_gets_what_it_needs() -> None:
    found = plan(SLOW)
    action = only(found)
    assert (action.title, action.dose, action.risk) == ("scale mailer", "2 to 3 replicas", "disruptive")
    assert action.undo == "kubectl -n shop scale deployment/mails --replicas=2"
    call = runtimes.call_of(action)
    assert (call.module, call.host) == ("incident.response.kubernetes_workload", "cluster-1")
    assert call.options == {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "mails",
        "state": "scaled",
        "replicas": 3,
        "partitions": 6,
        "identity": {"uid": "u-1", "generation": 7},
    }
    said = " ".join(found.notes)
    assert "30/s arrive and 600 wait, to be gone in 600 s; one replica handles 10/s: 6 are needed" in said
    assert "3 of the 6 that are wanted" in said, "what it needs, and what is taken at first"
    assert any("kafka_scale_most=6" in remedy.text for remedy in found.proposals)


@pytest.mark.parametrize(
    ("settings", "load", "replicas"),
    [
        ({"kafka_scale_most": 6}, {}, 6),
        ({"kafka_scale_most": "5"}, {}, 5),
        ({"kafka_scale_most": 6, "kafka_scale_drain": 1e6}, {"arrival": 20.0, "capacity": 8.0}, 3),
        ({"kafka_scale_most": 6, "kafka_scale_drain": 60}, {"arrival": 20.0, "capacity": 10.0}, 3),
        ({"kafka_scale_most": 6}, {"capacity": None}, 3),
        ({"kafka_scale_most": 6}, {"arrival": None}, 3),
    ],
    ids=["the cap", "as text", "time enough", "little time", "not known what one does", "not known what comes"],
)
def test_the_number_follows_from_the_load(settings: dict[str, t.Any], load: dict[str, t.Any], replicas: int) -> None:
    room = pods({"growth": {"replicas": 2, "fits": 4, "against": []}})
    found = plan(SLOW, looks=[cluster(load), room], where=scope(**settings))
    assert only(found).options["replicas"] == replicas


def test_a_replica_that_is_several_members_counts_as_such() -> None:
    look = cluster({"partitions": 12, "arrival": 50.0}, members=4)
    found = plan(SLOW, looks=[look], where=scope(kafka_scale_most=9))
    assert only(found).options == {"replicas": 3, "partitions": 6}


def test_what_may_not_be_read_is_said() -> None:
    found = plan(SLOW, looks=[pods({"unread": ["User cannot list leases"]})])
    assert only(found) and "not looked at, as it may not be read: User cannot list leases" in found.notes


def test_who_decides_about_more_consumers_does_not_propose_them_as_well() -> None:
    slow = Finding(**{**vars(SLOW), "remedies": (Remedy("Look"), Remedy("Start more consumers", "disruptive"))})
    for looks in ([], [against(QUOTA)]):
        proposed = [remedy.text for remedy in plan(slow, looks=looks).proposals]
        assert "Look" in proposed and "Start more consumers" not in proposed


def test_the_plan_stays_the_same_while_records_come_and_go() -> None:
    later = plan(SLOW, looks=[cluster({"arrival": 31.0}, lag=650)])
    assert later.hash == plan(SLOW).hash


# Why none


QUOTA = {"reason": "quota", "why": "ResourceQuota small, pods: 2 of 2 are used", "override": ""}
SCALER = {"reason": "autoscaler", "why": "the autoscaler mails owns the replicas", "override": "autoscaler"}
GITOPS = {"reason": "gitops", "why": "argocd-controller keeps spec.replicas", "override": "gitops"}


def against(*refusals: dict[str, str], fits: int = 0) -> Observed:
    return pods({"growth": {"replicas": 2, "fits": fits, "against": list(refusals)}})


LEFT_ALONE: dict[str, tuple[list[Observed], dict[str, t.Any], str, str]] = {
    "all partitions taken": (
        [cluster({"partitions": 2, "busy": 2, "relievable": 0})], {}, "all 2 partitions are taken", "Add partitions",
    ),
    "all partitions taken, who has what is not known": (
        [cluster({"partitions": 2, "busy": None, "relievable": None})], {}, "2 partitions", "Add partitions",
    ),
    "a hot key": ([cluster({"relievable": 0})], {}, "one partition each", "Spread the records"),
    "bound by the partition": ([cluster({"bound": 5.0})], {}, "the limit is in each partition", "faster"),
    "enough by the numbers": ([cluster({"capacity": 40.0})], {}, "2 are enough", "faster"),
    "nothing is handled": ([cluster({"capacity": 0.0})], {}, "handles nothing", "faster"),
    "the cap": ([], {"kafka_scale_most": 2}, "at most 2 replicas without asking", "kafka_scale_most=6"),
    "an autoscaler": ([against(SCALER)], {}, "the autoscaler mails owns", "maximum of its autoscaler"),
    "gitops": ([against(GITOPS)], {}, "argocd-controller keeps", "in the repository"),
    "a quota": ([against(QUOTA)], {}, "ResourceQuota small", "Raise the quota"),
    "not seen": ([pods({"growth": None, "problem": "User cannot list pods"})], {}, "User cannot list pods", ""),
    "not seen in time": ([pods({"growth": None})], {}, "no time was left to look", ""),
    "changed meanwhile": ([pods({"growth": {"replicas": 4, "fits": 1, "against": []}})], {}, "look again", ""),
    "not all available": ([pods(available=1)], {}, "1 of its 2 pods are available", ""),
    "scaled to zero": ([pods(wanted=0, available=0)], {}, "scaled to zero", ""),
    "somebody else in the group": ([cluster(members=3)], {}, "3 members and it has 2 pods", "who the members"),
    "a pod that is no member": ([cluster(members=1)], {}, "1 members and it has 2 pods", "who the members"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_where_more_do_not_help_or_are_not_allowed_nothing_is_done_and_it_says_why(name: str) -> None:
    looks, settings, why, instead = LEFT_ALONE[name]
    found = plan(SLOW, looks=looks, where=scope(**settings))
    assert not found.actions
    assert found.escalate.startswith("mailer gets no more replicas: ") and why in found.escalate
    assert any(instead in remedy.text for remedy in found.proposals), "what would help instead"


def test_the_same_with_room_for_it_is_scaled() -> None:
    """The twin of all that is refused: only that condition is different."""
    assert only(plan(SLOW, looks=[against(QUOTA, fits=1)])).options["replicas"] == 3


def test_what_was_not_seen_is_not_scaled() -> None:
    where = scope()
    verdict = decide.decide([SLOW], SCENARIO.graph(where))
    for seen, why in (([cluster()], "was not seen"), ([pods()], "what its group has to handle")):
        found = SCENARIO.plan(Case(where, verdict, tuple(seen), ()))
        assert not found.actions and why in found.escalate


@pytest.mark.parametrize(
    ("headroom", "sizes", "replicas", "why"),
    [
        (40, {"mailer": 10}, 3, ""),
        (9, {"mailer": 10}, None, "9 connections are free and a replica opens up to 10"),
        (40, {}, None, "is not declared"),
        (None, {"mailer": 10}, None, "was not seen"),
    ],
)
def test_a_database_has_to_have_room_for_the_pools_of_what_comes(
    headroom: int | None, sizes: dict[str, int], replicas: int | None, why: str
) -> None:
    where = scope(("events", "orders-db"), kafka_pool_sizes=sizes)
    found = plan(SLOW, looks=[database(headroom)], where=where)
    if replicas:
        assert only(found).options["replicas"] == replicas
    else:
        assert not found.actions and why in found.escalate
    if why.startswith("9"):
        assert any("scenario_database --limit orders-db" in remedy.command for remedy in found.proposals)


def test_a_consumer_that_waits_for_a_dependency_is_neither_scaled_nor_restarted() -> None:
    where = scope(("events", "orders-db"))
    lag = (SLOW, finding("kafka.lag.stalled"))
    for behind in lag:
        found = plan(finding("postgresql.lock.blocked", "orders-db"), behind, where=where)
        assert not found.actions
        assert any("orders-db is the cause" in note for note in found.notes)
        assert any("scenario_database --limit orders-db" in remedy.command for remedy in found.proposals)


def test_a_backlog_that_goes_by_itself_is_said_and_left_alone() -> None:
    parts = [{"eta_seconds": 12.0}, {"eta_seconds": 90.0}, {"eta_seconds": None}]
    found = plan(looks=[cluster(verdict="catching_up", partitions=parts)])
    assert not found.actions and not found.escalate
    assert any("works off its backlog of 600 by itself: gone in about 90 s" in note for note in found.notes)


def test_an_autoscaler_that_is_blind_or_at_its_end_does_not_hide_who_is_slow() -> None:
    for name in ("kubernetes.hpa.max", "kubernetes.hpa.blind"):
        found = plan(finding(name, MAILER, "P3"), SLOW, looks=[against(SCALER)])
        assert not found.actions and "the autoscaler mails owns" in found.escalate


# Down or hung: the same tree as on containers


@pytest.mark.parametrize("name", ["kafka.lag.stalled", "kafka.lag.stopped"])
def test_a_consumer_that_hangs_is_restarted_one_pod_after_the_other(name: str) -> None:
    action = only(plan(finding(name)))
    assert (action.title, action.risk, action.dose) == ("restart mailer", "low", "1 pod after the other")
    assert runtimes.call_of(action).options["state"] == "restarted"


def test_pods_that_are_not_ready_while_nobody_reads_are_restarted() -> None:
    unready = finding("kubernetes.readiness.failing", MAILER)
    stopped = finding("kafka.lag.stopped")
    assert only(plan(unready, stopped, looks=[pods(available=0)])).title == "restart mailer"
    assert not plan(unready, looks=[pods(available=0)]).actions, "nobody says that it reads nothing"


def test_what_was_scaled_to_zero_is_not_started_by_itself() -> None:
    found = plan(finding("kafka.lag.stopped"), looks=[pods(wanted=0, available=0)])
    assert not found.actions and "scaled to zero" in found.escalate
    assert any(remedy.command.endswith("--replicas=1") for remedy in found.proposals)


def test_pods_that_are_not_there_yet_are_waited_for() -> None:
    found = plan(finding("kafka.lag.stopped"), looks=[pods(available=0)])
    assert not found.actions and "look again" in found.escalate


def test_a_revision_that_crashes_goes_back_and_other_crashes_are_for_people() -> None:
    stopped = finding("kafka.lag.stopped")
    new = finding("kubernetes.pod.crashloop", MAILER, new_revision=True)
    action = only(plan(new, stopped, looks=[pods(available=0)]))
    assert (action.title, action.risk) == ("roll_back mailer", "disruptive")
    again = plan(new, stopped, looks=[pods(available=0)], done=[Done(0.0, "mailer", "roll_back", action.key)])
    assert not again.actions and "was rolled back for this before" in again.escalate
    old = plan(finding("kubernetes.pod.crashloop", MAILER), stopped, looks=[pods(available=0)])
    assert not old.actions and "a restart would not cure it" in old.escalate


POISON_PART = {"topic": "mail-out", "partition": 1, "committed": 4711, "verdict": "stalled"}
SAID = 'level=error msg="cannot process record" topic=mail-out partition=1 offset=4711 error="bad"'


def test_a_record_that_the_log_of_a_well_pod_names_is_poison() -> None:
    stalled = finding("kafka.lag.stalled", topic_partitions=[POISON_PART])
    lines = [{"pod": "mails-x", "at": "", "text": SAID}] * 3
    told = Observed("c", "incident.response.kafka_health_info", "events", {"findings": [stalled.to_dict()]})
    looks = [told, pods({"logs": lines})]
    found = judged(SCENARIO, scope(), looks)
    assert [item.id for item in found] == ["kafka.lag.stalled", "kafka.record.poison"]
    assert found[1].subject == "topic mail-out, partition 1, offset 4711"
    first = plan(*found, looks=looks)
    assert only(first).title == "restart mailer"
    again = plan(*found, looks=looks, done=[Done(0.0, "mailer", "restart", only(first).key)])
    assert not again.actions and "fails on it again" in again.escalate


# Looks and proof


def test_what_a_plan_needs_is_looked_at_and_less_while_it_is_watched() -> None:
    where = scope(("events", "orders-db"), kafka_scale_most=5)
    calls = {call.module.rpartition(".")[2]: call for call in SCENARIO.checks(where)}
    assert set(calls) == {"kafka_health_info", "kubernetes_health_info", "postgresql_health_info"}
    options = calls["kubernetes_health_info"].options
    assert (options["scale_to"], options["well_logs"], options["names"]) == (5, True, ["shop/mails"])
    watched = Scope(where.target, where.settings, where.services, acted_ago=3.0)
    (call,) = [call for call in SCENARIO.checks(watched) if "kubernetes" in call.module]
    assert "scale_to" not in call.options


def sampled(verdict: str, eta: float | None) -> Observed:
    rows = [
        {"at": at, "group": "mails", "topic": "m", "partition": 0, "committed": committed, "end": 900}
        for at, committed in ((1, 100), (2, 200))
    ]
    group = {**GROUP, "verdict": verdict, "partitions": [{"eta_seconds": eta}]}
    result = {"reachable": True, "samples": rows, "findings": [], "thresholds": {"allowed_lag": 10}}
    return Observed("c", "incident.response.kafka_health_info", "events", {**result, "snapshot": {"groups": [group]}})


@pytest.mark.parametrize(
    ("verdict", "eta", "blamed", "good"),
    [
        ("catching_up", 120.0, {"kafka.lag.slow"}, True),
        ("catching_up", 1200.0, {"kafka.lag.slow"}, False),
        ("slow", None, {"kafka.lag.slow"}, False),
        ("unknown", None, {"kafka.lag.slow"}, False),
        ("catching_up", 120.0, {"kafka.lag.stopped"}, False),
        ("catching_up", 120.0, set(), False),
    ],
)
def test_of_what_was_too_slow_it_is_proof_that_the_lag_falls_fast(
    verdict: str, eta: float | None, blamed: set[str], good: bool
) -> None:
    proof = SCENARIO.prove(scope(), [sampled(verdict, eta)], blamed)
    assert (proof.good, proof.metric) == (good, 700.0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kafka_scale_most": 0}, "kafka_scale_most is a whole number above 0"),
        ({"kafka_scale_most": 2.5}, "kafka_scale_most is a whole number above 0"),
        ({"kafka_scale_most": True}, "kafka_scale_most is a whole number above 0"),
        ({"kafka_scale_drain": "soon"}, "kafka_scale_drain is a number above 0"),
        ({"kafka_pool_sizes": 10}, "kafka_pool_sizes is a mapping"),
        ({"kafka_pool_sizes": {"mailer": -1}}, "kafka_pool_sizes\\[mailer\\]"),
    ],
)
def test_variables_that_make_no_sense_are_named(settings: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ScopeError, match=said):
        SCENARIO.services("events", {**scope().settings, **settings})
