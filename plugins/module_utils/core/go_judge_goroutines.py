# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Go program's goroutines and threads -> findings: leak, too many, stuck, waiting for a database. Pure."""

from __future__ import annotations

import typing as t

from .findings import Finding, Remedy
from .go_facts import Case, goroutine_rush, goroutine_trend, requests_grew
from .go_settings import LEAST_STUCK, Settings, safe_function, severity
from .go_snapshot import GoSnapshot
from .go_stacks import CONNECT, DATABASE, POOL, Stack, by_wait, grown
from .quantities import span

BEST_FIT = 0.9
LEAST_NAMED = 10
LOADED = 1.5
"""So many times the requests of before explain more goroutines."""


def judge_goroutines(found: Case) -> t.Iterator[Finding]:
    """Findings that need the metrics."""
    leak = _leak(found)
    if leak:
        yield leak
    yield from _threads(found)


def judge_stacks(snapshot: GoSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Findings that need a number of goroutines, or their stacks; the metrics or pprof are enough."""
    yield from _many(snapshot, settings)
    yield from _database(snapshot, settings)
    yield from _stuck(snapshot, settings)


def _biggest(snapshot: GoSnapshot) -> list[str]:
    """Evidence: the most frequent stacks and states."""
    said = []
    for stack in (snapshot.stacks or ())[:3]:
        said.append(f"{stack.count} wait on {stack.waits_on} in {safe_function(stack.where)}")
    for reason in (snapshot.reasons or ())[:3]:
        longest = f", the longest for {reason.minutes} min" if reason.minutes else ""
        said.append(f"{reason.count} in state {safe_function(reason.state)}{longest}")
    return said


def _where(snapshot: GoSnapshot) -> list[dict[str, t.Any]]:
    return [_row(stack) for stack in (snapshot.stacks or ())[:10]]


def _row(stack: Stack) -> dict[str, t.Any]:
    return {"count": stack.count, "waits_on": stack.waits_on, "function": safe_function(stack.where)}


def _profile(settings: Settings) -> str:
    return f"{settings.pprof or 'PPROF_URL'}/goroutine"


def _leak(found: Case) -> Finding | None:
    """Every reading has more than the one before: fast within this look, or slowly over many looks."""
    climb, rush = goroutine_trend(found), goroutine_rush(found)
    slow = climb.climbing and climb.fit > BEST_FIT
    rate = max(rush or 0.0, climb.growth / climb.seconds if slow else 0.0)
    state = found.settings.level("goroutines_per_second", rate) or ("warning" if slow else None)
    if state is None:
        return None
    since = climb.since if slow else found.fresh[0].at
    loaded = requests_grew(found, since)
    if loaded is not None and loaded >= LOADED:
        return None
    first = climb.first if slow else found.fresh[0].goroutines
    last = found.fresh[-1].goroutines or 0.0
    seconds = found.fresh[-1].at - since
    causes = ["goroutines are started and never end: nobody reads their channel, nobody cancels their context"]
    culprit = _culprit(found.snapshot, last - (first or 0.0))
    if culprit:
        causes.insert(0, f"goroutines of {safe_function(culprit.where)} never end: they wait on {culprit.waits_on}")
    if loaded is None:
        causes.append("more requests at once; their rate is not known here")
    return found.settings.finding(
        "go.goroutines.leak",
        state,
        severity(state),
        f"has more and more goroutines: {first:.0f} to {last:.0f} within {span(seconds)}",
        observed={"goroutines": round(last), "per_second": round(rate, 2), "growth": round(last - (first or 0.0))},
        threshold=found.settings.pair("goroutines_per_second"),
        evidence=[*_more(found.snapshot), *_biggest(found.snapshot)],
        causes=tuple(causes),
        remedies=(
            Remedy("Read where they wait", "none", f"go tool pprof -top {_profile(found.settings)}"),
            Remedy("Mend what they wait for, where it is a dependency that hangs", "low"),
            Remedy("Restart the program: this ends them and mends nothing", "disruptive"),
        ),
        since=since,
        details={"stacks": _where(found.snapshot), "requests_ratio": None if loaded is None else round(loaded, 2)},
    )


def _more(snapshot: GoSnapshot) -> list[str]:
    """Evidence: the stacks that grew within this look."""
    if snapshot.stacks is None or snapshot.stacks_before is None:
        return []
    rows = grown(snapshot.stacks_before, snapshot.stacks)[:3]
    return [f"{row.count} more wait on {row.waits_on} in {safe_function(row.where)}" for row in rows if row.count > 1]


def _culprit(snapshot: GoSnapshot, growth: float) -> Stack | None:
    """The stack that explains the growth: that has a third of what was added within this look, or of all that was."""
    stacks = snapshot.stacks or ()
    if snapshot.stacks_before is not None:
        rows = grown(snapshot.stacks_before, stacks)
        if rows and rows[0].count >= LEAST_NAMED and rows[0].count * 3 >= sum(row.count for row in rows):
            return rows[0]
    return stacks[0] if stacks and stacks[0].count * 3 >= growth else None


def _many(snapshot: GoSnapshot, settings: Settings) -> t.Iterator[Finding]:
    count = snapshot.count()
    state = settings.level("goroutines", count) if count is not None else None
    if count is None or state is None:
        return
    waits = by_wait(snapshot.stacks or ())
    yield settings.finding(
        "go.goroutines.high",
        state,
        severity(state),
        f"has {count:.0f} goroutines",
        observed={"goroutines": round(count), "waits_on": dict(waits[:10])},
        threshold=settings.pair("goroutines"),
        evidence=_biggest(snapshot),
        causes=("a leak", "a dependency is slow, and requests pile up", "that many connections are normal for it"),
        remedies=(
            Remedy("Read where they wait", "none", f"go tool pprof -top {_profile(settings)}"),
            Remedy("Raise thresholds.goroutines, where so many are normal"),
        ),
        details={"stacks": _where(snapshot)},
    )


def _database(snapshot: GoSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Who waits for a connection does not work: the pool is empty, or the database does not let anybody in."""
    waiting = [stack for stack in snapshot.stacks or () if stack.waits_on in DATABASE]
    count = sum(stack.count for stack in waiting)
    state = settings.level("waiting_database", count)
    if state is None:
        return
    connect = sum(stack.count for stack in waiting if stack.waits_on == CONNECT)
    pool = count - connect
    busy = [
        Remedy("Look at the database: blocked or idle sessions that hold the connections (postgresql_health_info)"),
        Remedy("Make the pool larger only where the database has free slots", "disruptive"),
    ]
    causes = [
        "sessions hold all connections of the pool: slow statements, a lock, a transaction left open",
        "a connection is taken and never given back",
        "the pool is too small for the load",
    ]
    if connect:
        causes.insert(0, "the database does not answer new connections, or answers slowly")
    yield settings.finding(
        "go.goroutines.waiting_database",
        state,
        severity(state),
        f"has {count} goroutines that wait for a database connection",
        observed={"waiting": count, "pool": pool, "connect": connect, **_sql(snapshot)},
        threshold=settings.pair("waiting_database"),
        evidence=[f"{s.count} wait on {s.waits_on} in {safe_function(s.where)}" for s in waiting[:5]],
        causes=tuple(causes),
        remedies=tuple(busy),
        details={"stacks": [_row(stack) for stack in waiting[:10]], "waits_on": POOL if pool >= connect else CONNECT},
    )


def _sql(snapshot: GoSnapshot) -> dict[str, t.Any]:
    """What the program itself says about its pools, where it exports it."""
    if not snapshot.last:
        return {}
    names = ("in_use_connections", "max_open_connections", "wait_count_total")
    found = {name: snapshot.last.get(f"go_sql_{name}") for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _stuck(snapshot: GoSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """One stack has half of all, and it is not simply waiting for its clients."""
    total = sum(stack.count for stack in snapshot.stacks or ())
    for stack in (snapshot.stacks or ())[:1]:
        if stack.count < LEAST_STUCK or stack.count * 2 < total or stack.waits_on in DATABASE:
            continue
        if _is_idle_server(stack):
            continue
        yield settings.finding(
            "go.goroutines.stuck",
            "warning",
            "P3",
            f"has {stack.count} of its {total} goroutines at one place, {safe_function(stack.where)}",
            observed={"count": stack.count, "of": total, "percent": round(100.0 * stack.count / total, 1)},
            threshold={"count": LEAST_STUCK, "percent": 50},
            evidence=[safe_function(frame) for frame in stack.frames[:8]],
            causes=(f"they wait on {stack.waits_on}, and it does not come", "so many are normal for it"),
            remedies=(Remedy("Read the code there, and what it waits for"),),
            details={"stacks": [_row(stack)]},
        )


def _is_idle_server(stack: Stack) -> bool:
    """Connections of clients that say nothing: many of them are normal."""
    return any(frame.startswith(("net/http.(*conn).serve", "net/http.(*http2serverConn)")) for frame in stack.frames)


def _threads(found: Case) -> t.Iterator[Finding]:
    threads = found.last.get("go_threads")
    state = found.settings.level("threads", threads) if threads is not None else None
    if threads is None or state is None:
        return
    yield found.settings.finding(
        "go.threads.high",
        state,
        severity(state),
        f"has {threads:.0f} threads",
        observed={"threads": round(threads)},
        threshold=found.settings.pair("threads"),
        causes=("calls into C code or into the kernel block, each with a thread of its own", "a slow disk or resolver"),
        remedies=(Remedy("See what made them", "none", f"go tool pprof {_profile(found.settings)[:-9]}threadcreate"),),
    )
