# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at a Go program gave, without judgement. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .go_profile import Holder
from .go_stacks import Reason, Stack

OK = "ok"
NOT_ASKED = "not_asked"
UNLIMITED = float(1 << 62)
"""GOMEMLIMIT is the largest int64 where nobody set one."""
SMALLEST_HEAP = 4 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Probe:
    """How one address answered. kind: ok, not_asked, or what kept it from being read."""

    kind: str = NOT_ASKED
    message: str = ""
    status: int = 0
    ms: float = 0.0


@dataclasses.dataclass(frozen=True)
class Reading:
    """The program's metrics at one time, by name."""

    at: float
    values: t.Mapping[str, float]

    def get(self, name: str) -> float | None:
        return self.values.get(name)

    @property
    def start(self) -> float:
        return self.values.get("process_start_time_seconds", 0.0)

    @property
    def cycles(self) -> float | None:
        """Collections since the program started."""
        return self.values.get("go_gc_duration_seconds_count")

    @property
    def memory_limit(self) -> float | None:
        """GOMEMLIMIT, None where there is none."""
        limit = self.values.get("go_gc_gomemlimit_bytes")
        return limit if limit is not None and limit < UNLIMITED else None

    @property
    def held(self) -> float | None:
        """What GOMEMLIMIT counts: everything from the kernel that was not given back."""
        total, released = self.values.get("go_memstats_sys_bytes"), self.values.get("go_memstats_heap_released_bytes")
        return None if total is None or released is None else max(0.0, total - released)

    @property
    def floor(self) -> float | None:
        """The heap that the last collection left alive.

        Programs that export it say so. Otherwise it follows from the size at which the next collection starts, as long
        as the share GOGC sets that, and neither GOMEMLIMIT nor the smallest heap do. None where it can't be told.
        """
        live = self.values.get("go_gc_heap_live_bytes")
        if live is not None:
            return live
        goal, share = self.values.get("go_memstats_next_gc_bytes"), self.values.get("go_gc_gogc_percent", 100.0)
        if not goal or not 0 < share <= 10_000 or self._limited(goal):
            return None
        part = share / 100.0
        stacks = self.values.get("go_memstats_stack_inuse_bytes", 0.0)  # they count for the goal, and are no heap
        live = max(0.0, goal - stacks * part) / (1 + part)
        return (
            min(live, self.values.get("go_memstats_heap_alloc_bytes", live)) if goal <= SMALLEST_HEAP * part else live
        )

    def _limited(self, goal: float) -> bool:
        limit, total = self.memory_limit, self.values.get("go_memstats_sys_bytes")
        if limit is None:
            return False
        beside = max(0.0, (total or 0.0) - self.values.get("go_memstats_heap_sys_bytes", 0.0))
        return goal + beside >= 0.9 * limit


@dataclasses.dataclass(frozen=True)
class Heap:
    """A heap profile: what is in use, by function."""

    at: float
    total: int
    holders: tuple[Holder, ...]

    def by_function(self) -> dict[str, int]:
        return {holder.function: holder.flat for holder in self.holders}


@dataclasses.dataclass(frozen=True)
class GoSnapshot:
    """One look. probes: address (metrics, goroutine, heap, stacks) -> how it answered.

    goroutines: the number that the goroutine profile says. stacks: at the end; stacks_before: at the beginning, where
    they were read twice. reasons: None where the states were not read; why_no_reasons says why. files: profiles for the
    evidence, already without labels.
    """

    now: float
    probes: t.Mapping[str, Probe] = dataclasses.field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    goroutines: int | None = None
    stacks: tuple[Stack, ...] | None = None
    stacks_before: tuple[Stack, ...] | None = None
    reasons: tuple[Reason, ...] | None = None
    why_no_reasons: str = ""
    heaps: tuple[Heap, ...] = ()
    files: t.Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def reachable(self) -> bool:
        """Whether anything of it answered, were it only with an error."""
        return any(probe.kind == OK or probe.status for probe in self.probes.values())

    @property
    def last(self) -> Reading | None:
        return self.readings[-1] if self.readings else None

    def count(self) -> float | None:
        """Goroutines, by the metrics or by the profile."""
        found = self.last.get("go_goroutines") if self.last else None
        return float(self.goroutines) if found is None and self.goroutines is not None else found
