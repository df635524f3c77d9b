# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a look at PostgreSQL: what each of them asks, and how its rows become a part of the snapshot."""

from __future__ import annotations

import functools
import typing as t

from ..core.postgresql_snapshot import (
    STATES,
    Age,
    Counters,
    Limit,
    PostgresqlSnapshot,
    Prepared,
    Replica,
    Session,
    Slot,
    Slots,
    Space,
    Table,
    Unmeasured,
    Waiter,
)
from ..core.redact import redact_sql
from . import postgresql_sql as sql
from .postgresql_connection import Connection, QueryError, Row, number, text

Rows = t.Sequence[Row]


class Part(t.NamedTuple):
    """One part of a look. statement: what to ask, "" for nothing; it may rest on all parts but the one just before,
    whose answer is taken in while the server works on this. take: puts the rows into the snapshot and gives words about
    them, "" where there is nothing to say."""

    what: str
    statement: t.Callable[[PostgresqlSnapshot], str]
    take: t.Callable[[PostgresqlSnapshot, Rows], str]


def read_parts(link: Connection, snapshot: PostgresqlSnapshot, parts: t.Iterable[Part]) -> None:
    """Ask for each part. A refusal takes away that part only, and a connection that ends only what comes after."""
    last: Part | None = None
    rows: Rows = ()
    try:
        for part in parts:
            statement = part.statement(snapshot)
            if not statement:
                continue
            try:
                sent = link.send(statement)
                _take(snapshot, last, rows)
                last = None
                rows = link.rows(sent)
                last = part
            except QueryError as error:
                snapshot.unmeasured.append(Unmeasured(part.what, _why(error)))
    finally:
        _take(snapshot, last, rows)


def _take(snapshot: PostgresqlSnapshot, part: Part | None, rows: Rows) -> None:
    said = part.take(snapshot, rows) if part else ""
    if said:
        snapshot.measured.append(said)


def _why(error: QueryError) -> str:
    if error.denied:
        return f"{error.message}; see docs/postgresql_grants.md"
    return f"{error.message} (SQLSTATE {error.code})"


def _always(statement: str) -> t.Callable[[PostgresqlSnapshot], str]:
    return lambda snapshot: statement


def _sessions(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    found = [_session(row) for row in rows]
    hidden = sum(session.hidden for session in found)
    snapshot.sessions = [session for session in found if not session.hidden]
    if hidden:
        why = f"{hidden} of {len(found)} sessions are hidden from this role: it needs pg_monitor (or pg_read_all_stats)"
        snapshot.unmeasured.append(Unmeasured(STATES, why, "P2"))
        return ""
    if not _any_waits(snapshot):
        snapshot.waiters = []
    return f"{len(found)} sessions and their locks"


@functools.lru_cache(maxsize=512)
def _shape(statement: bytes) -> str:
    """A statement without its literals. Many sessions run the same ones."""
    return redact_sql(text(statement))[:300]


_name = functools.lru_cache(maxsize=512)(text)
"""Of thousands of sessions most have the name of another."""


def _session(row: Row) -> Session:
    """In the order of the statement's columns, which is that of the fields."""
    pid, user, database, application = row[:4]
    query, listener, advisory, superuser, replication, started, changed, hidden = row[15:]
    names = _name(bytes(user or b"")), _name(bytes(database or b"")), _name(bytes(application or b""))
    traits = listener, bool(advisory), superuser, replication
    return Session._make(
        (pid, *names, *row[4:15], _shape(bytes(query or b"")), *traits, started or "", changed or "", hidden)
    )


def _slots(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    maximum, superuser, reserved, used, hidden, backends = rows[0]
    own = 1 if backends else 0
    if hidden:
        # An unprivileged role: every visible row may be a worker, but what the databases count is a fair upper bound.
        used = max(0, int(backends) - own)
    snapshot.slots = Slots(maximum, superuser, reserved, int(used), int(hidden), int(backends))
    return f"{used} of {snapshot.slots.capacity} connection slots"


def _any_waits(snapshot: PostgresqlSnapshot) -> bool:
    return any(session.wait_type == "Lock" for session in snapshot.sessions or ())


def _ask_waiters(snapshot: PostgresqlSnapshot) -> str:
    if snapshot.hides_states or not _any_waits(snapshot):
        return ""
    since = sql.WAIT_START if snapshot.version >= 140000 else "NULL::timestamptz"
    return sql.WAITERS.format(since=since)


def _waiters(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.waiters = [
        Waiter(pid, tuple(blockers or ()), number(at), wanted or "") for pid, blockers, at, wanted in rows
    ]
    return ""


def _limits(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.limits = [Limit(kind, text(name), limit, used) for kind, name, limit, used in rows]
    return "limits of roles and databases"


def _ages(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.ages = [Age(text(name), xid, multi) for name, xid, multi in rows]
    return "transaction ages"


def _prepared(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.prepared = [
        Prepared(text(gid), text(owner), text(database), since) for gid, owner, database, since in rows
    ]
    return ""


def _ask_replication_slots(snapshot: PostgresqlSnapshot) -> str:
    return sql.REPLICATION_SLOTS.format(status=sql.WAL_STATUS if snapshot.version >= 130000 else "''")


def _replication_slots(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.replication_slots = [Slot(*row) for row in rows]
    return f"{len(rows)} replication slots"


def _replicas(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.replicas = [
        Replica(text(name), state, sync, number(lag), behind) for name, state, sync, lag, behind in rows
    ]
    if any(not replica.state for replica in snapshot.replicas):
        why = "the walsenders are hidden from this role: it needs pg_monitor"
        snapshot.unmeasured.append(Unmeasured("replication", why))
    return f"replication ({len(rows)} replicas)"


def _replay(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.replay_delay = number(rows[0][0])
    return ""


def _ask_counters(snapshot: PostgresqlSnapshot) -> str:
    return sql.COUNTERS.format(sessions=sql.SESSIONS if snapshot.version >= 140000 else "NULL::int8")


def _counters(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.counters.append(Counters(*rows[0]))
    return ""


def _locks(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    taken, places = rows[0]
    snapshot.locks = (int(taken), int(places))
    return ""


def _tables(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.tables = [Table(text(name), live, dead, number(at)) for name, live, dead, at in rows]
    return ""


def _space(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    wal, expected, failing = rows[0]
    snapshot.space = Space(int(wal or 0), int(expected), bool(failing))
    return "WAL on disk"


def _settings(snapshot: PostgresqlSnapshot, rows: Rows) -> str:
    snapshot.settings = dict(rows)
    return ""


SLOTS = Part("connection slots", _always(sql.SLOTS), _slots)
COUNTERS = Part("counters of the databases", _ask_counters, _counters)
RATES = COUNTERS._replace(what="rates")
SESSIONS: tuple[Part, ...] = (
    Part("sessions", _always(sql.ACTIVITY), _sessions),
    SLOTS,
    Part("who waits for which lock", _ask_waiters, _waiters),
)
"""What has to be known before a session is ended. The sessions come first: to take in a thousand of them is what costs
most here, and the slots are what costs the server most."""
PARTS: tuple[Part, ...] = (
    *SESSIONS,
    Part("limits of roles and databases", _always(sql.LIMITS), _limits),
    Part("transaction ages", _always(sql.AGES), _ages),
    Part("prepared transactions", _always(sql.PREPARED), _prepared),
    Part("replication slots", _ask_replication_slots, _replication_slots),
    Part("replication", _always(sql.REPLICAS), _replicas),
    Part("how far the replay is behind", lambda snapshot: sql.REPLAY if snapshot.in_recovery else "", _replay),
    COUNTERS,
    Part("the lock table", _always(sql.LOCKS), _locks),
    Part("dead rows of this database", _always(sql.TABLES), _tables),
    Part("WAL on disk", _always(sql.SPACE), _space),
    Part("settings", _always(sql.SETTINGS), _settings),
)
