"""Faults of the group's committed offsets."""

from __future__ import annotations

from kafka.structs import TopicPartition

from lab import kafka_admin
from lab.errors import LabError
from lab.faults import acts
from lab.faults.model import Fault, Lab

SERVICE = "notification"
BACK = 40
FAR = 500
"""Further back than the traffic between a look and the fault: only then is it less than what the look has seen."""
PAST = 5


def _expire(lab: Lab) -> None:
    """Move the start of each partition's log past what the group has committed."""
    acts.stop(lab, SERVICE)
    acts.await_group_empty(lab)
    acts.boost(lab, acts.every_partition(lab), each=BACK)
    with kafka_admin.admin(lab.config.brokers) as kafka:
        committed = _committed(lab, kafka)
        kafka.delete_records({partition: at + PAST for partition, at in committed.items()})
    acts.await_lag(lab)


def _rewind(lab: Lab) -> None:
    acts.boost(lab, acts.every_partition(lab), each=BACK)
    acts.await_caught_up(lab)
    acts.stop(lab, SERVICE)
    acts.await_group_empty(lab)
    with kafka_admin.admin(lab.config.brokers) as kafka:
        starts = kafka.starts(lab.config.topic)
        committed = _committed(lab, kafka)
        kafka.commit(lab.config.group, {part: max(starts[part], at - FAR) for part, at in committed.items()})
    acts.await_lag(lab)


def _committed(lab: Lab, kafka: kafka_admin.Kafka) -> dict[TopicPartition, int]:
    committed = kafka.committed(lab.config.group, lab.config.topic)
    if not committed:
        raise LabError(f"group {lab.config.group} has committed nothing in {lab.config.topic}", "lab status")
    return committed


def _start(lab: Lab) -> None:
    acts.start(lab, SERVICE)


FAULTS = (
    Fault(
        "offsets_expired",
        "the consumer is stopped, and the log now starts behind what it has committed: records are lost to it",
        _expire,
        _start,
        ("docker.container.not_running", "kafka.lag.stopped", "kafka.offset.expired"),
    ),
    Fault(
        "offsets_rewound",
        "the consumer is stopped, and its group's offsets were set back",
        _rewind,
        _start,
        ("docker.container.not_running", "kafka.lag.rewound"),
        needs_history=True,
    ),
)
