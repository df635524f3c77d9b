# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots to judge: a healthy cluster, and its parts to change."""

from __future__ import annotations

import dataclasses

from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.kafka_lag import LagRules
from ansible_collections.incident.response.plugins.module_utils.core.kafka_settings import (
    Settings,
)
from ansible_collections.incident.response.plugins.module_utils.core.kafka_snapshot import (
    Broker,
    Group,
    KafkaSnapshot,
    LogDir,
    Member,
    Partition,
    Probe,
    Quorum,
    Sample,
    Topic,
    Voter,
)

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
