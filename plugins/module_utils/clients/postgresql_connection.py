# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to PostgreSQL that can't hang: libpq without blocking, every wait ends with the total deadline.

statement_timeout is the server's promise; a server that is stopped (SIGSTOP) in the middle of an answer keeps none.
"""

from __future__ import annotations

import contextlib
import select
import typing as t

from .deadline import Deadline
from .errors import CollectError
from .postgresql_names import addresses
from .postgresql_options import APPLICATION, Login

STATEMENT_SECONDS = 5.0
LOCK_SECONDS = 1.0
Row = tuple[t.Any, ...]


class QueryError(Exception):
    """The server refused a statement; the connection goes on. code: SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def denied(self) -> bool:
        return self.code == "42501"


class Connection:
    """Autocommit, read-only, and named, so that whoever looks at the server sees who this is."""

    def __init__(
        self, login: Login, deadline: Deadline, hygiene: bool = True, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        self._login = login
        self._deadline = deadline
        self._statement_seconds = statement_seconds
        self._hygiene = hygiene
        self._link: t.Any = None

    def open(self, seconds: float) -> None:
        """Connect, and say first how this session behaves. Raises CollectError(failed), which says nothing about
        why, or CollectError(dns)."""
        import psycopg2

        limit = Deadline(min(seconds, self._deadline.left()))
        known: list[str] = []
        if not self._login.local:
            known = [
                str(address[0]) for _family, address in addresses(self._login.host, self._login.port, limit.left())
            ]
        try:
            self._link = psycopg2.connect(**self._login.parameters(known), async_=1)
            self._wait(limit)
        except psycopg2.Error as error:
            self.close()
            raise CollectError("failed", first_line(error), self._login.address) from None
        if self._hygiene:
            self.query(self._manners())

    def _manners(self) -> str:
        left = max(0.5, min(self._statement_seconds, self._deadline.left()))
        return (
            f"SET statement_timeout = {left * 1000:.0f}; SET lock_timeout = {LOCK_SECONDS * 1000:.0f};"
            f" SET application_name = '{APPLICATION}'; SET timezone = 'UTC';"
            f" SET default_transaction_read_only = on"
        )

    @property
    def pid(self) -> int:
        return int(self._link.info.backend_pid)

    def query(self, sql: str, values: t.Mapping[str, t.Any] | None = None) -> list[Row]:
        """The rows of one statement. Raises QueryError where the server refuses it, CollectError where it is gone."""
        return self.rows(self.send(sql, values))

    def named(self, sql: str) -> list[tuple[list[str], Row]]:
        """Like query, each row with the names of its columns."""
        cursor = self.send(sql)
        rows = self.rows(cursor)
        names = [column[0] for column in cursor.description or ()]
        return [(names, row) for row in rows]

    def send(self, sql: str, values: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """Let the server begin with a statement; rows() takes its answer, before anything else is sent."""
        self._deadline.check("asking PostgreSQL")
        with self._sorted_errors():
            cursor = self._link.cursor()
            cursor.execute(sql, values)
            return cursor

    def rows(self, cursor: t.Any) -> list[Row]:
        """The answer to what was sent. Raises like query."""
        with self._sorted_errors():
            self._wait(self._deadline)
            return list(cursor.fetchall()) if cursor.description else []

    @contextlib.contextmanager
    def _sorted_errors(self) -> t.Iterator[None]:
        """A refusal is another thing than a connection that is gone."""
        import psycopg2

        try:
            yield
        except psycopg2.Error as error:
            if not error.pgcode or self._link.closed or str(error.pgcode).startswith("57P"):
                raise CollectError("reset", f"the connection ended: {first_line(error)}", self._login.address) from None
            raise QueryError(str(error.pgcode), first_line(error)) from None

    def _wait(self, deadline: Deadline) -> None:
        from psycopg2 import extensions

        while True:
            state = self._link.poll()
            if state == extensions.POLL_OK:
                return
            number = self._link.fileno()
            reading, writing = ([number], []) if state == extensions.POLL_READ else ([], [number])
            ready = select.select(reading, writing, [], deadline.left())
            if not any(ready):
                raise CollectError("silent", f"it gives no answer within {deadline.seconds:g} s", self._login.address)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def first_line(error: BaseException) -> str:
    """What a driver says, without the lines that quote the statement."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def text(value: t.Any) -> str:
    """A column that was read as bytes: names and queries of other databases may be in any encoding."""
    return "" if value is None else bytes(value).decode("utf-8", "replace")


def number(value: t.Any) -> float | None:
    return None if value is None else float(value)
