# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kafka scenario's tree: which root cause asks for which remedy, and what is left to people on purpose."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import decide, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.gate import Done
from ansible_collections.incident.response.plugins.module_utils.core.plan import Plan
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import kafka
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case
from ansible_collections.incident.response.plugins.module_utils.core.scope import (
    Observed,
    Runtime,
    Scope,
    ScopeError,
    Service,
    service_from_vars,
)

SCENARIO = kafka.SCENARIO
BROKER = {"kind": "docker", "host": "docker-1", "project": "events", "service": "broker"}
MAILER = Runtime("docker", "docker-2", "shop", "mail-worker")
SETTINGS = {"kafka_consumers": {"mails": "mailer"}, "kafka_brokers": {1: {"runtime": BROKER}}}


def scope(**changes: t.Any) -> Scope:
    services = {"mailer": Service("mailer", MAILER, ("events",)), "events": Service("events")}
    return Scope("events", {**SETTINGS, **changes}, services)


def container(service: str, host: str, logs: t.Sequence[str] = (), **changes: t.Any) -> Observed:
    entry = {
        "id": f"{service}-id", "started_at": "2026-01-01T00:00:00Z", "status": "running", "health": "healthy",
        "logs": [{"at": "2026-01-01T00:00:00Z", "text": line} for line in logs], **changes,
    }  # fmt: skip
    result = {"snapshot": {"services": {service: {"containers": [entry]}}}, "findings": []}
    return Observed(f"containers on {host}", "incident.response.docker_health_info", host, result)


def finding(name: str, component: str, severity: str = "P2", state: str = "critical", **details: t.Any) -> Finding:
    return Finding(
        name, component, component, state, severity, f"{component}: {name}",
        remedies=(Remedy("do it by hand"),), details=details,
    )  # fmt: skip


def plan(
    *findings: Finding,
    done: t.Sequence[Done] = (),
    looks: t.Sequence[Observed] | None = None,
    where: Scope | None = None,
) -> Plan:
    where = where or scope()
    looks = looks if looks is not None else [container("broker", "docker-1"), container("mail-worker", "docker-2")]
    verdict = decide.decide(findings, SCENARIO.graph(where))
    return SCENARIO.plan(Case(where, verdict, tuple(looks), tuple(done)))


def summary(found: Plan) -> list[tuple[str, str, str]]:
    return [(action.verb, action.service, action.risk) for action in found.actions]


STOPPED = finding("docker.container.not_running", "container:mailer", exit_code=143)
LAG = finding("kafka.lag.stopped", "group:mails", group="mails")

TREE = [
    ("stopped consumer", [STOPPED, LAG], [("start", "mailer", "low")]),
    ("paused consumer", [finding("docker.container.paused", "container:mailer"), LAG], [("unpause", "mailer", "low")]),
    ("frozen consumer", [finding("docker.process.frozen", "container:mailer"), LAG], [("restart", "mailer", "low")]),
    ("consumer out of its group", [LAG], [("restart", "mailer", "low")]),
    ("hung consumer", [finding("kafka.lag.stalled", "group:mails", group="mails")], [("restart", "mailer", "low")]),
    ("slow consumer", [finding("kafka.lag.slow", "group:mails", "P3", "warning", group="mails")], []),
    ("offsets lost", [STOPPED, LAG, finding("kafka.offset.expired", "group:mails", group="mails")], []),
    ("offsets ahead", [finding("kafka.offset.ahead", "group:mails", group="mails")], []),
    ("offsets rewound", [STOPPED, finding("kafka.lag.rewound", "group:mails", group="mails")], []),
    ("corrupt record", [finding("kafka.record.corrupt", "group:mails", group="mails")], []),
    ("topic missing", [finding("kafka.topic.missing", "events")], []),
    ("crash loop", [finding("docker.container.crash_loop", "container:mailer")], []),
    (
        "broker stopped, consumer sick",
        [
            finding("docker.container.not_running", "container:broker", "P1", exit_code=143),
            finding("kafka.broker.unreachable", "events", "P1"),
            finding("docker.container.unhealthy", "container:mailer"),
        ],
        [("start", "broker", "disruptive")],
    ),
    (
        "broker paused",
        [finding("docker.container.paused", "container:broker", "P1"), finding("kafka.broker.silent", "events", "P1")],
        [("unpause", "broker", "low")],
    ),
    (
        "broker frozen",
        [finding("docker.process.frozen", "container:broker", "P1"), finding("kafka.broker.silent", "events", "P1")],
        [("continue", "broker", "low")],
    ),
    (
        "something else on the port",
        [
            finding("docker.container.not_running", "container:broker", "P1", exit_code=143),
            finding("kafka.broker.not_kafka", "events", "P1"),
        ],
        [],
    ),
    ("broker hangs in a running container", [finding("kafka.broker.silent", "events", "P1")], []),
    ("nothing", [], []),
    ("unknown", [finding("kafka.unmeasured", "events", "P3", "unknown")], []),
]


@pytest.mark.parametrize(("findings", "expected"), [row[1:] for row in TREE], ids=[row[0] for row in TREE])
def test_the_tree(findings: list[Finding], expected: list[tuple[str, str, str]]) -> None:
    found = plan(*findings)
    assert summary(found) == expected
    if findings and not expected:
        assert found.proposals or found.notes, "what a person may do, or has to know, is said"


def test_a_broker_that_is_down_is_the_only_cause_of_all_that_follows() -> None:
    findings = TREE[[row[0] for row in TREE].index("broker stopped, consumer sick")][1]
    verdict = decide.decide(findings, SCENARIO.graph(scope()))
    assert [finding.component for finding in verdict.roots] == ["container:broker"]
    assert {item.by for item in verdict.suppressed} == {"container:broker"}


def test_a_plan_says_whom_exactly_it_means() -> None:
    (action,) = plan(STOPPED, LAG).actions
    assert action.identity == {"id": "mail-worker-id", "started_at": "2026-01-01T00:00:00Z"}
    assert action.blames == ("docker.container.not_running",)
    call = runtimes.call_of(action)
    assert (call.module, call.host) == ("incident.response.docker_service", "docker-2")
    assert call.options == {
        "project": "shop", "service": "mail-worker", "state": "started", "identity": action.identity,
    }  # fmt: skip


def test_a_container_that_was_not_seen_is_not_acted_on() -> None:
    found = plan(STOPPED, LAG, looks=[])
    assert summary(found) == []
    assert found.escalate


def test_a_runtime_that_nothing_here_can_act_on_is_said() -> None:
    elsewhere = scope()
    elsewhere.services["mailer"] = Service("mailer", Runtime("nomad", "docker-2", "", "mailer"), ("events",))
    found = plan(LAG, where=elsewhere)
    assert summary(found) == []
    assert "nomad" in found.escalate


def test_a_group_that_nobody_declared_restarts_nobody() -> None:
    found = plan(finding("kafka.lag.stopped", "group:other", group="other"))
    assert summary(found) == []
    assert found.escalate


PART = {"topic": "mail-out", "partition": 1, "committed": 4711, "verdict": "stalled"}
STALLED = finding("kafka.lag.stalled", "group:mails", group="mails", topic_partitions=[PART])
SAID = 'level=error msg="cannot process record" topic=mail-out partition=1 offset=4711 error="bad"'


@pytest.mark.parametrize(
    ("lines", "poison"),
    [
        ([SAID, SAID], True),
        (["mail-out-1@4711 failed", "mail-out-1@4711 failed"], True),
        (["mail-out[1] offset: 4711 bad", "mail-out[1] offset: 4711 bad"], True),
        ([SAID], False),
        ([SAID.replace("4711", "4712")] * 5, False),
        ([SAID.replace("partition=1", "partition=2")] * 5, False),
        ([SAID.replace("mail-out", "other")] * 5, False),
        (["something else"] * 5, False),
        ([], False),
    ],
)
def test_a_poison_record_is_one_that_the_log_names_at_the_offset_that_stands(lines: list[str], poison: bool) -> None:
    look = container("mail-worker", "docker-2", lines)
    cluster = Observed("c", "incident.response.kafka_health_info", "events", {"findings": [STALLED.to_dict()]})
    found = SCENARIO.correlate(scope(), [cluster, look])
    assert [item.id for item in found] == (["kafka.record.poison"] if poison else [])
    if poison:
        assert found[0].subject == "topic mail-out, partition 1, offset 4711"


POISON = finding("kafka.record.poison", "group:mails", group="mails", topic="mail-out", partition=1, offset=4711)


def test_a_poison_record_gets_one_restart_and_never_a_second() -> None:
    first = plan(STALLED, POISON)
    assert summary(first) == [("restart", "mailer", "low")]
    key = first.actions[0].key
    assert key == "poison:mail-out/1@4711"
    again = plan(STALLED, POISON, done=[Done(0.0, "mailer", "restart", key)])
    assert summary(again) == []
    assert "before" in again.escalate
    other_record = plan(STALLED, POISON, done=[Done(0.0, "mailer", "restart", "poison:mail-out/1@1")])
    assert summary(other_record) == [("restart", "mailer", "low")]


def cluster(samples: list[tuple[float, int, int]], found: t.Sequence[Finding] = (), **changes: t.Any) -> Observed:
    rows = [
        {"at": at, "group": "mails", "topic": "m", "partition": 0, "committed": committed, "end": end}
        for at, committed, end in samples
    ]
    result = {
        "reachable": True,
        "samples": rows,
        "findings": [f.to_dict() for f in found],
        "thresholds": {"allowed_lag": 10},
    }
    return Observed("c", "incident.response.kafka_health_info", "events", {**result, **changes})


@pytest.mark.parametrize(
    ("look", "good", "metric"),
    [
        (cluster([(1, 100, 105), (2, 110, 112)]), True, 2.0),
        (cluster([(1, 100, 100), (2, 100, 100)]), True, 0.0),
        (cluster([(1, 100, 103), (2, 100, 109)]), False, 9.0),
        (cluster([(1, 100, 200), (2, 150, 205)]), False, 55.0),
        (cluster([(1, 100, 105), (2, 110, 112)], [STOPPED]), False, 2.0),
        (
            cluster([(1, 100, 105), (2, 110, 112)], [finding("kafka.topic.unreplicated", "events", "P4", "warning")]),
            True,
            2.0,
        ),
        (cluster([]), False, None),
        (cluster([(1, 100, 100)], reachable=False), False, None),
    ],
    ids=[
        "advancing",
        "idle",
        "standing still",
        "above the allowed lag",
        "still found",
        "hygiene only",
        "no sign",
        "silent",
    ],
)
def test_a_cure_needs_its_symptom_gone_and_a_sign_of_life(look: Observed, good: bool, metric: float | None) -> None:
    proof = SCENARIO.prove(scope(), [look], ())
    assert (proof.good, proof.metric) == (good, metric)


def test_the_looks_cover_the_cluster_and_every_container_once() -> None:
    calls = SCENARIO.checks(scope())
    assert [(call.module.rpartition(".")[2], call.host) for call in calls] == [
        ("kafka_health_info", "events"),
        ("docker_health_info", "docker-1"),
        ("docker_health_info", "docker-2"),
    ]
    assert calls[2].options["components"] == {"mail-worker": "container:mailer"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kafka_consumers": ["mails"]}, "kafka_consumers is a mapping"),
        ({"kafka_consumers": {"{{ group }}": "mailer"}}, "templates no keys"),
        ({"kafka_brokers": [1]}, "kafka_brokers is a mapping"),
        ({"kafka_brokers": {"one": {"runtime": BROKER}}}, "where a broker id belongs"),
        ({"kafka_brokers": {1: {"runtime": {"kind": "docker"}}}}, "runtime lacks host, service"),
    ],
)
def test_an_inventory_that_makes_no_sense_is_named(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ScopeError, match=said):
        SCENARIO.checks(scope(**changes))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"depends_on": "kafka"}, "depends_on is a list"),
        ({"severity_if_down": "P0"}, "severity_if_down is P1"),
        ({"runtime": "docker"}, "runtime is a mapping"),
    ],
)
def test_host_variables_that_make_no_sense_are_named(variables: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ScopeError, match=said):
        service_from_vars("mailer", variables)
