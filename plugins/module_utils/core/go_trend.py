# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something grows for good: a heap's floor over collections, a number of goroutines over time. Pure.

A leak rises with every collection and goes on. A burst is one step, or several, that end: afterwards the floor is flat
or falls back, and that is silence.
"""

from __future__ import annotations

import dataclasses
import typing as t

FEWEST_RISES = 3
SLACK = 0.1
"""Part of the whole rise by which a step may fall, and which the last third has to add."""
BIGGEST_STEP = 0.8
"""Part of the whole rise that one step may have: more is a jump, not a climb."""


@dataclasses.dataclass(frozen=True)
class Point:
    """at: epoch seconds. value: bytes, or a number of things. mark: what has to move between two points to count."""

    at: float
    value: float
    mark: float


@dataclasses.dataclass(frozen=True)
class Trend:
    """A climb: from its foot to the newest point. slope is per second, fit is R squared."""

    since: float
    seconds: float
    first: float
    last: float
    rises: int
    slope: float
    fit: float
    climbing: bool

    @property
    def growth(self) -> float:
        return self.last - self.first


NONE = Trend(0.0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, False)


def trend(points: t.Iterable[Point], least: float, seconds: float) -> Trend:
    """The climb that these points end in. least: growth below it is noise; seconds: a shorter climb may be a burst."""
    rows = distinct(points)
    if len(rows) < 2:
        return NONE
    rows = rows[_foot(rows) :]
    growth = rows[-1].value - rows[0].value
    steps = [after.value - before.value for before, after in zip(rows, rows[1:])]
    rises = sum(step > 0 for step in steps)
    slope, fit = _line(rows)
    lasted = rows[-1].at - rows[0].at
    climbing = (
        rises >= FEWEST_RISES
        and growth >= least
        and lasted >= seconds
        and min(steps) >= -SLACK * growth
        and max(steps) <= BIGGEST_STEP * growth
        and _goes_on(rows, growth)
    )
    return Trend(rows[0].at, lasted, rows[0].value, rows[-1].value, rises, slope, fit, climbing)


def distinct(points: t.Iterable[Point]) -> list[Point]:
    """By time, one for each mark: the lowest, since between two collections a heap only grows."""
    lowest: dict[float, Point] = {}
    for point in sorted(points, key=lambda item: item.at):
        found = lowest.get(point.mark)
        if found is None or point.value < found.value:
            lowest[point.mark] = point
    rows = sorted(lowest.values(), key=lambda item: item.at)
    return rows


def _foot(rows: t.Sequence[Point]) -> int:
    """Where the climb that is still going on began: the last point that is as low as the lowest."""
    low = min(row.value for row in rows)
    room = SLACK * (rows[-1].value - low)
    return max(place for place, row in enumerate(rows) if row.value <= low + max(0.0, room))


def _goes_on(rows: t.Sequence[Point], growth: float) -> bool:
    """The last third of the time adds its part: a cache that is full by now is no leak."""
    border = rows[0].at + (rows[-1].at - rows[0].at) * 2 / 3
    before = [row for row in rows if row.at <= border]
    return rows[-1].value - before[-1].value >= SLACK * growth and rows[-1].value >= max(r.value for r in rows) * 0.98


def _line(rows: t.Sequence[Point]) -> tuple[float, float]:
    """Slope and R squared of the straight line through the points."""
    number = len(rows)
    if number < 2:
        return 0.0, 0.0
    mean_x = sum(row.at for row in rows) / number
    mean_y = sum(row.value for row in rows) / number
    over = sum((row.at - mean_x) ** 2 for row in rows)
    both = sum((row.at - mean_x) * (row.value - mean_y) for row in rows)
    whole = sum((row.value - mean_y) ** 2 for row in rows)
    if not over or not whole:
        return 0.0, 0.0
    return both / over, both * both / (over * whole)
