# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a consumer group has to handle, and what one of its members can: what more members would change. Pure.

A member is busy where records wait for it all the time: only what such a one handles says what a member can. Where
busy members read each partition at the same rate, however many they have, the limit is in the partition (one record
after the other, or the sink), and not in the member.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import kafka_lag as lag
from .kafka_group_lag import GroupLag
from .kafka_lag import PartitionLag
from .kafka_snapshot import PartitionKey

WAITING = (lag.SLOW, lag.CATCHING_UP)
ALIKE = 1.35
"""Rates that differ by less than this factor are the same: they are counted over seconds."""
UNLIKE = 1.5


@dataclasses.dataclass(frozen=True)
class GroupLoad:
    """Rates in records a second, None where they were not measured.

    partitions: as many as there is something to read for. busy: members for which records wait all the time; None
    where nobody can tell who reads what. capacity: what one of these handles. relievable: those of them that have more
    than one partition, of which another member could take some. bound: what each partition gets whoever has it.
    """

    partitions: int
    arrival: float | None = None
    consumed: float | None = None
    busy: int | None = None
    capacity: float | None = None
    relievable: int | None = None
    bound: float | None = None

    def to_dict(self) -> dict[str, t.Any]:
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in dataclasses.asdict(self).items()
        }


def group_load(one: GroupLag) -> GroupLoad:
    parts = list(one.partitions.values())
    partitions = len({*one.partitions, *one.unassigned})
    total = GroupLoad(partitions, _sum(part.produced_per_second for part in parts), _consumed(parts))
    members = one.group.members
    if not members or any(member.assigned is None for member in members):
        return total
    busy = [rows for rows in (_read_by(member.assigned or (), one) for member in members) if _is_busy(rows)]
    rates = [_consumed(rows) for rows in busy]
    known = [rate for rate in rates if rate is not None]
    return dataclasses.replace(
        total,
        busy=len(busy),
        capacity=sum(known) / len(known) if known and len(known) == len(rates) else None,
        relievable=sum(1 for rows in busy if len(rows) > 1),
        bound=_bound(busy),
    )


def _read_by(assigned: t.Iterable[PartitionKey], one: GroupLag) -> list[PartitionLag]:
    return [one.partitions[key] for key in assigned if key in one.partitions]


def _is_busy(rows: t.Iterable[PartitionLag]) -> bool:
    return any(part.verdict in WAITING for part in rows)


def _consumed(rows: t.Iterable[PartitionLag]) -> float | None:
    return _sum(part.consumed_per_second for part in rows)


def _sum(rates: t.Iterable[float | None]) -> float | None:
    """None where one of them is not known: a part of a sum is no sum."""
    found = list(rates)
    known = [rate for rate in found if rate is not None]
    return sum(known) if known and len(known) == len(found) else None


def _bound(busy: t.Sequence[t.Sequence[PartitionLag]]) -> float | None:
    """What each waiting partition gets, where members with more of them handle more by as much."""
    waiting = [[part for part in rows if part.verdict in WAITING] for rows in busy]
    sums = [_consumed(rows) or 0.0 for rows in waiting]
    if len({len(rows) for rows in waiting}) < 2 or min(sums) <= 0:
        return None
    each = [rate / len(rows) for rate, rows in zip(sums, waiting)]
    if max(each) <= ALIKE * min(each) and max(sums) >= UNLIKE * min(sums):
        return sum(sums) / sum(len(rows) for rows in waiting)
    return None
