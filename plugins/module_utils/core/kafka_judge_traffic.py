# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records themselves: open transactions, corrupt records, topics that should be busy -> findings. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .kafka_members import MOST, partition_name, some
from .kafka_settings import Settings
from .kafka_snapshot import KafkaSnapshot, PartitionKey, Transaction
from .quantities import count


def judge_traffic(snapshot: KafkaSnapshot, settings: Settings) -> list[Finding]:
    return [*_transactions(snapshot, settings), *_corrupt(snapshot, settings), *_silent_topics(snapshot, settings)]


def _transactions(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    old = [item for item in snapshot.transactions if settings.level("transaction_seconds", _age(item, snapshot))]
    pinned = _pinned(snapshot, settings)
    if not old and not pinned:
        return
    keys = sorted(set(pinned) | {key for item in old for key in item.partitions})
    names = [partition_name(*key) for key in keys]
    owners = sorted(item.id for item in snapshot.transactions if item in old or set(item.partitions) & set(pinned))
    groups = sorted({s.group for s in snapshot.samples if (s.topic, s.partition) in set(pinned) and s.group})
    yield Finding(
        id="kafka.transaction.hanging",
        component=settings.component,
        subject=f"{count(len(keys), 'partition')}: {some(names)}",
        state=CRITICAL,
        severity="P2",
        summary=f"An open transaction{_by(owners)} holds back readers of committed records on {some(names)}",
        observed={"partitions": len(keys), "transactions": len(owners)},
        threshold=settings.pair("transaction_seconds"),
        evidence=(*_pin_lines(snapshot, pinned), *_transaction_lines(snapshot, old)),
        causes=("the producer hangs or died in the middle of a transaction with a long timeout",),
        remedies=(
            Remedy("Look", command=settings.command("kafka-transactions", "list")),
            Remedy("Ask the owner of the transactional id; end or restart that producer", "disruptive"),
            Remedy(
                "Abort the transaction, once its owner agrees",
                "destructive",
                settings.command("kafka-transactions", "abort", "--topic", keys[0][0], "--partition", str(keys[0][1])),
            ),
        ),
        details={
            "partitions": [{"topic": topic, "partition": index} for topic, index in keys[:MOST]],
            "total": len(keys),
            "transactional_ids": owners[:MOST],
            "groups": groups[:MOST],
        },
    )


def _by(owners: list[str]) -> str:
    return f" of {some(owners)}" if owners else ""


def _age(item: Transaction, snapshot: KafkaSnapshot) -> float:
    return snapshot.now - item.started_ms / 1000 if item.started_ms > 0 else 0.0


def _pinned(snapshot: KafkaSnapshot, settings: Settings) -> dict[PartitionKey, tuple[int, int]]:
    """Partitions whose last stable offset stood still below the log end for the whole window: (stable, end)."""
    ends: dict[PartitionKey, list[int]] = {}
    for sample in snapshot.samples:
        if sample.end is not None:
            ends.setdefault((sample.topic, sample.partition), []).append(sample.end)
    found = {}
    for key, seen in snapshot.stable.items():
        if len(seen) < 2 or seen[-1][0] - seen[0][0] < settings.rules.window * 0.99 or not ends.get(key):
            continue
        values = {offset for _at, offset in seen}
        if len(values) == 1 and seen[-1][1] < min(ends[key]):
            found[key] = (seen[-1][1], max(ends[key]))
    return found


def _pin_lines(snapshot: KafkaSnapshot, pinned: dict[PartitionKey, tuple[int, int]]) -> tuple[str, ...]:
    return tuple(
        f"{partition_name(*key)}: committed records end at {stable}, the log at {end}, unchanged in"
        f" {len(snapshot.stable[key])} looks"
        for key, (stable, end) in sorted(pinned.items())[:MOST]
    )


def _transaction_lines(snapshot: KafkaSnapshot, old: list[Transaction]) -> tuple[str, ...]:
    return tuple(
        f"transaction {item.id}: {item.state} for {_age(item, snapshot):.0f} s, its timeout is"
        f" {item.timeout_ms / 1000:.0f} s, producer id {item.producer_id}"
        for item in old[:MOST]
    )


def _corrupt(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    bad = [peek for peek in snapshot.peeks if peek.corrupt]
    if not bad:
        return
    names = [f"{partition_name(peek.topic, peek.partition)} at offset {peek.offset}" for peek in bad]
    first = bad[0]
    groups = sorted({s.group for s in snapshot.samples if (s.topic, s.partition) == (first.topic, first.partition)})
    yield Finding(
        id="kafka.record.corrupt",
        component=settings.component,
        subject=some(names),
        state=CRITICAL,
        severity="P2",
        summary=f"A stored record fails its checksum: {some(names)}; consumers can't get past it",
        observed={"records": len(bad)},
        threshold={"records": 0},
        evidence=tuple(f"{name}: {peek.message}" for name, peek in zip(names, bad)),
        causes=("the broker's disk or memory damaged the segment", "one replica only, or all of them"),
        remedies=(
            Remedy("Find out whether it is one replica: compare with kafka-dump-log on every broker that holds it"),
            Remedy("With a good replica: move leadership there and let the bad one replicate again", "disruptive"),
            Remedy("Without one: skip that batch for the group, while it has no members", "destructive"),
            Remedy("Last of all: export what is readable, delete the topic and create it again", "destructive"),
        ),
        details={
            "records": [{"topic": p.topic, "partition": p.partition, "offset": p.offset} for p in bad],
            "groups": [name for name in groups if name][:MOST],
        },
    )


def _silent_topics(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    silent: list[tuple[str, float | None]] = []
    for name in settings.busy_topics:
        topic = snapshot.topics.get(name)
        stamps = [snapshot.newest_ms[p.key] for p in topic.partitions if p.key in snapshot.newest_ms] if topic else []
        if not stamps:
            continue
        newest = max(stamps)
        age = None if newest < 0 else snapshot.now - newest / 1000
        if age is None or settings.level("traffic_seconds", age):
            silent.append((name, age))
    if not silent:
        return
    ages = [age for _name, age in silent if age is not None]
    critical = not ages or settings.level("traffic_seconds", max(ages)) == CRITICAL
    names = [name for name, _age in silent]
    yield Finding(
        id="kafka.traffic.none",
        component=settings.component,
        subject=f"topic {some(names)}",
        state=CRITICAL if critical else WARNING,
        severity="P3",
        summary=f"Nothing arrives in {some(names)}, which should be busy",
        observed={name: None if age is None else round(age) for name, age in silent[:MOST]},
        threshold=settings.pair("traffic_seconds"),
        evidence=tuple(
            f"topic {name}: " + ("it holds no record at all" if age is None else f"newest record is {age:.0f} s old")
            for name, age in silent[:MOST]
        ),
        causes=("the producer is down or can't reach the brokers", "nobody triggers what it records"),
        remedies=(Remedy("Look at the producers of these topics; the consumers are not to blame"),),
        details={"topics": names[:MOST], "total": len(names)},
    )
