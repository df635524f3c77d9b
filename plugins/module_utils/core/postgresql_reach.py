# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a PostgreSQL server answered -> the finding that says why nobody gets in. Pure.

Each cause has its own id, because each has another remedy: what helps a server that is down harms one that recovers.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import CRITICAL, Finding, Remedy
from .postgresql_settings import Settings
from .postgresql_snapshot import OK, Answer
from .postgresql_words import state_of


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with an answer: id, severity, what the server does, why, and what helps, safest first."""

    id: str
    severity: str
    does: str
    causes: tuple[str, ...]
    remedies: tuple[Remedy, ...]


LOOK = "Look at the server's state and the end of its log"
WAIT = Remedy("Wait, and follow its log; a restart would start the recovery from zero")

KINDS: dict[str, Fault] = {
    "dns": Fault(
        "postgresql.server.dns",
        "P1",
        "has a name that does not resolve",
        ("the name is wrong or its record is gone", "the resolver of this machine does not work"),
        (Remedy("Mend the name or the resolver; a restart of the server will not help"),),
    ),
    "refused": Fault(
        "postgresql.server.refused",
        "P1",
        "refuses connections",
        ("the server is not running", "it listens on another port or address (listen_addresses)"),
        (Remedy(f"{LOOK}; start it where it is down", "disruptive"),),
    ),
    "timeout": Fault(
        "postgresql.server.timeout",
        "P1",
        "does not answer the connection attempt",
        ("a firewall drops the packets", "the host is down or the route to it is"),
        (Remedy("Look at network, firewall and host; a restart of the server will not help"),),
    ),
    "silent": Fault(
        "postgresql.server.silent",
        "P1",
        "accepts the connection and then says nothing",
        ("its process is stopped (SIGSTOP, paused container)", "its disk stalls", "it hangs"),
        (
            Remedy("Unpause the container or send SIGCONT, where the process is stopped", "low"),
            Remedy("Look at disk latency and the kernel log; take a stack of the postmaster"),
            Remedy("Restart it with at least 120 s of grace", "destructive"),
        ),
    ),
    "reset": Fault(
        "postgresql.server.reset",
        "P1",
        "closes the connection without an answer",
        ("nothing listens behind the port's proxy", "the server's process dies as it starts a session"),
        (Remedy(LOOK),),
    ),
    "not_protocol": Fault(
        "postgresql.server.not_postgresql",
        "P1",
        "is not PostgreSQL",
        ("another program holds the port", "the address is wrong"),
        (Remedy("Correct host and port, or free the port of the program that answers there"),),
    ),
    "tls": Fault(
        "postgresql.server.tls",
        "P1",
        "fails in the TLS handshake",
        ("the certificate is expired, not trusted or for another name", "one side speaks TLS and the other does not"),
        (Remedy("Renew or trust the certificate, or correct ssl_mode; don't switch verification off"),),
    ),
}

STATES: dict[str, Fault] = {
    "starting": Fault(
        "postgresql.server.starting",
        "P1",
        "is starting up",
        ("it was started a moment ago", "it replays its WAL after a crash"),
        (WAIT,),
    ),
    "recovering": Fault(
        "postgresql.server.recovering",
        "P1",
        "is recovering",
        ("one of its processes crashed and it replays its WAL", "it is a standby that takes no queries (hot_standby)"),
        (WAIT,),
    ),
    "shutting_down": Fault(
        "postgresql.server.shutting_down",
        "P1",
        "is shutting down",
        ("somebody stops or restarts it", "a smart shutdown waits for sessions that never end"),
        (
            Remedy("Find out who stops it, and whether that is wanted; it goes down when its last session ends"),
            Remedy("End the sessions that it waits for", "disruptive", "pg_ctl stop -m fast"),
        ),
    ),
}

PASSWORD = Fault(
    "postgresql.auth.password",
    "P2",
    "refuses the password",
    ("the password is wrong or has expired", "the role does not exist: the server does not tell the two apart"),
    (Remedy("Correct user and password; the server itself is well"),),
)
REJECTED = Fault(
    "postgresql.auth.rejected",
    "P2",
    "does not let this client in",
    ("no line of pg_hba.conf allows it, or one rejects it", "the role may not log in"),
    (Remedy("Correct pg_hba.conf (SELECT * FROM pg_hba_file_rules) and reload; no restart is needed"),),
)
DATABASE = Fault(
    "postgresql.database.missing",
    "P1",
    "has no such database",
    ("the database was dropped or renamed", "this is another server than was meant"),
    (Remedy("Make sure which server this is before a backup is restored; a restart will not bring it back"),),
)
STORAGE = Fault(
    "postgresql.server.storage",
    "P1",
    "has trouble with disk, memory or its data",
    ("the disk is full", "a file can't be read or is corrupt", "memory is short"),
    (Remedy("Stop and call a database administrator; free space elsewhere, and never delete anything in pg_wal"),),
)
OTHER = Fault(
    "postgresql.server.error",
    "P1",
    "refuses the session",
    ("see what it says",),
    (Remedy(LOOK),),
)
FULL = Fault(
    "postgresql.connections.full",
    "P1",
    "has no free connection slot",
    ("clients hold more connections than the server has", "clients leak connections, or hold them idle"),
    (
        Remedy("Find out which client holds them, and throttle or stop that client"),
        Remedy("End idle sessions, the oldest first, within the dose", "disruptive"),
        Remedy("Restart the server with a checkpoint first", "destructive"),
    ),
)
ROLE_LIMIT = Fault(
    "postgresql.connections.role_limit",
    "P2",
    "has no connection left for this role",
    ("the role's CONNECTION LIMIT is reached while slots are free",),
    (Remedy("Find the role's sessions, and what opens them; raise its limit only within the headroom", "low"),),
)
DATABASE_LIMIT = Fault(
    "postgresql.connections.database_limit",
    "P2",
    "has no connection left for this database",
    ("the database's CONNECTION LIMIT is reached while slots are free",),
    (Remedy("Find the database's sessions, and what opens them; raise its limit only within the headroom", "low"),),
)

CODES: dict[str, Fault] = {"28P01": PASSWORD, "28000": REJECTED, "3D000": DATABASE}
TROUBLE = ("53100", "53200", "58", "XX")
"""SQLSTATEs, or their beginnings, after which nothing is touched before a person looked."""


def fault_of(answer: Answer) -> Fault | None:
    """What an answer means, None where the server is ready or only our own client can't go on."""
    if answer.kind != "error":
        return KINDS.get(answer.kind)
    code = answer.sqlstate
    if code == "57P03":
        return STATES[state_of(answer.message)]
    if code in ("57P01", "57P02"):
        return STATES["shutting_down"]
    if code == "53300":
        return {"InitializeSessionUserId": ROLE_LIMIT, "CheckMyDatabase": DATABASE_LIMIT}.get(answer.routine, FULL)
    if code.startswith(TROUBLE):
        return STORAGE
    return CODES.get(code, OTHER)


def judge_answer(answer: Answer, settings: Settings) -> t.Iterator[Finding]:
    """At most one finding: why this look could not log in."""
    fault = fault_of(answer)
    if answer.kind == OK or fault is None:
        return
    code = f"SQLSTATE {answer.sqlstate}" if answer.sqlstate else answer.kind
    when = ", after the login" if answer.authenticated and answer.sqlstate else ""
    yield Finding(
        id=fault.id,
        component=settings.component,
        subject=f"server {answer.address}",
        state=CRITICAL,
        severity=fault.severity,
        summary=f"PostgreSQL at {answer.address} {fault.does}",
        observed={"answer": answer.kind, "sqlstate": answer.sqlstate},
        evidence=(f"{code}{when}: {answer.message}",),
        causes=fault.causes,
        remedies=fault.remedies,
        details={"kind": answer.kind, "sqlstate": answer.sqlstate, "authenticated": answer.authenticated},
    )
