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
    reasons: tuple[tuple[bool, str], ...] = (
        (session.kind != CLIENT, f"a {session.kind or 'hidden backend'}, no client"),
        (session.superuser, f"{session.user} is a superuser"),
        (session.replication, f"{session.user} is a replication role"),
        (session.advisory, "it holds an advisory lock"),
        (session.listener, "it listens for notifications"),
        (matches(session.user, protection.users), f"user {session.user} is protected"),
        (
            matches(session.application, (*APPLICATIONS, *protection.applications)),
            f"application {session.application} is protected",
        ),
        ((session.client, session.port) in servers, "a connection of the pooler: it would come back at once"),
        (matches(session.client, protection.pooler_addresses), "from the pooler's address: it would come back at once"),
        (not session.started or not session.changed, "its identity can't be seen"),
    )
    return next((why for holds, why in reasons if holds), None)
