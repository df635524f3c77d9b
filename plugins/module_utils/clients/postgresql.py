# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL -> PostgresqlSnapshot: one connection, and what the server refuses to tell is noted, never guessed."""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
import time

from ..core.postgresql_snapshot import OK, Answer, Pooler, PostgresqlSnapshot, Slots, Space, Unmeasured
from . import pgbouncer
from . import postgresql_sql as sql
from .deadline import Deadline
from .errors import CollectError
from .postgresql_connection import STATEMENT_SECONDS, Connection, QueryError
from .postgresql_options import Login, PostgresqlOptions
from .postgresql_parts import PARTS, RATES, SESSIONS, SLOTS, read_parts
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
    read_parts(link, snapshot, PARTS)
    if snapshot.space is not None or options.data_path:
        snapshot.space = _with_disk(snapshot.space or Space(), options.data_path, snapshot)
    if options.depth == "full":
        _second_look(link, options, deadline, snapshot)


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
    read_parts(link, snapshot, [RATES])


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
        read_parts(link, snapshot, SESSIONS)
    except CollectError:
        link.close()
        raise
    snapshot.pooler = pooler.answer()
    return link, snapshot


def read_slots(link: Connection, snapshot: PostgresqlSnapshot) -> Slots | None:
    """The connection slots as they are by now."""
    read_parts(link, snapshot, [SLOTS])
    return snapshot.slots
