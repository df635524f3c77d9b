# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PgBouncer said -> findings. Pure. A server that is sick explains them; they never explain a sick server."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, UNKNOWN, Finding, Remedy
from .postgresql_reach import fault_of
from .postgresql_settings import Settings
from .postgresql_snapshot import OK, Pool, Pooler

UNASKED = ("postgresql.auth.password", "postgresql.auth.rejected", "postgresql.server.error")
"""Answers of a pooler that runs: it takes clients, it only does not show its pools to this one."""


def judge_pooler(pooler: Pooler | None, settings: Settings) -> t.Iterator[Finding]:
    if pooler is None:
        return
    if pooler.answer.kind != OK:
        yield _unreachable(pooler, settings)
        return
    yield from _waiting(pooler, settings)
    yield from _clients(pooler, settings)


def _unreachable(pooler: Pooler, settings: Settings) -> Finding:
    answer, fault = pooler.answer, fault_of(pooler.answer)
    where = f"PgBouncer at {answer.address}"
    if fault is None or fault.id in UNASKED:
        return Finding(
            id="postgresql.pooler.unmeasured",
            component=settings.pooler,
            subject=answer.address,
            state=UNKNOWN,
            severity="P3",
            summary=f"Not measured: the pools of {where}, which does not let this role see them",
            evidence=(answer.message,),
            remedies=(
                Remedy("Name the role in stats_users of pgbouncer.ini, and correct pgbouncer_user and its password"),
            ),
        )
    return Finding(
        id="postgresql.pooler.unreachable",
        component=settings.pooler,
        subject=answer.address,
        state=CRITICAL,
        severity="P1",
        summary=f"{where} {fault.does}; who goes through it can't reach the database",
        observed={"answer": answer.kind, "sqlstate": answer.sqlstate},
        evidence=(answer.message,),
        causes=fault.causes,
        remedies=(Remedy("Look at PgBouncer's state and log; start it where it is down", "low"),),
        details={"kind": answer.kind},
    )


def _waiting(pooler: Pooler, settings: Settings) -> t.Iterator[Finding]:
    slow = [pool for pool in pooler.pools if pool.waiting and settings.level("pooler_wait_seconds", pool.longest)]
    if not slow:
        return
    worst = max(slow, key=lambda pool: pool.longest)
    waiting = sum(pool.waiting for pool in slow)
    yield Finding(
        id="postgresql.pooler.waiting",
        component=settings.pooler,
        subject=f"pool {_name(worst)}",
        state=settings.level("pooler_wait_seconds", worst.longest) or "warning",
        severity="P2",
        summary=f"{waiting} clients wait for a connection of pool {_name(worst)}, the first for {worst.longest:.0f} s",
        observed={"waiting": waiting, "longest_seconds": round(worst.longest, 1), "servers": worst.servers},
        threshold=settings.pair("pooler_wait_seconds"),
        evidence=tuple(
            f"pool {_name(pool)}: {pool.waiting} waiting, {pool.active} served by {pool.servers} connections"
            for pool in slow[:20]
        ),
        causes=(
            "the pool is smaller than what its clients do at once; the server has room",
            "transactions hold the pool's connections for long",
        ),
        remedies=(
            Remedy("Raise the pool's size within the server's headroom, and RELOAD", "low"),
            Remedy("Shorten the transactions, or lower what clients do at once"),
        ),
    )


def _name(pool: Pool) -> str:
    return f"{pool.database}/{pool.user}"


def _clients(pooler: Pooler, settings: Settings) -> t.Iterator[Finding]:
    used, limit = pooler.clients, pooler.clients_limit
    level = settings.level("pooler_clients_percent", 100.0 * used / limit) if used is not None and limit else None
    if level is None:
        return
    yield Finding(
        id="postgresql.pooler.clients",
        component=settings.pooler,
        subject=pooler.answer.address,
        state=level,
        severity="P2",
        summary=f"PgBouncer has {used} of {limit} clients that it may have",
        observed={"clients": used, "limit": limit},
        threshold=settings.pair("pooler_clients_percent"),
        causes=("clients open more connections than max_client_conn, or leak them",),
        remedies=(
            Remedy("Find the client with most connections (SHOW CLIENTS); raise max_client_conn and RELOAD", "low"),
        ),
    )
