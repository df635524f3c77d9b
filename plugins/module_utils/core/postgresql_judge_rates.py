# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves: logins, deadlocks and rollbacks between two looks, and sessions that are young. Pure.

Two readings of the counters in one look (depth full) come first; else the newest reading of an earlier look that fits.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .findings import Finding, Remedy
from .postgresql_judge_sessions import clients, states
from .postgresql_settings import Settings
from .postgresql_snapshot import Counters, PostgresqlSnapshot, Session

SHORTEST, LONGEST = 1.0, 900.0
"""Seconds between two readings that a rate may be made of."""
FEWEST_DEADLOCKS, FEWEST_LOGINS, FEWEST_TRANSACTIONS = 5, 10, 100


@dataclasses.dataclass(frozen=True)
class Movement:
    """What happened in so many seconds. logins: None before version 14."""

    seconds: float
    deadlocks: int
    commits: int
    rollbacks: int
    logins: int | None


def movements(snapshot: PostgresqlSnapshot, history: t.Sequence[Counters]) -> list[Movement]:
    """The fresh one (both readings in this look) and the one since an earlier look, as far as there are any."""
    if not snapshot.counters:
        return []
    first, last = snapshot.counters[0], snapshot.counters[-1]
    fresh = [first] if len(snapshot.counters) > 1 else []
    earlier = sorted((item for item in history if item.at < first.at), key=lambda item: item.at)[-1:]
    found = (_between(item, last) for item in (*fresh, *earlier))
    return [movement for movement in found if movement is not None]


def _between(old: Counters, new: Counters) -> Movement | None:
    """None where the server restarted, its statistics were reset, or the two are too near or too far apart."""
    seconds = new.at - old.at
    if not SHORTEST <= seconds <= LONGEST or abs(new.start - old.start) > 1.0:
        return None
    deadlocks, commits, rollbacks = (
        new.deadlocks - old.deadlocks,
        new.commits - old.commits,
        new.rollbacks - old.rollbacks,
    )
    logins = None if new.sessions is None or old.sessions is None else new.sessions - old.sessions
    if min(deadlocks, commits, rollbacks, logins or 0) < 0:
        return None
    return Movement(seconds, deadlocks, commits, rollbacks, logins)


def judge_rates(snapshot: PostgresqlSnapshot, settings: Settings, history: t.Sequence[Counters]) -> t.Iterator[Finding]:
    found = movements(snapshot, history)
    yield from _storm(snapshot, settings, found)
    for movement in found[-1:]:
        yield from _deadlocks(movement, settings)
        yield from _rollbacks(movement, settings)


def _storm(snapshot: PostgresqlSnapshot, settings: Settings, found: t.Sequence[Movement]) -> t.Iterator[Finding]:
    """Many new sessions at once, or many logins a second; in both cases one client is behind it, or nobody knows
    who."""
    slots = snapshot.slots
    young = [s for s in clients(snapshot) if s.login_at is not None and snapshot.now - s.login_at < settings.young]
    who, most = _largest(young)
    uptime = snapshot.now - snapshot.started
    capacity = slots.maximum if slots else 0
    level = settings.level("storm_percent", 100.0 * len(young) / capacity) if capacity else None
    if most * 2 < len(young) or uptime < settings.young:
        # Everybody comes back after a restart; and many clients at once are load, no storm.
        level = None
    rate = max((m.logins / m.seconds for m in found if m.logins and m.logins >= FEWEST_LOGINS), default=0.0)
    fast = settings.level("logins_per_second", rate)
    level = "critical" if "critical" in (level, fast) else level or fast
    if level is None:
        return
    some = f"{rate:.0f} logins a second" if fast else f"{len(young)} sessions are younger than {settings.young:g} s"
    by = f"; most from {who}" if who else ""
    yield Finding(
        id="postgresql.connections.storm",
        component=settings.component,
        subject=who or "logins",
        state=level,
        severity="P2",
        summary=f"Connection storm: {some}{by}",
        observed={"young": len(young), "logins_per_second": round(rate, 1), "largest_client": most},
        threshold={name: settings.pair(name) for name in ("storm_percent", "logins_per_second")},
        evidence=(f"{most} of {len(young)} young sessions are of {who}: {states(young)}",) if who else (),
        causes=("a client connects anew for each request, or retries without a pause",),
        remedies=(
            Remedy("Throttle or restart that client; ending its sessions makes it connect again at once"),
            Remedy("Put a pooler between it and the server"),
        ),
        details={"client": who, "young": len(young)},
    )


def _largest(sessions: t.Sequence[Session]) -> tuple[str, int]:
    """The client with most sessions, and how many."""
    counts = collections.Counter((s.user or "?", s.client or "local", s.application or "?") for s in sessions)
    if not counts:
        return "", 0
    (user, client, application), most = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{user} from {client}, application {application}", most


def _deadlocks(movement: Movement, settings: Settings) -> t.Iterator[Finding]:
    rate = 60.0 * movement.deadlocks / movement.seconds
    level = settings.level("deadlocks_per_minute", rate)
    if level is None or movement.deadlocks < FEWEST_DEADLOCKS:
        return
    yield Finding(
        id="postgresql.deadlocks",
        component=settings.component,
        subject="deadlocks",
        state=level,
        severity="P3",
        summary=f"{movement.deadlocks} deadlocks in {movement.seconds:.0f} s",
        observed={"per_minute": round(rate, 1), "deadlocks": movement.deadlocks},
        threshold=settings.pair("deadlocks_per_minute"),
        evidence=("the server's log names both statements of each deadlock",),
        causes=("transactions take the same locks in another order",),
        remedies=(Remedy("Take locks in one order in the application, or retry SQLSTATE 40P01"),),
    )


def _rollbacks(movement: Movement, settings: Settings) -> t.Iterator[Finding]:
    total = movement.commits + movement.rollbacks
    share = 100.0 * movement.rollbacks / total if total else 0.0
    level = settings.level("rollback_percent", share)
    if level is None or total < FEWEST_TRANSACTIONS:
        return
    yield Finding(
        id="postgresql.rollbacks",
        component=settings.component,
        subject="transactions",
        state=level,
        severity="P3",
        summary=f"{share:.0f} % of the transactions are rolled back",
        observed={"percent": round(share, 1), "rollbacks": movement.rollbacks, "transactions": total},
        threshold=settings.pair("rollback_percent"),
        causes=("an application meets errors in most of its transactions",),
        remedies=(Remedy("Look for the errors in the server's log and in the application"),),
    )
