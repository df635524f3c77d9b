# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and its data: saving, replication, cluster and Sentinel. Pure."""

from __future__ import annotations

import re
import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import count, size, span
from .redis_parse import fields, safe_name, whole
from .redis_settings import MIB, Settings
from .redis_snapshot import RedisSnapshot

REPLICA = re.compile(r"(?:slave|replica)\d+")
SAVES = {
    "rdb_last_bgsave_status": "the last RDB save failed",
    "aof_last_write_status": "the last write to the AOF failed",
    "aof_last_bgrewrite_status": "the last rewrite of the AOF failed",
}


def judge_data(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    yield from _saving(snapshot, settings)
    yield from _stale_save(snapshot, settings)
    if snapshot.role == "slave":
        yield from _replica(snapshot, settings)
    elif snapshot.role == "master":
        yield from _primary(snapshot, settings)
    yield from _cluster(snapshot, settings)
    yield from _sentinel(snapshot, settings)


def failed_saves(snapshot: RedisSnapshot) -> list[str]:
    return [what for name, what in SAVES.items() if snapshot.last.get(name, "ok") != "ok"]


def _saving(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    failed = failed_saves(snapshot)
    stopped = "MISCONF" in (snapshot.ping_error, snapshot.probe.error)
    if not failed and not stopped:
        return
    changes = snapshot.number("rdb_changes_since_last_save", 0.0) or 0.0
    evidence = [*failed, f"{count(changes, 'change')} since the last good save"]
    if stopped:
        evidence.append("it refuses all writes (MISCONF), and even PING gets that error")
    yield settings.finding(
        "redis.persistence.failing",
        CRITICAL,
        "P2",
        "can't save its data" + (" and refuses writes because of it" if stopped else ""),
        observed={"failed": failed, "refuses_writes": stopped, "changes_since_save": int(changes)},
        threshold={"failed": []},
        evidence=evidence,
        causes=(
            "the disk is full, or the directory is not writable (the server's log says which)",
            "the fork found no memory (vm.overcommit_memory)",
        ),
        remedies=(
            Remedy("Mend the disk, the directory or the memory, then save", "low", settings.command("BGSAVE")),
            Remedy("stop-writes-on-bgsave-error no is no cure: it lets data in that nothing saves", "disruptive"),
        ),
        details={"refuses_writes": stopped},
    )


def _stale_save(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Only where it is meant to save: without a save line, or with AOF, an old RDB is by design."""
    rules = (snapshot.config or {}).get("save", "")
    changes = snapshot.number("rdb_changes_since_last_save", 0.0) or 0.0
    saved = snapshot.number("rdb_last_save_time")
    if not rules or snapshot.last.get("aof_enabled") == "1" or not changes or saved is None or not snapshot.now:
        return
    age = snapshot.now - saved
    level = settings.level("save_age_hours", age / 3600)
    if level is None:
        return
    yield settings.finding(
        "redis.persistence.stale",
        level,
        "P3",
        f"was last saved {span(age)} ago, with {count(changes, 'change')} since",
        observed={"age_seconds": round(age), "changes": int(changes)},
        threshold=settings.pair("save_age_hours"),
        causes=("its save rules are met too rarely", "saves are switched off while it runs"),
        remedies=(Remedy("Save it", "low", settings.command("BGSAVE")),),
    )


def _replica(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    last = snapshot.last
    if last.get("master_link_status") == "up":
        return
    down = snapshot.number("master_link_down_since_seconds", -1.0) or 0.0
    syncing = last.get("master_sync_in_progress") == "1"
    stale = "MASTERDOWN" in (snapshot.ping_error, snapshot.probe.error)
    primary = f"{last.get('master_host', '?')}:{last.get('master_port', '?')}"
    said = [f"the link to {primary} is down" + (f" since {span(down)}" if down > 0 else "")]
    if syncing:
        left = snapshot.number("master_sync_left_bytes")
        said.append("a full copy is under way" + (f", {size(left)} to go" if left and left > 0 else ""))
    if stale:
        said.append("it refuses reads meanwhile (MASTERDOWN: replica-serve-stale-data is no)")
    yield settings.finding(
        "redis.replication.down",
        WARNING if syncing else CRITICAL,
        "P2",
        f"is a replica, and its link to {primary} is down" + ("; it refuses all reads" if stale else ""),
        observed={
            "link": last.get("master_link_status"),
            "down_seconds": down,
            "syncing": syncing,
            "refuses_reads": stale,
        },
        threshold={"link": "up"},
        evidence=said,
        causes=("its primary is down or unreachable", "the credential for replication is wrong (masterauth)"),
        remedies=(
            Remedy("Bring the primary back; this replica then catches up by itself"),
            Remedy(
                "Where the primary is lost: promote one replica and move the clients there",
                "destructive",
                settings.command("REPLICAOF", "NO", "ONE"),
            ),
        ),
        since=snapshot.now - down if down > 0 and snapshot.now else None,
        details={"primary": primary, "syncing": syncing, "refuses_reads": stale},
    )


def replicas(snapshot: RedisSnapshot) -> list[dict[str, str]]:
    """The replicas that a primary knows: ip, port, state, offset, lag."""
    return [
        {"id": name, **fields(value)}
        for name, value in sorted(snapshot.last.items())
        if REPLICA.fullmatch(name) and "state=" in value
    ]


def _primary(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    known = replicas(snapshot)
    connected = int(snapshot.number("connected_slaves", 0.0) or 0.0)
    if settings.expected_replicas is not None and connected < settings.expected_replicas:
        yield settings.finding(
            "redis.replication.missing",
            CRITICAL if connected == 0 else WARNING,
            "P2",
            f"has {connected} of {settings.expected_replicas} replicas",
            observed={"connected": connected},
            threshold={"expected": settings.expected_replicas},
            evidence=[f"{r.get('ip')}:{r.get('port')} {r.get('state')}" for r in known],
            causes=("a replica is down", "a replica can't reach this primary"),
            remedies=(Remedy("Look at the replica that is missing; the primary itself is well"),),
        )
    at = snapshot.number("master_repl_offset", 0.0) or 0.0
    behind = [(r, at - whole(r.get("offset"))) for r in known]
    late = [
        (r, gap) for r, gap in behind if settings.level("replication_gap_mib", gap / MIB) or r.get("state") != "online"
    ]
    if not late:
        return
    worst = max(gap for _r, gap in late)
    yield settings.finding(
        "redis.replication.lagging",
        settings.level("replication_gap_mib", worst / MIB) or WARNING,
        "P2",
        f"has {count(len(late), 'replica')} behind, by {size(worst)} at most",
        observed={"gap_bytes": round(worst), "replicas": len(late)},
        threshold=settings.pair("replication_gap_mib"),
        evidence=[f"{r.get('ip')}:{r.get('port')} {r.get('state')}, {size(gap)} behind" for r, gap in late],
        causes=("the replica or the network is slower than the writes", "it is being copied anew"),
        remedies=(Remedy("Look at the replica's CPU, disk and network; a restart would copy everything anew"),),
    )


def _cluster(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    data = snapshot.cluster
    if data is None:
        return
    state = data.get("cluster_state", "")
    failing = whole(data.get("cluster_slots_fail")) + whole(data.get("cluster_slots_pfail"))
    if state == "ok" and not failing:
        return
    assigned = whole(data.get("cluster_slots_assigned"))
    yield settings.finding(
        "redis.cluster.down",
        CRITICAL,
        "P1",
        f"is part of a cluster whose state is {safe_name(state) or 'unknown'}, with {failing} slots failing",
        observed={"state": safe_name(state), "slots_failing": failing, "slots_assigned": assigned},
        threshold={"state": "ok", "slots_failing": 0, "slots_assigned": 16384},
        causes=("a node that holds slots is down and has no replica to take over", "slots are not assigned"),
        remedies=(Remedy("Bring the failed node back; see CLUSTER NODES for which one", "low"),),
        details={"state": safe_name(state)},
    )


def _sentinel(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    bad = [m for m in snapshot.masters or () if m.quorum_error or "down" in m.flags]
    if not bad:
        return
    yield settings.finding(
        "redis.sentinel.failing",
        CRITICAL,
        "P1",
        f"is a Sentinel that can't vouch for {', '.join(safe_name(m.name) for m in bad)}",
        observed={"masters": [safe_name(m.name) for m in bad]},
        evidence=[f"{safe_name(m.name)}: {m.flags}{', ' + m.quorum_error if m.quorum_error else ''}" for m in bad],
        causes=("the primary is down", "too few Sentinels see each other for a failover"),
        remedies=(Remedy("Bring back the primary, or enough Sentinels for the quorum", "low"),),
    )
