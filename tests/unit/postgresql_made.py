# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL snapshots made by hand: a healthy server, and what a test changes about it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import (
    OK,
    Answer,
    Counters,
    PostgresqlSnapshot,
    Session,
    Slots,
    Waiter,
)

NOW = 1_800_000_000.0
START = NOW - 86400.0


def session(pid: int, state: str = "idle", age: float = 600.0, **changes: t.Any) -> Session:
    """A client's session that has been in its state for so long."""
    values: dict[str, t.Any] = {
        "user": "shop",
        "database": "shop",
        "application": "web",
        "client": "10.0.0.7",
        "port": 40000 + pid,
        "state": state,
        "login_at": NOW - 3600.0,
        "query_at": NOW - age,
        "since": NOW - age,
        "transaction_at": NOW - age if "transaction" in state or state == "active" else None,
        "query": "SELECT n FROM things WHERE id = ?",
        "started": f"start-{pid}",
        "changed": f"change-{pid}",
    }
    return Session(pid, **{**values, **changes})


def waiter(pid: int, *blockers: int, age: float = 200.0) -> Waiter:
    return Waiter(pid, blockers, NOW - age, "AccessShareLock on relation")


def made(sessions: t.Iterable[Session] = (), maximum: int = 100, **changes: t.Any) -> PostgresqlSnapshot:
    """A server with these sessions, and nothing wrong besides."""
    found = list(sessions)
    clients = sum(item.kind == "client backend" for item in found)
    used = changes.pop("used", clients)
    values: dict[str, t.Any] = {
        "address": "db1:5432",
        "answer": Answer("db1:5432", OK, authenticated=True),
        "version": 150018,
        "now": NOW,
        "started": START,
        "in_recovery": False,
        "read_only": False,
        "login_ms": 9.0,
        "slots": Slots(maximum, 3, 0, used, 0, used + 1),
        "sessions": found,
        "waiters": [],
        "limits": [],
        "ages": [],
        "prepared": [],
        "replication_slots": [],
        "replicas": [],
        "counters": [Counters(NOW, START, 0, 1000, 0, 50)],
        "locks": (10, 6400),
        "tables": [],
    }
    return PostgresqlSnapshot(**{**values, **changes})


def changed(item: t.Any, **changes: t.Any) -> t.Any:
    return dataclasses.replace(item, **changes)
