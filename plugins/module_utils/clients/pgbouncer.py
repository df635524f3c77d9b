# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PgBouncer's admin console -> Pooler. It speaks the simple protocol only, knows no SET, and needs autocommit."""

from __future__ import annotations

import typing as t

from ..core.postgresql_snapshot import OK, Answer, Pool, Pooler
from .deadline import Deadline
from .errors import CollectError
from .postgresql_connection import Connection, QueryError
from .postgresql_options import Login
from .postgresql_probe import probe

PROBE_SECONDS = 1.0


def collect(login: Login, seconds: float) -> Pooler:
    """Never raises: a pooler that can't be asked is an answer too."""
    deadline = Deadline(seconds)
    link = Connection(login, deadline, hygiene=False)
    try:
        link.open(seconds)
        return _read(link, login)
    except QueryError as error:
        return Pooler(Answer(login.address, "error", error.message, error.code, authenticated=True))
    except CollectError as error:
        answer = probe(login, Deadline(PROBE_SECONDS))
        if answer.kind == OK:
            answer = Answer(login.address, "unsupported", error.message)
        return Pooler(answer)
    finally:
        link.close()


def _read(link: Connection, login: Login) -> Pooler:
    pools = [_pool(row) for row in _rows(link, "SHOW POOLS") if row.get("database") != "pgbouncer"]
    config = {row["key"]: row["value"] for row in _rows(link, "SHOW CONFIG")}
    lists = {row["list"]: row["items"] for row in _rows(link, "SHOW LISTS")}
    servers = frozenset((str(row["local_addr"]), int(row["local_port"])) for row in _rows(link, "SHOW SERVERS"))
    return Pooler(
        answer=Answer(login.address, OK, authenticated=True),
        pools=tuple(pools),
        clients=int(lists.get("used_clients", 0)),
        clients_limit=int(config["max_client_conn"]) if "max_client_conn" in config else None,
        servers=servers,
    )


def _rows(link: Connection, command: str) -> list[dict[str, t.Any]]:
    """Columns by name: each version adds some."""
    return [dict(zip(names, row)) for names, row in link.named(command)]


def _pool(row: t.Mapping[str, t.Any]) -> Pool:
    servers = sum(int(row.get(name) or 0) for name in ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"))
    longest = float(row.get("maxwait") or 0) + float(row.get("maxwait_us") or 0) / 1e6
    return Pool(
        database=str(row.get("database")),
        user=str(row.get("user")),
        active=int(row.get("cl_active") or 0),
        waiting=int(row.get("cl_waiting") or 0),
        servers=servers,
        longest=longest,
        mode=str(row.get("pool_mode") or ""),
    )
