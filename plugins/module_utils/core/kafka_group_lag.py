# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts on all partitions of every group, from the fresh samples and those of earlier looks. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from . import kafka_lag as lag
from .kafka_lag import LagSample, Membership, PartitionLag
from .kafka_settings import Settings
from .kafka_snapshot import Group, KafkaSnapshot, PartitionKey, Sample

REBALANCING = ("PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")

Series = dict[str, dict[PartitionKey, list[Sample]]]
"""group -> partition -> samples, oldest first."""


@dataclasses.dataclass(frozen=True)
class GroupLag:
    """One group with the verdict on each of its partitions.

    orphans: partitions with waiting records that no member reads: not assigned, or of a topic nobody subscribes to.
    unassigned: partitions of subscribed topics that no member has, with or without waiting records.
    """

    group: Group
    partitions: dict[PartitionKey, PartitionLag]
    unassigned: tuple[PartitionKey, ...] = ()
    orphans: tuple[PartitionKey, ...] = ()
    last: dict[PartitionKey, Sample] = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(part.lag or 0 for part in self.partitions.values())

    @property
    def verdict(self) -> str:
        return lag.worst(part.verdict for part in self.partitions.values())

    def having(self, *verdicts: str) -> list[tuple[PartitionKey, PartitionLag]]:
        """Partitions with one of these verdicts, largest lag first."""
        found = [(key, part) for key, part in self.partitions.items() if part.verdict in verdicts]
        return sorted(found, key=lambda pair: (-(pair[1].lag or 0), pair[0]))


def group_lags(snapshot: KafkaSnapshot, settings: Settings, history: t.Iterable[Sample]) -> list[GroupLag]:
    """Every group that was sampled, by name."""
    fresh, past = _series(snapshot.samples), _series(history)
    return [
        _group_lag(snapshot.groups[name], snapshot, settings, fresh.get(name, {}), past.get(name, {}))
        for name in sorted(snapshot.groups)
    ]


def _series(samples: t.Iterable[Sample]) -> Series:
    series: Series = {}
    for sample in samples:
        series.setdefault(sample.group, {}).setdefault((sample.topic, sample.partition), []).append(sample)
    return series


def _group_lag(
    group: Group,
    snapshot: KafkaSnapshot,
    settings: Settings,
    fresh: dict[PartitionKey, list[Sample]],
    past: dict[PartitionKey, list[Sample]],
) -> GroupLag:
    membership = Membership(None if group.members is None else len(group.members), group.state)
    verdicts: dict[PartitionKey, PartitionLag] = {}
    for key, samples in fresh.items():
        window = lag.window_of(_lag_samples(samples), _lag_samples(past.get(key, ())), settings.rules)
        # A sample tells when we looked, not when the group committed: what the look did after it ages no commit.
        verdict = lag.judge_partition(
            window,
            now=window[-1].at,
            earliest=snapshot.earliest.get(key),
            rules=settings.rules,
            membership=membership,
        )
        verdicts[key] = _held_back(verdict, snapshot.stable.get(key), settings)
    unassigned, unsubscribed = unread_partitions(group, snapshot, verdicts)
    orphans = [key for key in (*unassigned, *unsubscribed) if _waits(verdicts.get(key), settings)]
    return GroupLag(
        group=group,
        partitions=verdicts,
        unassigned=tuple(unassigned),
        orphans=tuple(orphans),
        last={key: samples[-1] for key, samples in fresh.items()},
    )


def _lag_samples(samples: t.Iterable[Sample]) -> list[LagSample]:
    return [LagSample(sample.at, sample.committed, sample.end) for sample in samples]


def _waits(verdict: PartitionLag | None, settings: Settings) -> bool:
    return verdict is not None and (verdict.lag or 0) > settings.rules.allowed


def _held_back(verdict: PartitionLag, stable: list[tuple[float, int]] | None, settings: Settings) -> PartitionLag:
    """A group that read all up to an open transaction does not lag: the transaction does."""
    if not stable or verdict.committed is None or verdict.end is None:
        return verdict
    held = stable[-1][1]
    reached = held - settings.rules.allowed <= verdict.committed <= held
    if held < verdict.end and reached and verdict.verdict not in (lag.OK, lag.REWOUND):
        reason = "all was read up to an open transaction that holds back the rest"
        return dataclasses.replace(verdict, verdict=lag.OK, unread=False, reason=reason)
    return verdict


def unread_partitions(
    group: Group, snapshot: KafkaSnapshot, committed: t.Iterable[PartitionKey]
) -> tuple[list[PartitionKey], list[PartitionKey]]:
    """(of subscribed topics, of topics that no member subscribes): partitions that no member of a stable group has."""
    if group.state != "Stable" or not group.members:
        return [], []
    if any(member.assigned is None or member.topics is None for member in group.members):
        return [], []
    assigned = {key for member in group.members for key in member.assigned or ()}
    topics = {name for member in group.members for name in member.topics or ()}
    topics |= {topic for topic, _index in assigned}
    unassigned = [
        partition.key
        for name in sorted(topics & set(snapshot.topics))
        for partition in snapshot.topics[name].partitions
        if partition.key not in assigned
    ]
    return unassigned, sorted(key for key in committed if key[0] not in topics)
