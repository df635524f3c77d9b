# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State and data of a PostgreSQL snapshot -> findings: restarts, standbys, ages, slots, replication, space, locks.
Pure."""

from __future__ import annotations

import typing as t

from .findings import Finding, Remedy
from .postgresql_judge_sessions import age
from .postgresql_settings import Settings
from .postgresql_snapshot import PostgresqlSnapshot, Replica, Slot, Table
from .quantities import size

MOST = 20
GIB = 1024.0**3


def judge_data(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    for judge in (_state, _ages, _prepared, _slots, _replication, _space, _lock_table, _autovacuum):
        yield from judge(snapshot, settings)


def _state(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    uptime = age(snapshot, snapshot.started or None)
    if snapshot.started and uptime < settings.restarted:
        yield Finding(
            id="postgresql.server.restarted",
            component=settings.component,
            subject=snapshot.address,
            state="warning",
            severity="P3",
            summary=f"PostgreSQL started {uptime:.0f} s ago",
            observed={"uptime_seconds": round(uptime)},
            threshold={"seconds": settings.restarted},
            causes=("somebody restarted it, or it crashed: its log says which",),
            remedies=(Remedy("Read the end of its log from before the start"),),
            since=snapshot.started,
        )
    role = "standby" if snapshot.in_recovery else "primary"
    if snapshot.in_recovery is not None and settings.expected_role not in ("any", role):
        yield _finding(
            settings,
            "postgresql.server.role",
            "P2",
            "critical",
            f"PostgreSQL at {snapshot.address} is a {role}, and a {settings.expected_role} is expected there",
            ("a failover happened and this address did not follow", "the address is the wrong one"),
            (
                Remedy(
                    "Point the clients to the right server; find out about the failover before anything is restarted"
                ),
            ),
        )
    if snapshot.read_only and not snapshot.in_recovery:
        yield _finding(
            settings,
            "postgresql.read_only",
            "P2",
            "critical",
            "New sessions are read-only: default_transaction_read_only is on",
            ("somebody switched it on for maintenance, or it protects a disk that runs full",),
            (Remedy("Find out why it was switched on; then ALTER SYSTEM or ALTER DATABASE, and reload", "low"),),
        )


def _finding(
    settings: Settings,
    name: str,
    severity: str,
    state: str,
    summary: str,
    causes: tuple[str, ...],
    remedies: tuple[Remedy, ...],
    **more: t.Any,
) -> Finding:
    values = {"subject": settings.component, **more}
    return Finding(
        id=name,
        component=settings.component,
        state=state,
        severity=severity,
        summary=summary,
        causes=causes,
        remedies=remedies,
        **values,
    )


def _ages(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    worst = max(snapshot.ages or (), key=lambda item: max(item.xid, item.multixact), default=None)
    oldest = max(worst.xid, worst.multixact) if worst else 0
    level = settings.level("transaction_age", oldest)
    if worst is None or level is None:
        return
    yield _finding(
        settings,
        "postgresql.wraparound",
        "P1" if level == "critical" else "P2",
        level,
        f"Database {worst.database} is {oldest / 1e9:.2f} billion transactions old; at 2.1 the server takes no writes",
        ("a long transaction, a prepared one, a replication slot or a replica holds back vacuum",),
        (
            Remedy("Find what holds xmin back: old transactions, prepared ones, slots, replicas with feedback"),
            Remedy("Then VACUUM the oldest tables; never the single-user mode as a first reaction", "low"),
        ),
        subject=f"database {worst.database}",
        observed={"xid": worst.xid, "multixact": worst.multixact},
        threshold=settings.pair("transaction_age"),
    )


def _prepared(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    found = snapshot.prepared or ()
    old = [p for p in found if settings.level("prepared_seconds", age(snapshot, p.since))]
    if not old:
        return
    first = min(old, key=lambda item: item.since)
    yield _finding(
        settings,
        "postgresql.prepared.old",
        "P2",
        settings.level("prepared_seconds", age(snapshot, first.since)) or "warning",
        f"{len(old)} prepared transactions wait for their end, the oldest for {age(snapshot, first.since):.0f} s",
        ("a transaction manager died between PREPARE and COMMIT PREPARED",),
        (Remedy("Ask their owner; then ROLLBACK PREPARED or COMMIT PREPARED, one by one", "destructive"),),
        subject=f"{len(old)} prepared transactions",
        observed={"prepared": len(old)},
        threshold=settings.pair("prepared_seconds"),
        evidence=tuple(f"{p.gid} of {p.owner} in {p.database}, {age(snapshot, p.since):.0f} s" for p in old[:MOST]),
        since=first.since,
    )


def _slots(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    bad = [(level, slot) for slot in snapshot.replication_slots or () for level in [_slot(slot, settings)] if level]
    if not bad:
        return
    names = ", ".join(slot.name for _level, slot in bad[:3])
    yield _finding(
        settings,
        "postgresql.slot.inactive",
        "P2",
        "critical" if any(level == "critical" for level, _slot in bad) else "warning",
        f"Replication slots hold back WAL that nobody reads: {names}",
        ("the slot's consumer is down, or it was removed and the slot forgotten",),
        (
            Remedy("Bring the slot's consumer back"),
            Remedy("Drop the slot; its consumer has to be built anew then", "destructive"),
        ),
        subject=f"{len(bad)} replication slots",
        observed={slot.name: slot.retained for _level, slot in bad[:MOST]},
        threshold=settings.pair("slot_retained_gib"),
        evidence=tuple(
            f"slot {s.name} ({s.kind}, {'active' if s.active else 'inactive'}): {_bytes(s.retained)} of WAL"
            f"{', status ' + s.wal_status if s.wal_status else ''}"
            for _level, s in bad[:MOST]
        ),
    )


def _slot(slot: Slot, settings: Settings) -> str | None:
    if slot.wal_status in ("lost", "unreserved"):
        return "critical"
    level = settings.level("slot_retained_gib", (slot.retained or 0) / GIB)
    return level or ("warning" if not slot.active else None)


def _bytes(number: int | None) -> str:
    return "an unknown amount" if number is None else size(number)


def _replication(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    late: list[tuple[float, Replica]] = [
        (r.lag, r) for r in snapshot.replicas or () if r.lag is not None and (r.behind or 0) > 0
    ]
    delay = snapshot.replay_delay or 0.0
    worst = max([delay, *(lag for lag, _replica in late)])
    level = settings.level("replication_lag_seconds", worst)
    if level is None:
        return
    yield _finding(
        settings,
        "postgresql.replication.lag",
        "P2" if level == "critical" else "P3",
        level,
        f"Replication is {worst:.0f} s behind",
        ("the standby's disk, CPU or network is too slow", "a query on the standby holds the replay back"),
        (Remedy("Look at the standby: its load, its conflicts (pg_stat_database_conflicts), its log"),),
        subject="replication",
        observed={"seconds": round(worst, 1)},
        threshold=settings.pair("replication_lag_seconds"),
        evidence=tuple(
            f"{r.application} ({r.state}, {r.sync}): {lag:.0f} s, {_bytes(r.behind)}" for lag, r in late[:MOST]
        )
        or (f"this standby replays what was committed {delay:.0f} s ago",),
    )


def _space(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    space = snapshot.space
    if space is None:
        return
    if space.disk_total:
        used = 100.0 * (1 - (space.disk_free or 0) / space.disk_total)
        level = settings.level("disk_used_percent", used)
        if level:
            yield _finding(
                settings,
                "postgresql.disk.space",
                "P1",
                level,
                f"The disk of PostgreSQL is {used:.0f} % full",
                ("WAL is held back (slots, a failing archive_command), or the data grew",),
                (Remedy("Free space elsewhere on that disk, or enlarge it; never delete anything in pg_wal by hand"),),
                observed={"used_percent": round(used, 1), "free_bytes": space.disk_free},
                threshold=settings.pair("disk_used_percent"),
            )
    if space.wal and space.wal_expected:
        level = settings.level("wal_factor", space.wal / space.wal_expected)
        if level:
            why = (
                "archiving fails"
                if space.archive_failing
                else "a slot, wal_keep_size or a long checkpoint holds it back"
            )
            yield _finding(
                settings,
                "postgresql.wal.growing",
                "P2",
                level,
                f"WAL takes {_bytes(space.wal)}, {space.wal / space.wal_expected:.0f} times max_wal_size",
                (why,),
                (Remedy("Find what holds the WAL back; never delete anything in pg_wal by hand"),),
                observed={"bytes": space.wal, "max_wal_size": space.wal_expected},
                threshold=settings.pair("wal_factor"),
            )


def _lock_table(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    taken, places = snapshot.locks or (0, 0)
    level = settings.level("lock_table_percent", 100.0 * taken / places) if places else None
    if level:
        yield _finding(
            settings,
            "postgresql.locks.table",
            "P3",
            level,
            f"The lock table holds {taken} locks of about {places}",
            ("one transaction touches very many tables or partitions, such as pg_dump",),
            (Remedy("Find the transaction with most locks (pg_locks by pid); raise max_locks_per_transaction later"),),
            observed={"locks": taken, "places": places},
            threshold=settings.pair("lock_table_percent"),
        )


def _autovacuum(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    workers = {s.pid: s for s in snapshot.sessions or () if s.kind == "autovacuum worker"}
    blocked = [w for w in snapshot.waiters or () if set(w.blockers) & set(workers)]
    waits = max((age(snapshot, waiter.since) for waiter in blocked), default=0.0)
    if blocked and settings.level("lock_wait_seconds", waits):
        yield _finding(
            settings,
            "postgresql.autovacuum.blocks",
            "P3",
            "warning",
            f"{len(blocked)} sessions wait for {waits:.0f} s behind an autovacuum that does not yield",
            ("it prevents wraparound: such a one does not yield, and starts again where it is cancelled",),
            (Remedy("Let it finish, and take the DDL back until then"),),
            observed={"waiters": len(blocked), "seconds": round(waits)},
            threshold=settings.pair("lock_wait_seconds"),
        )
    bad = [(level, table) for table in snapshot.tables or () for level in [_dead(table, settings)] if level]
    if bad:
        yield _finding(
            settings,
            "postgresql.tables.dead_rows",
            "P4",
            max(level for level, _table in bad),
            f"Dead rows pile up in {', '.join(table.name for _level, table in bad[:3])}",
            ("autovacuum does not keep up, or an old transaction holds it back",),
            (Remedy("VACUUM those tables in a quiet hour; look for old transactions first", "low"),),
            observed={table.name: table.dead for _level, table in bad[:MOST]},
            threshold=settings.pair("dead_rows_percent"),
        )


def _dead(table: Table, settings: Settings) -> str | None:
    rows = table.live + table.dead
    return settings.level("dead_rows_percent", 100.0 * table.dead / rows) if rows else None
