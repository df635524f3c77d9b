# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kafka_health_info against the lab's broker: faults made by hand, under other names than the lab's."""

from __future__ import annotations

import contextlib
import subprocess
import time

import pytest
from kafka_house import House, brokers, finding, ids, until, verdicts

ODD = ["with spaces", 'it\'s "quoted"', "{{ lookup('pipe', 'id') }}", "ünï-☃"]


@pytest.fixture
def house():
    made = House(brokers("kafka", default=(9092,)))
    try:
        yield made
    finally:
        made.close()


def test_healthy_lab_has_no_findings(house):
    result = house.look(groups=None, topics=None, thresholds={"disk_used_percent": {"warn": 98, "crit": 99}})
    assert (ids(result), result["status"], result["reachable"]) == ([], "ok", True)
    said = " ".join(result["measured"])
    for part in ("1 broker", "quorum of 1 controller", "group", "partition", "3 samples"):
        assert part in said
    assert result["samples"]


@pytest.mark.parametrize("name", ODD)
def test_stopped(house, name):
    topic, group = house.topic(records=100), house.group(name)
    house.commit(group, topic, 40)
    for samples in (1, 3):
        result = house.look(samples=samples)
        found = finding(result, "kafka.lag.stopped")
        assert ids(result) == ["kafka.lag.stopped"]
        assert found["component"] == f"group:{group}"
        assert found["details"]["topic_partitions"] == [
            {"topic": topic, "partition": 0, "committed": 40, "end": 100, "lag": 60, "verdict": "stopped"}
        ]


def test_stopped_group_that_is_declared_to_be_empty(house):
    topic, group = house.topic(records=100), house.group("batch")
    house.commit(group, topic, 40)
    assert ids(house.look(expected_empty=["* batch"])) == []


def test_idle_topic(house):
    topic, group = house.topic(records=100), house.group("idle")
    house.commit(group, topic, 100)
    assert ids(house.look()) == []


def test_consumer_that_ended(house):
    topic, group = house.topic(records=200), house.group("ended")
    reader = house.person("steady", topic, group)
    until(lambda: "ok" in verdicts(house.look(samples=1)), "it to have read all")
    reader.stdin.close()
    reader.wait(30)
    house.write(topic, 50)
    assert ids(house.look()) == ["kafka.lag.stopped"]


@pytest.mark.parametrize("name", ODD[1:3])
def test_stalled(house, name):
    topic, group = house.topic(records=100), house.group(name)
    house.person("hang", topic, group)
    result = house.look()
    found = finding(result, "kafka.lag.stalled")
    assert ids(result) == ["kafka.lag.stalled"]
    assert found["details"]["members"] == 1
    assert found["details"]["members_hosts"]
    assert found["details"]["topic_partitions"][0]["committed"] == 5


def test_stalled_can_not_be_told_from_one_sample_and_is_unknown(house):
    topic, group = house.topic(records=100), house.group("hangs")
    house.person("hang", topic, group)
    first = house.look(samples=1)
    assert (ids(first), first["status"]) == (["kafka.unmeasured"], "unknown")
    samples = [{**item, "at": item["at"] - 60} for item in first["samples"]]
    assert ids(house.look(samples=1, history=samples)) == ["kafka.lag.stalled"]


def test_a_window_shorter_than_two_commits_is_no_stall(house):
    topic, group = house.topic(records=100), house.group("patient")
    house.person("hang", topic, group)
    result = house.look(commit_interval=30.0)
    assert ids(result) == ["kafka.unmeasured"]
    assert "twice the commit interval" in finding(result, "kafka.unmeasured")["evidence"][0]


def test_member_that_never_commits_while_records_arrive(house):
    topic, group = house.topic(records=10), house.group("mute")
    house.person("mute", topic, group)
    assert ids(house.look()) == [], "nothing arrives, so nobody can tell where it would have begun"
    house.person("produce", topic, "")
    assert ids(house.look()) == ["kafka.lag.stalled"]


def test_slow(house):
    topic, group = house.topic(records=500), house.group("slow")
    house.person("slow", topic, group)
    house.person("produce", topic, "")
    assert ids(house.look()) == ["kafka.lag.slow"]


def test_catching_up_is_no_fault(house):
    topic, group = house.topic(records=6000), house.group("late")
    house.person("steady", topic, group)
    result = house.look()
    assert verdicts(result) == {"catching_up"}
    assert ids(result) == []
    assert result["snapshot"]["groups"][0]["partitions"][0]["eta_seconds"] > 0


def test_reader_without_membership_is_not_stopped(house):
    topic, group = house.topic(records=6000), house.group("on its own")
    house.person("assigned", topic, group)
    assert ids(house.look()) == []


def test_rewound(house):
    topic, group = house.topic(records=100), house.group("again")
    house.commit(group, topic, 100)
    before = house.look(samples=1)
    house.commit(group, topic, 10)
    result = house.look(samples=1, history=before["samples"])
    assert ids(result) == ["kafka.lag.rewound"]
    assert "from 100 to 10" in finding(result, "kafka.lag.rewound")["summary"]


def test_expired(house):
    topic, group = house.topic(records=100), house.group("too late")
    house.commit(group, topic, 10)
    house.drop_before(topic, 60)
    result = house.look(samples=1)
    assert ids(result) == ["kafka.lag.stopped", "kafka.offset.expired"]
    assert finding(result, "kafka.offset.expired")["observed"]["records_lost"] == 50
    house.drop_before(topic, 100)
    assert ids(house.look(samples=1)) == ["kafka.offset.expired"]


def test_ahead(house):
    topic, group = house.topic(records=20), house.group("ahead")
    house.commit(group, topic, 5000)
    assert ids(house.look(samples=1)) == ["kafka.offset.ahead"]


def test_rebalancing(house):
    topic, group = house.topic(records=20, partitions=4), house.group("restless")
    for _count in range(2):
        house.person("restless", topic, group)
    options = {"samples": 6, "interval": 0.5, "thresholds": {"rebalance_seconds": {"warn": 1}}}
    assert ids(house.look(**options)) == ["kafka.group.rebalancing"]


def test_more_members_than_partitions(house):
    topic, group = house.topic(), house.group("crowd")
    for _count in range(2):
        house.person("polls", topic, group)
    until(lambda: ids(house.look(samples=1)) == ["kafka.group.idle_members"], "one of two members to be idle")


def test_topic_that_is_not_there(house):
    house.topic(records=1)
    assert ids(house.look(samples=1, expected_topics=[f"{house.mark}.nowhere"])) == ["kafka.topic.missing"]


def test_group_of_a_topic_that_was_deleted(house):
    topic, group = house.topic("gone", records=100), house.group("left over")
    house.commit(group, topic, 40)
    house.admin.delete_topics([topic])
    until(lambda: topic not in house.admin.list_topics(), "the topic to go")
    assert ids(house.look(samples=1)) == []


def test_busy_topic(house):
    topic = house.topic(records=1)
    assert ids(house.look(samples=1, busy_topics=[topic])) == []
    limits = {"traffic_seconds": {"warn": 0, "crit": 0}}
    assert ids(house.look(samples=1, busy_topics=[topic], thresholds=limits)) == ["kafka.traffic.none"]
    empty = house.topic("empty")
    assert ids(house.look(samples=1, busy_topics=[empty])) == ["kafka.traffic.none"]


def test_open_transaction_holds_back_a_reader_of_committed_records(house):
    topic, group = house.topic(records=30), house.group("reader")
    house.commit(group, topic, 30)
    assert ids(house.look(samples=1)) == []
    house.person("transact", topic, f"{house.mark}-writer")
    result = house.look()
    assert ids(result) == ["kafka.transaction.hanging"]
    found = finding(result, "kafka.transaction.hanging")
    assert found["details"]["groups"] == [group]
    assert found["details"]["partitions"] == [{"topic": topic, "partition": 0}]


def test_a_transaction_that_ended_leaves_no_false_lag(house):
    topic, group = house.topic(records=30), house.group("reader")
    writer = house.person("transact", topic, f"{house.mark}-writer")
    writer.stdin.close()
    writer.wait(30)
    house.commit(group, topic, house.end(topic) - 1)
    assert ids(house.look()) == []


def broker_container() -> str:
    """The lab's container that publishes the broker's port."""
    port = brokers("kafka", default=(9092,))[0].rpartition(":")[2]
    done = subprocess.run(
        ["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[0]


def test_corrupt_record(house):
    """Bytes of the stored batch are changed under the broker, which hands them out without a look."""
    topic, group = house.topic(), house.group("chokes")
    house.write(topic, 50, size=200)
    house.person("hang", topic, group)
    container = broker_container()
    script = (
        'f=$(find / -path "*/$1-0/00000000000000000000.log" 2>/dev/null | head -1); size=$(stat -c %s "$f")'
        ' && printf "\\377\\377\\377" | dd of="$f" bs=1 seek=$((size - 30)) conv=notrunc status=none'
    )
    subprocess.run(["docker", "exec", "-u", "0", container, "sh", "-c", script, "sh", topic], check=True)
    result = house.look()
    assert ids(result) == ["kafka.lag.stalled", "kafka.record.corrupt"]
    record = finding(result, "kafka.record.corrupt")["details"]["records"][0]
    assert record == {"topic": topic, "partition": 0, "offset": 5}


def test_samples_are_history_for_the_next_look(house):
    topic, group = house.topic(records=100), house.group("steady")
    house.person("steady", topic, group)
    first = house.look(samples=2, interval=0.2)
    assert {tuple(sorted(item)) for item in first["samples"]} == {
        ("at", "committed", "end", "group", "partition", "topic", "topic_id")
    }
    assert ids(house.look(history=first["samples"])) == []


def test_the_check_ends_at_its_deadline_and_leaves_nothing_behind(house):
    house.topic(records=1)
    started = time.monotonic()
    house.look(samples=2, interval=0.5, deadline=2.0)
    assert time.monotonic() - started < 10
    groups = {item["group_id"] for item in house.admin.list_groups()}
    assert not [name for name in groups if "incident" in name], "the reader has no group"


# Three brokers


@pytest.fixture
def cluster():
    made = House(brokers("kafka-1", "kafka-2", "kafka-3", default=(9192, 9292, 9392)))
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def stopped(house, *ports: str):
    """Brokers, found by the port that they publish, stopped for a while."""
    names = [
        subprocess.run(
            ["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"],
            capture_output=True, text=True, check=True,
        ).stdout.split()[0]
        for port in ports
    ]  # fmt: skip
    subprocess.run(["docker", "stop", "-t", "5", *names], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", *names], check=True, capture_output=True)
        until(lambda: _whole(house), "the cluster to be whole again", 90)


def _whole(house) -> bool:
    try:
        result = house.look(samples=1, topics=None, groups=["none of them"])
    except Exception:
        return False
    return not [item for item in result["findings"] if item["severity"] != "P4"]


def ports(house) -> list[str]:
    return [address.rpartition(":")[2] for address in house.bootstrap]


@pytest.mark.cluster
def test_healthy_cluster(cluster):
    cluster.topic(replication=3, records=10)
    assert ids(cluster.look(samples=1)) == []
    cluster.topic("alone")
    assert ids(cluster.look(samples=1)) == ["kafka.topic.unreplicated"]


@pytest.mark.cluster
def test_one_of_three_brokers_is_gone(cluster):
    safe = cluster.topic("safe", partitions=3, replication=3)
    strict = cluster.topic("strict", partitions=3, replication=3, **{"min.insync.replicas": "3"})
    alone = f"{cluster.mark}.alone"
    cluster.admin.create_topics({alone: {"assignments": {0: [3]}}})
    cluster._topics.append(alone)
    topic, group = cluster.topic("letters", replication=3, records=90), cluster.group("reader")
    cluster.commit(group, topic, 10)
    wanted = [
        "kafka.broker.missing",
        "kafka.broker.unreachable",
        "kafka.lag.stopped",
        "kafka.partition.offline",
        "kafka.partition.under_min_isr",
        "kafka.partition.under_replicated",
    ]
    with stopped(cluster, ports(cluster)[2]):
        result = until(
            lambda: (seen := cluster.look(samples=1)) and ids(seen) == wanted and seen, "exactly the findings of it"
        )
        offline = finding(result, "kafka.partition.offline")["details"]["partitions"]
        assert [item["topic"] for item in offline] == [alone]
        under = finding(result, "kafka.partition.under_min_isr")["details"]["partitions"]
        assert {item["topic"] for item in under} == {strict}
        replicated = finding(result, "kafka.partition.under_replicated")["details"]["partitions"]
        assert {item["topic"] for item in replicated} == {safe, topic}


@pytest.mark.cluster
def test_two_of_three_brokers_are_gone(cluster):
    cluster.topic(replication=3, records=10)
    with stopped(cluster, *ports(cluster)[1:]):
        result = until(
            lambda: (seen := cluster.look(samples=1)) and "kafka.quorum.no_leader" in ids(seen) and seen,
            "the lost quorum to be seen",
        )
    assert ids(result) == ["kafka.broker.unreachable", "kafka.quorum.no_leader"]
    assert finding(result, "kafka.quorum.no_leader")["severity"] == "P1"
