# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a look at PostgreSQL: the server is kept busy, and what it refuses or does not live to say costs no more
than that."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import postgresql_sql as sql
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_connection import QueryError
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_parts import (
    SESSIONS,
    Part,
    read_parts,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import PostgresqlSnapshot

Answers = dict[str, t.Any]


class Link:
    """Answers by statement; an exception is raised in place of the rows."""

    def __init__(self, answers: Answers, log: list[str]) -> None:
        self.answers, self.log = answers, log

    def send(self, statement: str) -> str:
        self.log.append(f"sent {statement}")
        return statement

    def rows(self, sent: str) -> t.Any:
        answer = self.answers.get(sent, [(sent,)])
        if isinstance(answer, Exception):
            raise answer
        return answer


def read(*names: str, **answers: t.Any) -> tuple[list[str], PostgresqlSnapshot, Exception | None]:
    log: list[str] = []

    def part(name: str) -> Part:
        def take(snapshot: PostgresqlSnapshot, rows: t.Any) -> str:
            log.append(f"took {rows[0][0]}")
            return name

        return Part(name, lambda snapshot: name, take)

    snapshot = PostgresqlSnapshot(version=150000)
    try:
        read_parts(t.cast(t.Any, Link(answers, log)), snapshot, [part(name) for name in names])
    except CollectError as error:
        return log, snapshot, error
    return log, snapshot, None


def test_the_server_works_on_the_next_while_an_answer_is_taken_in() -> None:
    log, snapshot, _error = read("a", "b", "c")
    assert log == ["sent a", "sent b", "took a", "sent c", "took b", "took c"]
    assert snapshot.measured == ["a", "b", "c"] and not snapshot.unmeasured


@pytest.mark.parametrize("refused", ["a", "b", "c"])
def test_a_refusal_takes_away_that_part_only(refused: str) -> None:
    log, snapshot, _error = read("a", "b", "c", **{refused: QueryError("42501", "permission denied")})
    assert snapshot.measured == [name for name in "abc" if name != refused]
    assert [(item.what, item.why) for item in snapshot.unmeasured] == [
        (refused, "permission denied; see docs/postgresql_grants.md")
    ]
    assert log.count(f"took {refused}") == 0


@pytest.mark.parametrize(("ended", "kept"), [("a", []), ("b", ["a"]), ("c", ["a", "b"])])
def test_a_connection_that_ends_takes_away_what_comes_after(ended: str, kept: list[str]) -> None:
    _log, snapshot, error = read("a", "b", "c", **{ended: CollectError("reset", "the connection ended")})
    assert isinstance(error, CollectError)
    assert snapshot.measured == kept


def row(pid: int, wait: str = "", hidden: bool = False) -> tuple[t.Any, ...]:
    names = (b"app", b"shop", None)
    times = (1.0, None, 2.0, 3.0)
    ends = (b"SELECT 1 WHERE a = 'x'", False, True, False, False, "began", None, hidden)
    return (pid, *names, "10.0.0.1", 4711, "client backend", "active", *times, wait, "tuple", False, *ends)


SLOTS = [(100, 3, 0, 7, 0, 7)]


def sessions(*rows: tuple[t.Any, ...]) -> tuple[list[str], PostgresqlSnapshot]:
    log: list[str] = []
    snapshot = PostgresqlSnapshot(version=150000)
    waiters = sql.WAITERS.format(since=sql.WAIT_START)
    link = Link({sql.ACTIVITY: list(rows), sql.SLOTS: SLOTS, waiters: [(2, [1], 2.0, "ShareLock on tuple")]}, log)
    read_parts(t.cast(t.Any, link), snapshot, SESSIONS)
    return log, snapshot


def test_who_waits_is_asked_where_somebody_does() -> None:
    log, snapshot = sessions(row(1), row(2, "Lock"))
    assert log[-1].startswith("sent") and "pg_blocking_pids" in log[-1]
    assert [(waiter.pid, waiter.blockers) for waiter in snapshot.waiters or ()] == [(2, (1,))]


def test_nobody_waits_where_no_session_says_so() -> None:
    log, snapshot = sessions(row(1), row(2, "IO"))
    assert len(log) == 2 and snapshot.waiters == []


def test_a_role_that_sees_a_part_of_the_sessions_counts_no_waiters() -> None:
    log, snapshot = sessions(row(1, "Lock"), row(2, hidden=True))
    assert len(log) == 2 and snapshot.waiters is None and snapshot.hides_states


def test_a_session_is_read_in_the_order_of_the_statement() -> None:
    _log, snapshot = sessions(row(1))
    (found,) = snapshot.sessions or ()
    assert (found.pid, found.user, found.database, found.application, found.client, found.port) == (
        *(1, "app", "shop", "", "10.0.0.1", 4711),
    )
    assert (found.kind, found.state, found.login_at, found.transaction_at) == ("client backend", "active", 1.0, None)
    assert (found.query_at, found.since, found.wait_type, found.wait, found.wrote) == (2.0, 3.0, "", "tuple", False)
    assert (found.query, found.listener, found.advisory) == ("SELECT ? WHERE a = '?'", False, True)
    assert (found.superuser, found.replication, found.started, found.changed) == (False, False, "began", "")
