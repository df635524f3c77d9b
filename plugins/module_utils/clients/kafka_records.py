# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One record each at the committed offset of a few partitions that stand still: is it sound, and how old?

The reader has no group, commits nothing and keeps no content.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..core.kafka_snapshot import KafkaSnapshot, PartitionKey, Peek, Unmeasured
from .kafka_admin import Admin, bounded, classify
from .kafka_groups import askable

MOST_PEEKS = 5
PEEK_SECONDS = 2.0


def stuck(snapshot: KafkaSnapshot, allowed: int) -> list[tuple[PartitionKey, int]]:
    """(partition, committed offset) of the partitions with the most lag, those that did not move at all first."""
    series: dict[tuple[str, PartitionKey], list[t.Any]] = {}
    for item in snapshot.samples:
        series.setdefault((item.group, (item.topic, item.partition)), []).append(item)
    ranked = []
    for (_group, key), items in series.items():
        last = items[-1]
        if last.committed is None or last.end is None or last.end - last.committed <= allowed:
            continue
        if last.committed >= snapshot.earliest.get(key, 0):
            moved = any(item.committed != last.committed for item in items)
            ranked.append((moved, -(last.end - last.committed), key, last.committed))
    found = list(dict.fromkeys((key, offset) for _moved, _lag, key, offset in sorted(ranked)))
    return found[:MOST_PEEKS]


def peek(admin: Admin, snapshot: KafkaSnapshot, wanted: t.Sequence[tuple[PartitionKey, int]]) -> None:
    """Read these records with their checksums."""
    reachable = set(askable(admin, snapshot, [key for key, _offset in wanted]))
    wanted = [(key, offset) for key, offset in wanted if key in reachable]
    if not wanted or admin.deadline.left() < 0.5:
        return
    try:
        consumer = bounded(lambda: _consumer(admin), admin.deadline.cap(PEEK_SECONDS), "a reader without a group")
    except Exception as error:
        why = classify(error, "a reader without a group").message
        snapshot.unmeasured.append(Unmeasured("records at stalled offsets", why, "P4"))
        return
    try:
        for key, offset in wanted:
            snapshot.peeks.append(_peek(admin, consumer, key, offset))
    finally:
        with contextlib.suppress(Exception):
            bounded(lambda: consumer.close(autocommit=False), 1.0, "close")


def _consumer(admin: Admin) -> t.Any:
    from kafka import KafkaConsumer

    return KafkaConsumer(
        bootstrap_servers=admin.bootstrap,
        group_id=None,
        enable_auto_commit=False,
        check_crcs=True,
        max_poll_records=1,
        fetch_max_wait_ms=200,
        max_partition_fetch_bytes=65536,
        auto_offset_reset="none",
        **admin.options.client_config(),
    )


def _peek(admin: Admin, consumer: t.Any, key: PartitionKey, offset: int) -> Peek:
    from kafka import TopicPartition

    partition = TopicPartition(*key)

    def read() -> t.Any:
        consumer.assign([partition])
        consumer.seek(partition, offset)
        return consumer.poll(timeout_ms=1000).get(partition)

    seconds = admin.deadline.cap(PEEK_SECONDS)
    try:
        records = bounded(read, seconds, f"the record of {key[0]}-{key[1]} at offset {offset}")
    except Exception as error:
        failure = classify(error, "reading the record")
        return Peek(key[0], key[1], offset, failure.name == "CorruptRecordError", None, failure.message)
    if not records:
        return Peek(key[0], key[1], offset, message="no record came within a second")
    return Peek(key[0], key[1], offset, timestamp_ms=records[0].timestamp)
