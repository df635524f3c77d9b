# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection slots and sessions of a PostgreSQL snapshot -> findings. Pure.

Each session is blamed once: who waits for a lock is no long query, and a root that is idle in transaction is no lock
chain.
"""

from __future__ import annotations

import collections
import typing as t

from .findings import Finding, Remedy
from .postgresql_locks import Chain, chains
from .postgresql_protect import protected
from .postgresql_reach import FULL
from .postgresql_settings import Settings
from .postgresql_snapshot import CLIENT, Limit, PostgresqlSnapshot, Session
from .quantities import count

MOST = 20


def judge_sessions(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    yield from _headroom(snapshot, settings)
    yield from _limits(snapshot, settings)
    if snapshot.sessions is None or snapshot.hides_states:
        return
    found = chains(snapshot)
    yield from _idle(snapshot, settings)
    yield from _idle_in_transaction(snapshot, settings, found)
    yield from _blocked(snapshot, settings, found)
    yield from _long(snapshot, settings, found)


def clients(snapshot: PostgresqlSnapshot) -> list[Session]:
    return [session for session in snapshot.sessions or () if session.kind == CLIENT]


def age(snapshot: PostgresqlSnapshot, since: float | None) -> float:
    return 0.0 if since is None else max(0.0, snapshot.now - since)


def saturated(snapshot: PostgresqlSnapshot, settings: Settings) -> str | None:
    """critical or warning where slots run short, else None."""
    slots = snapshot.slots
    if slots is None:
        return None
    level = settings.level("used_percent", slots.used_percent)
    # Of a small server a few slots are a good part: there the percentage alone counts.
    return "critical" if level and slots.headroom <= settings.least_headroom else level


def _headroom(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    level, slots = saturated(snapshot, settings), snapshot.slots
    if level is None or slots is None:
        return
    full = slots.headroom <= 0 or snapshot.ordinary is not None
    text = f"{slots.used} of {slots.capacity} connection slots are taken ({slots.used_percent:.0f} %)"
    yield Finding(
        id=FULL.id if full else "postgresql.connections.headroom",
        component=settings.component,
        subject=f"connection slots of {snapshot.address}",
        state="critical" if full else level,
        severity="P1" if full else "P2" if level == "critical" else "P3",
        summary=f"PostgreSQL at {snapshot.address} has no free connection slot: {text}"
        if full
        else f"PostgreSQL is short of slots: {text}",
        observed={"used": slots.used, "capacity": slots.capacity, "headroom": slots.headroom},
        threshold={"used_percent": settings.pair("used_percent"), "headroom": settings.least_headroom},
        evidence=(
            f"max_connections {slots.maximum}, of which {slots.superuser_reserved + slots.reserved} are reserved",
            *(_who(clients(snapshot))),
        ),
        causes=FULL.causes,
        remedies=FULL.remedies,
        details={"used": slots.used, "capacity": slots.capacity, "reserve_used": snapshot.reserve_used},
    )


def _who(sessions: t.Sequence[Session]) -> list[str]:
    """The clients with most sessions: who, how many, in which states."""
    alike = collections.Counter([(s.client or "local", s.user, s.application, s.state or "unknown") for s in sessions])
    groups: dict[tuple[str, str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for (client, user, application, state), number in alike.items():
        groups[(client, user, application)][state] = number
    counted = [(-sum(found.values()), who, found) for who, found in groups.items()]
    return [
        f"{-number} of {user or '?'} from {client}, application {application or '?'}: {_told(found)}"
        for number, (client, user, application), found in sorted(counted, key=lambda item: item[:2])[:5]
    ]


def states(sessions: t.Iterable[Session]) -> str:
    return _told(collections.Counter([session.state or "unknown" for session in sessions]))


def _told(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in counts.most_common())


def _limits(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Roles and databases that reach their own limit, one finding for each kind."""
    for kind in ("role", "database"):
        near = [limit for limit in snapshot.limits or () if limit.kind == kind and _level(limit, settings)]
        if near:
            worst = max(near, key=lambda limit: limit.used / max(1, limit.limit))
            yield _limit(kind, near, worst, settings)


def _level(limit: Limit, settings: Settings) -> str | None:
    """A limit of 0 closes a role or database on purpose."""
    return settings.level("limit_percent", 100.0 * limit.used / limit.limit) if limit.limit > 0 else None


def _limit(kind: str, near: t.Sequence[Limit], worst: Limit, settings: Settings) -> Finding:
    return Finding(
        id="postgresql.connections.role_limit" if kind == "role" else "postgresql.connections.database_limit",
        component=settings.component,
        subject=f"{kind} {worst.name}",
        state=_level(worst, settings) or "warning",
        severity="P2",
        summary=f"The connection limit of {kind} {worst.name} is reached: {worst.used} of {worst.limit}",
        observed={limit.name: limit.used for limit in near[:MOST]},
        threshold=settings.pair("limit_percent"),
        evidence=tuple(f"{kind} {limit.name}: {limit.used} of {limit.limit} connections" for limit in near[:MOST]),
        causes=(f"the {kind}'s clients hold more connections than its CONNECTION LIMIT allows; the server has slots",),
        remedies=(
            Remedy(f"Find out what opens the connections of {kind} {worst.name}, and lower its pool"),
            Remedy(
                f"Raise its CONNECTION LIMIT within the server's headroom: ALTER {kind.upper()} ... CONNECTION LIMIT n",
                "low",
            ),
        ),
        details={"kind": kind, "name": worst.name, "limit": worst.limit, "used": worst.used},
    )


def _idle(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Idle sessions matter only where slots run short; then they are why."""
    everyone, before = clients(snapshot), snapshot.now - settings.idle_age
    idle = [s for s in everyone if s.idle and s.since is not None and s.since <= before]
    share = 100.0 * len(idle) / len(everyone) if everyone else 0.0
    level = settings.level("idle_share_percent", share)
    if level is None or saturated(snapshot, settings) is None:
        return
    yield Finding(
        id="postgresql.connections.idle",
        component=settings.component,
        subject=f"{len(idle)} idle sessions",
        state=level,
        severity="P2",
        summary=f"{len(idle)} of {len(everyone)} sessions idle for over {settings.idle_age:g} s, and slots run short",
        observed={"idle": len(idle), "sessions": len(everyone), "share_percent": round(share, 1)},
        threshold=settings.pair("idle_share_percent"),
        evidence=tuple(_who(idle)),
        causes=("a client's pool is larger than it needs, or it leaks connections",),
        remedies=(
            Remedy("Lower the idle size of the client's pool, or restart that client"),
            Remedy("End the oldest idle sessions, only as many as restore the headroom", "disruptive"),
        ),
        since=min((s.since for s in idle if s.since is not None), default=None),
        details={
            "idle": len(idle),
            "endable": len([s for s in idle if not protected(s, snapshot, settings.protection)]),
        },
    )


def _idle_in_transaction(
    snapshot: PostgresqlSnapshot, settings: Settings, found: t.Sequence[Chain]
) -> t.Iterator[Finding]:
    blocks = {chain.root: chain for chain in found}
    bad: list[tuple[str, Session, Chain | None]] = []
    for session in clients(snapshot):
        if session.idle_in_transaction:
            chain = blocks.get(session.pid)
            name = "transaction_blocking_seconds" if chain else "transaction_idle_seconds"
            level = settings.level(name, age(snapshot, session.since if chain else session.transaction_at))
            level = "critical" if chain and settings.level("lock_waiters", len(chain.waiters)) else level
            if level:
                bad.append((level, session, chain))
    if not bad:
        return
    bad.sort(key=lambda item: (-(len(item[2].waiters) if item[2] else 0), item[1].transaction_at or 0.0))
    blocked = sum(len(chain.waiters) for _level, _session, chain in bad if chain)
    first = bad[0][1]
    yield Finding(
        id="postgresql.transaction.idle",
        component=settings.component,
        subject=first.name if len(bad) == 1 else f"{len(bad)} sessions",
        state="critical" if any(level == "critical" for level, _session, _chain in bad) else "warning",
        severity="P2",
        summary=f"{count(len(bad), 'session')} idle in transaction"
        + (f", blocking {count(blocked, 'other')}: {first.name}" if blocked else f", the oldest {first.name}"),
        observed={
            "sessions": len(bad),
            "blocked": blocked,
            "oldest_seconds": round(age(snapshot, first.transaction_at)),
        },
        threshold={name: settings.pair(name) for name in ("transaction_blocking_seconds", "transaction_idle_seconds")},
        evidence=tuple(_transaction(snapshot, session, chain) for _level, session, chain in bad[:MOST]),
        causes=("a client waits for something else inside a transaction, or forgot to end it",),
        remedies=(
            Remedy(
                "Find out what the client waits for; idle_in_transaction_session_timeout keeps it from happening again"
            ),
            Remedy(
                "End that session; its transaction is rolled back",
                "disruptive",
                f"SELECT pg_terminate_backend({first.pid})",
            ),
        ),
        since=min((s.transaction_at for _level, s, _chain in bad if s.transaction_at is not None), default=None),
        details={
            "roots": [_root(s, snapshot, settings) for _level, s, _chain in bad[:MOST]],
            "pids": [s.pid for _l, s, _c in bad][:MOST],
        },
    )


def _transaction(snapshot: PostgresqlSnapshot, session: Session, chain: Chain | None) -> str:
    blocks = f", blocks {count(len(chain.waiters), 'session')}" if chain else ""
    wrote = ", has written" if session.wrote else ""
    old = age(snapshot, session.transaction_at)
    return f"{session.name}: transaction open for {old:.0f} s{wrote}{blocks}; last statement {session.query[:120]}"


def _blocked(snapshot: PostgresqlSnapshot, settings: Settings, found: t.Sequence[Chain]) -> t.Iterator[Finding]:
    bad: list[tuple[str, Chain]] = []
    for chain in found:
        root = snapshot.session(chain.root)
        level = settings.level("lock_wait_seconds", age(snapshot, chain.since))
        level = "critical" if settings.level("lock_waiters", len(chain.waiters)) else level
        if level and not (root and root.idle_in_transaction):
            bad.append((level, chain))
    if not bad:
        return
    first = bad[0][1]
    waiters = sum(len(chain.waiters) for _level, chain in bad)
    roots = [snapshot.session(chain.root) for _level, chain in bad]
    root = roots[0]
    who = root.name if root else "a prepared transaction"
    yield Finding(
        id="postgresql.locks.blocked",
        component=settings.component,
        subject=who if len(bad) == 1 else f"{len(bad)} blockers",
        state="critical" if any(level == "critical" for level, _chain in bad) else "warning",
        severity="P2",
        summary=f"{count(waiters, 'session')} {'waits' if waiters == 1 else 'wait'} for locks; at the root is {who}",
        observed={"waiters": waiters, "roots": len(bad), "longest_seconds": round(age(snapshot, first.since))},
        threshold={name: settings.pair(name) for name in ("lock_wait_seconds", "lock_waiters")},
        evidence=tuple(line for _level, chain in bad[:5] for line in _chain_lines(snapshot, chain)),
        causes=("the root's statement holds a lock that the others want; those in between hold and wait",),
        remedies=(
            Remedy("Cancel the root's statement", "disruptive", f"SELECT pg_cancel_backend({first.root})"),
            Remedy(
                "End the root's session, where cancelling does not help",
                "disruptive",
                f"SELECT pg_terminate_backend({first.root})",
            ),
        ),
        since=min((chain.since for _level, chain in bad if chain.since is not None), default=None),
        details={"roots": [_root(s, snapshot, settings) for s in roots if s][:MOST]},
    )


def _chain_lines(snapshot: PostgresqlSnapshot, chain: Chain) -> list[str]:
    root = snapshot.session(chain.root)
    lines = [
        f"root {root.name}, {root.state}: {root.query[:120]}"
        if root
        else f"root pid {chain.root or 'of a prepared transaction'}"
    ]
    for waiter in chain.waiters[:5]:
        session = snapshot.session(waiter.pid)
        behind = ", ".join(str(pid) for pid in waiter.blockers)
        who = session.name if session else f"pid {waiter.pid}"
        lines.append(f"{who} waits {age(snapshot, waiter.since):.0f} s for {waiter.wanted or 'a lock'} behind {behind}")
    return lines


def _long(snapshot: PostgresqlSnapshot, settings: Settings, found: t.Sequence[Chain]) -> t.Iterator[Finding]:
    roots = {chain.root for chain in found}
    running = [s for s in clients(snapshot) if s.state == "active" and s.wait_type != "Lock" and s.pid not in roots]
    old = [s for s in running if not s.replication and settings.level("query_seconds", age(snapshot, s.query_at))]
    if not old:
        return
    old.sort(key=lambda session: session.query_at or 0.0)
    first = old[0]
    yield Finding(
        id="postgresql.query.long",
        component=settings.component,
        subject=first.name if len(old) == 1 else f"{len(old)} queries",
        state=settings.level("query_seconds", age(snapshot, first.query_at)) or "warning",
        severity="P3",
        summary=f"{'One query runs' if len(old) == 1 else f'{len(old)} queries run'} for long: {first.name}",
        observed={"queries": len(old), "longest_seconds": round(age(snapshot, first.query_at))},
        threshold=settings.pair("query_seconds"),
        evidence=tuple(
            f"{s.name}, {age(snapshot, s.query_at):.0f} s, {s.wait or 'on CPU'}: {s.query[:120]}" for s in old[:MOST]
        ),
        causes=("a plan that got worse, a missing index, or a report that belongs elsewhere",),
        remedies=(
            Remedy("Ask whose it is; EXPLAIN it"),
            Remedy("Cancel the statement; its session stays", "disruptive", f"SELECT pg_cancel_backend({first.pid})"),
        ),
        since=first.query_at,
        details={"pids": [s.pid for s in old[:MOST]], "roots": [_root(s, snapshot, settings) for s in old[:MOST]]},
    )


def _root(session: Session, snapshot: PostgresqlSnapshot, settings: Settings) -> dict[str, t.Any]:
    """What a plan has to know about a session that is to blame: who it is exactly, and why it may have to stay."""
    kept = protected(session, snapshot, settings.protection) or ""
    return {**session.identity, "state": session.state, "who": session.name, "protected": kept}
