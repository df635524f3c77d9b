# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sessions are never ended, and why. Pure. Each reason stands on its own; the first that holds is told."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools

from .postgresql_snapshot import CLIENT, PostgresqlSnapshot, Session

APPLICATIONS = (
    "ansible-incident",
    "pg_dump*",
    "pg_restore*",
    "pg_basebackup*",
    "pg_receivewal*",
    "pg_upgrade*",
    "*backup*",
    "*barman*",
    "wal-g*",
    "wal-e*",
    "repmgr*",
    "*patroni*",
    "*debezium*",
    "*migrat*",
    "flyway*",
    "liquibase*",
    "alembic*",
)
"""Application names (globs) that are never touched: backups, replication managers, change capture, migrations."""


@dataclasses.dataclass(frozen=True)
class Protection:
    """What a site protects besides, as names or globs; pooler_addresses: whose connections would come back at once."""

    users: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    pooler_addresses: tuple[str, ...] = ()


NOBODY = Protection()


@functools.lru_cache(maxsize=1024)
def matches(value: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the globs fits, whatever the case. The thousand sessions of a pool ask the same over and over."""
    return any(fnmatch.fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns)


def protected(session: Session, snapshot: PostgresqlSnapshot, protection: Protection = NOBODY) -> str | None:
    """Why a session must not be ended, None where it may be."""
    servers = snapshot.pooler.servers if snapshot.pooler else frozenset()
    return _by_nature(session) or _by_declaration(session, protection) or _by_place(session, servers, protection)


def _by_nature(session: Session) -> str | None:
    if session.kind != CLIENT:
        return f"a {session.kind or 'hidden backend'}, no client"
    if session.superuser:
        return f"{session.user} is a superuser"
    if session.replication:
        return f"{session.user} is a replication role"
    if session.advisory:
        return "it holds an advisory lock"
    return "it listens for notifications" if session.listener else None


def _by_declaration(session: Session, protection: Protection) -> str | None:
    if matches(session.user, protection.users):
        return f"user {session.user} is protected"
    if matches(session.application, APPLICATIONS) or matches(session.application, protection.applications):
        return f"application {session.application} is protected"
    return None


def _by_place(session: Session, servers: frozenset[tuple[str, int]], protection: Protection) -> str | None:
    if (session.client, session.port) in servers:
        return "a connection of the pooler: it would come back at once"
    if matches(session.client, protection.pooler_addresses):
        return "from the pooler's address: it would come back at once"
    return None if session.started and session.changed else "its identity can't be seen"
