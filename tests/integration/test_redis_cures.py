# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_redis from the first look to the proof, on private servers: what is cured without touching a container."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_servers import OLD, Server, is_busy, resp, running, until
from runs import Run, play

pytestmark = pytest.mark.lab

TARGET = "shop-cache"
PACE = {
    "incident_watch_good": 2,
    "incident_watch_spacing": 1,
    "incident_watch_soak": 1,
    "incident_watch_deadline": 60,
    "redis_window": 0.5,
    "redis_lookback": 2,
    "redis_min_idle": 2,
    "redis_fast_ms": 500,
    "redis_timeout": 1.0,
    "redis_thresholds": {"latency_ms": {"warn": 800, "crit": 60000}},
}


def run(server: Server, tmp_path: Path, *arguments: str, extra: dict[str, Any] | None = None, **variables: Any) -> Run:
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "redis_port": server.port,
        **PACE,
        **(extra or {}),
    }
    where = tmp_path / "hosts.json"
    where.write_text(json.dumps({"all": {"children": {"redis": {"hosts": {TARGET: host}}}}}))
    options = {"playbook": "playbooks/scenario_redis.yml", "inventory": str(where), **variables}
    return play(tmp_path / "state", *arguments, **options)


def titles(found: Run) -> list[str]:
    return [action["title"] for action in found.decision["plan"]["actions"]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "redis", "--maxclients", "40", "--busy-reply-threshold", "200") as found:
        yield found


def test_healthy(server: Server, tmp_path: Path) -> None:
    found = run(server, tmp_path, incident_mode="auto")
    assert (found.outcome, found.status, titles(found)) == ("healthy", 0, [])


def test_a_script_is_stopped_and_that_is_proven(server: Server, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(resp("EVAL", "while true do end", "0"))
        until("the script to be busy", lambda: is_busy(server))
        checked = run(server, tmp_path, "--check", incident_mode="auto")
        assert titles(checked) == [f"stop the script in {TARGET}"]
        assert is_busy(server), "check mode changes nothing"
        found = run(server, tmp_path, incident_mode="auto")
    assert titles(found) == titles(checked)
    assert (found.outcome, found.status) == ("fixed", 0), found.output
    assert not is_busy(server)


def test_idle_clients_go_within_the_dose_and_nobody_else(server: Server, tmp_path: Path) -> None:
    links = []
    for name, command in (("worker", ("BLPOP", "q", "0")), ("listener", ("SUBSCRIBE", "news")), ("sentinel-x-cmd", ())):
        link = server.connect()
        link.sendall(resp("CLIENT", "SETNAME", name) + (resp(*command) if command else b""))
        links.append(link)
    links += [server.connect() for _n in range(34)]
    until("them to be idle", lambda: sum(int(c["idle"]) >= 2 for c in server.client().client_list()) >= 36)
    before = {c["id"] for c in server.client().client_list()}
    proposed = run(server, tmp_path, incident_mode="propose")
    assert (proposed.outcome, proposed.status) == ("proposed", 0)
    assert f"incident_approve={proposed.decision['plan']['hash']}" in proposed.output
    refused = run(server, tmp_path, incident_mode="auto")
    assert refused.status == 2, "killing clients is disruptive, and mode auto takes low risk"
    assert before <= {c["id"] for c in server.client().client_list()} | {max(before, key=int)}
    found = run(server, tmp_path, incident_mode="auto", incident_max_risk="disruptive")
    assert titles(found) == [f"kill idle clients of {TARGET}"]
    assert (found.outcome, found.status) == ("fixed", 0), found.output
    after = {c["name"] for c in server.client().client_list()}
    assert {"worker", "listener", "sentinel-x-cmd"} <= after
    assert 0 < found.acted()[0]["result"]["killed"] <= 9
    for link in links:
        link.close()


@pytest.mark.skipif(OLD, reason="before 7.0 a load can't be slowed down by an option")
def test_a_load_is_waited_for_until_it_is_proven(tmp_path: Path) -> None:
    server = Server(tmp_path / "redis", "--save", "3600 100000000", "--enable-debug-command", "local")
    try:
        server.start()
        server.client().execute_command("DEBUG", "POPULATE", "30000")
        server.client().save()
        server.stop()
        slow = ("--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024")
        server = Server(server.directory, *slow).start(ready=False)
        until("the server to listen", lambda: server.connect().close() is None)
        found = run(server, tmp_path, incident_mode="auto")
        assert titles(found) == [f"wait for {TARGET}"]
        assert (found.outcome, found.status) == ("fixed", 0), found.output
        assert server.client().dbsize() == 30000
    finally:
        server.stop()


def full(tmp_path: Path, *options: str) -> Any:
    return running(tmp_path / "redis", "--maxmemory", "8mb", *options)


def fill(server: Server, **options: Any) -> None:
    client = server.client()
    for number in range(3000):
        client.set(f"page:{number}", "x" * 1000, **options)
    client.config_set("maxmemory", str(int(int(client.info("memory")["used_memory"]) * 1.005)))


def test_a_flush_needs_the_name_and_the_hash_and_then_its_own_gate(tmp_path: Path) -> None:
    """A store's data (nothing expires, noeviction) is refused by the module, whatever was approved."""
    copies = tmp_path / "copies"
    copies.mkdir()
    allowed = {"pattern": "page:*", "copy_dir": str(copies), "without_postgresql": True}
    extra = {"redis_flush": allowed, "redis_role": "cache"}
    with full(tmp_path, "--maxmemory-policy", "noeviction") as server:
        fill(server)
        auto = run(server, tmp_path, extra=extra, incident_mode="auto", incident_max_risk="disruptive")
        assert (titles(auto), auto.status) == ([f"flush {TARGET}"], 2)
        assert not auto.ran("incident_act")
        typed = {"incident_approve": auto.decision["plan"]["hash"], "incident_confirm": TARGET}
        found = run(server, tmp_path, extra=extra, incident_mode="ask", **typed)
        assert found.ran("incident_act")
        assert found.status == 2
        assert "expiry: " in found.output and "policy: " in found.output
        assert server.client().dbsize() == 3000
        assert not list(copies.iterdir())


def test_full_memory_is_left_to_people_where_nothing_is_declared(tmp_path: Path) -> None:
    with full(tmp_path, "--maxmemory-policy", "noeviction") as server:
        fill(server)
        found = run(server, tmp_path, incident_mode="auto", incident_max_risk="disruptive")
    assert (found.outcome, found.status, titles(found)) == ("escalated", 2, [])
    assert [row["risk"] for row in found.report["proposals"]][0] == "destructive"


def test_nobody_gets_in_and_nothing_is_done(server: Server, tmp_path: Path) -> None:
    links = [server.connect() for _n in range(45)]
    found = run(server, tmp_path, incident_mode="auto", incident_max_risk="disruptive")
    assert titles(found) == [f"kill idle clients of {TARGET}"]
    assert found.status == 2
    assert "No place came free" in found.output
    for link in links:
        link.close()
