# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka snapshot as plain JSON of bounded size: totals, and of the long lists what matters most. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .kafka_group_lag import GroupLag, group_lags
from .kafka_load import group_load
from .kafka_settings import Settings
from .kafka_snapshot import KafkaSnapshot, Sample

MOST_GROUPS = 50
MOST_TOPICS = 100
MOST_PARTITIONS = 10


def summary(snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]) -> dict[str, t.Any]:
    """Raw numbers; the verdict on each partition is the only judgement, for whoever draws a lag table."""
    lags = group_lags(snapshot, settings, history)
    lags.sort(key=lambda one: (-one.total, one.group.name))
    topics = sorted(snapshot.topics.values(), key=lambda topic: topic.name)
    return {
        "cluster_id": snapshot.cluster_id,
        "bootstrap": [dataclasses.asdict(probe) for probe in snapshot.probes],
        "listeners": [dataclasses.asdict(probe) for probe in snapshot.listeners],
        "brokers": [dataclasses.asdict(broker) for broker in snapshot.brokers],
        "quorum": None if snapshot.quorum is None else dataclasses.asdict(snapshot.quorum),
        "log_dirs": [dataclasses.asdict(item) for item in snapshot.log_dirs],
        "topics_total": len(topics),
        "partitions_total": sum(len(topic.partitions) for topic in topics),
        "topics": [
            {
                "name": topic.name,
                "id": topic.id,
                "internal": topic.internal,
                "partitions": len(topic.partitions),
                "replication": min((len(part.replicas) for part in topic.partitions), default=0),
                "min_isr": topic.min_isr,
            }
            for topic in topics[:MOST_TOPICS]
        ],
        "groups_total": len(lags),
        "groups": [_group(one) for one in lags[:MOST_GROUPS]],
        "transactions": [dataclasses.asdict(item) for item in snapshot.transactions[:MOST_PARTITIONS]],
        "records": [dataclasses.asdict(item) for item in snapshot.peeks],
        "left_out": list(snapshot.left_out),
    }


def _group(one: GroupLag) -> dict[str, t.Any]:
    parts = sorted(one.partitions.items(), key=lambda pair: (-(pair[1].lag or 0), pair[0]))
    group = one.group
    return {
        "name": group.name,
        "type": group.type,
        "state": group.state,
        "members": None if group.members is None else len(group.members),
        "hosts": sorted({member.host for member in group.members or ()})[:MOST_PARTITIONS],
        "lag": one.total,
        "verdict": one.verdict,
        "load": group_load(one).to_dict(),
        "partitions_total": len(parts),
        "partitions": [
            {
                "topic": topic,
                "partition": index,
                "committed": part.committed,
                "end": part.end,
                "lag": part.lag,
                "commit": part.commit,
                "verdict": part.verdict,
                "reason": part.reason,
                "eta_seconds": part.eta_seconds,
                "consumed_per_second": part.consumed_per_second,
                "produced_per_second": part.produced_per_second,
            }
            for (topic, index), part in parts[:MOST_PARTITIONS]
        ],
    }
