# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a finding names what shares its fault: the first few, and how many there are."""

from __future__ import annotations

import typing as t

from .kafka_snapshot import Partition

MOST = 20


def some(names: t.Sequence[str], most: int = 3) -> str:
    """The first names and the number of the others: "a, b, c and 7 more"."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def partition_name(topic: str, index: int) -> str:
    return f"{topic}-{index}"


def partition_evidence(partitions: t.Sequence[Partition]) -> tuple[str, ...]:
    lines = [
        f"{partition_name(p.topic, p.index)}: leader {p.leader}, replicas {_ids(p.replicas)}, in sync {_ids(p.isr)}"
        for p in partitions[:MOST]
    ]
    if len(partitions) > MOST:
        lines.append(f"and {len(partitions) - MOST} more")
    return tuple(lines)


def partition_details(partitions: t.Sequence[Partition]) -> dict[str, t.Any]:
    return {
        "partitions": [
            {
                "topic": p.topic,
                "partition": p.index,
                "leader": p.leader,
                "replicas": list(p.replicas),
                "isr": list(p.isr),
            }
            for p in partitions[:MOST]
        ],
        "total": len(partitions),
    }


def _ids(numbers: t.Iterable[int]) -> str:
    return "[" + ", ".join(str(number) for number in numbers) + "]"
