"""Twins: what looks like a fault and is none. A check has to stay silent."""

from __future__ import annotations

from kafka.structs import TopicPartition

from lab import kafka_admin
from lab.faults import acts
from lab.faults.model import Fault, Lab

BURST = 6000
# So that catching up can be watched: without it the consumer sends some thousand records a second.
SINK_MS = 5
CONSUMER = "notification"
IDLE_TOPIC, IDLE_GROUP = "idle", "idle-reader"
# Declared as a group that is meant to be empty between its runs.
BATCH_TOPIC, BATCH_GROUP = "batch", "batch-nightly"
RECORDS = 100


def _burst(lab: Lab) -> None:
    partitions = acts.every_partition(lab)
    acts.switch(lab, CONSUMER, "sink_delay", SINK_MS)
    acts.write(lab, [(n % len(partitions), acts.order(n)) for n in range(BURST)])


def _idle(lab: Lab) -> None:
    _group_at(lab, IDLE_TOPIC, IDLE_GROUP, RECORDS)


def _batch(lab: Lab) -> None:
    _group_at(lab, BATCH_TOPIC, BATCH_GROUP, RECORDS // 2)


def _group_at(lab: Lab, topic: str, group: str, offset: int) -> None:
    """A topic of one partition, and a group without members that has committed there."""
    with kafka_admin.admin(lab.config.brokers) as kafka:
        kafka.create(topic, 1)
        have = kafka.ends(topic)[TopicPartition(topic, 0)]
        if have < RECORDS:
            acts.write(lab, [(0, acts.order(n)) for n in range(RECORDS - have)], topic)
        kafka.commit(group, {TopicPartition(topic, 0): offset})


def _remove(lab: Lab, topic: str, group: str) -> None:
    with kafka_admin.admin(lab.config.brokers) as kafka:
        kafka.delete_group(group)
        kafka.delete([topic])


FAULTS = (
    Fault(
        "burst",
        "some thousand records at once, which the consumer catches up with",
        _burst,
        lambda lab: acts.reset(lab, CONSUMER),
        twin=True,
    ),
    Fault(
        "idle_topic",
        f"topic {IDLE_TOPIC} has no traffic, and its group {IDLE_GROUP} has read everything",
        _idle,
        lambda lab: _remove(lab, IDLE_TOPIC, IDLE_GROUP),
        twin=True,
    ),
    Fault(
        "empty_group",
        f"group {BATCH_GROUP} has a lag on topic {BATCH_TOPIC} and no members, and is declared to be so",
        _batch,
        lambda lab: _remove(lab, BATCH_TOPIC, BATCH_GROUP),
        twin=True,
    ),
)
