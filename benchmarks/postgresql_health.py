#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at PostgreSQL costs: postgresql_health_info beside the runbook's psql, twice, and beside plain psycopg2.

The runbook asks for the number of sessions and for max_connections, each with psql through docker compose exec. The
plain script logs in once with the same driver and reads the same facts with the same statements; it judges nothing.
Variants take turns; the figures are medians. With --scale the same on a server of its own with 1,000 sessions.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
import typing as t

import _measuring as measuring
from _measuring import run

QUESTIONS = ("SELECT count(*) FROM pg_stat_activity;", "SHOW max_connections;")
SESSIONS = 1000
SCALE_NAME, SCALE_PORT = "postgresql-health-benchmark", 28532
PATIENCE = 120.0


class Server(t.NamedTuple):
    port: int
    user: str
    password: str
    container: str
    exec: tuple[str, ...]


def lab_server() -> tuple[Server, dict[str, str]]:
    """The lab's server, and the environment in which docker-compose means the lab."""
    from lab import config, stack

    found = config.load()
    environment = {**os.environ, **stack.compose_environment(found)}
    prefix = (*stack.compose_program(), "exec", "-T", "postgres")
    password = found.names["LAB_OPERATOR_PASSWORD"]
    container = f"{found.project}-postgres-1"
    return Server(found.ports["postgres"], "operator", password, container, prefix), environment


# The runbook's commands


def psql(server: Server, environment: dict[str, str]) -> None:
    for question in QUESTIONS:
        run([*server.exec, "psql", "-U", "postgres", "-c", question], env=environment)


# The plain script


def plain(server: Server) -> dict[str, t.Any]:
    """What anybody would write with the driver: log in, set the session up, read, close."""
    import psycopg2
    from ansible_collections.incident.response.plugins.module_utils.clients import postgresql_sql as sql

    statements = {
        "server": sql.SERVER,
        "slots": sql.SLOTS,
        "activity": sql.ACTIVITY,
        "limits": sql.LIMITS,
        "ages": sql.AGES,
        "prepared": sql.PREPARED,
        "slots of replication": sql.REPLICATION_SLOTS.format(status=sql.WAL_STATUS),
        "replicas": sql.REPLICAS,
        "counters": sql.COUNTERS.format(sessions=sql.SESSIONS),
        "locks": sql.LOCKS,
        "tables": sql.TABLES,
        "space": sql.SPACE,
        "settings": sql.SETTINGS,
    }
    link = psycopg2.connect(
        host="127.0.0.1", port=server.port, dbname="app", user=server.user, password=server.password
    )  # fmt: skip
    link.autocommit = True
    facts = {}
    with link.cursor() as cursor:
        cursor.execute("SET statement_timeout = 5000; SET lock_timeout = 1000; SET application_name = 'plain'")
        for name, statement in statements.items():
            cursor.execute(statement)
            facts[name] = cursor.fetchall()
    link.close()
    return facts


# The check


def options(server: Server) -> dict[str, t.Any]:
    return {"port": server.port, "database": "app", "user": server.user, "password": server.password, "restarted": 0.01}


def check(server: Server) -> dict[str, t.Any]:
    return measuring.check("postgresql_health", options(server))


# Plays


def naive(server: Server) -> list[dict[str, t.Any]]:
    """The runbook's commands as tasks."""
    return [
        {
            "name": question,
            "ansible.builtin.command": {"argv": [*server.exec, "psql", "-U", "postgres", "-c", question]},
        }
        for question in QUESTIONS
    ]


def measure(server: Server, environment: dict[str, str], runs: int) -> None:
    check(server)
    result, facts = check(server), plain(server)
    print(
        f"  sessions: {result['snapshot']['sessions_total']} (plain: {len(facts['activity'])}); the check's result:"
        f" {result['status']}, {len(json.dumps(result)) // 1024} KiB"
    )
    subject = measuring.Subject(
        benchmark="postgresql_health",
        argument=f"b.Server(*{tuple(server)!r})",
        plain=lambda: plain(server),
        check=lambda: check(server),
        look={"incident.response.postgresql_health_info": options(server)},
        typed={"psql twice, as the runbook has it": lambda: psql(server, environment)},
    )
    measuring.beside_a_driver(subject, naive(server), environment, runs)


# Scale


@contextlib.contextmanager
def large_server(source: Server) -> t.Iterator[Server]:
    """A server of its own from the lab's image, gone afterwards."""
    image = run(["docker", "inspect", "--format", "{{.Image}}", source.container]).strip()
    secrets = [f"{name}_PASSWORD={source.password}" for name in ("POSTGRES", "APP", "MONITOR", "OPERATOR")]
    environment = [word for secret in secrets for word in ("-e", secret)]
    port = f"127.0.0.1:{SCALE_PORT}:5432"
    run(["docker", "run", "-d", "--name", SCALE_NAME, "--shm-size", "256m", *environment, "-p", port, image])
    server = Server(SCALE_PORT, source.user, source.password, SCALE_NAME, ("docker", "exec", SCALE_NAME))
    try:
        ready(server)
        alter = f"ALTER SYSTEM SET max_connections = {SESSIONS + 100}"
        run([*server.exec, "psql", "-U", "postgres", "-c", alter])
        run(["docker", "restart", "-t", "60", SCALE_NAME])
        ready(server)
        yield server
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", SCALE_NAME], capture_output=True, check=False)


def ready(server: Server) -> None:
    """By TCP: while it makes its cluster, a first server of it answers on its own socket only."""
    import psycopg2

    login = {"host": "127.0.0.1", "port": server.port, "user": server.user, "password": server.password}
    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(dbname="app", connect_timeout=5, **login).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > end:
                sys.exit("The server of the benchmark did not get ready")
        time.sleep(0.5)


@contextlib.contextmanager
def crowd(server: Server) -> t.Iterator[None]:
    """A thousand idle sessions."""
    import psycopg2

    login = {"host": "127.0.0.1", "port": server.port, "dbname": "app", "user": "app", "password": server.password}
    links = [psycopg2.connect(**login) for _number in range(SESSIONS)]
    try:
        for link in links:
            link.autocommit = True
            link.cursor().execute("SELECT 1")
        yield
    finally:
        for link in links:
            link.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="one run of everything, as a smoke test")
    parser.add_argument("--scale", action="store_true", help=f"also {SESSIONS} sessions, on a server of its own")
    given = parser.parse_args()
    runs = 1 if given.quick else given.runs
    server, environment = lab_server()
    print(f"The lab's server, {server.container}:")
    measure(server, environment, runs)
    if given.scale:
        with large_server(server) as large, crowd(large):
            print(f"A server of its own, with {SESSIONS} sessions:")
            measure(large, environment, runs)


if __name__ == "__main__":
    main()
