# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL server said at one moment, without judgement. Nothing here does I/O.

Times are epoch seconds of the server's own clock, so that ages never mix two clocks. Numbers are None where the role
could
not see them: that is never the same as 0.
"""

from __future__ import annotations

import dataclasses
import typing as t

OK = "ok"
CLIENT = "client backend"


@dataclasses.dataclass(frozen=True)
class Answer:
    """How a server answered a connection attempt.

    kind: ok (it would take queries), dns, refused, timeout, silent, reset, not_protocol, tls, error (then with
    sqlstate and
    routine, which no setting translates), or unsupported (a login that only a real client can do).
    authenticated: whether the password was accepted before that.
    """

    address: str
    kind: str
    message: str = ""
    sqlstate: str = ""
    routine: str = ""
    authenticated: bool = False


@dataclasses.dataclass(frozen=True)
class Slots:
    """Connection slots. used: client backends besides this look; backends: what every role may count, workers among
    them."""

    maximum: int
    superuser_reserved: int
    reserved: int
    used: int
    hidden: int
    backends: int

    @property
    def capacity(self) -> int:
        """Slots that an ordinary role can have."""
        return max(0, self.maximum - self.superuser_reserved - self.reserved)

    @property
    def headroom(self) -> int:
        return self.capacity - self.used

    @property
    def used_percent(self) -> float:
        return 100.0 * self.used / self.capacity if self.capacity else 100.0


class Session(t.NamedTuple):
    """One backend; a tuple, since there may be thousands. query: its shape, without literals.

    started and changed: exact texts, the identity of a session. since: when it got into its state. hidden: the role may
    not see more than its pid.
    """

    pid: int
    user: str = ""
    database: str = ""
    application: str = ""
    client: str = ""
    port: int = 0
    kind: str = CLIENT
    state: str = ""
    login_at: float | None = None
    transaction_at: float | None = None
    query_at: float | None = None
    since: float | None = None
    wait_type: str = ""
    wait: str = ""
    wrote: bool = False
    query: str = ""
    listener: bool = False
    advisory: bool = False
    superuser: bool = False
    replication: bool = False
    started: str = ""
    changed: str = ""
    hidden: bool = False

    @property
    def idle(self) -> bool:
        return self.state == "idle"

    @property
    def idle_in_transaction(self) -> bool:
        return self.state.startswith("idle in transaction")

    @property
    def name(self) -> str:
        """For people: who it is."""
        where = f" from {self.client}" if self.client else ""
        application = self.application or "no application name"
        return f"pid {self.pid} ({self.user or '?'}@{self.database or '?'}, {application}{where})"

    @property
    def identity(self) -> dict[str, t.Any]:
        return {"pid": self.pid, "backend_start": self.started, "state_change": self.changed}


@dataclasses.dataclass(frozen=True)
class Waiter:
    """A session that waits for a lock. blockers: pids, 0 for a prepared transaction. since: the start of the wait."""

    pid: int
    blockers: tuple[int, ...]
    since: float | None = None
    wanted: str = ""


@dataclasses.dataclass(frozen=True)
class Limit:
    """A connection limit of a role or a database (kind)."""

    kind: str
    name: str
    limit: int
    used: int


@dataclasses.dataclass(frozen=True)
class Age:
    """How far a database is from transaction id and multixact wraparound."""

    database: str
    xid: int
    multixact: int


@dataclasses.dataclass(frozen=True)
class Prepared:
    gid: str
    owner: str
    database: str
    since: float


@dataclasses.dataclass(frozen=True)
class Slot:
    """A replication slot. retained: bytes of WAL that it holds back, None where it can't be told."""

    name: str
    kind: str
    active: bool
    wal_status: str = ""
    retained: int | None = None


@dataclasses.dataclass(frozen=True)
class Replica:
    """A walsender as its primary sees it. lag in seconds and bytes, None where the replica has not said."""

    application: str
    state: str
    sync: str
    lag: float | None = None
    behind: int | None = None


@dataclasses.dataclass(frozen=True)
class Counters:
    """What only grows since the server started (or its statistics were reset). sessions: None before version 14."""

    at: float
    start: float
    deadlocks: int
    commits: int
    rollbacks: int
    sessions: int | None = None

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table whose dead rows pile up, in the database that was looked at."""

    name: str
    live: int
    dead: int
    vacuumed: float | None = None


@dataclasses.dataclass(frozen=True)
class Space:
    """wal: bytes in pg_wal, wal_expected: what its settings allow; disk_*: the file system of data_path, None if not
    given."""

    wal: int | None = None
    wal_expected: int | None = None
    archive_failing: bool = False
    disk_total: int | None = None
    disk_free: int | None = None


@dataclasses.dataclass(frozen=True)
class Pool:
    """A pool of PgBouncer. longest: seconds that its first client has waited by now."""

    database: str
    user: str
    active: int
    waiting: int
    servers: int
    longest: float
    mode: str = ""


@dataclasses.dataclass(frozen=True)
class Pooler:
    """What PgBouncer's admin console said. servers: (address, port) of its connections to the server, as that sees
    them."""

    answer: Answer
    pools: tuple[Pool, ...] = ()
    clients: int | None = None
    clients_limit: int | None = None
    servers: frozenset[tuple[str, int]] = frozenset()
    version: str = ""


@dataclasses.dataclass(frozen=True)
class Unmeasured:
    """What could not be read and why."""

    what: str
    why: str
    severity: str = "P3"


STATES = "states, locks and clients of sessions"
"""What can't be measured where the role may not see the sessions of others."""


@dataclasses.dataclass
class PostgresqlSnapshot:
    """Everything that one look found. Parts are None where they were not read; then unmeasured says why, or nobody
    asked."""

    address: str = ""
    answer: Answer = Answer("", "timeout", "nothing was asked")
    ordinary: Answer | None = None
    reserve_used: bool = False
    login_ms: float | None = None
    superuser: bool = False
    version: int = 0
    now: float = 0.0
    started: float = 0.0
    in_recovery: bool | None = None
    read_only: bool | None = None
    slots: Slots | None = None
    sessions: list[Session] | None = None
    waiters: list[Waiter] | None = None
    limits: list[Limit] | None = None
    ages: list[Age] | None = None
    prepared: list[Prepared] | None = None
    replication_slots: list[Slot] | None = None
    replicas: list[Replica] | None = None
    replay_delay: float | None = None
    counters: list[Counters] = dataclasses.field(default_factory=list)
    locks: tuple[int, int] | None = None
    tables: list[Table] | None = None
    space: Space | None = None
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    pooler: Pooler | None = None
    unmeasured: list[Unmeasured] = dataclasses.field(default_factory=list)
    measured: list[str] = dataclasses.field(default_factory=list)

    @property
    def reachable(self) -> bool:
        """Whether the server itself answers, even where it refuses this login."""
        return self.answer.kind in (OK, "error", "unsupported")

    @property
    def hides_states(self) -> bool:
        """Whether this role may not see what others do: what it sees of them is no total."""
        return any(item.what == STATES for item in self.unmeasured)

    def session(self, pid: int) -> Session | None:
        return next((session for session in self.sessions or () if session.pid == pid), None)
