# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a Go program as the plain JSON that a check returns. Pure."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from .go_facts import History, case, cycles_seen, heap_growth, heap_trend, leak_told, row_of
from .go_judge_memory import pressure
from .go_settings import Settings, safe_function
from .go_snapshot import OK, GoSnapshot, Heap
from .go_stacks import Stack, by_wait
from .go_trend import FEWEST_RISES
from .quantities import size

TOP = 10
NUMBERS = (
    "go_goroutines",
    "go_threads",
    "go_memstats_heap_alloc_bytes",
    "go_memstats_heap_inuse_bytes",
    "go_memstats_heap_idle_bytes",
    "go_memstats_heap_released_bytes",
    "go_memstats_next_gc_bytes",
    "go_memstats_sys_bytes",
    "go_gc_duration_seconds_count",
    "go_gc_gogc_percent",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
)


def summary(snapshot: GoSnapshot, settings: Settings, history: History) -> dict[str, t.Any]:
    """Everything that a plan or a report needs to know about one look."""
    data: dict[str, t.Any] = {
        "address": settings.address,
        "probes": {
            name: {"kind": probe.kind, "status": probe.status, "ms": round(probe.ms)}
            for name, probe in snapshot.probes.items()
        },
        "goroutines": {
            "count": snapshot.count(),
            "waits_on": dict(by_wait(snapshot.stacks or ())[:TOP]),
            "stacks": [_stack(stack) for stack in (snapshot.stacks or ())[:TOP]],
            "states": [
                {"state": safe_function(r.state), "count": r.count, "minutes": r.minutes}
                for r in (snapshot.reasons or ())[:TOP]
            ],
        },
    }
    if snapshot.last:
        values = snapshot.last.values
        data["metrics"] = {name: values[name] for name in NUMBERS if name in values}
        found = case(snapshot, settings, history)
        climb = heap_trend(found)
        data["heap"] = {
            "floor": snapshot.last.floor,
            "held": snapshot.last.held,
            "gomemlimit": snapshot.last.memory_limit,
            "retained": _retained(values),
            "rises": climb.rises,
            "slope_bytes_per_second": round(climb.slope),
            "climbing": climb.climbing,
            "told": leak_told(found),
        }
        data["gc"] = {name: round(value, 3) for name, value in pressure(found).items()}
        grown = heap_growth(found)
        if grown:
            data["growth"] = {
                "seconds": round(grown.seconds, 1),
                "bytes": grown.total,
                "functions": [{"function": safe_function(f), "bytes": b} for f, b in grown.rows],
            }
    if snapshot.heaps:
        data["profile"] = {"bytes": snapshot.heaps[-1].total, "top": top(snapshot.heaps[-1])}
    return data


def _retained(values: t.Mapping[str, float]) -> float | None:
    """Free memory that the kernel does not have back yet: no leak."""
    idle, released = values.get("go_memstats_heap_idle_bytes"), values.get("go_memstats_heap_released_bytes")
    return None if idle is None or released is None else max(0.0, idle - released)


def top(heap: Heap) -> list[dict[str, t.Any]]:
    return [
        {
            "function": safe_function(h.function),
            "caller": safe_function(h.caller),
            "bytes": h.flat,
            "with_called": h.cum,
        }
        for h in heap.holders[:TOP]
    ]


def _stack(stack: Stack) -> dict[str, t.Any]:
    frames = [safe_function(frame) for frame in stack.frames[:12]]
    return {"count": stack.count, "waits_on": stack.waits_on, "where": safe_function(stack.where), "frames": frames}


def samples(snapshot: GoSnapshot) -> list[dict[str, t.Any]]:
    """What later looks may judge the past by: a row for each reading, the last one with the largest holders."""
    rows = [row_of(reading) for reading in snapshot.readings]
    if rows and snapshot.heaps:
        rows[-1] = row_of(snapshot.readings[-1], snapshot.heaps[-1])
    return [row.to_dict() for row in rows]


def attachments(snapshot: GoSnapshot) -> list[dict[str, str]]:
    """The profiles, whole and binary, for the evidence; they were stripped of labels before."""
    return [attachment(name, data) for name, data in snapshot.files.items()]


def attachment(name: str, data: bytes) -> dict[str, str]:
    return {
        "name": name,
        "content_base64": base64.b64encode(data).decode(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def measured(snapshot: GoSnapshot, settings: Settings, history: History) -> list[str]:
    """What was looked at and what was left out, for people: a healthy verdict lists it."""
    said = []
    if snapshot.last:
        found = case(snapshot, settings, history)
        said.append(f"metrics {len(snapshot.readings)} times within {found.seconds:.0f} s")
        seen = cycles_seen(found)
        if seen <= FEWEST_RISES:
            said.append(f"a leak can't be judged yet: {seen} of {FEWEST_RISES + 1} collections seen")
        else:
            said.append(f"the heap over {seen} collections")
    if snapshot.stacks is not None:
        said.append(f"stacks of {snapshot.goroutines} goroutines")
    if snapshot.reasons is not None:
        said.append("their states")
    if snapshot.why_no_reasons:
        said.append(f"without their states: {snapshot.why_no_reasons}")
    if snapshot.heaps:
        said.append(f"heap profile of {size(snapshot.heaps[-1].total)}")
    if all(probe.kind != OK for probe in snapshot.probes.values()):
        return list(snapshot.left_out)
    return said + list(snapshot.left_out)
