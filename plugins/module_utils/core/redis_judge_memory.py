# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and its memory: the limit, writes that it refuses, eviction, fragmentation, big keys. Pure.

A cache that evicts is full by design: only where full memory makes writes fail is it a finding.
"""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import size
from .redis_parse import databases, errors, safe_name
from .redis_settings import MIB, Settings
from .redis_snapshot import RedisSnapshot, growth, number

REFUSALS = {
    "OOM": "memory is full and nothing may be evicted",
    "MISCONF": "the last save failed, and stop-writes-on-bgsave-error is on",
    "NOREPLICAS": "fewer replicas are in sync than min-replicas-to-write wants",
    "READONLY": "clients write to a replica: they missed a failover",
}
"""Errors that a write gets, and what each one means."""
FEWEST = 10 * MIB
"""Fragmentation below this many bytes is noise, as MEMORY DOCTOR has it."""
EMPTY = 5 * MIB
"""A server whose peak is below this is empty, as MEMORY DOCTOR has it: its ratios say nothing."""
PAST_PEAK = 1.5
"""After such a peak the allocator keeps what it had, which is harmless, as MEMORY DOCTOR has it."""
PROGRAM = 10 * MIB
"""What the program itself takes beside its data: resident memory is never below that."""
RATIOS = (
    ("mem_fragmentation_ratio", "mem_fragmentation_bytes", 1.4, FEWEST + PROGRAM, "resident to used memory"),
    ("allocator_frag_ratio", "allocator_frag_bytes", 1.1, FEWEST, "external fragmentation of the allocator"),
    ("rss_overhead_ratio", "rss_overhead_bytes", 1.1, FEWEST + PROGRAM, "memory beside the allocator's"),
)
"""Ratio, the bytes behind it, their limits, and what it says."""


def judge_memory(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    yield from _limit(snapshot, settings)
    yield from _refused_writes(snapshot, settings)
    yield from _evicting(snapshot, settings)
    yield from _fragmented(snapshot, settings)
    yield from _big_keys(snapshot, settings)


def evicts(snapshot: RedisSnapshot) -> bool:
    """Whether a full memory makes room by itself. A volatile policy needs keys that expire."""
    policy = policy_of(snapshot)
    if policy.startswith("volatile-"):
        return any(db["expires"] for db in databases(snapshot.last).values())
    return policy.startswith("allkeys-")


def policy_of(snapshot: RedisSnapshot) -> str:
    return snapshot.last.get("maxmemory_policy", "noeviction")


def counted(snapshot: RedisSnapshot) -> float:
    """The memory that maxmemory is compared with: replica and AOF buffers do not count."""
    used = snapshot.number("used_memory", 0.0) or 0.0
    return max(0.0, used - (snapshot.number("mem_not_counted_for_evict", 0.0) or 0.0))


def refusals(snapshot: RedisSnapshot) -> dict[str, int]:
    """Errors that writes got within the window, by kind."""
    if not snapshot.later:
        return {}
    before, after = errors(snapshot.info), errors(snapshot.later)
    grown = {kind: int(growth(before.get(kind, 0), after.get(kind, 0))) for kind in REFUSALS}
    return {kind: times for kind, times in grown.items() if times}


def _limit(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    limit = snapshot.number("maxmemory")
    if limit is None:
        return
    if not limit:
        yield from _unlimited(snapshot, settings)
        return
    percent = 100.0 * counted(snapshot) / limit
    level = settings.level("memory_percent", percent)
    if level is None or evicts(snapshot):
        return
    full = level == CRITICAL
    yield settings.finding(
        "redis.memory.full" if full else "redis.memory.high",
        level,
        "P2" if full else "P3",
        f"uses {percent:.0f} % of its maxmemory ({size(limit)}), and {policy_of(snapshot)} evicts nothing",
        observed={"percent": round(percent, 1), "used_bytes": round(counted(snapshot)), "policy": policy_of(snapshot)},
        threshold=settings.pair("memory_percent"),
        evidence=_split(snapshot),
        causes=_memory_causes(snapshot),
        remedies=memory_remedies(settings),
        details={"policy": policy_of(snapshot), "maxmemory": limit},
    )


def _split(snapshot: RedisSnapshot) -> list[str]:
    """What the memory is used for: data, client buffers, and what does not count."""
    parts = (
        ("used_memory_dataset", "the data set"),
        ("mem_clients_normal", "buffers of clients"),
        ("mem_clients_slaves", "buffers of replicas"),
        ("mem_not_counted_for_evict", "replica and AOF buffers, not counted against the limit"),
    )
    return [f"{size(value)}: {what}" for name, what in parts if (value := snapshot.number(name))]


def _memory_causes(snapshot: RedisSnapshot) -> tuple[str, ...]:
    buffers = snapshot.number("mem_clients_normal", 0.0) or 0.0
    data = snapshot.number("used_memory_dataset", 0.0) or 0.0
    keys = sum(db["keys"] for db in databases(snapshot.last).values())
    expires = sum(db["expires"] for db in databases(snapshot.last).values())
    causes = ["buffers of clients take more than the data: somebody reads too slowly"] if buffers > data > 0 else []
    if keys and expires < 0.1 * keys:
        causes.append(f"only {expires} of {keys} keys expire: what nobody deletes stays for ever")
    return (*causes, "the data outgrew the limit")


def memory_remedies(settings: Settings) -> tuple[Remedy, ...]:
    """In this order: what is lost grows with every step."""
    return (
        Remedy(
            "Let keys expire, or remove a pattern of them with redis_flush (SCAN and UNLINK, at a limited rate)",
            "destructive",
        ),
        Remedy(
            "Raise maxmemory, where the host (and the container's limit) has the memory",
            "disruptive",
            settings.command("CONFIG", "SET", "maxmemory", "BYTES"),
        ),
        Remedy(
            "For a while, and for a cache only: evict by CONFIG SET maxmemory-policy allkeys-lru",
            "disruptive",
            settings.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
        ),
        Remedy("For a cache only, behind its gate: FLUSHDB ASYNC with redis_flush", "destructive"),
    )


def _unlimited(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Without maxmemory the limit is the container's or the machine's, and there the kernel kills."""
    total = snapshot.number("total_system_memory")
    limit = min(x for x in (settings.memory_limit, total) if x) if (settings.memory_limit or total) else 0
    used = max(snapshot.number("used_memory_rss", 0.0) or 0.0, snapshot.number("used_memory", 0.0) or 0.0)
    if not limit or used < 0.9 * limit:
        return
    yield settings.finding(
        "redis.memory.unlimited",
        WARNING,
        "P3",
        f"has no maxmemory and uses {100 * used / limit:.0f} % of the {size(limit)} that there are",
        observed={"used_bytes": round(used), "limit_bytes": round(limit)},
        threshold={"percent": 90},
        evidence=_split(snapshot),
        causes=("without a limit of its own it grows until the kernel kills it",),
        remedies=(
            Remedy(
                "Set maxmemory below that limit, with a policy that fits the data",
                "disruptive",
                settings.command("CONFIG", "SET", "maxmemory", "BYTES"),
            ),
        ),
    )


def _refused_writes(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    found = refusals(snapshot)
    if not found:
        return
    total = sum(found.values())
    kinds = sorted(found, key=lambda kind: -found[kind])
    yield settings.finding(
        "redis.writes.refused",
        CRITICAL,
        "P2",
        f"refused {total} write(s) within {snapshot.window:.1f} s ({', '.join(kinds)}), though it answers PING",
        observed={"errors": found, "seconds": round(snapshot.window, 1)},
        threshold={"errors": 0},
        evidence=[f"{kind}: {number} times" for kind, number in found.items()],
        causes=tuple(REFUSALS[kind] for kind in kinds),
        remedies=memory_remedies(settings) if kinds[0] == "OOM" else (Remedy("Cure the cause named above"),),
        details={"errors": found},
    )


def _evicting(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    gone = snapshot.delta("evicted_keys")
    if not gone or not snapshot.window:
        return
    rate = gone / snapshot.window
    store = settings.role == "store"
    level = WARNING if store else settings.level("evicted_per_second", rate)
    if level is None:
        return
    yield settings.finding(
        "redis.evicting",
        level,
        "P3",
        f"evicts {rate:.0f} keys a second" + (", and it is declared a store: this is lost data" if store else ""),
        observed={"per_second": round(rate, 1)},
        threshold={"per_second": 0 if store else settings.thresholds["evicted_per_second"]["warn"]},
        evidence=[f"{gone:.0f} keys within {snapshot.window:.1f} s, policy {policy_of(snapshot)}"],
        causes=("the working set does not fit into maxmemory",),
        remedies=(Remedy("Raise maxmemory within the host's memory", "disruptive"),),
    )


def _wasted(info: t.Mapping[str, str]) -> list[str]:
    """What one reading says about fragmentation."""
    value = {name: number(info.get(name), 0.0) or 0.0 for name in ("used_memory_peak", "used_memory")}
    peak = value["used_memory_peak"]
    if peak < EMPTY or peak > PAST_PEAK * value["used_memory"]:
        return []
    said = []
    for ratio, bytes_, limit, least, what in RATIOS:
        share, wasted = number(info.get(ratio), 0.0) or 0.0, number(info.get(bytes_), 0.0) or 0.0
        if share > limit and wasted > least:
            said.append(f"{what}: {share:.2f} ({size(wasted)})")
    return said


def _fragmented(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """The limits are those of MEMORY DOCTOR: a ratio counts only with enough bytes behind it, and in both readings."""
    said = _wasted(snapshot.last) if _wasted(snapshot.info) else []
    used, resident = snapshot.number("used_memory", 0.0) or 0.0, snapshot.number("used_memory_rss", 0.0) or 0.0
    swapped = 0 < resident < used - FEWEST and used > EMPTY
    if swapped:
        said.append(f"only {size(resident)} of {size(used)} are resident: the rest is swapped out")
    if not said:
        return
    yield settings.finding(
        "redis.memory.fragmented",
        WARNING,
        "P3",
        "is partly swapped out" if swapped else "wastes memory by fragmentation",
        observed={"ratio": snapshot.number("mem_fragmentation_ratio"), "swapped": swapped},
        evidence=said,
        causes=("the machine has too little memory",) if swapped else ("many keys of changing size came and went",),
        remedies=(
            Remedy("Give back what can be given back", "low", settings.command("MEMORY", "PURGE")),
            Remedy("Let it defragment while it runs", "low", settings.command("CONFIG", "SET", "activedefrag", "yes")),
        ),
        details={"swapped": swapped},
    )


def _big_keys(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    big = [
        key
        for key in (snapshot.keys.biggest if snapshot.keys else ())
        if settings.level("big_key_mib", key.bytes / MIB)
    ]
    if not big or snapshot.keys is None:
        return
    seen = "the whole database" if snapshot.keys.complete else f"a sample of {snapshot.keys.scanned} keys"
    level = settings.level("big_key_mib", big[0].bytes / MIB) or WARNING
    yield settings.finding(
        "redis.keys.big",
        level,
        "P3",
        f"holds {len(big)} big key(s), the biggest of {size(big[0].bytes)}",
        observed={"biggest_bytes": big[0].bytes, "keys": len(big)},
        threshold=settings.pair("big_key_mib"),
        evidence=[f"{safe_name(key.key)}: {size(key.bytes)}" for key in big[:10]] + [f"seen in {seen}"],
        causes=("a list, hash or set grows without bounds", "one value holds what should be many"),
        remedies=(Remedy("Split it, or remove it with UNLINK (DEL would block the server)", "destructive"),),
        details={"keys": [{"name": safe_name(key.key), "bytes": key.bytes} for key in big[:10]]},
    )
