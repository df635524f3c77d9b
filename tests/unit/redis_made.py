# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of Redis for tests: a healthy server, and what differs from it."""

from __future__ import annotations

import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.redis_snapshot import Probe, RedisSnapshot

ADDRESS = "cache.example:6379"
NOW = 1_700_000_000.0
ANSWERED: dict[str, str] = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "run_id": "a" * 40,
    "connected_clients": "5",
    "maxclients": "10000",
    "blocked_clients": "0",
    "used_memory": "2000000",
    "used_memory_rss": "9000000",
    "used_memory_peak": "2100000",
    "total_system_memory": "8000000000",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "mem_fragmentation_ratio": "4.5",
    "mem_fragmentation_bytes": "7000000",
    "loading": "0",
    "rdb_last_bgsave_status": "ok",
    "rdb_last_save_time": str(int(NOW) - 60),
    "rdb_changes_since_last_save": "0",
    "aof_enabled": "0",
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "latest_fork_usec": "300",
    "role": "master",
    "connected_slaves": "0",
    "master_repl_offset": "0",
    "total_commands_processed": "1000",
    "rejected_connections": "0",
    "evicted_keys": "0",
    "keyspace_hits": "0",
    "keyspace_misses": "0",
    "cluster_enabled": "0",
    "db0": "keys=10,expires=9,avg_ttl=0",
}


def probed(**changes: t.Any) -> Probe:
    return Probe(**{"address": ADDRESS, "kind": "ok", "ms": 0.4, "connect_ms": 0.1, **changes})


def silent(kind: str, message: str = "nothing") -> RedisSnapshot:
    return RedisSnapshot(ADDRESS, probed(kind=kind, message=message))


def made(
    info: dict[str, str] | None = None,
    later: dict[str, str] | None | bool = True,
    probe: dict[str, t.Any] | None = None,
    **changes: t.Any,
) -> RedisSnapshot:
    """A healthy server with these changes. info={}: INFO was not answered. later=None: it was read once only."""
    error = (probe or {}).get("error")
    first = {} if info == {} else {**ANSWERED, **(info or {})}
    second: dict[str, str] = {}
    if first and later is not None and error != "LOADING":
        second = {**first, **(later if isinstance(later, dict) else {})}
    values: dict[str, t.Any] = {
        "address": ADDRESS,
        "probe": probed(**(probe or {})),
        "info": first,
        "later": second,
        "window": 2.0 if second else 0.0,
        "now": NOW,
        "own_id": 7,
        "user": "default",
        "pings": () if error else (0.2, 0.2, 0.3),
        "clients": (),
        "slowlog": (),
        "latency": (),
        "config": {"save": "", "maxclients": "10000"},
    }
    return RedisSnapshot(**{**values, **changes})
