# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Committed offsets that point to nothing, or soon will -> findings. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .kafka_group_lag import GroupLag
from .kafka_lag import EMPTY_STATES
from .kafka_members import MOST, partition_name, some
from .kafka_settings import Settings
from .kafka_snapshot import KafkaSnapshot, PartitionKey, Sample
from .quantities import count

Outside = tuple[PartitionKey, int, int]
"""partition, committed offset, the bound that it is beyond."""


def judge_offsets(
    one: GroupLag, snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]
) -> t.Iterator[Finding]:
    """history: the samples of this group only."""
    expired: list[Outside] = []
    ahead: list[Outside] = []
    for key, sample in sorted(one.last.items()):
        if sample.committed is None or sample.committed < 0:
            continue
        earliest = snapshot.earliest.get(key)
        if earliest is not None and sample.committed < earliest:
            expired.append((key, sample.committed, earliest))
        if sample.end is not None and sample.committed > sample.end:
            ahead.append((key, sample.committed, sample.end))
    if expired:
        yield _expired(one, expired, settings)
    if ahead:
        yield _ahead(one, ahead, settings)
    expiring = _expiring(one, snapshot, settings, history)
    if expiring:
        yield expiring


def _expired(one: GroupLag, found: list[Outside], settings: Settings) -> Finding:
    name = one.group.name
    lost = sum(bound - committed for _key, committed, bound in found)
    names = [partition_name(*key) for key, _committed, _bound in found]
    return Finding(
        id="kafka.offset.expired",
        component=f"group:{name}",
        subject=f"group {name}: {some(names)}",
        state=CRITICAL,
        severity="P1" if one.group.members else "P2",
        summary=f"{lost} records of {some(names)} were deleted by retention before group {name} read them",
        observed={"records_lost": lost, "partitions": len(found)},
        threshold={"records_lost": 0},
        evidence=_lines(found, "the log begins at"),
        causes=("the group was behind for longer than the topic's retention", "records were deleted by hand"),
        remedies=(
            Remedy("Raise retention.ms of the topic first, so that no more is lost", "low"),
            _reset(name, found, "--to-earliest", settings, "Go on at the oldest record that is left"),
        ),
        details=_details(name, found),
    )


def _ahead(one: GroupLag, found: list[Outside], settings: Settings) -> Finding:
    name = one.group.name
    names = [partition_name(*key) for key, _committed, _bound in found]
    return Finding(
        id="kafka.offset.ahead",
        component=f"group:{name}",
        subject=f"group {name}: {some(names)}",
        state=CRITICAL,
        severity="P2",
        summary=f"Group {name} has committed beyond the end of {some(names)}: the topic was recreated or truncated",
        observed={"partitions": len(found)},
        threshold={"partitions": 0},
        evidence=_lines(found, "the log ends at"),
        causes=("the topic was deleted and created again", "records were lost in an unclean leader election"),
        remedies=(_reset(name, found, "--to-earliest", settings, "Decide where to go on (earliest repeats)"),),
        details=_details(name, found),
    )


def _reset(name: str, found: list[Outside], where: str, settings: Settings, text: str) -> Remedy:
    command = settings.command(
        "kafka-consumer-groups", "--group", name, "--reset-offsets", "--topic", found[0][0][0], where, "--dry-run"
    )
    text = f"{text}; the group must have no members; --execute in place of --dry-run does it"
    return Remedy(text, "destructive", command)


def _lines(found: list[Outside], bound: str) -> tuple[str, ...]:
    lines = [
        f"{partition_name(*key)}: committed {committed}, {bound} {limit}" for key, committed, limit in found[:MOST]
    ]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more partitions")
    return tuple(lines)


def _details(name: str, found: list[Outside]) -> dict[str, t.Any]:
    return {
        "group": name,
        "topic_partitions": [
            {"topic": topic, "partition": index, "committed": committed, "bound": bound}
            for (topic, index), committed, bound in found[:MOST]
        ],
        "total": len(found),
    }


def _expiring(
    one: GroupLag, snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]
) -> Finding | None:
    """An empty group's offsets are deleted offsets.retention.minutes after its last member left."""
    if one.group.state not in EMPTY_STATES or one.group.members or not snapshot.retention_minutes:
        return None
    since = _unchanged_since(one, history)
    if since is None:
        return None
    share = 100 * (snapshot.now - since) / (snapshot.retention_minutes * 60)
    state = settings.level("expiring_percent", share)
    if state is None:
        return None
    name, days = one.group.name, (snapshot.now - since) / 86400
    return Finding(
        id="kafka.group.expiring",
        component=f"group:{name}",
        subject=f"group {name}",
        state=WARNING if state == "warning" else CRITICAL,
        severity="P3",
        summary=f"Group {name} is empty and committed nothing for {days:.1f} days; its offsets will soon be deleted",
        observed={"percent_of_retention": round(share, 1)},
        threshold=settings.pair("expiring_percent"),
        evidence=(
            f"no commit seen for {days:.1f} days, state {one.group.state};"
            f" offsets.retention.minutes is {snapshot.retention_minutes}",
        ),
        causes=("the consumer was switched off and forgotten",),
        remedies=(
            Remedy(
                f"Write down the {count(len(one.last), 'offset')} now",
                command=settings.command("kafka-consumer-groups", "--describe", "--group", name, "--offsets"),
            ),
            Remedy("Start its consumer, or delete the group on purpose", "low"),
        ),
        since=since,
        details={"group": name},
    )


def _unchanged_since(one: GroupLag, history: t.Sequence[Sample]) -> float | None:
    """The oldest moment from which on no committed offset of the group was seen to change."""
    since: float | None = None
    moved = 0.0
    for sample in history:
        last = one.last.get((sample.topic, sample.partition))
        if last is None:
            continue
        if sample.committed != last.committed:
            moved = max(moved, sample.at)
        since = sample.at if since is None else min(since, sample.at)
    if since is None:
        return None
    later = [sample.at for sample in history if sample.at > moved]
    return min(later) if later else None
