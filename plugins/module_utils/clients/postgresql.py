# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL -> PostgresqlSnapshot: one connection, and what the server refuses to tell is noted, never guessed."""

from __future__ import annotations

import dataclasses
import functools
import os
import queue
import threading
import time
import typing as t

from ..core.postgresql_snapshot import (
    OK,
    Age,
    Answer,
    Counters,
    Limit,
    Pooler,
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
from . import pgbouncer
from . import postgresql_sql as sql
from .deadline import Deadline
from .errors import CollectError
from .postgresql_connection import STATEMENT_SECONDS, Connection, QueryError, Row, number, text
from .postgresql_options import Login, PostgresqlOptions
from .postgresql_probe import probe

PROBE_SECONDS = 1.0
OLDEST = 100000
TOO_MANY = "53300"


def collect(options: PostgresqlOptions, deadline: Deadline) -> PostgresqlSnapshot:
    """Never raises: what could not be read is in the snapshot as that."""
    snapshot = PostgresqlSnapshot(address=options.ordinary.address)
    pooler = Asking(options, deadline)
    link = _enter(options, deadline, snapshot)
    if link is not None:
        try:
            _read(link, options, deadline, snapshot)
        except CollectError as error:
            snapshot.unmeasured.append(Unmeasured("the rest of the look", error.message, "P2"))
        finally:
            link.close()
    snapshot.pooler = pooler.answer()
    if snapshot.pooler is not None and snapshot.pooler.answer.kind == OK:
        snapshot.measured.append(f"PgBouncer's pools ({len(snapshot.pooler.pools)})")
    return snapshot


class Asking:
    """Asks the pooler beside the server: two that are dead cost their time once, not one after the other."""

    def __init__(self, options: PostgresqlOptions, deadline: Deadline) -> None:
        self._login = options.pooler
        self._found: queue.Queue[Pooler] = queue.Queue()
        self._left = deadline.left
        self._seconds = deadline.cap(options.connect_timeout)
        if self._login is not None:
            threading.Thread(target=self._ask, args=(self._login,), daemon=True).start()

    def _ask(self, login: Login) -> None:
        self._found.put(pgbouncer.collect(login, self._seconds))

    def answer(self) -> Pooler | None:
        """What it said; None where there is none to be asked."""
        if self._login is None:
            return None
        try:
            return self._found.get(timeout=self._left() + PROBE_SECONDS)
        except queue.Empty:
            return Pooler(Answer(self._login.address, "silent", "it gives no answer before the deadline"))


def connect(
    login: Login, seconds: float, deadline: Deadline, statement_seconds: float = STATEMENT_SECONDS
) -> tuple[Connection | None, Answer]:
    """A connection, or how the server answered. The raw probe is asked only where libpq failed."""
    link = Connection(login, deadline, statement_seconds=statement_seconds)
    try:
        link.open(seconds)
        return link, Answer(login.address, OK, authenticated=True)
    except CollectError as error:
        link.close()
        if error.kind == "dns":
            return None, Answer(login.address, "dns", error.message)
        answer = probe(login, Deadline(PROBE_SECONDS if error.kind == "silent" else max(PROBE_SECONDS, seconds)))
        if answer.kind == OK or (answer.kind == "unsupported" and error.kind == "failed"):
            answer = dataclasses.replace(answer, kind="unsupported", message=error.message)
        return None, answer
    except QueryError as error:
        link.close()
        return None, Answer(login.address, "error", error.message, error.code, authenticated=True)


def _enter(options: PostgresqlOptions, deadline: Deadline, snapshot: PostgresqlSnapshot) -> Connection | None:
    """The ordinary role first; the reserve only where all ordinary slots are taken."""
    began = time.monotonic()
    seconds = deadline.cap(options.connect_timeout)
    link, snapshot.answer = connect(options.ordinary, seconds, deadline)
    if link is not None:
        snapshot.login_ms = round((time.monotonic() - began) * 1000, 1)
        return link
    if snapshot.answer.sqlstate != TOO_MANY or options.reserve is None:
        return None
    snapshot.ordinary = snapshot.answer
    link, answer = connect(options.reserve, deadline.cap(options.connect_timeout), deadline)
    if link is None:
        why = f"the reserve role can't log in either: {answer.message}"
        snapshot.unmeasured.append(Unmeasured("sessions", why, "P2"))
        return None
    snapshot.answer, snapshot.reserve_used = answer, True
    return link


def _read(link: Connection, options: PostgresqlOptions, deadline: Deadline, snapshot: PostgresqlSnapshot) -> None:
    version, recovery, started, now, read_only, superuser = link.query(sql.SERVER)[0]
    snapshot.version, snapshot.in_recovery, snapshot.read_only = version, recovery, bool(read_only)
    snapshot.started, snapshot.now, snapshot.superuser = started, now, bool(superuser)
    snapshot.measured.append(f"PostgreSQL {version // 10000}, {'standby' if recovery else 'primary'}")
    if version < OLDEST:
        snapshot.unmeasured.append(Unmeasured("everything else", f"version {version} is older than 10", "P3"))
        return
    for what, step in STEPS:
        _try(link, snapshot, what, step)
    if snapshot.space is not None or options.data_path:
        snapshot.space = _with_disk(snapshot.space or Space(), options.data_path, snapshot)
    if options.depth == "full":
        _second_look(link, options, deadline, snapshot)


Step = t.Callable[[Connection, PostgresqlSnapshot], t.Optional[str]]


def _try(link: Connection, snapshot: PostgresqlSnapshot, what: str, step: Step) -> None:
    """One part of the look. A refusal takes away that part only."""
    try:
        said = step(link, snapshot)
    except QueryError as error:
        why = (
            f"{error.message}; see docs/postgresql_grants.md"
            if error.denied
            else f"{error.message} (SQLSTATE {error.code})"
        )
        snapshot.unmeasured.append(Unmeasured(what, why))
        return
    if said:
        snapshot.measured.append(said)


def _slots(link: Connection, snapshot: PostgresqlSnapshot) -> str:
    maximum, superuser, reserved, used, hidden, backends = link.query(sql.SLOTS)[0]
    own = 1 if backends else 0
    if hidden:
        # An unprivileged role: every visible row may be a worker, but what the databases count is a fair upper bound.
        used = max(0, int(backends) - own)
    snapshot.slots = Slots(maximum, superuser, reserved, int(used), int(hidden), int(backends))
    return f"{used} of {snapshot.slots.capacity} connection slots"


def _activity(link: Connection, snapshot: PostgresqlSnapshot) -> str | None:
    found = [_session(row) for row in link.query(sql.ACTIVITY)]
    hidden = sum(session.hidden for session in found)
    snapshot.sessions = [session for session in found if not session.hidden]
    if hidden:
        why = f"{hidden} of {len(found)} sessions are hidden from this role: it needs pg_monitor (or pg_read_all_stats)"
        snapshot.unmeasured.append(Unmeasured("states, locks and clients of sessions", why, "P2"))
        return None
    if any(session.wait_type == "Lock" for session in found):
        since = sql.WAIT_START if snapshot.version >= 140000 else "NULL::timestamptz"
        rows = link.query(sql.WAITERS.format(since=since))
        snapshot.waiters = [
            Waiter(pid, tuple(blockers or ()), number(at), wanted or "") for pid, blockers, at, wanted in rows
        ]
    else:
        snapshot.waiters = []
    return f"{len(found)} sessions and their locks"


@functools.lru_cache(maxsize=512)
def _shape(statement: bytes) -> str:
    """A statement without its literals. Many sessions run the same ones."""
    return redact_sql(text(statement))[:300]


def _session(row: Row) -> Session:
    """In the order of the statement's columns, which is that of the fields; its last one is hidden."""
    pid, user, database, application, client, port, kind, state, login, began, asked, since = row[:12]
    wait_type, wait, wrote, query, listener, advisory, superuser, replication, started, changed, hidden = row[12:23]
    return Session(
        pid,
        text(user),
        text(database),
        text(application),
        client,
        port,
        kind,
        state,
        number(login),
        number(began),
        number(asked),
        number(since),
        wait_type,
        wait,
        wrote,
        _shape(bytes(query or b"")),
        listener,
        bool(advisory),
        superuser,
        replication,
        started or "",
        changed or "",
        hidden,
    )


def _limits(link: Connection, snapshot: PostgresqlSnapshot) -> str:
    snapshot.limits = [Limit(kind, text(name), limit, used) for kind, name, limit, used in link.query(sql.LIMITS)]
    return "limits of roles and databases"


def _ages(link: Connection, snapshot: PostgresqlSnapshot) -> str:
    snapshot.ages = [Age(text(name), xid, multi) for name, xid, multi in link.query(sql.AGES)]
    return "transaction ages"


def _prepared(link: Connection, snapshot: PostgresqlSnapshot) -> None:
    rows = link.query(sql.PREPARED)
    snapshot.prepared = [
        Prepared(text(gid), text(owner), text(database), since) for gid, owner, database, since in rows
    ]


def _replication(link: Connection, snapshot: PostgresqlSnapshot) -> str:
    status = sql.WAL_STATUS if snapshot.version >= 130000 else "''"
    rows = link.query(sql.REPLICATION_SLOTS.format(status=status))
    snapshot.replication_slots = [Slot(*row) for row in rows]
    rows = link.query(sql.REPLICAS)
    snapshot.replicas = [
        Replica(text(name), state, sync, number(lag), behind) for name, state, sync, lag, behind in rows
    ]
    if any(not replica.state for replica in snapshot.replicas):
        why = "the walsenders are hidden from this role: it needs pg_monitor"
        snapshot.unmeasured.append(Unmeasured("replication", why))
    if snapshot.in_recovery:
        snapshot.replay_delay = number(link.query(sql.REPLAY)[0][0])
    return f"replication ({len(snapshot.replicas)} replicas, {len(snapshot.replication_slots)} slots)"


def _counters(link: Connection, snapshot: PostgresqlSnapshot) -> None:
    sessions = sql.SESSIONS if snapshot.version >= 140000 else "NULL::int8"
    row = link.query(sql.COUNTERS.format(sessions=sessions))[0]
    snapshot.counters.append(Counters(*row))


def _locks(link: Connection, snapshot: PostgresqlSnapshot) -> None:
    taken, places = link.query(sql.LOCKS)[0]
    snapshot.locks = (int(taken), int(places))


def _tables(link: Connection, snapshot: PostgresqlSnapshot) -> None:
    rows = link.query(sql.TABLES)
    snapshot.tables = [Table(text(name), live, dead, number(at)) for name, live, dead, at in rows]


def _space(link: Connection, snapshot: PostgresqlSnapshot) -> str:
    wal, expected, failing = link.query(sql.SPACE)[0]
    snapshot.space = Space(int(wal or 0), int(expected), bool(failing))
    return "WAL on disk"


def _settings(link: Connection, snapshot: PostgresqlSnapshot) -> None:
    snapshot.settings = dict(link.query(sql.SETTINGS))


STEPS: tuple[tuple[str, Step], ...] = (
    ("connection slots", _slots),
    ("sessions", _activity),
    ("limits of roles and databases", _limits),
    ("transaction ages", _ages),
    ("prepared transactions", _prepared),
    ("replication", _replication),
    ("counters of the databases", _counters),
    ("the lock table", _locks),
    ("dead rows of this database", _tables),
    ("WAL on disk", _space),
    ("settings", _settings),
)


def _with_disk(space: Space, path: str, snapshot: PostgresqlSnapshot) -> Space:
    """The file system of data_path, where this runs on the server's own host. SQL can't tell it."""
    if not path:
        return space
    try:
        found = os.statvfs(path)
    except OSError as error:
        snapshot.unmeasured.append(Unmeasured(f"the disk of {path}", error.strerror or str(error)))
        return space
    snapshot.measured.append(f"disk of {path}")
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    return dataclasses.replace(space, disk_total=total, disk_free=free)


def _second_look(
    link: Connection, options: PostgresqlOptions, deadline: Deadline, snapshot: PostgresqlSnapshot
) -> None:
    """The counters once more: what moves between two looks can be judged without any history."""
    if not deadline.wait(options.interval):
        snapshot.unmeasured.append(Unmeasured("rates", "no time was left for a second look", "P4"))
        return
    _try(link, snapshot, "rates", _counters)


def look_at_sessions(options: PostgresqlOptions, deadline: Deadline) -> tuple[Connection | None, PostgresqlSnapshot]:
    """Slots, sessions and the pooler only, and the open connection: what has to be known before a session is ended."""
    snapshot = PostgresqlSnapshot(address=options.ordinary.address)
    pooler = Asking(options, deadline)
    link = _enter(options, deadline, snapshot)
    if link is None:
        return None, snapshot
    try:
        version, _recovery, _started, snapshot.now, _read_only, superuser = link.query(sql.SERVER)[0]
        snapshot.version, snapshot.superuser = version, bool(superuser)
        for what, step in STEPS[:2]:
            _try(link, snapshot, what, step)
    except CollectError:
        link.close()
        raise
    snapshot.pooler = pooler.answer()
    return link, snapshot


def read_slots(link: Connection, snapshot: PostgresqlSnapshot) -> Slots | None:
    """The connection slots as they are by now."""
    _try(link, snapshot, "connection slots", _slots)
    return snapshot.slots
