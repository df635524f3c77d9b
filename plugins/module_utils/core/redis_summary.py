# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis snapshot as the plain JSON that a check returns: totals and top lists, no value and no secret. Pure."""

from __future__ import annotations

import bisect
import collections
import typing as t

from .redis_judge_clients import holders, maxclients
from .redis_judge_data import replicas
from .redis_judge_memory import evicts, policy_of, refusals
from .redis_judge_speed import rtt
from .redis_parse import databases, errors, place, safe_name
from .redis_snapshot import Client, RedisSnapshot

TOP = 10
MOST_LINES = 500
SERVER = (
    "redis_version",
    "valkey_version",
    "redis_mode",
    "run_id",
    "os",
    "uptime_in_seconds",
    "executable",
    "config_file",
)
MEMORY = (
    "used_memory",
    "used_memory_rss",
    "used_memory_dataset",
    "used_memory_peak",
    "maxmemory",
    "total_system_memory",
)
FRAGMENTS = ("mem_fragmentation_ratio", "allocator_frag_ratio", "mem_clients_normal", "lazyfree_pending_objects")
SAVING = ("rdb_last_bgsave_status", "rdb_last_save_time", "rdb_changes_since_last_save", "rdb_bgsave_in_progress")
AOF = ("aof_enabled", "aof_last_write_status", "aof_last_bgrewrite_status", "latest_fork_usec", "rdb_last_cow_size")
REPLICATION = ("role", "master_host", "master_port", "master_link_status", "connected_slaves", "master_repl_offset")
COUNTERS = ("total_commands_processed", "rejected_connections", "evicted_keys", "expired_keys", "keyspace_hits")
MORE_COUNTERS = ("keyspace_misses", "total_connections_received", "total_error_replies")


def summary(snapshot: RedisSnapshot) -> dict[str, t.Any]:
    """Everything that a plan or a report needs to know about one look."""
    data: dict[str, t.Any] = {
        "address": snapshot.address,
        "probe": {
            "kind": snapshot.probe.kind,
            "error": snapshot.probe.error,
            "ms": snapshot.probe.ms,
            "connect_ms": round(snapshot.probe.connect_ms, 2),
        },
        "user": snapshot.user,
        "ping_ms": list(snapshot.pings),
        "ping_median_ms": rtt(snapshot),
        "ping_error": snapshot.ping_error,
        "refused": dict(snapshot.refused),
    }
    if snapshot.info:
        data.update(_of_info(snapshot))
    if snapshot.clients is not None:
        data["clients"] = {**data.get("clients", {}), **client_summary(snapshot.clients, snapshot.own_id)}
    data.update(_extras(snapshot))
    return data


def _of_info(snapshot: RedisSnapshot) -> dict[str, t.Any]:
    last = snapshot.last
    counters = {name: snapshot.delta(name) for name in (*COUNTERS, *MORE_COUNTERS) if name in last}
    if counters.get(COUNTERS[0]) is not None:
        counters[COUNTERS[0]] = max(0.0, (counters[COUNTERS[0]] or 0.0) - snapshot.own_commands)
    return {
        "server": _pick(last, SERVER),
        "memory": {**_pick(last, (*MEMORY, *FRAGMENTS)), "policy": policy_of(snapshot), "evicts": evicts(snapshot)},
        "persistence": _pick(last, (*SAVING, *AOF, "loading", "loading_eta_seconds", "loading_loaded_perc")),
        "replication": {**_pick(last, REPLICATION), "replicas": [_replica(row) for row in replicas(snapshot)]},
        "keyspace": {str(number): db for number, db in databases(last).items()},
        "clients": {
            "connected": snapshot.number("connected_clients"),
            "blocked": snapshot.number("blocked_clients"),
            "maxclients": maxclients(snapshot),
        },
        "deltas": {**counters, "seconds": round(snapshot.window, 2), "refused_writes": refusals(snapshot)},
        "errors": errors(last),
    }


def _pick(data: t.Mapping[str, str], names: t.Iterable[str]) -> dict[str, t.Any]:
    return {name: _plain(data[name]) for name in names if name in data}


def _plain(text: str) -> t.Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _replica(row: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {name: _plain(row[name]) for name in ("ip", "port", "state", "offset", "lag") if name in row}


def client_summary(clients: t.Sequence[Client], own_id: int = 0) -> dict[str, t.Any]:
    """Totals by name, host and command, idle times, and the biggest; own: the connection of the look itself."""
    others = [client for client in clients if client.id != own_id]
    idle = collections.Counter(bisect.bisect_right(IDLE_LIMITS, client.idle) for client in others)
    flags = collections.Counter(client.flags for client in others)
    commands = collections.Counter(client.command for client in others)
    biggest = sorted(others, key=lambda client: -client.memory)[:TOP]
    return {
        "listed": len(others),
        "own": own_id,
        "replicas": sum(number for flag, number in flags.items() if "S" in flag),
        "subscribers": sum(client.subscriptions > 0 for client in others),
        "monitors": sum(number for flag, number in flags.items() if "O" in flag),
        "idle": {name: idle[place] for place, name in enumerate(IDLE_NAMES) if idle[place]},
        "holders": holders(others)[:TOP],
        "commands": [{"command": safe_name(name), "clients": n} for name, n in commands.most_common(TOP)],
        "biggest": [{"id": c.id, "address": place(c.address), "memory": c.memory} for c in biggest],
    }


IDLE_NAMES = ("below 1 min", "1 to 5 min", "5 min to 1 h", "above 1 h")
IDLE_LIMITS = (60, 300, 3600)
"""Seconds from which on the next name counts."""


def _extras(snapshot: RedisSnapshot) -> dict[str, t.Any]:
    data: dict[str, t.Any] = {}
    if snapshot.slowlog is not None:
        slow = [{"at": s.at, "seconds": s.seconds, "command": s.command, "first_key": s.key} for s in snapshot.slowlog]
        data["slowlog"] = slow[:TOP]
    if snapshot.latency is not None:
        data["latency"] = [{"event": e.name, "at": e.at, "ms": e.ms, "worst_ms": e.worst_ms} for e in snapshot.latency]
    if snapshot.config is not None:
        data["config"] = dict(snapshot.config)
    if snapshot.keys is not None:
        found = [{"name": safe_name(key.key), "bytes": key.bytes} for key in snapshot.keys.biggest]
        data["biggest_keys"] = {"scanned": snapshot.keys.scanned, "complete": snapshot.keys.complete, "found": found}
    if snapshot.cluster is not None:
        data["cluster"] = {name: _plain(value) for name, value in snapshot.cluster.items()}
    if snapshot.masters is not None:
        data["masters"] = [{"name": safe_name(m.name), "flags": m.flags} for m in snapshot.masters]
    return data


def sample(snapshot: RedisSnapshot) -> list[dict[str, t.Any]]:
    """What a later look may judge the past by: one small row."""
    if not snapshot.info:
        return []
    wanted = ("connected_clients", "used_memory", "evicted_keys", "rejected_connections", "connected_slaves")
    return [
        {
            "at": snapshot.now,
            "run_id": snapshot.last.get("run_id", ""),
            "blocked": snapshot.number("blocked_clients", 0.0),
            **{name: snapshot.number(name) for name in wanted},
        }
    ]


def attachments(snapshot: RedisSnapshot) -> dict[str, str]:
    """What evidence keeps: INFO, the clients (the biggest and the longest idle), and what was slow."""
    files = {}
    if snapshot.info:
        files["info.txt"] = "\n".join(f"{name}:{value}" for name, value in snapshot.last.items())
    if snapshot.clients:
        order = sorted(snapshot.clients, key=lambda client: (-client.memory, -client.idle))[:MOST_LINES]
        files["clients.txt"] = "\n".join(_client_line(client) for client in order)
    if snapshot.slowlog:
        files["slowlog.txt"] = "\n".join(f"{s.at:.0f} {s.seconds:.6f} s {s.command} {s.key}" for s in snapshot.slowlog)
    return files


def _client_line(c: Client) -> str:
    who = f"id={c.id} addr={place(c.address)} client={safe_name(c.name)} user={safe_name(c.user)}"
    return f"{who} age={c.age} idle={c.idle} flags={c.flags} db={c.database} cmd={c.command} memory={c.memory}"


def measured(snapshot: RedisSnapshot) -> list[str]:
    """What was looked at, for people: a healthy verdict lists it."""
    said = [f"{snapshot.address} answers" + (f" PING in {rtt(snapshot):.1f} ms" if snapshot.pings else "")]
    if not snapshot.info:
        return said if snapshot.reachable else []
    said.append(
        f"INFO {'twice, ' + format(snapshot.window, '.1f') + ' s apart' if snapshot.later else 'once: no deltas'}"
    )
    if snapshot.clients is not None:
        said.append(f"{len(snapshot.clients)} clients")
    said += [
        name for name, part in (("slowlog", snapshot.slowlog), ("latency events", snapshot.latency)) if part is not None
    ]
    if snapshot.keys is not None:
        said.append(f"sizes of {snapshot.keys.scanned} keys" + ("" if snapshot.keys.complete else " (a sample)"))
    if snapshot.cluster is not None:
        said.append("cluster state")
    return said
