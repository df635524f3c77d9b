# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a Go program: metrics several times, its goroutines and its heap before and after."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..core.go_metrics import Lines, flatten, is_page
from ..core.go_profile import ProfileError, holders, read, stripped, total
from ..core.go_snapshot import NOT_ASKED, OK, GoSnapshot, Heap, Probe, Reading
from ..core.go_stacks import Reason, Stack, StackError, parse_reasons, parse_stacks
from .deadline import Deadline
from .errors import CollectError
from .go_http import get
from .go_options import GoOptions

MOST_FOR_STATES = 10_000
"""Goroutines above which their states are not asked for: the program stands still while it writes each of them."""
TOO_CLOSE = 0.9
"""Part of a memory limit from which on nothing is asked that costs memory."""
PLAIN = "text/plain;version=0.0.4"
Clock = t.Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """How often the metrics are read, and whether the states of all goroutines are."""

    samples: int = 3
    interval: float = 2.0
    wait_reasons: bool = False
    memory_limit: float | None = None


@dataclasses.dataclass
class _Look:
    """What one look has found by now."""

    options: GoOptions
    deadline: Deadline
    clock: Clock
    probes: dict[str, Probe] = dataclasses.field(default_factory=dict)
    readings: list[Reading] = dataclasses.field(default_factory=list)
    heaps: list[Heap] = dataclasses.field(default_factory=list)
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    goroutines: int | None = None
    stacks: list[Stack] | None = None
    stacks_before: list[Stack] | None = None
    reasons: list[Reason] | None = None
    why: str = ""
    heap_seconds: float = 0.0
    left_out: list[str] = dataclasses.field(default_factory=list)

    @property
    def profiled(self) -> bool:
        return bool(self.heaps) or self.stacks is not None

    def share(self) -> Deadline:
        """The time of one profile, half of what is left: one that never ends must not take that of the others."""
        return Deadline(self.deadline.left() / 2)

    def attempt(self, name: str, action: t.Callable[[], float]) -> bool:
        """Do one part; its probe says how it went. A later success does not hide an earlier failure."""
        try:
            ms = action()
        except CollectError as error:
            self.probes[name] = Probe(error.kind, error.message, int(getattr(error, "status", 0)))
            return False
        except (ProfileError, StackError) as error:
            self.probes[name] = Probe(getattr(error, "kind", "not_profile"), str(error), 200)
            return False
        if self.probes.get(name, Probe()).kind in (OK, NOT_ASKED):
            self.probes[name] = Probe(OK, "", 200, ms)
        return True


def collect(options: GoOptions, wanted: Wanted, deadline: Deadline, clock: Clock = time.time) -> GoSnapshot:
    """One look. Whatever can't be read is a probe that says so; nothing is raised for a sick program."""
    look = _Look(options, deadline, clock)
    began = clock()
    metrics = bool(options.metrics_url) and look.attempt("metrics", lambda: _metrics(look))
    if options.pprof_url:
        _profiles(look, wanted)
    else:
        look.left_out.append("pprof (no pprof_url)")
    if not options.metrics_url:
        look.left_out.append("metrics (no metrics_url)")
    rounds = wanted.samples - 1 if metrics else 0
    if look.profiled and not metrics and wanted.samples > 1:
        rounds = 1
    for number in range(rounds):
        if deadline.left() <= wanted.interval:
            look.left_out.append(f"{rounds - number} of {wanted.samples} readings: no time is left")
            break
        deadline.wait(wanted.interval)
        if metrics and not look.attempt("metrics", lambda: _metrics(look)):
            break
    if rounds and deadline.left() > 0:
        _again(look)
    return _snapshot(look, began)


def _again(look: _Look) -> None:
    """Both profiles a second time, so that what grew has a name; what failed the first time is not asked for again."""
    if look.stacks is not None:
        look.stacks_before = look.stacks
        look.attempt("goroutine", lambda: _goroutines(look))
    if look.heaps and _has_time_for_a_heap(look):
        look.attempt("heap", lambda: _heap(look, "heap-2.pb.gz"))


def _has_time_for_a_heap(look: _Look) -> bool:
    """Whether a second profile will be read in time: nothing can stop the reading of a large one."""
    if look.deadline.left() > 2 * look.heap_seconds:
        return True
    look.left_out.append("a second heap profile: the first one took too long to read")
    return False


def _snapshot(look: _Look, began: float) -> GoSnapshot:
    return GoSnapshot(
        now=began,
        probes=look.probes,
        readings=tuple(look.readings),
        goroutines=look.goroutines,
        stacks=None if look.stacks is None else tuple(look.stacks),
        stacks_before=None if look.stacks_before is None else tuple(look.stacks_before),
        reasons=None if look.reasons is None else tuple(look.reasons),
        why_no_reasons=look.why,
        heaps=tuple(look.heaps),
        files=look.files,
        left_out=tuple(look.left_out),
    )


def _metrics(look: _Look) -> float:
    reading, ms = read_metrics(look.options, look.deadline, look.clock)
    look.readings.append(reading)
    return ms


def read_metrics(options: GoOptions, deadline: Deadline, clock: Clock = time.time) -> tuple[Reading, float]:
    """(the metrics now, milliseconds). Raises CollectError."""
    lines = Lines()
    at = clock()
    answer = get(options.metrics_url, options, deadline, feed=lines.feed, accept=PLAIN)
    lines.close()
    if is_page(lines.head):
        raise CollectError("html", "metrics_url answers with a web page, not with metrics")
    values = flatten(_samples(lines.kept))
    if "go_goroutines" not in values:
        raise CollectError("no_go_metrics", f"none of {lines.seen} lines is go_goroutines: no Go program exports these")
    return Reading(at, values), answer.ms


def _samples(lines: t.Sequence[str]) -> t.Iterator[tuple[str, t.Mapping[str, str], float]]:
    """All at once where the exposition is sound, line by line where one of them is damaged."""
    from prometheus_client.parser import text_string_to_metric_families as parse

    try:
        found = [sample for family in parse("\n".join(lines) + "\n") for sample in family.samples]
    except (ValueError, IndexError, KeyError):
        found = []
        for line in lines:
            try:
                found += [sample for family in parse(line + "\n") for sample in family.samples]
            except (ValueError, IndexError, KeyError):
                continue
    for sample in found:
        yield sample.name, sample.labels, float(sample.value)


def _profiles(look: _Look, wanted: Wanted) -> None:
    """Goroutines first, the heap second: that is what a program near its limit bears best."""
    close = _close_to_limit(look, wanted)
    seen = look.attempt("goroutine", lambda: _goroutines(look))
    if seen and wanted.wait_reasons:
        look.why = why_no_states(look.goroutines or 0, close)
        if not look.why:
            look.attempt("states", lambda: _states(look))
    elif seen:
        look.why = "wait_reasons is false"
    if close:
        look.left_out.append("the kept goroutine profile: its memory limit is too close")
    elif seen:
        look.attempt("goroutine", lambda: _keep(look, "goroutine", "goroutine.pb.gz"))
    look.attempt("heap", lambda: _heap(look, "heap-1.pb.gz"))


def why_no_states(goroutines: int, close: bool) -> str:
    """Why the states of all goroutines are not asked for; "" where they are."""
    if goroutines > MOST_FOR_STATES:
        return f"refused above {MOST_FOR_STATES} goroutines: the program stands still while it writes all of them"
    return "its memory limit is too close" if close else ""


def _close_to_limit(look: _Look, wanted: Wanted) -> bool:
    if not look.readings:
        return False
    return closeness(look.readings[-1], wanted.memory_limit)[0] >= TOO_CLOSE


def closeness(reading: Reading, memory_limit: float | None) -> tuple[float, str]:
    """(part of the nearest limit that is in use, which limit); (0, "") without any."""
    parts = [(0.0, "")]
    resident, held, limit = reading.get("process_resident_memory_bytes"), reading.held, reading.memory_limit
    if memory_limit and resident is not None:
        parts.append((resident / memory_limit, "memory_limit"))
    if limit and held is not None:
        parts.append((held / limit, "GOMEMLIMIT"))
    return max(parts)


def _goroutines(look: _Look) -> float:
    answer = get(f"{look.options.pprof_url}/goroutine?debug=1", look.options, look.share())
    if is_page(answer.body[:512]):
        raise ProfileError("html", "pprof_url answers with a web page")
    look.goroutines, look.stacks = parse_stacks(answer.body.decode("utf-8", "replace"))
    return answer.ms


def _states(look: _Look) -> float:
    answer = get(f"{look.options.pprof_url}/goroutine?debug=2", look.options, look.deadline)
    look.reasons = parse_reasons(answer.body.decode("utf-8", "replace"))
    return answer.ms


def _keep(look: _Look, profile: str, name: str) -> float:
    answer = get(f"{look.options.pprof_url}/{profile}", look.options, look.share())
    look.files[name] = stripped(answer.body)
    return answer.ms


def _heap(look: _Look, name: str) -> float:
    left = look.deadline.left()
    heap, data, ms = read_heap(look.options, look.share(), clock=look.clock)
    look.heap_seconds = left - look.deadline.left()
    look.heaps.append(heap)
    look.files[name] = data
    return ms


def read_heap(
    options: GoOptions, deadline: Deadline, collect_first: bool = False, clock: Clock = time.time
) -> tuple[Heap, bytes, float]:
    """(what is in use, the profile for the evidence, milliseconds). Raises CollectError and ProfileError."""
    query = "?gc=1" if collect_first else ""
    answer = get(f"{options.pprof_url}/heap{query}", options, deadline)
    profile = read(answer.body)
    heap = Heap(clock(), total(profile), tuple(holders(profile)))
    return heap, stripped(answer.body), answer.ms
