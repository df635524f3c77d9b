# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots to findings: each fault its id, each healthy twin nothing, one finding for all that share a fault."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.findings import worst_status
from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import ADDRESS_FAULTS, judge
from ansible_collections.incident.response.plugins.module_utils.core.kafka_snapshot import (
    Broker,
    KafkaSnapshot,
    LogDir,
    Probe,
    Quorum,
    Unmeasured,
    Voter,
)
from kafka_snapshots import NOW, SETTINGS, healthy, ids, only, partition, settings, topic


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
        brokers=[Broker(1, "b1", 9092), Broker(2, "b2", 9092), Broker(3, "b3", 9092, fenced=True)],
        probes=[Probe("b1:9092", "ok"), Probe("b2:9092", "refused")],
        topics=topic(partition(leader=2), partition(index=1, leader=1)),
        unmeasured=[Unmeasured("consumer groups of broker 2", "out of reach", "P2", 2)],
        groups={},
        samples=[],
    )
    found = {finding.id: finding for finding in judge(frozen, SETTINGS)}
    assert set(found) == {"kafka.quorum.no_leader", "kafka.broker.unreachable"}
    leader = found["kafka.quorum.no_leader"]
    assert (leader.severity, leader.details) == ("P1", {"missing_brokers": [2, 3], "partitions_without_leader": 1})
    assert any("consumer groups of broker 2" in line for line in leader.evidence)


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
    assert ids(healthy(topics=topic(partition(leader=-1, replicas=(3,), isr=())), samples=[], groups={})) == [
        "kafka.partition.offline"
    ], "its one replica is what offline says already"
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


# What could not be measured


def test_unmeasured_is_unknown_and_says_why():
    snapshot = healthy(unmeasured=[Unmeasured("disks", "no permission"), Unmeasured("disks", "no permission")])
    finding = only(snapshot)
    assert (finding.id, finding.state, finding.subject) == ("kafka.unmeasured", "unknown", "disks")
    assert finding.evidence == ("disks: no permission",)
    assert worst_status([finding]) == "unknown"


def test_cluster_that_said_nothing_is_not_healthy():
    assert ids(KafkaSnapshot(probes=[Probe("b:1", "ok")], unmeasured=[Unmeasured("all", "why", "P1")], now=NOW)) != []
