# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_clients against real servers: as few as help, never a protected one, and what check mode lists is what goes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import redis_clients as module
from ansible_collections.incident.response.plugins.module_utils.checks import redis_wait
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from redis_servers import OLD, Server, is_busy, is_shut, resp, running, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "redis", "--maxclients", "40", "--busy-reply-threshold", "50") as found:
        yield found


def act(server: Server, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in module.SPEC.options.items()}
    return module.perform({**params, "port": server.port, "timeout": 1.0, "deadline": 15.0, **options}, check_mode)


class Crowd:
    """Clients that stay: each a socket with a name, in whatever command it was given."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.links: dict[str, socket.socket] = {}

    def add(self, name: str, *command: str) -> None:
        link = socket.create_connection(("127.0.0.1", self.server.port))
        link.sendall(resp("CLIENT", "SETNAME", name))
        assert link.recv(64) == b"+OK\r\n"
        if command:
            link.sendall(resp(*command))
        self.links[name] = link

    def ids(self) -> dict[str, int]:
        return {c["name"]: int(c["id"]) for c in self.server.client().client_list() if c["name"] in self.links}

    def close(self) -> None:
        for link in self.links.values():
            link.close()


@pytest.fixture
def crowd(server: Server) -> Iterator[Crowd]:
    """Twelve idle clients, every kind that is protected, and one that is at work; all idle for two seconds at least."""
    found = Crowd(server)
    for number in range(12):
        found.add(f"pool-{number:02}")
    found.add("waiting", "BLPOP", "queue", "0")
    found.add("streaming", "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    found.add("listening", "SUBSCRIBE", "news")
    found.add("patterns", "PSUBSCRIBE", "n*")
    found.add("sentinel-abc-cmd")
    found.add("backup-nightly")
    found.add("replica", "REPLCONF", "listening-port", "1")
    found.links["replica"].recv(64)
    found.links["replica"].sendall(resp("SYNC"))
    until("all to be idle for two seconds", lambda: all(int(c["idle"]) >= 2 for c in listed(server, found)))
    yield found
    found.close()


def listed(server: Server, crowd: Crowd) -> list[dict[str, str]]:
    clients = [c for c in server.client().client_list() if c["name"] in crowd.links and c["name"] != "replica"]
    assert len(clients) == len(crowd.links) - 1
    return clients


PROTECTED = {"waiting", "streaming", "listening", "patterns", "sentinel-abc-cmd", "backup-nightly", "replica"}


def test_check_mode_lists_exactly_who_then_goes_and_nobody_protected(server: Server, crowd: Crowd) -> None:
    options: dict[str, Any] = {"min_idle": 2, "protected_names": ["sentinel-*", "backup-*"]}
    before = crowd.ids()
    would = act(server, check_mode=True, **options)
    assert crowd.ids() == before
    assert would["changed"] and would["limit"] == 5 - (would["connections"]["before"] - 1 < 20)
    done = act(server, **options)
    chosen = [row["name"] for row in would["chosen"]]
    assert [row["name"] for row in done["chosen"]] == chosen
    assert done["killed"] == len(chosen) == would["limit"]
    until("the killed ones to be gone", lambda: set(before) - set(crowd.ids()) == set(chosen))
    assert set(crowd.ids()) >= PROTECTED
    assert set(chosen) <= {f"pool-{n:02}" for n in range(12)}
    why = {row["name"]: row["why"] for row in would["kept"]}
    assert why["waiting"] == why["streaming"] == "it waits for work by design"
    assert why["listening"] == why["patterns"] == "it subscribes to channels"
    assert why["replica"] == "it is a link of replication"
    assert why["backup-nightly"] == why["sentinel-abc-cmd"] == "its name is protected"


def test_as_few_as_the_headroom_needs(server: Server, crowd: Crowd) -> None:
    others = len(server.client().client_list()) - 1
    headroom = 100 * (40 - others + 2) / 40
    done = act(server, min_idle=2, names=["pool-*"], headroom=headroom)
    assert (done["needed"], done["killed"]) == (2, 2)
    assert act(server, min_idle=2, names=["pool-*"], headroom=1)["changed"] is False


def test_who_works_meanwhile_stays(server: Server, crowd: Crowd) -> None:
    crowd.links["pool-03"].sendall(resp("PING"))
    crowd.links["pool-03"].recv(16)
    done = act(server, min_idle=2, names=["pool-03"], max_share=1)
    assert (done["changed"], done["chosen"]) == (False, [])
    assert "pool-03" in crowd.ids()


def test_the_very_client_by_id_and_address(server: Server, crowd: Crowd) -> None:
    row = next(c for c in server.client().client_list() if c["name"] == "pool-05")
    with pytest.raises(CollectError, match="restarted meanwhile"):
        act(server, clients=[{"id": row["id"], "addr": row["addr"]}], identity={"run_id": "0" * 40})
    wrong = act(server, clients=[{"id": row["id"], "addr": "127.0.0.1:1"}])
    assert "None of the clients" in wrong["problem"]
    run_id = server.client().info("server")["run_id"]
    done = act(server, clients=[{"id": row["id"], "addr": row["addr"]}], identity={"run_id": run_id})
    assert done["killed"] == 1
    assert "pool-05" not in crowd.ids()


def test_asked_for_and_nobody_there_is_a_failure(server: Server, crowd: Crowd) -> None:
    assert "problem" in act(server, min_idle=9999, count=3)
    assert "problem" not in act(server, min_idle=9999)


def test_waits_at_the_door_of_a_full_server(server: Server) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port)) for _n in range(40)]
    until("the door to be shut", lambda: is_shut(server))
    with pytest.raises(CollectError, match="No place came free"):
        act(server, min_idle=1, deadline=0.5)
    held.pop().close()
    assert act(server, min_idle=3600)["connections"]["before"] == 40
    for link in held:
        link.close()


def test_a_read_only_script_is_stopped(server: Server) -> None:
    assert act(server, state="script_killed")["changed"] is False
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(resp("EVAL", "while true do end", "0"))
        until("the script to be busy", lambda: is_busy(server))
        assert act(server, check_mode=True, state="script_killed")["changed"] is True
        assert is_busy(server)
        assert act(server, state="script_killed")["changed"] is True
    assert server.client().ping()


def test_a_script_that_has_written_is_not(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(resp("EVAL", "redis.call('set', KEYS[1], '1') while true do end", "1", "a"))
        until("the script to be busy", lambda: is_busy(server))
        result = act(server, state="script_killed")
    assert "UNKILLABLE" in result["problem"]
    assert not result["changed"]


@pytest.mark.skipif(OLD, reason="before 7.0 a load can't be slowed down by an option")
def test_waiting_for_the_load(tmp_path: Path) -> None:
    server = Server(tmp_path / "redis", "--save", "3600 100000000", "--enable-debug-command", "local")
    wait = {name: option.get("default") for name, option in redis_wait.SPEC.options.items()}
    try:
        server.start()
        server.client().execute_command("DEBUG", "POPULATE", "20000")
        server.client().save()
        server.stop()
        assert "problem" in redis_wait.perform({**wait, "port": server.port}, False)
        server = Server(
            server.directory, "--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"
        ).start(ready=False)
        until(
            "the server to listen",
            lambda: redis_wait.perform({**wait, "port": server.port, "wait": 0}, False)["msg"] == "it still loads",
        )
        assert redis_wait.perform({**wait, "port": server.port}, True)["ready"] is False
        assert redis_wait.perform({**wait, "port": server.port}, False)["ready"] is True
        assert server.client().dbsize() == 20000
    finally:
        server.stop()
