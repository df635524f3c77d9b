"""Faults of the topic."""

from __future__ import annotations

from lab import kafka_admin
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until


def _delete(lab: Lab) -> None:
    def reason() -> str | None:
        with kafka_admin.admin(lab.config.brokers) as kafka:
            return "it is still there" if lab.config.topic in kafka.topics() else None

    with kafka_admin.admin(lab.config.brokers) as kafka:
        kafka.delete([lab.config.topic])
    wait_until(f"topic {lab.config.topic} to be gone", reason, acts.SHOWS)
    # The consumer notices by itself, and leaves its group until there is something to read again.
    acts.await_group_empty(lab)


def _recreate(lab: Lab) -> None:
    with kafka_admin.admin(lab.config.brokers) as kafka:
        kafka.create(lab.config.topic, lab.config.partitions)


FAULTS = (Fault("topic_missing", "the topic is deleted", _delete, _recreate, ("kafka.topic.missing",)),)
