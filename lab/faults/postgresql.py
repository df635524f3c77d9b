"""Faults of PostgreSQL, and twins that only look like one. Ages are those of inventory/lab, where they are seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.faults import acts, sessions
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until

SERVICE = sessions.SERVICE
IDLE_SECONDS = 4
FULL = ("postgresql.connections.full", "postgresql.connections.idle")
TABLES = "CREATE TABLE IF NOT EXISTS lab_a (n int); CREATE TABLE IF NOT EXISTS lab_b (n int);"
GRANTS = "GRANT ALL ON lab_a, lab_b TO app"
PILE = {"kind": "fill", "name": "lab-pile"}


def _holding(name: str, groups: Callable[[Lab], list[dict[str, Any]]], shows: Callable[[Lab], None]) -> dict[str, Any]:
    """inject and clear of a fault that consists of sessions."""

    def inject(lab: Lab) -> None:
        sessions.sql(lab, TABLES + GRANTS)
        sessions.hold(lab, name, groups(lab))
        shows(lab)

    def clear(lab: Lab) -> None:
        sessions.release(lab, name)
        sessions.await_gone(lab)

    return {"id": name, "inject": inject, "clear": clear, "scenario": "database"}


def _piled(lab: Lab) -> None:
    sessions.await_idle(lab, IDLE_SECONDS, 60)


def _traps(lab: Lab) -> list[dict[str, Any]]:
    """Every kind of session that must never be ended, all of them idle and older than the pile."""
    admin, role = sessions.superuser(lab), {"user": "lab_replica", "password": lab.config.names["LAB_APP_PASSWORD"]}
    return [
        {"kind": "idle", "name": "lab-listener", "statements": ["LISTEN lab"]},
        {"kind": "idle", "name": "lab-leader", "statements": ["SELECT pg_advisory_lock(4711)"]},
        {"kind": "idle", "name": "lab-superuser", "login": admin},
        {"kind": "idle", "name": "lab-replica-role", "login": role},
        {"kind": "walsender", "name": "lab-walsender", "login": role},
        {"kind": "idle", "name": "pg_dump"},
        {"kind": "idle", "name": "lab-pooled", "login": sessions.through_pgbouncer(lab)},
        {"kind": "busy", "name": "lab-busy"},
        PILE,
    ]


def _inject_traps(lab: Lab) -> None:
    password = lab.config.names["LAB_APP_PASSWORD"]
    sessions.sql(lab, "DROP ROLE IF EXISTS lab_replica")
    sessions.sql(lab, f"CREATE ROLE lab_replica LOGIN REPLICATION PASSWORD '{password}'")
    sessions.hold(lab, "postgres_traps", _traps(lab))
    _piled(lab)


def _clear_traps(lab: Lab) -> None:
    sessions.release(lab, "postgres_traps")
    sessions.await_gone(lab)
    sessions.sql(lab, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'")
    sessions.sql(lab, "DROP ROLE IF EXISTS lab_replica")


def _waiting(count: int) -> Callable[[Lab], None]:
    query = f"SELECT count(*) = {count} FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return lambda lab: sessions.await_condition(lab, f"{count} sessions to wait", query)


def _long_waiting(count: int, seconds: int) -> Callable[[Lab], None]:
    query = (
        f"SELECT count(*) = {count} FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND query_start < now() - interval '{seconds} s'"
    )
    return lambda lab: sessions.await_condition(lab, f"{count} sessions to wait for {seconds} s", query)


def _blocked_by_idle(_lab: Lab) -> list[dict[str, Any]]:
    return [
        {"kind": "idle", "name": "lab-forgetful", "transaction": True, "statements": ["LOCK TABLE lab_a"]},
        {"kind": "running", "name": "lab-waiter", "count": 10, "statements": ["INSERT INTO lab_a VALUES (1)"]},
    ]


def _chain(_lab: Lab) -> list[dict[str, Any]]:
    """C waits for B, B waits for A, and A is at work."""
    first, second = "LOCK TABLE lab_a", "LOCK TABLE lab_b"
    return [
        {"kind": "running", "name": "lab-A", "transaction": True, "statements": [first, "SELECT pg_sleep(3600)"]},
        {"kind": "running", "name": "lab-B", "transaction": True, "statements": [second, first]},
        {"kind": "running", "name": "lab-C", "transaction": True, "statements": [second]},
    ]


def _long(_lab: Lab) -> list[dict[str, Any]]:
    return [{"kind": "running", "name": "lab-report", "statements": ["SELECT pg_sleep(3600), 'lab-secret-Zx81'"]}]


def _long_shows(lab: Lab) -> None:
    query = "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'lab-report'"
    sessions.await_condition(lab, "the query to be old", f"{query} AND query_start < now() - interval '6 s'")


def _nothing(_lab: Lab) -> None:
    """It shows as soon as the sessions are there."""


def _storm_shows(lab: Lab) -> None:
    count = "SELECT sum(sessions) FROM pg_stat_database"
    before = int(sessions.sql(lab, count))
    wait_until(
        "many logins",
        lambda: None if int(sessions.sql(lab, count)) > before + 40 else "there are few",
        acts.SHOWS,
    )


def _inject_role_limit(lab: Lab) -> None:
    password = lab.config.names["LAB_APP_PASSWORD"]
    sessions.sql(
        lab,
        "DO $$ BEGIN CREATE ROLE batch LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        f" ALTER ROLE batch PASSWORD '{password}' CONNECTION LIMIT 2",
    )
    group = {"kind": "idle", "name": "lab-batch", "count": 2, "login": {"user": "batch"}}
    sessions.hold(lab, "postgres_role_limit", [group])


def _clear_role_limit(lab: Lab) -> None:
    sessions.release(lab, "postgres_role_limit")
    sessions.await_gone(lab)
    sessions.sql(lab, "DROP ROLE IF EXISTS batch")


def _everything(lab: Lab) -> list[dict[str, Any]]:
    return [PILE, {"kind": "fill", "name": "lab-pile-reserved", "login": sessions.superuser(lab)}]


def _starved(lab: Lab) -> list[dict[str, Any]]:
    """Five clients share the one connection of the pool `small`; no query runs for long."""
    login = sessions.through_pgbouncer(lab, "small")
    group = {"kind": "busy", "name": "lab-client", "count": 5, "login": login, "pause": 0.0}
    return [{**group, "statements": ["SELECT pg_sleep(1.5)"]}]


# The server itself


def _pause_server(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="STOP")


def _continue_server(lab: Lab) -> None:
    with contextlib.suppress(Exception):
        lab.container(SERVICE).kill(signal="CONT")


def _crash(lab: Lab) -> None:
    """Kill it with WAL to replay, and stop the process that replays as soon as it is there: it takes long then."""
    if _startup(lab):
        return
    sessions.sql(lab, "DROP TABLE IF EXISTS lab_wal; CREATE TABLE lab_wal (t text); CHECKPOINT")
    sessions.sql(lab, "INSERT INTO lab_wal SELECT repeat(md5(g::text), 20) FROM generate_series(1, 400000) g")
    lab.container(SERVICE).kill()
    wait_until("the server to be dead", lambda: "it runs" if sessions.running(lab) else None, acts.SHOWS)
    lab.container(SERVICE).start()
    end = time.monotonic() + acts.SHOWS
    init = lab.container(SERVICE).attrs["State"]["Pid"]
    pid, first = 0, b""
    while not pid:
        # Only with its second WAL file does it surely replay; in the first the server may still say that it starts.
        found, title = _replaying(init)
        first = first or title
        pid = found if title != first else 0
        if time.monotonic() > end:
            raise LabError("the recovery was over before it could be stopped", "lab clear, then inject it again")
    os.kill(pid, signal.SIGSTOP)


def _startup(lab: Lab) -> int:
    """The process of the server that replays WAL, 0 where there is none."""
    return _replaying(lab.container(SERVICE).attrs["State"]["Pid"])[0]


def _replaying(init: int) -> tuple[int, bytes]:
    """The same, by the container's first process, and the WAL file that it is at. Asked in a tight loop, so without the
    engine."""
    try:
        children = Path(f"/proc/{init}/task/{init}/children").read_text().split()
    except OSError:
        return 0, b""
    for child in children:
        with contextlib.suppress(OSError):
            title = Path(f"/proc/{child}/cmdline").read_bytes()
            if title.startswith(b"postgres: startup recovering"):
                return int(child), title.strip(b"\0 ")
    return 0, b""


def _recover(lab: Lab) -> None:
    pid = _startup(lab)
    if pid:
        os.kill(pid, signal.SIGCONT)
    acts.start(lab, SERVICE)
    sessions.sql(lab, "DROP TABLE IF EXISTS lab_wal")


def _german(lab: Lab) -> None:
    sessions.sql(lab, "ALTER SYSTEM SET lc_messages = 'de_DE.UTF-8'")
    sessions.sql(lab, "SELECT pg_reload_conf()")
    sessions.await_condition(lab, "German messages", "SELECT current_setting('lc_messages') = 'de_DE.UTF-8'")


def _english(lab: Lab) -> None:
    sessions.sql(lab, "ALTER SYSTEM RESET lc_messages")
    sessions.sql(lab, "SELECT pg_reload_conf()")


def _german_crash(lab: Lab) -> None:
    if not _startup(lab):
        _german(lab)
    _crash(lab)


def _german_recover(lab: Lab) -> None:
    _recover(lab)
    _english(lab)


HBA = "/etc/postgresql/pg_hba.conf"
REJECT = "host all operator all reject # lab"


def _reject(lab: Lab) -> None:
    _accept(lab)
    _as_root(lab, f"sed '1i {REJECT}' {HBA} > /tmp/hba && cat /tmp/hba > {HBA}")
    sessions.sql(lab, "SELECT pg_reload_conf()")
    sessions.await_condition(lab, "the rule", "SELECT bool_or(auth_method = 'reject') FROM pg_hba_file_rules")


def _accept(lab: Lab) -> None:
    _as_root(lab, f"grep -v '# lab$' {HBA} > /tmp/hba; cat /tmp/hba > {HBA}")
    sessions.sql(lab, "SELECT pg_reload_conf()")


def _as_root(lab: Lab, command: str) -> None:
    status, output = lab.container(SERVICE).exec_run(["bash", "-c", command], user="root")
    if status != 0:
        raise LabError(f"{command}: {output.decode(errors='replace')}", "lab logs postgres")


def _german_reject(lab: Lab) -> None:
    _german(lab)
    _reject(lab)


def _german_accept(lab: Lab) -> None:
    _accept(lab)
    _english(lab)


def _password(lab: Lab, password: str) -> None:
    sessions.sql(lab, f"ALTER ROLE operator PASSWORD '{password}'")


def _right_password(lab: Lab) -> None:
    _password(lab, lab.config.names["LAB_OPERATOR_PASSWORD"])


def _quiet(_lab: Lab) -> list[dict[str, Any]]:
    """Much that is idle while there is room, an old transaction that blocks nobody, and a query that is short."""
    return [
        {"kind": "idle", "name": "lab-pile", "count": 40},
        {"kind": "idle", "name": "lab-old", "transaction": True},
        {"kind": "busy", "name": "lab-busy", "statements": ["SELECT pg_sleep(0.2)"]},
    ]


# What goes through the pooler waits while the server is away.
BESIDE = ("postgresql.pooler.waiting", "postgresql.server.restarted", "docker.container.unhealthy")


def _fault(what: str, holding: dict[str, Any], *findings: str, **more: Any) -> Fault:
    return Fault(what=what, findings=findings, **holding, **more)


FAULTS = (
    _fault("idle sessions take every slot", _holding("postgres_idle", lambda _lab: [PILE], _piled), *FULL),
    Fault(
        "postgres_traps",
        "the same, with one of each kind of session among them that must not be ended",
        _inject_traps,
        _clear_traps,
        FULL,
        scenario="database",
    ),
    _fault(
        "a session idle in transaction blocks ten others",
        _holding("postgres_transaction", _blocked_by_idle, _waiting(10)),
        "postgresql.transaction.idle",
    ),
    _fault(
        "a chain of locks, C behind B behind A, which is at work",
        _holding("postgres_chain", _chain, _long_waiting(2, 4)),
        "postgresql.locks.blocked",
    ),
    _fault("a query that does not end", _holding("postgres_long", _long, _long_shows), "postgresql.query.long"),
    _fault(
        "a client connects anew all the time",
        _holding(
            "postgres_storm",
            lambda _lab: [{"kind": "storm", "name": "lab-storm", "count": 4, "rate": 20}],
            _storm_shows,
        ),
        "postgresql.connections.storm",
    ),
    Fault(
        "postgres_role_limit",
        "a role has all connections that it may have, and the server has room",
        _inject_role_limit,
        _clear_role_limit,
        ("postgresql.connections.role_limit",),
        scenario="database",
    ),
    _fault(
        "every slot is taken, the reserved ones too",
        _holding("postgres_full", _everything, _nothing),
        "postgresql.connections.full",
        "postgresql.unmeasured",
        possible=BESIDE,
    ),
    Fault(
        "postgres_stopped",
        "the server's container is stopped",
        lambda lab: acts.stop(lab, SERVICE),
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "postgresql.server.refused"),
        (*BESIDE, "postgresql.server.reset"),
        scenario="database",
    ),
    Fault(
        "postgres_frozen",
        "the server's process is stopped (SIGSTOP): connections open, and nothing answers",
        _pause_server,
        _continue_server,
        ("docker.process.frozen", "postgresql.server.silent"),
        BESIDE,
        scenario="database",
    ),
    Fault(
        "postgres_recovering",
        "the server crashed, and its recovery takes long",
        _crash,
        _recover,
        ("postgresql.server.recovering",),
        (*BESIDE, "postgresql.server.starting"),
        scenario="database",
    ),
    Fault(
        "postgres_recovering_german",
        "the same, of a server that speaks German",
        _german_crash,
        _german_recover,
        ("postgresql.server.recovering",),
        (*BESIDE, "postgresql.server.starting"),
        scenario="database",
    ),
    Fault(
        "postgres_rejected",
        "pg_hba.conf rejects the role that looks",
        _reject,
        _accept,
        ("postgresql.auth.rejected",),
        scenario="database",
    ),
    Fault(
        "postgres_rejected_german",
        "the same, of a server that speaks German",
        _german_reject,
        _german_accept,
        ("postgresql.auth.rejected",),
        scenario="database",
    ),
    Fault(
        "postgres_password",
        "the password of the role that looks was changed",
        lambda lab: _password(lab, "lab-Rk4v-changed"),
        _right_password,
        ("postgresql.auth.password",),
        scenario="database",
    ),
    _fault(
        "five clients of PgBouncer share one connection",
        _holding("postgres_pooler", _starved, _nothing),
        "postgresql.pooler.waiting",
    ),
    _fault(
        "much is idle, but nothing runs short and nobody waits",
        _holding("postgres_quiet", _quiet, lambda lab: sessions.await_idle(lab, IDLE_SECONDS, 40)),
        twin=True,
    ),
    Fault("postgres_german", "the server speaks German", _german, _english, scenario="database", twin=True),
)
