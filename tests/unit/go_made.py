# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at Go programs for tests: a healthy one, what differs from it, and profiles made by hand."""

from __future__ import annotations

import gzip
import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.go_profile import Holder
from ansible_collections.incident.response.plugins.module_utils.core.go_snapshot import (
    OK,
    GoSnapshot,
    Heap,
    Probe,
    Reading,
)
from ansible_collections.incident.response.plugins.module_utils.core.go_stacks import Stack
from ansible_collections.incident.response.plugins.module_utils.core.go_wire import write_field, write_varint

NOW = 1_700_000_000.0
START = NOW - 86400.0
MIB = 1024 * 1024
HEALTHY: dict[str, float] = {
    "go_goroutines": 20,
    "go_threads": 9,
    "go_gc_gogc_percent": 100,
    "go_gc_gomemlimit_bytes": 9.223372036854776e18,
    "go_gc_duration_seconds_count": 100,
    "go_gc_duration_seconds_sum": 0.05,
    "go_gc_duration_seconds_q1": 0.001,
    "go_memstats_heap_alloc_bytes": 30 * MIB,
    "go_memstats_heap_inuse_bytes": 32 * MIB,
    "go_memstats_heap_idle_bytes": 8 * MIB,
    "go_memstats_heap_released_bytes": 4 * MIB,
    "go_memstats_heap_sys_bytes": 40 * MIB,
    "go_memstats_next_gc_bytes": 40 * MIB,
    "go_memstats_sys_bytes": 50 * MIB,
    "process_resident_memory_bytes": 48 * MIB,
    "process_start_time_seconds": START,
}


def reading(at: float = NOW, **changes: float) -> Reading:
    """HEALTHY at one time, with changes; a change to None-like nan leaves the metric out."""
    values = {**HEALTHY, **changes}
    return Reading(at, {name: value for name, value in values.items() if value == value})


def made(*readings: Reading, **changes: t.Any) -> GoSnapshot:
    """A look whose metrics and profiles were read."""
    probes = {name: Probe(OK, "", 200, 2.0) for name in ("metrics", "goroutine", "heap")}
    stacks = (Stack(20, ("net.(*conn).Read", "net/http.(*conn).serve")),)
    basis: dict[str, t.Any] = {
        "now": NOW,
        "probes": probes,
        "readings": readings or (reading(NOW), reading(NOW + 2), reading(NOW + 4)),
        "goroutines": 20,
        "stacks": stacks,
        "heaps": (heap(NOW, {"main.cache": 10 * MIB, "bytes.growSlice": 4 * MIB}),),
    }
    return GoSnapshot(**{**basis, **changes})


def heap(at: float, held: t.Mapping[str, int]) -> Heap:
    rows = sorted(held.items(), key=lambda row: -row[1])
    return Heap(at, sum(held.values()), tuple(Holder(function, size, size, "main.handle") for function, size in rows))


def past(floors: t.Sequence[float], step: float = 60.0, start: float = START, **more: t.Any) -> list[dict[str, t.Any]]:
    """History: one row a step, each after one more collection; the last one is a step before NOW."""
    first = NOW - step * len(floors)
    return [
        {"at": first + step * number, "start": start, "floor": floor, "heap": floor, "cycles": number, **more}
        for number, floor in enumerate(floors)
    ]


class Builder:
    """profile.proto by hand: the texts first, then messages that name their places."""

    def __init__(self, *types: tuple[str, str]) -> None:
        self.texts = [""]
        self.out = b""
        self.functions: dict[str, int] = {}
        for name, unit in types or (("alloc_space", "bytes"), ("inuse_space", "bytes")):
            self.out += write_field(1, write_field(1, self.text(name)) + write_field(2, self.text(unit)))

    def text(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def location(self, function: str) -> int:
        if function not in self.functions:
            number = self.functions[function] = len(self.functions) + 1
            self.out += write_field(5, write_field(1, number) + write_field(2, self.text(function)))
            line = write_field(1, number) + write_field(2, 7)
            self.out += write_field(4, write_field(1, number) + write_field(3, 4096 + number) + write_field(4, line))
        return self.functions[function]

    def sample(
        self, stack: t.Sequence[str], values: t.Sequence[int], labels: t.Mapping[str, str] | None = None
    ) -> None:
        packed = b"".join(write_varint(self.location(function)) for function in stack)
        message = write_field(1, packed) + write_field(2, b"".join(write_varint(value) for value in values))
        for key, value in (labels or {}).items():
            message += write_field(3, write_field(1, self.text(key)) + write_field(2, self.text(value)))
        message += write_field(3, write_field(1, self.text("bytes")) + write_field(3, 64))
        self.out += write_field(2, message)

    def plain(self) -> bytes:
        return self.out + b"".join(write_field(6, text.encode()) for text in self.texts)

    def packed(self) -> bytes:
        return gzip.compress(self.plain())
