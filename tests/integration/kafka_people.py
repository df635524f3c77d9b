# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consumers and producers that behave badly, each in a process of its own: kafka_people.py ROLE BROKER TOPIC GROUP.

They say on standard output when they have begun, and end when their standard input is closed.
"""

from __future__ import annotations

import sys
import threading
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

BURST_SECOND = 400


def consumer(broker: str, topic: str, group: str, **options) -> KafkaConsumer:
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "max_poll_records": 20, **options}
    made = KafkaConsumer(topic, bootstrap_servers=broker, group_id=group, **options)
    while not made.assignment():
        made.poll(timeout_ms=1000, max_records=1)
    return made


def hang(broker: str, topic: str, group: str) -> None:
    """A member of the group that commits where it found itself, and then nothing."""
    made = consumer(broker, topic, group)
    made.commit({part: OffsetAndMetadata(5, "", -1) for part in made.assignment()})
    say()
    wait()
    made.close(autocommit=False)


def mute(broker: str, topic: str, group: str) -> None:
    """A member that never commits anything."""
    made = consumer(broker, topic, group)
    say()
    wait()
    made.close(autocommit=False)


def polls(broker: str, topic: str, group: str) -> None:
    """A member that takes part in every rebalance and commits nothing."""
    made = KafkaConsumer(topic, bootstrap_servers=broker, group_id=group, enable_auto_commit=False)
    made.poll(timeout_ms=1000)
    say()
    while not ended.is_set():
        made.poll(timeout_ms=500)
    made.close(autocommit=False)


def read(broker: str, topic: str, group: str, records: int, pause: float) -> None:
    made = consumer(broker, topic, group, max_poll_records=records)
    for part in made.assignment():
        made.seek_to_beginning(part)
    said = False
    while not ended.is_set():
        made.poll(timeout_ms=200)
        made.commit()
        if not said:
            say()
            said = True
        ended.wait(pause)
    made.close(autocommit=False)


def slow(broker: str, topic: str, group: str) -> None:
    read(broker, topic, group, 5, 0.2)


def steady(broker: str, topic: str, group: str) -> None:
    read(broker, topic, group, 50, 0.2)


def restless(broker: str, topic: str, group: str) -> None:
    """A member that leaves as soon as it has come."""
    said = False
    while not ended.is_set():
        made = consumer(broker, topic, group)
        if not said:
            say()
            said = True
        made.close(autocommit=False)


def produce(broker: str, topic: str, _group: str) -> None:
    """Records at a rate that no slow consumer keeps up with."""
    producer = KafkaProducer(bootstrap_servers=broker)
    said = False
    while not ended.is_set():
        for part in sorted(producer.partitions_for(topic)):
            for _count in range(BURST_SECOND // 10):
                producer.send(topic, b"record", partition=part)
        producer.flush()
        if not said:
            say()
            said = True
        ended.wait(0.1)
    producer.close()


def transact(broker: str, topic: str, group: str) -> None:
    """A transaction that is begun and not ended, until this process is told to end."""
    producer = KafkaProducer(bootstrap_servers=broker, transactional_id=group, transaction_timeout_ms=600_000)
    producer.init_transactions()
    producer.begin_transaction()
    for _count in range(50):
        producer.send(topic, b"not committed", partition=0)
    producer.flush()
    say()
    wait()
    producer.abort_transaction()
    producer.close()


def assigned(broker: str, topic: str, group: str) -> None:
    """Reads with commits and without membership."""
    made = KafkaConsumer(bootstrap_servers=broker, group_id=group, enable_auto_commit=False, max_poll_records=20)
    part = TopicPartition(topic, 0)
    made.assign([part])
    made.seek_to_beginning(part)
    said = False
    while not ended.is_set():
        made.poll(timeout_ms=200)
        made.commit()
        if not said:
            say()
            said = True
        time.sleep(0.2)
    made.close(autocommit=False)


def say() -> None:
    print("ready", flush=True)


ended = threading.Event()


def wait() -> None:
    ended.wait()


def _until_closed() -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    threading.Thread(target=_until_closed, daemon=True).start()
    globals()[sys.argv[1]](*sys.argv[2:5])
