# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and its clients: how many, who, how blocked, how much they hold, and whom it turns away. Pure."""

from __future__ import annotations

import collections
import re
import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import count, size, span
from .redis_judge_state import judge_paused, writes_paused
from .redis_parse import errors, place, safe_name, whole
from .redis_settings import MIB, Settings
from .redis_snapshot import Client, RedisSnapshot, growth

NUMBER = re.compile(r"\d+$")
BASELINE_AGE = 300.0
"""Blocked clients are compared with looks that are at least so old (seconds)."""
REPLICA_BUFFER = 10 * MIB
LOGIN_ERRORS = ("NOAUTH", "WRONGPASS", "NOPERM")


def judge_clients(
    snapshot: RedisSnapshot, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]
) -> t.Iterator[Finding]:
    if writes_paused(snapshot):
        yield judge_paused(snapshot, settings)
    yield from _number_of_clients(snapshot, settings)
    yield from _blocked(snapshot, settings, history)
    yield from _buffers(snapshot, settings)
    yield from _login_failures(snapshot, settings)


def maxclients(snapshot: RedisSnapshot) -> int:
    """The limit: of INFO (7.0 and newer), else of CONFIG GET; 0 where neither says it."""
    found = snapshot.number("maxclients")
    return int(found) if found is not None else whole((snapshot.config or {}).get("maxclients"))


def limit_reached(snapshot: RedisSnapshot, settings: Settings) -> Finding:
    """Refused at the door. There is no place kept for an administrator, so nothing more can be seen from here."""
    return settings.finding(
        "redis.clients.full",
        CRITICAL,
        "P2",
        "turns new clients away: maxclients is reached",
        observed={"refused": True},
        evidence=(snapshot.login or snapshot.probe.text,),
        causes=("connections leak: a client opens more than it closes", "a pool is too big, or too many instances run"),
        remedies=(
            Remedy("Stop or restart the client that holds too many, so that its connections close", "low"),
            Remedy("From a connection that is still open: kill idle clients, then raise maxclients", "disruptive"),
            Remedy("Restart Redis as the last resort: what is not saved is lost", "destructive"),
        ),
        details={"at_the_door": True},
    )


def _number_of_clients(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """The look's own connection is not counted: it would not be there otherwise."""
    limit = maxclients(snapshot)
    connected = max(0.0, (snapshot.number("connected_clients", 0.0) or 0.0) - 1)
    if not limit:
        return
    percent = 100.0 * connected / limit
    rejected = snapshot.delta("rejected_connections") or 0.0
    rate = 60.0 * rejected / snapshot.window if snapshot.window else 0.0
    full = connected + 1 >= limit or settings.level("rejected_per_minute", rate) is not None
    level = settings.level("clients_percent", percent)
    if not full and level is None:
        return
    evidence = [f"{connected:.0f} of {limit} clients"] + ([f"{rejected:.0f} turned away meanwhile"] if rejected else [])
    yield settings.finding(
        "redis.clients.full" if full else "redis.clients.high",
        CRITICAL if full else level or WARNING,
        "P2",
        f"has {connected:.0f} of at most {limit} clients" + (f" and turned {rejected:.0f} away" if rejected else ""),
        observed={"connected": int(connected), "maxclients": limit, "rejected": int(rejected)},
        threshold={
            **settings.thresholds["clients_percent"],
            "rejected_per_minute": settings.thresholds["rejected_per_minute"]["warn"],
        },
        evidence=evidence + _who(snapshot),
        causes=("connections leak: a client opens more than it closes", "a pool is too big, or too many instances run"),
        remedies=(
            Remedy("Kill the longest idle clients with redis_clients, only as many as give room again", "disruptive"),
            Remedy("Mend the pool of the client that is named above; restart that client, not Redis", "low"),
            Remedy("Raise maxclients, where the limit of open files allows it", "low"),
        ),
        details={"connected": int(connected), "maxclients": limit, "at_the_door": False},
    )


def _who(snapshot: RedisSnapshot) -> list[str]:
    """The biggest holders of connections, by name and host, and how idle they are."""
    return [
        f"{row['clients']} from {row['host']}, name {row['name'] or 'none'}, idle up to {span(row['idle_max'])}"
        for row in holders(snapshot.clients or ())[:3]
    ]


def holders(clients: t.Iterable[Client]) -> list[dict[str, t.Any]]:
    """Clients by name (without a number at its end), user and host; the biggest group first."""
    groups: dict[tuple[str, str, str], list[Client]] = collections.defaultdict(list)
    for client in clients:
        groups[NUMBER.sub("*", client.name), client.user, client.host].append(client)
    rows = [
        {
            "name": safe_name(name),
            "user": safe_name(user),
            "host": place(host),
            "clients": len(members),
            "idle_max": max(c.idle for c in members),
            "idle_min": min(c.idle for c in members),
            "memory": sum(c.memory for c in members),
        }
        for (name, user, host), members in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row["clients"], row["name"], row["host"]))


def _blocked(
    snapshot: RedisSnapshot, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]
) -> t.Iterator[Finding]:
    """Blocked consumers are at work; only many more of them than usual say that nobody feeds the queues."""
    blocked = snapshot.number("blocked_clients", 0.0) or 0.0
    usual = float(settings.expected_blocked) if settings.expected_blocked is not None else _baseline(snapshot, history)
    if usual is None or writes_paused(snapshot) or blocked - usual < 2:
        return
    level = settings.level("blocked_ratio", blocked / max(usual, 1.0))
    if level is None:
        return
    yield settings.finding(
        "redis.clients.blocked",
        WARNING,
        "P3",
        f"has {count(blocked, 'client')} blocked in a waiting command; {usual:.0f} are usual",
        observed={"blocked": int(blocked)},
        threshold={"usual": usual, "times": settings.thresholds["blocked_ratio"]["warn"]},
        causes=("nobody writes to the lists or streams that they wait for", "consumers were started and not stopped"),
        remedies=(Remedy("Look at the producers of those queues; blocked consumers are no fault by themselves"),),
    )


def _baseline(snapshot: RedisSnapshot, history: t.Sequence[t.Mapping[str, t.Any]]) -> float | None:
    """The median of blocked clients over older looks at the same server process; None without any."""
    seen = sorted(
        float(sample["blocked"])
        for sample in history
        if isinstance(sample.get("blocked"), (int, float))
        and sample.get("run_id") == snapshot.last.get("run_id")
        and snapshot.now - float(sample.get("at") or 0) >= BASELINE_AGE
    )
    return seen[len(seen) // 2] if seen else None


def _buffers(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    said, worst = [], WARNING
    normal = [c for c in snapshot.clients or () if not set(c.flags) & set("SMO")]
    total = snapshot.number("mem_clients_normal")
    if total is None:
        total = float(sum(c.memory for c in normal))
    average = total / max(len(normal), 1) if snapshot.clients is not None else 0.0
    level = settings.level("client_buffer_kib", average / 1024)
    if level:
        worst = level
        said.append(f"a client holds {size(average)} on the average, all of them {size(total)}")
    replicas = snapshot.number("mem_clients_slaves", 0.0) or 0.0
    if replicas > REPLICA_BUFFER:
        said.append(f"buffers of replicas hold {size(replicas)}: a replica reads too slowly")
    if not said:
        return
    top = sorted(snapshot.clients or (), key=lambda c: -c.memory)[:10]
    yield settings.finding(
        "redis.clients.buffers",
        worst,
        "P3",
        "keeps too much in the buffers of its clients",
        observed={"average_bytes": round(average), "replica_bytes": round(replicas)},
        threshold=settings.pair("client_buffer_kib"),
        evidence=said + [f"id {c.id} {place(c.address)} {safe_name(c.name)}: {size(c.memory)}" for c in top[:5]],
        causes=("a client sends or asks for too much at once", "a client reads its answers too slowly"),
        remedies=(
            Remedy("Look at those clients, then kill the one that does not read: CLIENT KILL ID", "disruptive"),
            Remedy("Limit what a client may hold: client-output-buffer-limit, maxmemory-clients", "low"),
        ),
        details={"clients": [{"id": c.id, "address": place(c.address), "bytes": c.memory} for c in top]},
    )


def _login_failures(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Refused logins and commands of others within the window; its own are not counted."""
    if not snapshot.later:
        return
    before, after = errors(snapshot.info), errors(snapshot.later)
    found = {kind: int(growth(before.get(kind, 0), after.get(kind, 0))) for kind in LOGIN_ERRORS}
    found["NOPERM"] = max(0, found["NOPERM"] - snapshot.own_denied)
    denied = {kind: number for kind, number in found.items() if number > 0}
    if not denied:
        return
    said = ", ".join(f"{kind} {number} times" for kind, number in denied.items())
    yield settings.finding(
        "redis.auth.failures",
        WARNING,
        "P3",
        f"refuses logins or commands of others: {said} within {snapshot.window:.1f} s",
        observed=denied,
        threshold={"errors": 0},
        causes=("a password was changed, and a client still has the old one", "a client lacks rights that it needs"),
        remedies=(Remedy("Find the client in ACL LOG, and roll its credential or its rights out"),),
        details={"errors": denied},
    )
