# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Triage over all targets: one root, what follows from it, the runbook's rules, how bad it is, what to type next."""

from __future__ import annotations

import json

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import triage_route, triage_scope, triage_severity
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import service_scope
from ansible_collections.incident.response.plugins.module_utils.core.triage import Triage
from ansible_collections.incident.response.plugins.module_utils.core.triage_looks import Look, digest
from ansible_collections.incident.response.plugins.module_utils.core.triage_traces import logs_of
from ansible_collections.incident.response.plugins.plugin_utils import say_triage, triage_targets
from triage_made import NOW, decide, engine, failing, finding, inventory, refused, runs, stopped, variables

SERVICES = ("web", "login", "orders", "mailer")


def roots(found: Triage) -> list[str]:
    return [item.component for item in found.verdict.roots]


def named(found: Triage) -> tuple[str, str, str]:
    """What it names: the component, and who treats it with what."""
    first = found.first
    return (first.component, first.target, first.scenario) if first else ("", "", "")


def said(found: Triage, contact: str = "") -> list[str]:
    return [item["text"] for item in say_triage.triage(found, "8 targets", "within 5 min", contact, "/state/v.json")]


# Nothing, and not known


def test_healthy_is_one_line_and_nothing_else() -> None:
    found = decide()
    assert (found.verdict.status, found.severity, found.treatments, found.rule.id) == ("ok", None, (), "")
    assert said(found) == ["Healthy: nothing found on 8 targets"]
    assert set(found.services.values()) == {"up"}


def test_what_could_not_be_looked_at_is_unknown_and_never_ok() -> None:
    found = decide(dead={"cache": "ssh: connect to host cache port 22: No route to host"})
    assert (found.verdict.status, found.verdict.root, found.severity) == ("unknown", None, "P3")
    text = "\n".join(said(found))
    assert "cache was not measured: its host is unreachable: ssh: connect to host cache" in text
    assert "Healthy" not in text


def test_who_is_not_looked_at_hides_nobody_and_is_named_where_it_may_be_the_cause() -> None:
    found = decide(failing("login"), dead={"cache": "timed out"})
    assert roots(found) == ["login"]
    assert [item.component for item in found.verdict.unknown] == ["cache"]
    assert "cache was not measured, and login depends on it: the cause may be there" in found.notes
    elsewhere = decide(failing("login"), dead={"events": "timed out"})
    assert not elsewhere.notes, "login does not depend on it"


def test_with_a_limit_what_is_left_out_is_said() -> None:
    found = decide(failing("login"), only=["login"])
    assert roots(found) == ["login"]
    assert "cache was not looked at, and login depends on it: the cause may be there" in found.notes
    assert "cache" in found.not_looked_at
    assert "not looked at: base, box-1, cache" in "\n".join(said(found))
    assert said(decide(only=["login"]))[0].startswith("Healthy: nothing found on 8 targets (not looked at: base")


def test_hygiene_is_no_incident() -> None:
    found = decide(finding("docker.memory.unlimited", "container:cache", "P4", "warning"))
    assert not found.verdict.roots
    assert len(said(found)) == 1


# One root, and what follows from it


def test_a_stopped_cache_is_the_root_of_all_above_it() -> None:
    down = (stopped("cache"), finding("redis.server.refused", "cache"), failing("login"), failing("web"))
    found = decide(*down, away=["cache"])
    assert roots(found) == ["container:cache"]
    assert {(item.finding.component, item.by) for item in found.verdict.suppressed} == {
        ("cache", "container:cache"), ("login", "container:cache"), ("web", "container:cache"),
    }  # fmt: skip
    assert named(found) == ("container:cache", "cache", "redis")
    assert found.first and found.first.command == "ansible-playbook incident.response.scenario_redis --limit cache"


def test_a_locked_database_and_its_victims_are_one_root() -> None:
    found = decide(
        finding("postgresql.locks.blocked", "base", "P2", since=NOW - 60),
        finding("postgresql.connections.full", "base", since=NOW - 30),
        finding("postgresql.pooler.waiting", "pooler:base", "P2"),
        failing("orders"),
        finding("http.latency.high", "login", "P3", "warning"),
        failing("web"),
    )
    assert set(roots(found)) == {"base"}
    assert found.verdict.root and found.verdict.root.id == "postgresql.locks.blocked", "the earlier onset is the root"
    assert {item.by for item in found.verdict.suppressed} == {"base"}
    assert named(found) == ("base", "base", "database")
    assert len(found.treatments) == 1


def test_a_cache_that_is_down_explains_the_stampede_only_where_the_database_depends_on_it() -> None:
    stampede = (
        stopped("cache", since=NOW - 90),
        finding("redis.server.refused", "cache"),
        finding("postgresql.connections.full", "base", since=NOW - 30),
        failing("login"),
        failing("orders"),
    )
    found = decide(*stampede, away=["cache"], changes={"base": {"depends_on": ["cache"]}})
    assert roots(found) == ["container:cache"]
    assert named(found)[1:] == ("cache", "redis")
    undeclared = decide(*stampede, away=["cache"])
    assert set(roots(undeclared)) == {"container:cache", "base"}, "a chain that nobody declared is not guessed"
    assert {item.target for item in undeclared.treatments} == {"cache", "base"}


def test_two_faults_that_share_nothing_are_both_treated() -> None:
    found = decide(stopped("mailer"), refused("mailer"), finding("redis.memory.full", "cache", "P2"))
    assert [(item.target, item.scenario) for item in found.treatments] == [("mailer", "service"), ("cache", "redis")]
    assert said(found)[-2].startswith("    next     ansible-playbook incident.response.scenario_redis")


def test_between_equals_the_earliest_onset_is_the_root() -> None:
    late = finding("redis.memory.full", "cache", since=NOW - 10)
    early = finding("kafka.topic.missing", "events", since=NOW - 100)
    other = {"login": {"depends_on": ["cache"]}, "mailer": {"depends_on": ["events"]}, "orders": {"depends_on": []}}
    assert roots(decide(late, early, changes=other)) == ["events", "cache"]
    swapped = (finding("redis.memory.full", "cache", since=NOW - 200), early)
    assert roots(decide(*swapped, changes=other)) == ["cache", "events"]


def test_what_began_in_the_same_minute_points_at_what_they_share() -> None:
    three = [stopped(name, since=NOW - second) for second, name in enumerate(("login", "cache", "events"))]
    text = " began to fail in the same minute: suspect host, network or DNS first"
    assert f"cache, events, login{text}" in decide(*three).notes
    apart = [stopped(name, since=NOW - 100 * n) for n, name in enumerate(("login", "cache", "events"))]
    assert not [note for note in decide(*apart).notes if text in note]


def test_a_consumer_that_is_down_is_treated_by_the_scenario_that_sees_its_lag() -> None:
    down = (stopped("mailer"), refused("mailer"))
    found = decide(*down, finding("kafka.lag.stopped", "group:post", "P2"))
    assert named(found) == ("container:mailer", "events", "kafka")
    assert {item.finding.component for item in found.verdict.suppressed} == {"mailer", "group:post"}
    assert named(decide(*down)) == ("container:mailer", "mailer", "service"), "nothing waits for it"


def test_groups_of_two_clusters_are_not_mixed_up() -> None:
    second = {
        "group_names": ["kafka"],
        "kafka_consumers": {"post": "login"},
        "kafka_brokers": {1: {"runtime": runs("broker-2")}},
    }
    made = variables()
    made["events-2"] = second
    found = triage_targets.known(made).targets
    graph = triage_scope.graph_of(found)
    assert set(graph["group:post@events"]) == {"events", "mailer", "container:mailer"}
    assert set(graph["group:post@events-2"]) == {"events-2", "login", "container:login"}


def test_a_broker_that_is_down_is_the_root_and_the_consumers_health_follows() -> None:
    found = decide(
        stopped("events", 137),
        finding("kafka.broker.unreachable", "events", kind="refused"),
        finding("docker.container.unhealthy", "container:mailer", "P3"),
        failing("orders"),
        away=["events"],
    )
    assert roots(found) == ["container:events"]
    assert named(found)[1:] == ("events", "kafka")


def test_a_pooler_that_is_away_is_the_root_of_who_comes_through_it() -> None:
    gone = (stopped("base/pooler"), finding("postgresql.pooler.unreachable", "pooler:base", "P2"), failing("login"))
    found = decide(*gone)
    assert roots(found) == ["container:base/pooler"]
    assert named(found)[1:] == ("base", "database")


def test_a_container_that_two_hosts_share_is_one_component() -> None:
    found = inventory(login={"runtime": runs("www")})
    assert triage_scope.on_engine("box-1", found)["shop"]["www"] == "container:login"
    graph = triage_scope.graph_of(found)
    assert "container:login" in graph["web"]
    assert "container:login" in graph["login"]


def test_what_hurts_nobody_yet_is_the_reason_of_nothing() -> None:
    for name, component in (
        ("http.tls.expiring", "login"),
        ("postgresql.tables.dead_rows", "base"),
        ("docker.log.large", "container:web"),
    ):
        for effect in (refused("web"), failing("web"), finding("http.latency.high", "web", "P3", "warning")):
            assert "web" in roots(decide(finding(name, component, "P3", "warning"), effect)), (name, effect.id)
    assert roots(decide(finding("postgresql.locks.blocked", "base", "P2"), failing("login"))) == ["base"]


def test_a_warning_below_does_not_explain_what_is_down() -> None:
    slow = finding("redis.latency.high", "cache", "P3", "warning")
    assert "login" in roots(decide(slow, refused("login")))
    assert roots(decide(slow, finding("http.health.failing", "login", "P2"))) == ["cache"]


def test_what_the_monitoring_tells_of_others_follows_from_what_fails() -> None:
    made = {"box-1": {}}
    made.update(variables())
    made["prom"] = {"group_names": ["prometheus"]}
    alert = finding("prometheus.alert.firing", "prom", "P2")
    from ansible_collections.incident.response.plugins.module_utils.core.triage import Situation, triage
    from ansible_collections.incident.response.plugins.module_utils.core.triage_looks import Look

    def situation(*looks: Look) -> Situation:
        return Situation(triage_targets.known(made).targets, looks, frozenset(made), NOW)

    watch = Look("prometheus prom", "prometheus_health_info", "prom", "", True, "critical", (alert,))
    down = Look(
        "redis cache", "redis_health_info", "cache", "", False, "critical", (finding("redis.server.busy", "cache"),)
    )
    found = triage(situation(watch, down))
    assert roots(found) == ["cache"]
    assert roots(triage(situation(watch))) == ["told:prom"], "alone it is all that is known"
    own = Look("", "", "prom", "", True, "", (finding("prometheus.config.reload_failed", "prom", "P3"),))
    assert set(roots(triage(situation(own, down)))) == {"cache", "prom"}, "a fault of its own follows from nothing"


# The runbook's rules


def everything_refused() -> list[Finding]:
    return [refused(name) for name in SERVICES]


def test_all_down_by_the_docker_daemon() -> None:
    daemon = finding("docker.daemon.unreachable", "box-1", kind="refused")
    stores = [finding("redis.server.refused", "cache"), finding("postgresql.server.refused", "base")]
    found = decide(daemon, *everything_refused(), *stores, away=[*SERVICES, "cache", "base"])
    assert (roots(found), found.rule.id, found.rule.cause) == (["box-1"], "all_down", "triage.all_down.docker")
    assert found.severity == "P1"
    assert found.first and (found.first.target, found.first.scenario) == ("box-1", "")
    still = decide(daemon)
    assert (still.rule.id, roots(still)) == ("", ["box-1"]), "without it running containers go on"


def test_all_down_by_the_network() -> None:
    kinds = {"web": "timeout", "login": "unreachable", "orders": "dns", "mailer": "timeout"}
    lost = [finding("http.connect.timeout", name, kind=kind) for name, kind in kinds.items()]
    lost.append(finding("postgresql.server.timeout", "base", kind="timeout"))
    found = decide(*lost, away=[*SERVICES, "base"])
    assert (roots(found), found.rule.cause) == (["network"], "triage.all_down.network")
    assert {item.by for item in found.verdict.suppressed} == {"network"}
    assert (found.severity, named(found)) == ("P1", ("network", "network", ""))
    one_answers = decide(*[item for item in lost if item.component != "web"], away=["login", "orders", "mailer"])
    assert "network" not in roots(one_answers), "somebody answers: the network is there"
    one_refuses = decide(*[item for item in lost if item.component != "web"], refused("web"), away=SERVICES)
    assert "network" not in roots(one_refuses), "a refusal is an answer"


def test_all_down_by_a_host_without_disk() -> None:
    disk = finding("docker.disk.high", "box-1", "P2")
    found = decide(disk, *[stopped(name, 1) for name in SERVICES], *everything_refused(), away=SERVICES)
    assert (roots(found), found.rule.cause) == (["box-1"], "triage.all_down.resources")
    filling = finding("docker.disk.high", "box-1", "P2", "warning")
    twin = decide(filling, *[stopped(name, 1) for name in SERVICES], *everything_refused(), away=SERVICES)
    assert set(roots(twin)) > {"box-1", "container:login"}, "a disk that only fills up stops nobody"


def test_a_full_disk_is_told_from_what_several_say_at_once() -> None:
    several = (
        finding("postgresql.server.storage", "base"),
        finding("redis.persistence.failing", "cache", "P2"),
        finding("kafka.logdir.failed", "events"),
    )
    found = decide(*several)
    assert (roots(found), found.verdict.root and found.verdict.root.id) == (["box-1"], "triage.host.resources")
    assert roots(decide(several[1])) == ["cache"], "one alone may have another reason"


def test_all_down_by_a_host_without_memory() -> None:
    killed = [finding("docker.memory.oom_killed", f"container:{name}", scope="host") for name in SERVICES]
    found = decide(*killed, *everything_refused(), away=SERVICES)
    assert (roots(found), found.rule.cause) == (["box-1"], "triage.all_down.resources")
    limits = [finding("docker.memory.oom_killed", f"container:{name}", scope="container") for name in SERVICES]
    twin = decide(*limits, *everything_refused(), away=SERVICES)
    assert set(roots(twin)) == {f"container:{name}" for name in SERVICES}, "each was at its own limit"


def test_all_down_by_the_memory_of_a_host_that_says_so_itself() -> None:
    short = finding("docker.host.memory", "box-1", "P2", scope="host")
    killed = [finding("docker.memory.oom_killed", f"container:{name}", scope="host") for name in SERVICES[:2]]
    lacking = {"scope": "host", "resource": "memory"}
    unborn = [finding("docker.container.start_failed", f"container:{name}", **lacking) for name in SERVICES[2:]]
    found = decide(short, *killed, *unborn, *everything_refused(), away=SERVICES)
    assert (roots(found), found.rule.cause) == (["box-1"], "triage.all_down.resources")
    assert (found.verdict.root and found.verdict.root.id, named(found)[2]) == ("docker.host.memory", "")
    warned = finding("docker.host.memory", "box-1", "P3", "warning", scope="host")
    twin = decide(warned, *[stopped(name, 1) for name in SERVICES], *everything_refused(), away=SERVICES)
    assert set(roots(twin)) > {"box-1", "container:login"}, "a machine with some memory left stops nobody"


def test_a_full_disk_is_to_blame_only_for_those_who_write_to_it_and_who_needs_them() -> None:
    disk = finding("docker.disk.high", "box-1", "P2", serves=["container:base"])
    base = finding("docker.container.crash_loop", "container:base")
    beside = finding("docker.container.crash_loop", "container:mailer")
    found = decide(disk, base, beside, failing("login"), away=["base"])
    assert sorted(roots(found)) == ["box-1", "container:mailer"]
    assert {(i.finding.component, i.by) for i in found.verdict.suppressed} == {
        ("container:base", "box-1"),
        ("login", "box-1"),
    }


def test_what_could_not_be_started_for_want_of_disk_follows_from_it() -> None:
    lacking = {"scope": "host", "resource": "disk"}
    unborn = finding("docker.container.start_failed", "container:mailer", **lacking)
    assert roots(decide(finding("docker.disk.high", "box-1", "P2"), unborn)) == ["box-1"]
    other = finding("docker.container.start_failed", "container:mailer")
    assert "container:mailer" in roots(decide(finding("docker.disk.high", "box-1", "P2"), other)), "a port, say"
    memory = finding("docker.host.memory", "box-1", "P2")
    assert "container:mailer" in roots(decide(memory, unborn)), "memory is no disk"


def test_all_down_by_what_they_all_need() -> None:
    need = {name: {"depends_on": ["base"]} for name in SERVICES}
    down = (stopped("base"), finding("postgresql.server.refused", "base"), *[failing(name) for name in SERVICES])
    found = decide(*down, away=["base"], changes=need)
    assert (roots(found), found.rule.cause) == (["container:base"], "triage.all_down.dependency")
    assert (found.severity, named(found)[1:]) == ("P1", ("base", "database"))


def test_all_down_each_for_its_own_reason() -> None:
    found = decide(*[stopped(name) for name in SERVICES], *everything_refused(), away=SERVICES)
    assert (found.rule.id, found.rule.cause) == ("all_down", "triage.all_down.own_reasons")
    assert {item.target for item in found.treatments} == set(SERVICES)
    text = "\n".join(said(found))
    assert all(f"scenario_service --limit {name}" in text for name in SERVICES)


def test_all_but_one_down_is_not_all_down() -> None:
    others = [name for name in SERVICES if name != "mailer"]
    found = decide(*[stopped(name) for name in others], *[refused(name) for name in others], away=others)
    assert found.rule.id == ""
    assert found.severity == "P2"


def test_one_service_alone_is_not_all_services() -> None:
    found = decide(refused("web"), only=["web"], away=["web"])
    assert (found.rule.id, found.severity) == ("one_down", "P2")


def pods_of(workload: str, **logs: list[str]) -> dict[str, object]:
    """A cluster's look at a workload; logs: pod -> its lines, MINUTE:SECOND first."""
    pods = [
        {
            "name": name,
            "containers": [{
                "name": "app", "traces": [],
                "logs": [{"at": f"2027-01-15T07:{line[:5]}Z", "text": line[6:]} for line in lines],
            }],
        }
        for name, lines in logs.items()
    ]  # fmt: skip
    row = {"kind": "Deployment", "namespace": "shop", "name": workload, "component": "container:web", "pods": pods}
    return {"findings": [], "snapshot": {"workloads": {f"shop/{workload}": row}}}


def test_the_log_of_a_workload_is_that_of_its_pods_in_trouble_in_the_order_of_time() -> None:
    runtime = {"kind": "kubernetes", "host": "cluster-1", "namespace": "shop", "workload": "www"}
    found = inventory(web={"runtime": runtime})
    result = pods_of("www", a=["58:01 first", "58:03 third"], b=["58:02 second"], c=[])
    look = Look.from_dict(digest("cluster", "kubernetes_health_info", "cluster-1", result))
    (row,) = logs_of({"container:web"}, found, [look], {"container:web": "web"}, False)
    assert row["follow"] == "kubectl -n shop logs -f deployment/www"
    assert [(line["at"][17:19], line["text"]) for line in row["lines"]] == [
        ("01", "a/app: first"),
        ("02", "b/app: second"),
        ("03", "a/app: third"),
    ]
    alone = Look.from_dict(digest("", "kubernetes_health_info", "cluster-1", pods_of("www", a=["58:01 mine"])))
    (row,) = logs_of({"container:web"}, found, [alone], {"container:web": "web"}, False)
    assert [line["text"] for line in row["lines"]] == ["mine"], "where only one speaks, its name says nothing"


def test_one_down_shows_its_log_and_the_command_that_follows_it() -> None:
    found = decide(stopped("mailer"), refused("mailer"), away=["mailer"])
    assert found.rule.id == "one_down"
    text = said(found)
    assert "    log      docker compose -p shop logs -f mail   (on box-1)" in text
    assert "             2027-01-15T07:59:04Z mail line 4" in text
    assert [row["component"] for row in found.logs] == ["container:mailer"]
    assert len(found.logs[0]["lines"]) == 5, "the verdict keeps all of them"
    through_the_cache = decide(stopped("cache"), failing("login"), away=["cache"])
    assert through_the_cache.rule.id == "", "its own log is not where to look"


def test_logs_of_all_services_come_on_request() -> None:
    assert len(decide(all_logs=True).logs) == len(triage_scope.places(inventory()))


def test_latency_is_looked_for_in_database_and_resources() -> None:
    slow = finding("http.latency.high", "login", "P3", "warning")
    found = decide(slow)
    assert (found.rule.id, found.severity) == ("latency", "P3")
    assert "below it: docker box-1: ok; redis cache: ok; postgresql base: ok" in found.notes
    throttled = decide(slow, finding("docker.cpu.throttled", "container:login", "P3", "warning"))
    assert roots(throttled) == ["container:login"], "why it is slow is the root, not that it is"
    waiting = decide(slow, finding("postgresql.connections.full", "base"))
    assert roots(waiting) == ["base"]
    twin = decide(refused("login"), finding("docker.cpu.throttled", "container:login", "P3", "warning"))
    assert roots(twin) == ["login"], "it does not refuse because it is throttled"


def test_an_error_spike_shows_the_stack_trace() -> None:
    trace = {"kind": "go", "count": 7, "text": "panic: no such order\ngoroutine 1 [running]:\nmain.order()"}
    spike = finding("http.errors.high", "orders", "P2")
    found = decide(spike, boxes={"order": {"traces": [trace]}})
    assert (found.rule.id, found.severity) == ("errors", "P2")
    assert "             panic: no such order" in said(found)
    few = decide(finding("http.errors.high", "orders", "P3", "warning"))
    assert (few.rule.id, few.severity) == ("errors", "P4"), "non-critical errors"


# How bad it is


def test_the_inventory_says_how_bad_it_is_where_a_target_is_down() -> None:
    down = (stopped("login"), refused("login"))
    assert decide(*down, away=["login"]).severity == "P2", "one service down, by the runbook"
    assert decide(*down, away=["login"], changes={"login": {"severity_if_down": "P1"}}).severity == "P1"
    assert decide(*down, away=["login"], changes={"login": {"severity_if_down": "P3"}}).severity == "P3"
    store = (stopped("cache"), finding("redis.server.refused", "cache"))
    assert decide(*store, away=["cache"]).severity == "P1", "by the checks"
    assert decide(*store, away=["cache"], changes={"cache": {"severity_if_down": "P2"}}).severity == "P2"
    full = finding("redis.memory.full", "cache", "P2")
    assert decide(full, changes={"cache": {"severity_if_down": "P1"}}).severity == "P2", "it is full, not down"


def test_outside_of_production_nothing_is_above_p3() -> None:
    down = (stopped("login"), refused("login"))
    assert decide(*down, away=["login"], production={"login": False, "web": True}).severity == "P3"
    assert decide(*down, away=["login"], production={"login": True, "web": False}).severity == "P2"
    dark = decide(*everything_refused(), away=SERVICES, production=dict.fromkeys(SERVICES, False))
    assert dark.severity == "P3"


def test_the_table_can_be_changed_but_not_broken() -> None:
    down = (stopped("login"), refused("login"))
    assert decide(*down, away=["login"], impacts=triage_severity.impacts({"service_down": "P1"})).severity == "P1"
    for wrong in ({"all_up": "P1"}, {"all_down": "P5"}):
        with pytest.raises(ValueError, match="incident_triage_severity"):
            triage_severity.impacts(wrong)


# What changed, and what is handed on


def test_a_recent_change_goes_with_it_and_is_never_the_cause() -> None:
    made = {"sso": {"created_at": "2027-01-15T07:50:00Z", "started_at": "2027-01-15T07:50:01Z"}}
    found = decide(stopped("login", since=NOW - 60), refused("login"), boxes=made)
    assert [(row["component"], row["seconds_before"]) for row in found.changes] == [("container:login", 540)]
    assert "no proof that it is the cause" in "\n".join(said(found))
    assert roots(found) == ["container:login"]
    for late in ("2027-01-15T06:50:00Z", "2027-01-15T07:59:30Z"):
        assert not decide(stopped("login", since=NOW - 60), boxes={"sso": {"created_at": late}}).changes, late
    assert not decide(boxes=made).changes, "nothing failed"


def test_the_verdict_is_json_and_says_what_to_run() -> None:
    found = decide(stopped("mailer"), refused("mailer"), away=["mailer"], play="ansible-playbook -i hosts")
    data = json.loads(json.dumps(found.to_dict()))
    assert (data["target"], data["scenario"], data["component"]) == ("mailer", "service", "container:mailer")
    assert data["command"] == "ansible-playbook -i hosts incident.response.scenario_service --limit mailer"
    assert data["treatments"][0]["findings"] == ["docker.container.not_running"]
    assert data["services"]["mailer"] == "down"


def test_memory_is_treated_by_its_scenario_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        group = "http_services"

    killed = finding("docker.memory.oom_killed", "container:login", scope="container")
    without = {name: scenario for name, scenario in triage_route.SCENARIOS.items() if name != "memory"}
    monkeypatch.setattr(triage_route, "SCENARIOS", without)
    assert named(decide(killed))[2] == "service"
    monkeypatch.setattr(triage_route, "SCENARIOS", {**without, "memory": Memory()})
    assert named(decide(killed))[1:] == ("login", "memory")
    assert named(decide(finding("docker.memory.oom_killed", "container:cache")))[2] == "redis"


def test_many_findings_are_counted_and_not_printed() -> None:
    many = [finding(f"redis.fault.{number}", "cache", "P2") for number in range(20)]
    text = said(decide(*many))
    assert "             and 15 more root findings: the verdict has all" in text
    assert len(text) < 30


# Which looks are taken


def calls(host: str, groups: list[str], full: bool = False, **more: str) -> list[triage_targets.Call]:
    return triage_targets.calls(host, {"group_names": groups, **more}, inventory, 50, full)


def test_every_check_of_a_group_is_taken_from_the_tables() -> None:
    assert set(triage_targets.CHECK_BY_GROUP.values()) == set(triage_targets.CHECKS) - set(triage_targets.NO_GROUP)
    for group, module in service_scope.CHECK_OF.items():
        assert [call.module for call in calls("web", [group])] == [module]
    assert not calls("web", ["ungrouped", "docker", "go"])


def test_a_service_that_lets_one_look_into_its_program_is_looked_into() -> None:
    made = calls("login", ["http_services"], go_metrics_url="http://login/metrics")
    assert [(call.module, call.options["component"]) for call in made] == [
        ("http_health_info", "login"), ("go_health_info", "program:login"),
    ]  # fmt: skip
    leak = finding("go.heap.leak", "program:login", "P2")
    high = finding("docker.memory.high", "container:login", "P2", "warning")
    assert roots(decide(leak, high, failing("login"))) == ["program:login"], "why the container is full"
    waiting = finding("go.goroutines.waiting_database", "program:login", "P2")
    assert roots(decide(waiting, finding("postgresql.transaction.idle", "base", "P2"))) == ["base"]
    blind = finding("go.metrics.unreachable", "program:login", "P3", "warning")
    assert roots(decide(blind, stopped("login"), refused("login"), away=["login"])) == ["container:login"]
    assert roots(decide(blind)) == ["program:login"], "it is up, so that is a fault of its own"


def test_an_engine_is_asked_once_for_all_that_the_inventory_declares_on_it() -> None:
    (call,) = calls("box-1", ["docker_hosts"])
    assert call.options["services"] == ["broker", "mail", "memory", "order", "pool", "sql", "sso", "www"]
    assert call.options["components"]["pool"] == "container:base/pooler"
    assert (call.options["project"], call.options["log_lines"], call.quick) == ("shop", 50, {"depth": "quick"})
    assert engine(inventory(), {})["services"].keys() == call.options["components"].keys()


def test_of_an_engine_with_nothing_declared_only_itself_is_judged() -> None:
    (call,) = calls("box-9", ["docker_hosts"])
    assert (call.only, call.options.get("services")) == ("box-9", None)


def test_quick_looks_take_one_sample_and_full_ones_what_the_check_is_set_to() -> None:
    (quick,) = calls("events", ["kafka"])
    assert quick.quick == {"samples": 1}
    (full,) = calls("events", ["kafka"], full=True)
    assert (full.quick, full.options) == ({}, {"component": "events"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"depends_on": ["logim"]}, "depends_on names logim"),
        ({"runtime": runs("www", host="nowhere")}, "runtime.host is nowhere"),
        ({"depends_on": "login"}, "depends_on is a list"),
        ({"severity_if_down": "P7"}, "severity_if_down is P1"),
    ],
)
def test_a_host_whose_variables_make_no_sense_is_named_and_hides_nobody(changes: dict, said: str) -> None:
    found = triage_targets.known(variables(web=changes))
    assert set(found.problems) == {"web"}
    assert said in found.problems["web"]
    assert set(found.targets) == set(variables())
    assert found.targets["web"].groups == ("http_services",)


def test_an_engine_that_is_away_is_as_bad_as_the_inventory_says() -> None:
    daemon = finding("docker.daemon.unreachable", "box-1")
    assert decide(daemon, away=["box-1"]).severity == "P1"
    made = {"box-1": {"severity_if_down": "P2"}}
    assert decide(daemon, away=["box-1"], changes=made).severity == "P2"
