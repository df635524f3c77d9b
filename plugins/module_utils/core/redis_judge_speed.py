# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and time: how long it takes to answer, what held it up, forks, and whether the cache is of use. Pure."""

from __future__ import annotations

import statistics
import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import span
from .redis_settings import Settings
from .redis_snapshot import RedisSnapshot, Slow

ADVICE = {
    "fork": "the fork for a save is slow: look at the virtual machine, and switch transparent huge pages off",
    "command": "a slow command: see the slowlog, and look for big keys",
    "fast-command": "a simple command was slow: the scheduler, a noisy neighbour or swapping",
    "aof-write-pending-fsync": "the disk is slow or contended",
    "aof-write-alone": "the disk is slow or contended",
    "aof-write-active-child": "a save in the background contends for the disk: see no-appendfsync-on-rewrite",
    "aof-fstat": "the disk is slow or remote",
    "rdb-unlink-temp-file": "the disk is slow or remote",
    "aof-fsync-always": "appendfsync always waits for the disk: everysec would not",
    "expire-cycle": "many keys expire at the same moment",
    "eviction-cycle": "maxmemory was lowered, or memory filled suddenly",
    "eviction-del": "big keys are evicted: lazyfree-lazy-eviction",
    "active-defrag-cycle": "it defragments its memory",
}
"""Latency event -> what it says."""
FORK_MATTERS = 0.1
POOR_FORK, TERRIBLE_FORK = 25.0, 10.0
"""GB a second, as LATENCY DOCTOR has it; only for a fork that stood in the way for FORK_MATTERS seconds."""
FEWEST_LOOKUPS = 1000


def judge_speed(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    yield from _latency(snapshot, settings)
    yield from _fork(snapshot, settings)
    yield from _hits(snapshot, settings)


def rtt(snapshot: RedisSnapshot) -> float | None:
    """The median PING in milliseconds; None where none was answered."""
    return statistics.median(snapshot.pings) if snapshot.pings else None


def _slow(snapshot: RedisSnapshot, settings: Settings) -> list[Slow]:
    """What held the main thread long enough within the look-back, the longest first."""
    limit = settings.thresholds["latency_ms"]["warn"] / 1000
    recent = [s for s in snapshot.slowlog or () if s.seconds >= limit and _recent(s.at, snapshot, settings)]
    return sorted(recent, key=lambda slow: -slow.seconds)


def _recent(at: float, snapshot: RedisSnapshot, settings: Settings) -> bool:
    return bool(snapshot.now) and snapshot.now - at <= settings.lookback


def _latency(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    ping = rtt(snapshot)
    first = snapshot.probe.ms if snapshot.probe.ms >= settings.thresholds["latency_ms"]["warn"] else None
    slow = _slow(snapshot, settings)
    events = [e for e in snapshot.latency or () if _recent(e.at, snapshot, settings)]
    loop = (snapshot.number("instantaneous_eventloop_duration_usec", 0.0) or 0.0) / 1000
    worst = max([ping or 0.0, first or 0.0, loop, *(s.seconds * 1000 for s in slow), *(e.ms for e in events)])
    level = settings.level("latency_ms", worst)
    if level is None:
        return
    yield settings.finding(
        "redis.latency.high",
        level,
        "P2" if level == CRITICAL else "P3",
        f"was held up for {span(worst / 1000)}" + (f" by {slow[0].command}" if slow else ""),
        observed={"ping_ms": ping, "first_ms": round(snapshot.probe.ms, 1), "worst_ms": round(worst, 1)},
        threshold=settings.pair("latency_ms"),
        evidence=_latency_evidence(snapshot, slow),
        causes=_latency_causes(snapshot, slow),
        remedies=(
            Remedy("Find the command in the slowlog, and change the client that sends it"),
            Remedy("Where a read-only script runs: SCRIPT KILL", "low", settings.command("SCRIPT", "KILL")),
        ),
        details={"commands": [s.command for s in slow[:5]], "events": [e.name for e in events]},
    )


def _latency_evidence(snapshot: RedisSnapshot, slow: t.Sequence[Slow]) -> list[str]:
    said = [f"first PING {snapshot.probe.ms:.1f} ms, connection {snapshot.probe.connect_ms:.1f} ms"]
    if snapshot.pings:
        said.append(f"then PING {', '.join(f'{ms:.1f}' for ms in snapshot.pings)} ms")
    said += [f"slowlog: {s.command} {s.key} took {span(s.seconds)}".replace("  ", " ") for s in slow[:5]]
    said += [f"latency event {e.name}: {e.ms:.0f} ms, worst {e.worst_ms:.0f} ms" for e in snapshot.latency or ()][:8]
    return said


def _latency_causes(snapshot: RedisSnapshot, slow: t.Sequence[Slow]) -> tuple[str, ...]:
    causes = [f"{slow[0].command} held its one thread"] if slow else []
    causes += [ADVICE[e.name] for e in snapshot.latency or () if e.name in ADVICE]
    if snapshot.probe.connect_ms > 0.5 * snapshot.probe.ms:
        causes.insert(0, "the network: the connection itself took most of the time")
    return tuple(dict.fromkeys(causes)) or ("its one thread was held by a command, a fork, the disk or the scheduler",)


def _fork(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    seconds = (snapshot.number("latest_fork_usec", 0.0) or 0.0) / 1e6
    used = snapshot.number("used_memory", 0.0) or 0.0
    if seconds < FORK_MATTERS or not used:
        return
    rate = used / seconds / 1e9
    if rate >= POOR_FORK:
        return
    yield settings.finding(
        "redis.fork.slow",
        WARNING,
        "P3",
        f"stood still for {span(seconds)} in its last fork ({rate:.1f} GB/s)",
        observed={"seconds": round(seconds, 3), "gb_per_second": round(rate, 1)},
        threshold={"poor": POOR_FORK, "terrible": TERRIBLE_FORK, "seconds": FORK_MATTERS},
        causes=("transparent huge pages are on", "the virtual machine forks slowly"),
        remedies=(Remedy("Switch transparent huge pages off; save on a replica instead"),),
        details={"terrible": rate < TERRIBLE_FORK},
    )


def _hits(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    hits, misses = snapshot.delta("keyspace_hits"), snapshot.delta("keyspace_misses")
    if hits is None or misses is None or hits + misses < FEWEST_LOOKUPS:
        return
    missed = 100.0 * misses / (hits + misses)
    level = settings.level("miss_percent", missed)
    if level is None:
        return
    yield settings.finding(
        "redis.hits.low",
        WARNING if level == CRITICAL else level,
        "P4",
        f"finds only {100 - missed:.0f} % of what is looked up",
        observed={"hit_percent": round(100 - missed, 1), "lookups": int(hits + misses)},
        threshold=settings.pair("miss_percent"),
        causes=("it was emptied or restarted a short while ago", "keys expire or are evicted too early"),
        remedies=(Remedy("Let it warm up; look at TTLs and at the memory that the working set needs"),),
    )
