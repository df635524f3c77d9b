# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replicas a load needs, and how many of them something else allows. Pure.

The dose is the smallest that handles what arrives and works off what has piled up in time. What holds it back (a
database's free connections, partitions, quota, nodes, a cap) is told by name, each with its number.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

MOST = 3
"""Replicas in all that nobody has to be asked about: what the runbook scales to."""
DRAIN = 600.0
"""Seconds in which a backlog should be gone."""
_SLACK = 1e-9
"""So that 3 x 0.1 over 0.1 is three replicas, and not four."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What has to be handled, in items of any one kind.

    arrival: items a second that come in. per_replica: items a second that one replica handles, None as arrival where
    that is not known. backlog: items that wait. drain: seconds in which they should be gone.
    """

    current: int
    arrival: float | None = None
    per_replica: float | None = None
    backlog: float = 0.0
    drain: float = DRAIN


@dataclasses.dataclass(frozen=True)
class Limits:
    """What allows only so many. None: not known or of no concern.

    headroom: free connections of the database; pool_size: how many a replica may open. fits: pods more that nodes and
    quota can hold. partitions: consumers beyond them have nothing to do.
    """

    most: int = MOST
    headroom: int | None = None
    pool_size: int | None = None
    partitions: int | None = None
    fits: int | None = None


@dataclasses.dataclass(frozen=True)
class Dose:
    """replicas: to scale to, never fewer than now. needed: what the load asks for, None where that is not known.
    limited_by: what allows no more (empty: nothing). reasons: sentences for people, in the order of the thought."""

    replicas: int
    needed: int | None
    limited_by: str
    reasons: tuple[str, ...]


def replicas_for(load: Load, limits: Limits) -> Dose:
    """Raises ValueError for numbers that make no sense."""
    _check(load, limits)
    needed, why = _needed(load, limits.partitions)
    if needed is not None and needed <= load.current:
        return Dose(load.current, needed, "", (why, f"{load.current} are enough: more would not help"))
    wanted = load.current + 1 if needed is None else needed
    caps = _caps(load.current, limits)
    allowed, name, said = min(caps, key=lambda cap: cap[0])
    if allowed >= wanted:
        return Dose(wanted, needed, "", (why,))
    replicas = max(load.current, allowed)
    end = f"{replicas} of the {wanted} that are wanted" if replicas > load.current else "not one more is possible"
    return Dose(replicas, needed, name, (why, said, end))


def _needed(load: Load, partitions: int | None) -> tuple[int | None, str]:
    rate = load.per_replica
    if rate is not None and rate <= 0:
        return load.current, "a replica handles nothing now: find out why, for more of them would not either"
    arrival = load.arrival
    if rate is None or arrival is None:
        missing = "what one replica handles" if rate is None else "what arrives"
        return None, f"{missing} is not known: one more, and then look again"
    total = arrival + load.backlog / load.drain
    sums = max(1, math.ceil(total / rate - _SLACK))
    needed = _shared(total, rate, sums, partitions)
    backlog = f" and {load.backlog:g} wait, to be gone in {load.drain:g} s" if load.backlog else ""
    why = f"{_figure(arrival)}/s arrive{backlog}; one replica handles {_figure(rate)}/s: {needed} are needed"
    if needed > sums:
        why += f" (of {sums} one would have {math.ceil(t.cast(int, partitions) / sums)} of the {partitions} partitions)"
    return needed, why


def _figure(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"


def _shared(total: float, rate: float, sums: int, partitions: int | None) -> int:
    """A partition is read by one consumer: of 3 partitions one of 2 consumers has 2, and so two thirds of the load."""
    if not partitions or sums >= partitions:
        return sums
    for count in range(sums, partitions):
        if total * math.ceil(partitions / count) / partitions <= rate + _SLACK:
            return count
    return partitions


def _caps(current: int, limits: Limits) -> list[tuple[int, str, str]]:
    """Every limit as (replicas in all, its name, its sentence)."""
    caps = [(limits.most, "most", f"at most {limits.most} replicas without asking somebody")]
    if limits.headroom is not None and limits.pool_size:
        fit = max(0, limits.headroom) // limits.pool_size
        said = f"{limits.headroom} connections are free and a replica opens up to {limits.pool_size}: {fit} more"
        caps.append((current + fit, "postgresql_headroom", said))
    if limits.partitions is not None:
        said = f"{limits.partitions} partitions: a consumer more than that has nothing to do"
        caps.append((limits.partitions, "partitions", said))
    if limits.fits is not None:
        caps.append((current + max(0, limits.fits), "room", f"nodes and quota can hold {max(0, limits.fits)} more"))
    return caps


def _check(load: Load, limits: Limits) -> None:
    numbers: dict[str, t.Any] = {**dataclasses.asdict(load), **dataclasses.asdict(limits)}
    for name, value in numbers.items():
        if value is None:
            continue
        if isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(f"{name} is {value}, which is no number to reckon with")
        if value < 0 and name not in ("headroom", "fits"):
            raise ValueError(f"{name} is {value}, and it can't be below zero")
    if load.drain <= 0:
        raise ValueError("drain is 0, and a backlog takes some time")
