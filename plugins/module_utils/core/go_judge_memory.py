# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Go program's memory and its collector -> findings: leak, limits, off-heap, pressure. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .go_facts import Case, Growth, heap_growth, heap_trend, memory_used
from .go_settings import LEAST_OFFHEAP, MIB, safe_function, severity
from .go_trend import Trend
from .quantities import size, span

HOUR = 3600.0
LEAK_CAUSES = (
    "something keeps what it should let go: a map, a slice or a cache without a bound, or goroutines that never end",
    "a cache that still fills after a start",
    "load that grows",
)


def judge_memory(found: Case) -> t.Iterator[Finding]:
    yield from _leak(found)
    yield from _limit(found)
    yield from _unlimited(found)
    yield from _offheap(found)
    yield from _collector(found)


def _leak(found: Case) -> t.Iterator[Finding]:
    climb = heap_trend(found)
    if not climb.climbing:
        return
    room = _room(found)
    rate = climb.growth / climb.seconds
    left = room / rate if room is not None and rate > 0 else None
    if left is not None:
        name, measured = "leak_percent_per_hour", 100.0 * HOUR / max(left, 1.0)
    else:
        name, measured = "leak_mib_per_minute", rate * 60 / MIB
    state = found.settings.level(name, measured)
    if state is None:
        return
    until = f", its limit is reached in about {span(left)}" if left is not None else ""
    grown = heap_growth(found)
    yield found.settings.finding(
        "go.heap.leak",
        state,
        severity(state),
        f"keeps more memory after every collection: {size(climb.first)} to {size(climb.last)} within"
        f" {span(climb.seconds)}{until}",
        observed={
            "floor_bytes": round(climb.last),
            "growth_bytes": round(climb.growth),
            "bytes_per_second": round(rate),
            "seconds_to_limit": None if left is None else round(left),
            name: round(measured, 1),
        },
        threshold=found.settings.pair(name),
        evidence=[_climb(climb), *_holding(found), *_growing(grown)],
        causes=_leak_causes(found, grown),
        remedies=_leak_remedies(found),
        since=climb.since,
        details={
            "rises": climb.rises,
            "slope_bytes_per_second": round(climb.slope),
            "fit": round(climb.fit, 3),
            "top": _top(found),
            "growth": [] if grown is None else [{"function": safe_function(f), "bytes": b} for f, b in grown.rows],
        },
    )


def _room(found: Case) -> float | None:
    """Bytes up to the nearest limit."""
    rooms = [max(0.0, limit - used) for _name, used, limit in memory_used(found)]
    return min(rooms, default=None)


def _climb(climb: Trend) -> str:
    return f"the heap that collections leave rose {climb.rises} times, {size(climb.slope)} per second"


def _top(found: Case) -> list[dict[str, t.Any]]:
    if not found.snapshot.heaps:
        return []
    heap = found.snapshot.heaps[-1]
    return [
        {
            "function": safe_function(holder.function),
            "caller": safe_function(holder.caller),
            "bytes": holder.flat,
            "percent": round(100.0 * holder.flat / heap.total, 1) if heap.total else 0.0,
        }
        for holder in heap.holders[:10]
    ]


def _holding(found: Case) -> list[str]:
    return [
        f"{row['function']} holds {size(row['bytes'])} ({row['percent']:.0f} %)"
        for row in _top(found)[:3]
        if row["percent"] >= 5
    ]


def _growing(grown: Growth | None) -> list[str]:
    """Who has at least 30 % of what was added between two profiles."""
    if grown is None or grown.total < MIB:
        return []
    return [
        f"{safe_function(function)} added {size(more)} of {size(grown.total)} within {span(grown.seconds)}"
        for function, more in grown.rows[:3]
        if more >= 0.3 * grown.total
    ]


def _leak_causes(found: Case, grown: Growth | None) -> tuple[str, ...]:
    names = [function for function, more in (grown.rows if grown else ()) if grown and more >= 0.3 * grown.total]
    holders = found.snapshot.heaps[-1].holders if found.snapshot.heaps else ()
    names = names or [holder.function for holder in holders[:1]]
    if not names:
        return LEAK_CAUSES
    return (f"what {safe_function(names[0])} allocates is kept: nobody lets go of it", *LEAK_CAUSES[1:])


def _leak_remedies(found: Case) -> tuple[Remedy, ...]:
    profile = f"{found.settings.pprof}/heap" if found.settings.pprof else "PPROF_URL/heap"
    return (
        Remedy(
            "Find who holds it: the kept profile and a second one, compared",
            "none",
            f"go tool pprof -sample_index=inuse_space -base KEPT_PROFILE {profile}",
        ),
        Remedy("Take back the release that brought it, where the climb began with one", "disruptive"),
        Remedy(
            "Restart the program: this frees the memory and mends nothing; it comes back at the same pace", "disruptive"
        ),
    )


def _limit(found: Case) -> t.Iterator[Finding]:
    rows = [(100.0 * used / limit, name, used, limit) for name, used, limit in memory_used(found)]
    if not rows:
        return
    percent, name, used, limit = max(rows)
    state = found.settings.level("limit_percent", percent)
    if state is None:
        return
    end = "the kernel kills it" if name == "memory_limit" else "it collects without end and hardly works"
    yield found.settings.finding(
        "go.heap.limit",
        state,
        severity(state),
        f"needs {percent:.0f} % of its {name} ({size(used)} of {size(limit)}): at 100 % {end}",
        observed={"percent": round(percent, 1), "used_bytes": round(used), "limit": name},
        threshold=found.settings.pair("limit_percent"),
        evidence=[*(f"{size(u)} of {size(m)} ({n}, {p:.0f} %)" for p, n, u, m in sorted(rows)), *_holding(found)],
        causes=("the limit is too small for what it does", "a leak, or a burst that goes on"),
        remedies=(
            Remedy("Look at who holds it (go tool pprof on the kept profile) before anything is restarted"),
            Remedy("Raise the container's limit, and GOMEMLIMIT to 90 % of it, where the host has it", "disruptive"),
            Remedy("Take load away from it", "disruptive"),
        ),
        details={"limit": name, "top": _top(found)},
    )


def _unlimited(found: Case) -> t.Iterator[Finding]:
    limit = found.settings.memory_limit
    if not limit or found.last.get("go_gc_gomemlimit_bytes") is None or found.last.memory_limit is not None:
        return
    yield found.settings.finding(
        "go.heap.unlimited",
        WARNING,
        "P4",
        f"may use {size(limit)} and does not know it: GOMEMLIMIT is not set",
        observed={"memory_limit": round(limit), "gomemlimit": None},
        evidence=("its heap may double between two collections, whatever the limit around it is",),
        causes=("nobody set it; Go does not read the limit of its container",),
        remedies=(Remedy("Set it to 90 % of the limit", "disruptive", f"GOMEMLIMIT={int(limit * 0.9 / MIB)}MiB"),),
    )


def _offheap(found: Case) -> t.Iterator[Finding]:
    resident = found.last.get("process_resident_memory_bytes")
    total = found.last.get("go_memstats_sys_bytes")
    if not resident or total is None or resident - total < LEAST_OFFHEAP:
        return
    percent = 100.0 * (resident - total) / resident
    state = found.settings.level("offheap_percent", percent)
    if state is None:
        return
    yield found.settings.finding(
        "go.memory.offheap",
        state,
        "P3",
        f"has {size(resident - total)} ({percent:.0f} %) of its memory outside of what Go manages",
        observed={"percent": round(percent, 1), "rss_bytes": round(resident), "go_sys_bytes": round(total)},
        threshold=found.settings.pair("offheap_percent"),
        evidence=(f"{size(resident)} are resident, Go has {size(total)} from the kernel",),
        causes=("C code (cgo) that allocates", "files mapped into memory", "a tmpfs that it writes to"),
        remedies=(Remedy("Don't look for it in pprof: neither profile nor GOMEMLIMIT know this memory. Read smaps"),),
        details={"offheap_bytes": round(resident - total)},
    )


FEW = 3
"""Collections below which a share of the time is one pause on a busy machine, and no habit."""


def pressure(found: Case) -> dict[str, float]:
    """What the collector costs, as far as it is known, by the name of its threshold."""
    said: dict[str, float | None] = {"gc_per_second": found.rate("go_gc_duration_seconds_count")}
    collected = found.delta("go_gc_duration_seconds_count")
    paused = found.rate("go_gc_duration_seconds_sum")
    said["gc_pause_percent"] = None if paused is None or (collected or 0) < FEW else 100.0 * paused
    longest = found.last.get("go_gc_duration_seconds_q1")
    # The longest of the last 256 pauses: without a new one it says nothing about now.
    said["gc_pause_ms"] = None if longest is None or not collected else 1000.0 * longest
    said["gc_cpu_percent"] = _share_of_cpu(found)
    return {name: value for name, value in said.items() if value is not None}


def _share_of_cpu(found: Case) -> float | None:
    """Go's own estimate of its CPU time is too high where the machine is busy: it compares with its like only.

    https://pkg.go.dev/runtime/metrics, /cpu/classes/gc/total:cpu-seconds
    """
    used, whole, idle = (
        found.delta(f"go_cpu_classes_{name}_cpu_seconds_total") for name in ("gc_total", "total", "idle")
    )
    if used is None or whole is None or idle is None or whole <= idle:
        return None
    return min(100.0, 100.0 * used / (whole - idle))


CALLED = {
    "gc_per_second": "{:.1f} collections per second",
    "gc_pause_percent": "everything stands still for {:.1f} % of the time",
    "gc_pause_ms": "the longest recent pause is {:.0f} ms",
    "gc_cpu_percent": "{:.0f} % of its CPU time goes into collections",
}


def _collector(found: Case) -> t.Iterator[Finding]:
    costs = pressure(found)
    levels = {name: state for name, value in costs.items() if (state := found.settings.level(name, value))}
    if not levels:
        return
    state = CRITICAL if CRITICAL in levels.values() else WARNING
    near = [f"{name} at {100.0 * used / limit:.0f} %" for name, used, limit in memory_used(found) if used > 0.8 * limit]
    causes = ["it allocates much for each request", "GOGC is small for what it does"]
    if near:
        causes.insert(0, f"too little room ({', '.join(near)}): it collects again and again to stay below the limit")
    yield found.settings.finding(
        "go.gc.pressure",
        state,
        severity(state),
        "spends itself on collections: " + ", ".join(CALLED[name].format(costs[name]) for name in levels),
        observed={name: round(value, 2) for name, value in costs.items()},
        threshold={name: found.settings.pair(name) for name in levels},
        evidence=[CALLED[name].format(value) for name, value in costs.items()],
        causes=tuple(causes),
        remedies=(
            Remedy("See who allocates", "none", f"go tool pprof {found.settings.pprof or 'PPROF_URL'}/allocs"),
            Remedy("Give it more room (GOMEMLIMIT, the container's limit), or a larger GOGC", "disruptive"),
        ),
    )
