# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends sessions of PostgreSQL one by one: each statement checks who it is and what it does once more, and then acts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.postgresql_dose import CANCEL, Choice, Wish, needed_for
from ..core.postgresql_snapshot import PostgresqlSnapshot, Session
from . import postgresql_sql as sql
from .deadline import Deadline
from .errors import CollectError
from .postgresql import read_slots
from .postgresql_connection import Connection, QueryError

BATCH = 10
GONE_SECONDS = 5.0
POLL_SECONDS = 0.05


@dataclasses.dataclass
class Ended:
    """ended: seen to be gone (or, where cancelled, to run something else). left: signalled, and still there.
    skipped: why."""

    ended: list[Session] = dataclasses.field(default_factory=list)
    left: list[Session] = dataclasses.field(default_factory=list)
    skipped: list[tuple[Session, str]] = dataclasses.field(default_factory=list)


def end(link: Connection, snapshot: PostgresqlSnapshot, choice: Choice, wish: Wish, deadline: Deadline) -> Ended:
    """In batches, the oldest first, until the headroom is back. Raises CollectError where the role may not do it."""
    done = Ended()
    waiting = list(choice.go)
    while waiting:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        signalled = [session for session in batch if _signal(link, session, wish, done)]
        _await_gone(link, signalled, wish, deadline, done)
        if waiting and _enough(link, snapshot, wish):
            done.skipped += [(session, "not needed any more: the headroom is back") for session in waiting]
            break
    return done


def _signal(link: Connection, session: Session, wish: Wish, done: Ended) -> bool:
    statement = sql.CANCEL if wish.action == CANCEL else sql.TERMINATE
    try:
        rows = link.query(statement, {**session.identity, "state": session.state})
    except QueryError as error:
        if error.denied:
            why = f"{error.message}; it needs pg_signal_backend (docs/postgresql_grants.md)"
            raise CollectError("permission", f"The role may not end {session.name}: {why}") from None
        done.skipped.append((session, error.message))
        return False
    if not rows:
        done.skipped.append((session, "it changed meanwhile: it ended, or did something else"))
    elif not rows[0][1]:
        done.skipped.append((session, "it was gone already"))
    return bool(rows and rows[0][1])


def _await_gone(link: Connection, sessions: t.Sequence[Session], wish: Wish, deadline: Deadline, done: Ended) -> None:
    """changed means seen: wait until the sessions are gone, or until they run something else."""
    limit = Deadline(min(GONE_SECONDS, max(POLL_SECONDS, deadline.left())))
    waiting = {session.pid: session for session in sessions}
    while waiting:
        there = {pid: (started, changed) for pid, started, changed in link.query(sql.STILL, {"pids": list(waiting)})}
        for pid, session in list(waiting.items()):
            started, changed = there.get(pid, (None, None))
            if started != session.started or (wish.action == CANCEL and changed != session.changed):
                done.ended.append(waiting.pop(pid))
        if not waiting or not limit.wait(POLL_SECONDS):
            break
    done.left += list(waiting.values())


def _enough(link: Connection, snapshot: PostgresqlSnapshot, wish: Wish) -> bool:
    if wish.headroom_percent is None:
        return False
    slots = read_slots(link, snapshot)
    return slots is not None and needed_for(slots, wish.headroom_percent) == 0
