# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of a Go program, now and earlier, put together to what is judged: trends, rates, limits. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .go_metrics import sane
from .go_profile import growth
from .go_settings import LEAST_GOROUTINES, LEAST_HEAP, Settings
from .go_snapshot import GoSnapshot, Heap, Reading
from .go_trend import FEWEST_RISES, NONE, Point, Trend, trend

History = t.Sequence[t.Mapping[str, t.Any]]
COUNTED = ("goroutines", "floor", "heap", "cycles", "requests")
SAME_START = 2.0
"""Seconds by which two readings of one start may differ: it is computed from the clock's ticks."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What is kept of one reading for later looks."""

    at: float
    start: float
    goroutines: float | None
    floor: float | None
    heap: float | None
    cycles: float | None
    requests: float | None
    top: t.Mapping[str, int]

    def to_dict(self) -> dict[str, t.Any]:
        """top as pairs: as a key, the name of a function (Password) would decide whether its number is shown."""
        values = {**dataclasses.asdict(self), "top": [[function, held] for function, held in self.top.items()]}
        return {name: value for name, value in values.items() if value not in (None, [])}


def row_of(reading: Reading, heap: Heap | None = None, most: int = 30) -> Row:
    top = {holder.function: holder.flat for holder in heap.holders[:most]} if heap else {}
    return Row(
        at=round(reading.at, 3),
        start=reading.start,
        goroutines=reading.get("go_goroutines"),
        floor=reading.floor,
        heap=reading.get("go_memstats_heap_alloc_bytes"),
        cycles=reading.cycles,
        requests=reading.get("requests"),
        top=top,
    )


def _number(entry: t.Mapping[str, t.Any], name: str) -> float | None:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not sane(value):
        return None
    return float(value)


def rows_of(history: History) -> list[Row]:
    """Rows of earlier looks; entries of another kind are not ours and are passed over."""
    rows = []
    for entry in history:
        at, start = _number(entry, "at"), _number(entry, "start")
        if at is None:
            continue
        held = _top_of(entry.get("top"))
        goroutines, floor, heap, cycles, requests = (_number(entry, name) for name in COUNTED)
        rows.append(Row(at, start or 0.0, goroutines, floor, heap, cycles, requests, held))
    return rows


def _top_of(pairs: t.Any) -> dict[str, int]:
    found = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            held = _number({"held": pair[1]}, "held")
            if held is not None:
                found[str(pair[0])] = int(held)
    return found


@dataclasses.dataclass(frozen=True)
class Case:
    """One look with its past, without what was before the program's last start."""

    snapshot: GoSnapshot
    settings: Settings
    fresh: tuple[Row, ...]
    rows: tuple[Row, ...]

    @property
    def last(self) -> Reading:
        return self.snapshot.readings[-1]

    @property
    def seconds(self) -> float:
        """Between the first and the last reading of this look."""
        return self.fresh[-1].at - self.fresh[0].at if len(self.fresh) > 1 else 0.0

    def delta(self, name: str) -> float | None:
        """By how much a counter rose within this look; a counter that fell began anew."""
        if len(self.snapshot.readings) < 2:
            return None
        before, after = self.snapshot.readings[0].get(name), self.last.get(name)
        if before is None or after is None:
            return None
        return after if after < before else after - before

    def rate(self, name: str) -> float | None:
        moved = self.delta(name)
        return None if moved is None or self.seconds <= 0 else moved / self.seconds


def case(snapshot: GoSnapshot, settings: Settings, history: History) -> Case:
    heap = snapshot.heaps[-1] if snapshot.heaps else None
    fresh = [row_of(reading) for reading in snapshot.readings]
    if fresh and heap:
        fresh[-1] = row_of(snapshot.readings[-1], heap)
    if not fresh:
        return Case(snapshot, settings, (), ())
    now = fresh[-1]
    past = [row for row in rows_of(history) if row.at < fresh[0].at and _same_process(row, now)]
    same = tuple(row for row in fresh if _same_process(row, now))
    return Case(snapshot, settings, tuple(fresh), (*sorted(past, key=lambda row: row.at), *same))


def _same_process(row: Row, now: Row) -> bool:
    if abs(row.start - now.start) > SAME_START:
        return False
    return row.cycles is None or now.cycles is None or row.cycles <= now.cycles


def heap_trend(found: Case) -> Trend:
    """The floor over collections. Where no reading knows it, the lowest heap between two collections stands for it."""
    known = all(row.floor is not None for row in found.rows)
    points = []
    for row in found.rows:
        value = row.floor if known else row.heap
        if value is not None and row.cycles is not None:
            points.append(Point(row.at, value, row.cycles))
    if not points:
        return NONE
    least = max(LEAST_HEAP, 0.1 * min(point.value for point in points))
    return trend(points, least, found.settings.leak_seconds)


def cycles_seen(found: Case) -> int:
    """Different collections after which the floor is known."""
    return len({row.cycles for row in found.rows if row.cycles is not None})


def leak_told(found: Case) -> bool:
    """Whether the looks cover enough to tell a leak from none: long enough, and with collections in between, or with a
    heap that did not even grow."""
    rows = [row for row in found.rows if row.heap is not None and row.cycles is not None]
    if not rows or rows[-1].at - rows[0].at < found.settings.leak_seconds:
        return False
    return cycles_seen(found) > FEWEST_RISES or (rows[-1].heap or 0.0) - (rows[0].heap or 0.0) < LEAST_HEAP


def goroutine_trend(found: Case) -> Trend:
    points = [Point(row.at, row.goroutines, row.at) for row in found.rows if row.goroutines is not None]
    return trend(points, LEAST_GOROUTINES, found.settings.leak_seconds)


def goroutine_rush(found: Case) -> float | None:
    """Goroutines per second within this look, where every reading had more than the one before; else None."""
    counts = [row.goroutines for row in found.fresh]
    if len(counts) < 3 or found.seconds <= 0:
        return None
    numbers = [count for count in counts if count is not None]
    rising = len(numbers) == len(counts) and all(after > before for before, after in zip(numbers, numbers[1:]))
    if not rising or numbers[-1] - numbers[0] < LEAST_GOROUTINES:
        return None
    return (numbers[-1] - numbers[0]) / found.seconds


def requests_grew(found: Case, since: float) -> float | None:
    """Requests per second in the newer half of the time since then, in relation to the older; None: not known."""
    rows = [row for row in found.rows if row.requests is not None and row.at >= since]
    if len(rows) < 3:
        return None
    middle = rows[len(rows) // 2]
    first, last = rows[0], rows[-1]
    if middle.at in (first.at, last.at):
        return None
    old = ((middle.requests or 0) - (first.requests or 0)) / (middle.at - first.at)
    new = ((last.requests or 0) - (middle.requests or 0)) / (last.at - middle.at)
    if old <= 0:
        return None
    return new / old


@dataclasses.dataclass(frozen=True)
class Growth:
    """Which functions hold more than in an earlier profile of the same process."""

    seconds: float
    total: int
    rows: tuple[tuple[str, int], ...]


def heap_growth(found: Case) -> Growth | None:
    """Against the oldest profile of this process that is known; None where there is only one."""
    heaps = found.snapshot.heaps
    if not heaps:
        return None
    after = heaps[-1].by_function()
    older = [row for row in found.rows if row.top and row.at < heaps[0].at - 1]
    if older:
        least = min(older[0].top.values())
        # The rest of an earlier profile was not kept: a function that was below what was kept had at most that much.
        before = {function: older[0].top.get(function, least if len(older[0].top) >= 30 else 0) for function in after}
        at = older[0].at
    elif len(heaps) > 1:
        before, at = heaps[0].by_function(), heaps[0].at
    else:
        return None
    rows = growth(before, after)
    return Growth(heaps[-1].at - at, sum(more for _function, more in rows), tuple(rows[:10]))


def memory_used(found: Case) -> list[tuple[str, float, float]]:
    """(of what, bytes that can't be given up, limit). Garbage does not count for GOMEMLIMIT: it can be collected."""
    last = found.last
    used = []
    resident = last.get("process_resident_memory_bytes")
    if found.settings.memory_limit and resident is not None:
        used.append(("memory_limit", resident, found.settings.memory_limit))
    limit, held = last.memory_limit, last.held
    alloc, live = last.get("go_memstats_heap_alloc_bytes"), last.floor
    if limit and held is not None:
        garbage = max(0.0, alloc - live) if alloc is not None and live is not None else 0.0
        idle = last.get("go_memstats_heap_idle_bytes") or 0.0
        free = max(0.0, idle - (last.get("go_memstats_heap_released_bytes") or 0.0))
        used.append(("GOMEMLIMIT", max(0.0, held - garbage - free), limit))
    return used
