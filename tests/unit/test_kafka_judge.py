# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots to findings: each fault its id, each healthy twin nothing, one finding for all that share a fault."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.findings import worst_status
from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import ADDRESS_FAULTS, judge
from ansible_collections.incident.response.plugins.module_utils.core.kafka_lag import LagRules
from ansible_collections.incident.response.plugins.module_utils.core.kafka_settings import (
    THRESHOLDS,
    Settings,
    merge_thresholds,
)
from ansible_collections.incident.response.plugins.module_utils.core.kafka_snapshot import (
    Broker,
    Group,
    GroupRound,
    KafkaSnapshot,
    LogDir,
    Member,
    Partition,
    Peek,
    Probe,
    Quorum,
    Sample,
    Topic,
    Transaction,
    Unmeasured,
    Voter,
)
from ansible_collections.incident.response.plugins.module_utils.core.kafka_summary import summary

NOW = 1_000_000.0
SETTINGS = Settings(component="broker-house", bootstrap="b1:9092", rules=LagRules(allowed=10, commit_interval=5.0))


def partition(topic="orders", index=0, leader=1, replicas=(1, 2, 3), isr=None) -> Partition:
    return Partition(topic, index, leader, replicas, replicas if isr is None else isr)


def topic(*partitions: Partition, min_isr: int = 1, internal: bool = False) -> dict[str, Topic]:
    return {partitions[0].topic: Topic(partitions[0].topic, "id", internal, partitions, min_isr)}


def member(name="m1", assigned=(("orders", 0),), topics=("orders",), host="10.0.0.5") -> Member:
    return Member(name, "app", host, assigned, topics)


def series(group, *rows, topic="orders", index=0) -> list[Sample]:
    """(seconds before now, committed, end) rows."""
    return [Sample(NOW - ago, group, topic, index, committed, end) for ago, committed, end in rows]


def healthy(**changes) -> KafkaSnapshot:
    """Three brokers, a quorum, one topic and a group that reads it."""
    snapshot = KafkaSnapshot(
        probes=[Probe("b1:9092", "ok")],
        listeners=[Probe(f"b{node}:9092", "ok", node_id=node) for node in (1, 2, 3)],
        brokers=[Broker(node, f"b{node}", 9092) for node in (1, 2, 3)],
        quorum=Quorum(1, 1, tuple(Voter(node, 5000, 1_000_000) for node in (1, 2, 3))),
        topics=topic(partition()),
        topics_read=True,
        log_dirs=[LogDir(node, "/data", "", 1000, 600) for node in (1, 2, 3)],
        groups={"billing": Group("billing", "classic", "Stable", (member(),))},
        samples=series("billing", (10, 100, 100), (5, 150, 150), (0, 200, 200)),
        now=NOW,
    )
    return dataclasses.replace(snapshot, **changes)


def ids(snapshot, settings=SETTINGS, history=()) -> list[str]:
    return sorted(finding.id for finding in judge(snapshot, settings, history))


def only(snapshot, settings=SETTINGS, history=()):
    found = judge(snapshot, settings, history)
    assert len(found) == 1, [finding.id for finding in found]
    return found[0]


def settings(**changes) -> Settings:
    return dataclasses.replace(SETTINGS, **changes)


def test_healthy_cluster_has_no_findings():
    assert ids(healthy()) == []


# Addresses


@pytest.mark.parametrize("kind", sorted(ADDRESS_FAULTS))
def test_each_kind_of_address_failure_has_its_own_id(kind):
    one_of_two = healthy(probes=[Probe("b1:9092", "ok"), Probe("b2:9092", kind, "said so")])
    finding = only(one_of_two)
    assert (finding.id, finding.severity, finding.component) == (ADDRESS_FAULTS[kind][0], "P2", "broker-house")
    assert finding.evidence == ("b2:9092: said so",)
    all_gone = only(KafkaSnapshot(probes=[Probe("b1:9092", kind), Probe("b2:9092", kind)], now=NOW))
    assert (all_gone.id, all_gone.severity) == (ADDRESS_FAULTS[kind][0], "P1")
    assert all_gone.observed == {"failed": 2, "of": 2}


def test_addresses_that_fail_in_different_ways_are_different_findings():
    snapshot = KafkaSnapshot(probes=[Probe("a:1", "dns"), Probe("b:1", "refused"), Probe("c:1", "refused")], now=NOW)
    assert ids(snapshot) == ["kafka.broker.dns", "kafka.broker.unreachable"]


def test_an_unknown_kind_of_failure_is_not_silence():
    assert ids(KafkaSnapshot(probes=[Probe("a:1", "failed", "odd")], now=NOW)) == ["kafka.unmeasured"]


def test_advertised_listener():
    bad = Probe("inside:9092", "dns", "does not resolve", node_id=2)
    finding = only(healthy(listeners=[Probe("b1:9092", "ok", node_id=1), bad]))
    assert (finding.id, finding.severity) == ("kafka.listener.unreachable", "P2")
    assert finding.details["listeners"] == [{"broker": 2, "address": "inside:9092", "kind": "dns"}]


def test_a_listener_that_failed_as_bootstrap_address_is_told_once():
    gone = healthy(
        probes=[Probe("b1:9092", "ok"), Probe("b2:9092", "refused")],
        listeners=[Probe("b1:9092", "ok", node_id=1), Probe("b2:9092", "refused", node_id=2)],
    )
    assert ids(gone) == ["kafka.broker.unreachable"]


# Cluster


def test_missing_broker_by_declaration():
    two = healthy(brokers=[Broker(1, "b1", 9092), Broker(2, "b2", 9092)], topics=topic(partition(replicas=(1, 2))))
    assert ids(two, settings(expected_brokers=(1, 2))) == []
    finding = only(two, settings(expected_brokers=(1, 2, 3), expected_replication=2))
    assert (finding.id, finding.details["brokers"]) == ("kafka.broker.missing", [3])


def test_missing_broker_by_fencing_and_by_replicas():
    fenced = healthy(brokers=[Broker(1, "b1", 9092), Broker(2, "b2", 9092), Broker(3, "b3", 9092, fenced=True)])
    assert ids(fenced) == ["kafka.broker.missing"]
    unregistered = healthy(brokers=[Broker(1, "b1", 9092), Broker(2, "b2", 9092)])
    assert ids(unregistered) == ["kafka.broker.missing"]


def test_no_quorum_leader_and_what_the_metadata_still_claims():
    frozen = healthy(
        quorum=Quorum(-1),
        listeners=[Probe("b1:9092", "ok", node_id=1), Probe("b2:9092", "refused", node_id=2)],
        probes=[Probe("b1:9092", "ok"), Probe("b2:9092", "refused")],
        topics=topic(partition(leader=2), partition(index=1, leader=1)),
        groups={},
        samples=[],
    )
    found = {finding.id: finding for finding in judge(frozen, SETTINGS)}
    assert set(found) == {
        "kafka.quorum.no_leader", "kafka.broker.missing", "kafka.broker.unreachable", "kafka.partition.offline"
    }  # fmt: skip
    assert found["kafka.partition.offline"].details["total"] == 1
    assert found["kafka.quorum.no_leader"].severity == "P1"


@pytest.mark.parametrize(
    ("voters", "severity"),
    [
        ([(1, 5000, 1000_000), (2, 5000, 1000_000), (3, 3000, 1000_000)], "P2"),
        ([(1, 5000, 1000_000), (2, 5000, 1000_000), (3, 5000, 980_000)], "P2"),
        ([(1, 5000, 1000_000), (2, 100, 1000_000), (3, 100, 1000_000)], "P1"),
        ([(1, 5000, 1000_000), (2, 4999, 999_000), (3, 5000, -1)], None),
    ],
)
def test_lagging_voters(voters, severity):
    snapshot = healthy(quorum=Quorum(1, 1, tuple(Voter(*voter) for voter in voters)))
    if severity is None:
        assert ids(snapshot) == []
    else:
        finding = only(snapshot)
        assert (finding.id, finding.severity) == ("kafka.quorum.lagging", severity)


def test_a_missing_broker_is_no_lagging_voter_as_well():
    snapshot = healthy(
        brokers=[Broker(1, "b1", 9092), Broker(2, "b2", 9092), Broker(3, "b3", 9092, fenced=True)],
        quorum=Quorum(1, 1, (Voter(1, 5000, 1), Voter(2, 5000, 1), Voter(3, 0, 1))),
    )
    assert ids(snapshot) == ["kafka.broker.missing"]


def test_each_partition_under_its_worst_name():
    parts = [
        partition(index=0, leader=-1, isr=()),
        partition(index=1, isr=(1,)),
        partition(index=2, isr=(1, 2)),
        partition(index=3),
    ]
    found = {finding.id: finding for finding in judge(healthy(topics=topic(*parts, min_isr=2), samples=[]), SETTINGS)}
    named = {name: [item["partition"] for item in finding.details["partitions"]] for name, finding in found.items()
             if name.startswith("kafka.partition")}  # fmt: skip
    assert named == {
        "kafka.partition.offline": [0],
        "kafka.partition.under_min_isr": [1],
        "kafka.partition.under_replicated": [2],
    }
    assert [found[name].severity for name in sorted(named)] == ["P1", "P2", "P3"]


def test_fifty_partitions_are_one_finding():
    parts = [partition(index=index, isr=(1, 2)) for index in range(50)]
    finding = only(healthy(topics=topic(*parts), groups={}, samples=[]))
    assert finding.details["total"] == 50
    assert len(finding.details["partitions"]) == 20
    assert len(finding.evidence) == 21


@pytest.mark.parametrize(
    ("replicas", "brokers", "expected", "found"),
    [
        ((1,), (1,), None, []),
        ((1,), (1, 2, 3), None, ["kafka.topic.unreplicated"]),
        ((1, 2), (1, 2), None, []),
        ((1, 2), (1, 2, 3), None, ["kafka.topic.unreplicated"]),
        ((1, 2), (1, 2, 3), 2, []),
        ((1, 2, 3), (1, 2, 3, 4, 5), None, []),
        ((1,), (1,), 3, ["kafka.topic.unreplicated"]),
    ],
)
def test_replication(replicas, brokers, expected, found):
    snapshot = healthy(
        brokers=[Broker(node, f"b{node}", 9092) for node in brokers],
        topics=topic(partition("__consumer_offsets", replicas=replicas), internal=True),
        quorum=None,
        samples=[],
        groups={},
    )
    assert ids(snapshot, settings(expected_replication=expected)) == found


def test_missing_topics_and_topics_that_were_not_read():
    wanted = settings(expected_topics=("orders", "mail"))
    finding = only(healthy(), wanted)
    assert (finding.id, finding.details["topics"]) == ("kafka.topic.missing", ["mail"])
    assert ids(healthy(topics={}, topics_read=False, samples=[], groups={}), wanted) == []


@pytest.mark.parametrize(
    ("usable", "found"),
    [(600, []), (151, []), (150, [("kafka.disk.low", "P2")]), (50, [("kafka.disk.low", "P1")]), (-1, [])],
)
def test_disk(usable, found):
    snapshot = healthy(log_dirs=[LogDir(1, "/data", "", 1000, usable)])
    assert [(finding.id, finding.severity) for finding in judge(snapshot, SETTINGS)] == found


def test_failed_log_directory():
    broken = LogDir(2, "/data", "KafkaStorageError")
    finding = only(healthy(log_dirs=[LogDir(1, "/data", "", 1000, 600), broken]))
    assert (finding.id, finding.severity) == ("kafka.logdir.failed", "P2")
    assert only(healthy(log_dirs=[broken])).severity == "P1"


# Groups


STOOD = series("billing", (10, 100, 600), (5, 100, 600), (0, 100, 600))
EMPTY = Group("billing", "classic", "Empty", ())


@pytest.mark.parametrize(
    ("rows", "group", "found"),
    [
        ([(0, 100, 600)], EMPTY, ["kafka.lag.stopped"]),
        ([(10, 100, 600), (5, 100, 600), (0, 100, 600)], None, ["kafka.lag.stalled"]),
        ([(10, 100, 600), (5, 150, 900), (0, 200, 1200)], None, ["kafka.lag.slow"]),
        ([(10, 100, 900), (5, 400, 950), (0, 800, 990)], None, []),
        ([(10, 100, 8000), (5, 400, 8000), (0, 800, 8000)], None, []),
        ([(10, 900, 900), (5, 100, 900), (0, 100, 900)], None, ["kafka.lag.rewound"]),
        ([(0, 100, 600)], None, ["kafka.unmeasured"]),
        ([(0, 100, 105)], EMPTY, []),
    ],
)
def test_lag_verdicts_become_findings(rows, group, found):
    snapshot = healthy(samples=series("billing", *rows))
    if group:
        snapshot.groups = {"billing": group}
    assert ids(snapshot) == found


def test_what_a_lag_finding_says():
    finding = only(healthy(samples=STOOD))
    assert (finding.component, finding.severity, finding.state) == ("group:billing", "P2", "critical")
    assert finding.details == {
        "group": "billing",
        "topic_partitions": [
            {"topic": "orders", "partition": 0, "committed": 100, "end": 600, "lag": 500, "verdict": "stalled"}
        ],
        "total": 1,
        "members": 1,
        "members_hosts": ["10.0.0.5"],
        "state": "Stable",
        "eta_seconds": None,
    }
    assert finding.since == NOW - 10
    assert "500 records wait in orders" in finding.summary
    assert finding.remedies[0].risk == "none"
    assert finding.remedies[0].command.startswith("kafka-consumer-groups --bootstrap-server b1:9092 --describe")


@pytest.mark.parametrize("name", ["with space", "it's", '"quoted"', "{{ 7 * 7 }}", "a;rm -rf", "ü-ñ", "-x", "\x1b[31m"])
def test_odd_group_names_are_quoted_in_commands(name):
    import shlex

    snapshot = healthy(groups={name: Group(name, "classic", "Empty", ())}, samples=series(name, (0, 100, 600)))
    finding = only(snapshot)
    assert finding.component == f"group:{name}"
    words = shlex.split(finding.remedies[0].command)
    assert words[words.index("--group") + 1] == name


def test_commands_name_the_client_configuration_where_one_is_needed():
    finding = only(healthy(samples=STOOD), settings(command_config=True))
    assert "--command-config client.properties" in finding.remedies[0].command


def test_group_that_is_meant_to_be_empty():
    away = healthy(groups={"billing": EMPTY}, samples=series("billing", (0, 100, 60_000)))
    assert ids(away, settings(expected_empty=("bill*",))) == []
    assert ids(healthy(samples=STOOD), settings(expected_empty=("bill*",))) == ["kafka.lag.stalled"]


def test_one_stuck_partition_has_other_causes_than_a_hung_consumer():
    parts = topic(partition(), partition(index=1))
    both = member(assigned=(("orders", 0), ("orders", 1)))
    moving = series("billing", (10, 1, 1), (5, 5, 5), (0, 9, 9), index=1)
    group = Group("billing", "classic", "Stable", (both,))
    one = only(healthy(topics=parts, samples=STOOD + moving, groups={"billing": group}))
    assert any("poison" in cause for cause in one.causes)
    every = only(healthy(samples=STOOD))
    assert any("hangs or is paused" in cause for cause in every.causes)


def test_sum_and_age_only_where_nothing_tells_more():
    keeps_up = healthy(samples=series("billing", (10, 100_000, 105_000), (5, 110_000, 115_000), (0, 120_000, 125_000)))
    assert ids(keeps_up) == ["kafka.lag.high"]
    old = healthy(
        samples=series("billing", (10, 500, 500), (5, 500, 600), (0, 500, 600)),
        peeks=[Peek("orders", 0, 500, timestamp_ms=1_000_000)],
        newest_ms={("orders", 0): 1_120_000},
    )
    finding = only(old)
    assert (finding.id, finding.state, finding.observed) == ("kafka.lag.age", "warning", {"age_seconds": 120.0})
    old.samples = series("billing", (10, 500, 900), (5, 500, 900), (0, 500, 900))
    assert ids(old) == ["kafka.lag.stalled"]


def rounds(*states, ids=None):
    names = ids or [("m1",)] * len(states)
    return {
        "billing": [
            GroupRound(NOW - 5 * (len(states) - 1 - number), state, frozenset(names[number]))
            for number, state in enumerate(states)
        ]
    }


@pytest.mark.parametrize(
    ("states", "members", "found"),
    [
        (("Stable", "Stable", "Stable"), None, []),
        (("Stable", "PreparingRebalance", "Stable"), None, []),
        (("PreparingRebalance", "CompletingRebalance", "Stable"), None, ["kafka.group.rebalancing"]),
        (("Stable", "Stable", "Stable"), [("a",), ("b",), ("c",)], ["kafka.group.rebalancing"]),
        (("Stable", "Stable", "Stable"), [("a",), ("a", "b"), ("a", "b")], []),
        (("Stable", "PreparingRebalance", "Stable"), [("a",), ("a",), ("b",)], ["kafka.group.rebalancing"]),
        (("Empty", "Empty", "Empty"), [(), (), ()], []),
    ],
)
def test_rebalancing(states, members, found):
    assert ids(healthy(rounds=rounds(*states, ids=members))) == found


def test_a_group_that_rebalances_is_not_called_stalled_as_well():
    restless = rounds("PreparingRebalance", "PreparingRebalance", "PreparingRebalance")
    assert ids(healthy(samples=STOOD, rounds=restless)) == ["kafka.group.rebalancing"]


def test_partition_without_an_owner():
    parts = topic(partition(), partition(index=1))
    waiting = series("billing", (10, 100, 600), (5, 100, 600), (0, 100, 600), index=1)
    finding = only(healthy(topics=parts, samples=healthy().samples + waiting))
    assert finding.id == "kafka.group.unassigned"
    assert finding.details["partitions"] == [{"topic": "orders", "partition": 1}]


def test_topic_that_no_member_subscribes_to_any_more():
    two = {**topic(partition()), **topic(partition("old"))}
    left = series("billing", (10, 5, 500), (5, 5, 500), (0, 5, 500), topic="old")
    finding = only(healthy(topics=two, samples=healthy().samples + left))
    assert finding.id == "kafka.group.unassigned"
    assert "no member subscribes to old" in finding.evidence[0]
    read = series("billing", (10, 500, 500), (5, 500, 500), (0, 500, 500), topic="old")
    assert ids(healthy(topics=two, samples=healthy().samples + read)) == []


def test_unknown_assignments_are_no_unassigned_partitions():
    connect = Group("billing", "classic", "Stable", (Member("w1", "connect", "h", None, None),))
    assert ids(healthy(groups={"billing": connect})) == []


def test_idle_member():
    two = Group("billing", "classic", "Stable", (member(), member("m2", ())))
    finding = only(healthy(groups={"billing": two}))
    assert (finding.id, finding.severity) == ("kafka.group.idle_members", "P4")


def test_expired_and_ahead():
    expired = healthy(samples=series("billing", (5, 100, 900), (0, 100, 900)), earliest={("orders", 0): 900})
    finding = only(expired)
    assert (finding.id, finding.severity, finding.observed["records_lost"]) == ("kafka.offset.expired", "P1", 800)
    expired.groups = {"billing": EMPTY}
    assert only(expired).severity == "P2"
    ahead = healthy(samples=series("billing", (0, 900, 100)))
    assert only(ahead).id == "kafka.offset.ahead"


DAY = 86400.0


@pytest.mark.parametrize(
    ("days", "retention", "found"),
    [
        (4.9, 10080, []),
        (5.1, 10080, ["warning"]),
        (6.6, 10080, ["critical"]),
        (5.1, 525600, []),
        (5.1, None, []),
        (0.1, 180, ["warning"]),
    ],
)
def test_offsets_of_an_empty_group_that_will_expire(days, retention, found):
    snapshot = healthy(groups={"billing": EMPTY}, samples=series("billing", (0, 200, 200)), retention_minutes=retention)
    history = series("billing", (days * DAY, 200, 200))
    assert [finding.state for finding in judge(snapshot, SETTINGS, history)] == found
    moved = series("billing", (days * DAY, 150, 200), (60, 200, 200))
    assert judge(snapshot, SETTINGS, moved) == []


def test_decrease_against_history():
    snapshot = healthy(samples=series("billing", (0, 100, 900)))
    finding = only(snapshot, SETTINGS, series("billing", (300, 800, 850)))
    assert finding.id == "kafka.lag.rewound"
    assert ids(healthy(), SETTINGS, series("billing", (300, 800, 850))) == [], "recreated: the log end fell too"


def test_groups_of_the_new_protocol_are_judged_without_members():
    unknown = Group("billing", "consumer", "Stable", None)
    assert ids(healthy(groups={"billing": unknown}, samples=STOOD)) == ["kafka.lag.stalled"]
    empty = Group("billing", "consumer", "Empty", None)
    assert ids(healthy(groups={"billing": empty}, samples=STOOD)) == ["kafka.lag.stopped"]


def test_a_thousand_stopped_groups_fit_into_a_result():
    names = [f"group-{number:04d}" for number in range(1000)]
    snapshot = healthy(
        groups={name: Group(name, "classic", "Empty", ()) for name in names},
        samples=[Sample(NOW, name, "orders", 0, 100, 600 + number) for number, name in enumerate(names)],
    )
    found = judge(snapshot, SETTINGS)
    assert len(found) == 51
    rest = next(finding for finding in found if finding.component == "broker-house")
    assert (rest.id, rest.details["total"]) == ("kafka.lag.stopped", 950)
    assert found[0].details["group"] == "group-0999", "the largest lag is told in full"
    text = json.dumps([[finding.to_dict() for finding in found], summary(snapshot, SETTINGS, ())])
    assert len(text) < 512 * 1024


# Records


PINNED = {("orders", 0): [(NOW - 10, 150), (NOW - 5, 150), (NOW, 150)]}


def test_open_transaction_is_blamed_and_its_reader_is_not():
    snapshot = healthy(
        samples=series("billing", (10, 150, 600), (5, 150, 600), (0, 150, 600)),
        stable=PINNED,
        transactions=[Transaction("tx-1", 7, "Ongoing", int((NOW - 12) * 1000), 900_000, (("orders", 0),))],
    )
    finding = only(snapshot)
    assert (finding.id, finding.severity) == ("kafka.transaction.hanging", "P2")
    assert finding.details["transactional_ids"] == ["tx-1"]
    assert finding.details["groups"] == ["billing"]


def test_a_reader_behind_the_open_transaction_is_stalled_all_the_same():
    snapshot = healthy(samples=STOOD, stable=PINNED)
    assert ids(snapshot) == ["kafka.lag.stalled", "kafka.transaction.hanging"]


def test_transactions_that_come_and_go():
    moving = {("orders", 0): [(NOW - 10, 150), (NOW - 5, 160), (NOW, 170)]}
    young = [Transaction("tx-1", 7, "Ongoing", int((NOW - 12) * 1000), 60_000, (("orders", 0),))]
    assert ids(healthy(stable=moving, transactions=young)) == []


def test_old_transaction_without_any_reader():
    old = [Transaction("tx-1", 7, "Ongoing", int((NOW - 90) * 1000), 900_000, (("orders", 0),))]
    assert ids(healthy(transactions=old)) == ["kafka.transaction.hanging"]


def test_corrupt_record():
    snapshot = healthy(samples=STOOD, peeks=[Peek("orders", 0, 100, True, None, "failed crc check")])
    found = {finding.id: finding for finding in judge(snapshot, SETTINGS)}
    assert set(found) == {"kafka.lag.stalled", "kafka.record.corrupt"}
    record = found["kafka.record.corrupt"]
    assert record.details == {"records": [{"topic": "orders", "partition": 0, "offset": 100}], "groups": ["billing"]}
    assert record.remedies[-1].risk == "destructive"


@pytest.mark.parametrize(
    ("age", "state"), [(599, None), (601, "warning"), (3601, "critical"), (None, "critical"), ("unread", None)]
)
def test_busy_topic(age, state):
    stamp = -1 if age is None else int((NOW - age) * 1000) if age != "unread" else None
    newest = {} if stamp is None else {("orders", 0): stamp}
    found = judge(healthy(newest_ms=newest), settings(busy_topics=("orders",)))
    assert [finding.state for finding in found] == ([state] if state else [])
    assert judge(healthy(newest_ms=newest), SETTINGS) == []


# What could not be measured


def test_unmeasured_is_unknown_and_says_why():
    snapshot = healthy(unmeasured=[Unmeasured("disks", "no permission"), Unmeasured("disks", "no permission")])
    finding = only(snapshot)
    assert (finding.id, finding.state, finding.subject) == ("kafka.unmeasured", "unknown", "disks")
    assert finding.evidence == ("no permission",)
    assert worst_status([finding]) == "unknown"


def test_cluster_that_said_nothing_is_not_healthy():
    assert ids(KafkaSnapshot(probes=[Probe("b:1", "ok")], unmeasured=[Unmeasured("all", "why", "P1")], now=NOW)) != []


# Thresholds


def test_thresholds_are_merged_over_the_defaults():
    merged = merge_thresholds({"lag": {"crit": "20000"}})
    assert merged["lag"] == {"warn": 1000, "crit": 20000.0}
    assert merged["disk_used_percent"] == THRESHOLDS["disk_used_percent"]
    assert THRESHOLDS["lag"]["crit"] == 10000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lagg": {"warn": 1}}, "lagg"),
        ({"lag": {"warn": 20000}}, r"20000.*10000"),
        ({"lag": {"warning": 1}}, "warn and crit"),
        ({"lag": 5}, "warn and crit"),
        ({"lag": {}}, "warn and crit"),
        ({"lag": {"warn": True}}, "number"),
        ({"lag": {"warn": "many"}}, "number"),
        ({"lag": {"warn": -1}}, "from 0"),
        ({"lag": {"warn": "nan"}}, "from 0"),
    ],
)
def test_thresholds_that_make_no_sense(given, says):
    with pytest.raises(ValueError, match=says):
        merge_thresholds(given)
