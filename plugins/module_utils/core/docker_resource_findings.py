# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about memory and CPU of a container, and what should be declared for it."""

from __future__ import annotations

import math

from .docker_loops import Loop
from .docker_oom import LIKELY, Oom
from .docker_settings import Case, last_lines
from .docker_state_findings import CAPTURE
from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import size, span

_STEP = 16 * 2**20


def suggested_limit(peak: int) -> int:
    """A limit that the peak fills to 70 %, in steps of 16 MiB."""
    return math.ceil(peak / 0.7 / _STEP) * _STEP


def oom_killed(case: Case, oom: Oom, loop: Loop | None) -> Finding:
    container = case.container
    down = container.status != "running"
    looping = loop is not None and case.settings.level("restarts", loop.restarts) == CRITICAL
    serious = down or looping
    peak = max(container.memory_limit, (container.memory.peak or 0) if container.memory else 0)
    evidence = [f"sources: {', '.join(oom.sources)} ({oom.confidence})"]
    evidence.append(f"memory limit {size(container.memory_limit) if container.memory_limit else 'none'}")
    evidence.append(
        f"status {container.status}, exit code {container.exit_code}, RestartCount {container.restart_count}"
    )
    return case.finding(
        "docker.memory.oom_killed",
        CRITICAL if serious or oom.main else WARNING,
        case.severity if serious else "P2",
        _oom_summary(case, oom, loop),
        observed={"main_process": oom.main, "sources": list(oom.sources), "kills": oom.kills},
        threshold={"memory_limit": container.memory_limit or None},
        evidence=(*evidence, *last_lines(container)),
        causes=_oom_causes(case, oom),
        remedies=_oom_remedies(case, oom, peak),
        since=oom.at or container.started,
        details={
            "confidence": oom.confidence,
            "sources": list(oom.sources),
            "main_process": oom.main,
            "host_pressure": oom.host,
            "scope": "host" if oom.host else "container",
            "memory_limit": container.memory_limit,
            "suggested_limit": suggested_limit(peak) if peak and not oom.host else None,
            "restarts": loop.restarts if loop else 0,
        },
    )


def _oom_summary(case: Case, oom: Oom, loop: Loop | None) -> str:
    container = case.container
    what = "was killed because it ran out of memory" if oom.main else "lost a child process that ran out of memory"
    if oom.confidence == LIKELY:
        what = "was probably killed because it ran out of memory (exit code 137, and nobody sent a signal)"
    limit = f" (limit {size(container.memory_limit)})" if container.memory_limit else ""
    when = f" {case.ago(oom.at)}" if oom.at else f" at some time since it was started {case.ago(container.started)}"
    after = "; it runs on" if container.status == "running" else f"; it is {container.status}"
    if loop is not None and loop.restarts > 1:
        after = f"; it was restarted {loop.restarts} times in {span(case.settings.window)}"
    host = ", because the whole host ran out" if oom.host else ""
    return f"Container {container.name} {what}{limit}{when}{host}{after}"


def _oom_causes(case: Case, oom: Oom) -> tuple[str, ...]:
    if oom.host:
        return ("the host is short of memory, and this was the process that the kernel chose",)
    if oom.confidence == LIKELY:
        return ("the OOM killer, whose event was lost", "something outside of Docker killed it (kill -9 on the host)")
    return ("memory leak: it grows until it meets the limit", "the limit is too small for its load")


def _oom_remedies(case: Case, oom: Oom, peak: int) -> tuple[Remedy, ...]:
    if oom.host:
        return (
            CAPTURE,
            Remedy("Free memory on the host; a higher limit of this container would make it worse"),
            Remedy("Start it again", "low", case.compose("up -d")),
        )
    start = Remedy("Start it again: gains time, cures nothing", "low", case.compose("restart"))
    confirm = Remedy("Tell a leak from a limit that is too small: heap profile, and memory over time")
    if oom.confidence == LIKELY or not peak:
        return (CAPTURE, confirm, start)
    limit = suggested_limit(peak) // 2**20
    raise_it = Remedy(
        f"Raise its limit to {limit} MiB if the host has room, in the Compose file too, and the runtime's own limit",
        "disruptive",
        case.docker(f"update --memory {limit}m --memory-swap {limit}m"),
    )
    return (CAPTURE, confirm, start, raise_it)


def memory_high(case: Case) -> Finding | None:
    """The working set against the limit; page cache is not counted."""
    container, memory = case.container, case.container.memory
    if memory is None or memory.working_set is None or not container.memory_limit:
        return None
    percent = 100 * memory.working_set / container.memory_limit
    state = case.settings.level("memory_percent", percent)
    if state is None:
        return None
    return case.finding(
        "docker.memory.high",
        state,
        "P2" if state == CRITICAL else "P3",
        f"Container {container.name} uses {percent:.0f} % of its memory limit"
        f" ({size(memory.working_set)} of {size(container.memory_limit)})",
        observed={"working_set_percent": round(percent, 1), "working_set": memory.working_set, "usage": memory.usage},
        threshold={"memory_percent": case.settings.pair("memory_percent")},
        evidence=(
            f"working set by {memory.source}: usage without inactive file pages",
            f"peak {size(memory.peak or 0)}",
        ),
        causes=("memory leak", "more load than the limit allows for"),
        remedies=(
            Remedy("Take a heap profile before anything else"),
            Remedy("Restart it: gains time, cures nothing", "low", case.compose("restart")),
        ),
        details={"working_set": memory.working_set, "memory_limit": container.memory_limit, "peak": memory.peak},
    )


def cpu_throttled(case: Case) -> Finding | None:
    cpu = case.container.cpu
    if cpu is None or cpu.periods < 5:
        return None
    percent = 100 * cpu.throttled / cpu.periods
    state = case.settings.level("cpu_throttled_percent", percent)
    if state is None:
        return None
    return case.finding(
        "docker.cpu.throttled",
        state,
        "P3",
        f"Container {case.container.name} had to wait for CPU in {percent:.0f} % of its periods",
        observed={"throttled_percent": round(percent, 1), "periods": cpu.periods, "throttled": cpu.throttled},
        threshold={"cpu_throttled_percent": case.settings.pair("cpu_throttled_percent")},
        evidence=(
            f"{cpu.throttled} of {cpu.periods} periods in {cpu.seconds:.1f} s, limit {case.container.cpus:g} CPUs",
        ),
        causes=("its CPU limit is below what it needs now",),
        remedies=(
            Remedy("Raise its CPU limit", "disruptive", case.docker(f"update --cpus {case.container.cpus * 2:g}")),
        ),
    )


def memory_unlimited(case: Case) -> Finding | None:
    if case.container.memory_limit:
        return None
    return case.finding(
        "docker.memory.unlimited",
        WARNING,
        "P4",
        f"Container {case.container.name} has no memory limit: if it leaks, the kernel chooses what dies on this host",
        observed={"memory_limit": None},
        threshold={"memory_limit": "set"},
        evidence=("HostConfig.Memory is 0",),
        remedies=(Remedy("Set mem_limit in the Compose file; for Go also GOMEMLIMIT at about 90 % of it"),),
    )


def healthcheck_absent(case: Case) -> Finding | None:
    if case.container.health.status != "none":
        return None
    return case.finding(
        "docker.healthcheck.absent",
        WARNING,
        "P4",
        f"Container {case.container.name} has no health check: that it runs is all that Docker knows",
        observed={"health": "none"},
        threshold={"health": "a health check"},
        evidence=("Config.Healthcheck is not set",),
        remedies=(Remedy("Add a healthcheck to the Compose file"),),
    )
