# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/redis_acl.md is enough and no more than that: each right taken away in turn shows by its name."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import redis_clients, redis_flush
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from redis_servers import Server, finding, ids, is_busy, resp, running, until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "c4nary-Pa55word"
RULES = dict(re.findall(r"^ACL SETUSER (incident-\w+) (.*)$", (ROOT / "docs/redis_acl.md").read_text(), re.M))
UNKNOWN = {
    "client|list": "CLIENT LIST",
    "slowlog|get": "SLOWLOG GET",
    "latency|latest": "LATENCY LATEST",
    "config|get": "CONFIG GET",
    "scan": "SCAN",
    "memory|usage": "MEMORY USAGE",
    "info": "INFO",
    "ping": "PING",
}
"""Right -> what is unknown without it."""
HANDY = ("time", "client|id", "acl|whoami", "cluster|info")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    options = ("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", "--busy-reply-threshold", "50")
    with running(tmp_path / "redis", *options) as found:
        client = found.client()
        for name, rules in RULES.items():
            client.execute_command("ACL", "SETUSER", name, *rules.replace(">PASSWORD", f">{PASSWORD}").split())
        for number in range(20):
            client.set(f"page:{number}", "x", ex=3600)
        yield found


def login(name: str) -> dict[str, str]:
    return {"username": f"incident-{name}", "password": PASSWORD}


def take(server: Server, name: str, *rules: str) -> None:
    server.client().execute_command("ACL", "SETUSER", f"incident-{name}", *rules)


def call(module: Any, server: Server, name: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    defaults = {option: spec.get("default") for option, spec in module.SPEC.options.items()}
    return module.perform({**defaults, "port": server.port, **login(name), **options}, check_mode)


@pytest.mark.parametrize("name", ["monitor", "operator"])
def test_the_documented_rights_are_enough(server: Server, name: str) -> None:
    result = server.look(**login(name))
    assert ids(result) == []
    assert result["snapshot"]["user"] == f"incident-{name}"
    assert result["snapshot"]["refused"] == {}
    assert "errorstat_NOPERM" not in server.client().info("errorstats"), "nothing was tried that is not allowed"


def test_every_right_of_the_document_is_tested_here() -> None:
    granted = set(re.findall(r"\+(\S+)", RULES["incident-monitor"]))
    assert granted == {*UNKNOWN, *HANDY}


@pytest.mark.parametrize(("right", "what"), UNKNOWN.items())
def test_what_is_taken_away_is_unknown_by_its_name(server: Server, right: str, what: str) -> None:
    take(server, "monitor", f"-{right}")
    result = server.look(**login("monitor"))
    assert ids(result) == ["redis.auth.forbidden"]
    found = finding(result, "redis.auth.forbidden")
    assert found["state"] == "unknown"
    assert found["observed"]["forbidden"] == [what]
    rule = found["details"]["rules"].split()
    server.client().execute_command("ACL", "SETUSER", "incident-monitor", *rule)
    assert ids(server.look(**login("monitor"))) == [], "what the remedy grants is what was missing"


@pytest.mark.parametrize("right", [name for name in HANDY if name != "cluster|info"])
def test_what_is_only_handy_is_not_missed(server: Server, right: str) -> None:
    take(server, "monitor", f"-{right}")
    assert ids(server.look(**login("monitor"))) == []


def test_without_any_key_their_sizes_are_unknown(server: Server) -> None:
    take(server, "monitor", "resetkeys")
    result = server.look(**login("monitor"))
    assert finding(result, "redis.auth.forbidden")["observed"]["forbidden"] == ["MEMORY USAGE"]


def test_nothing_at_all(server: Server) -> None:
    server.client().execute_command("ACL", "SETUSER", "incident-monitor", "-@all")
    result = server.look(**login("monitor"))
    assert (ids(result), result["status"], result["reachable"]) == (["redis.auth.forbidden"], "unknown", True)


def test_an_accepted_gap_is_no_finding(server: Server) -> None:
    take(server, "monitor", "-config|get")
    assert ids(server.look(**login("monitor"), accept_unknown=["config get"])) == []


def test_a_renamed_command_is_unmeasured(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--rename-command", "SLOWLOG", "") as server:
        result = server.look()
    assert ids(result) == ["redis.unmeasured"]
    assert finding(result, "redis.unmeasured")["observed"]["missing"] == ["SLOWLOG GET"]


def idle(server: Server) -> list[socket.socket]:
    links = [socket.create_connection(("127.0.0.1", server.port)) for _n in range(8)]
    until("them to be idle", lambda: sum(int(c["idle"]) >= 1 for c in server.client().client_list()) >= 8)
    return links


def test_the_operator_kills_clients_and_scripts(server: Server) -> None:
    links = idle(server)
    assert call(redis_clients, server, "operator", min_idle=1)["killed"] == 2
    for link in links:
        link.close()
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(resp("EVAL", "while true do end", "0"))
        until("the script to be busy", lambda: is_busy(server))
        assert call(redis_clients, server, "operator", state="script_killed")["changed"]


def test_a_monitor_kills_nobody_and_says_what_is_missing(server: Server) -> None:
    links = idle(server)
    result = call(redis_clients, server, "monitor", min_idle=1)
    assert "client|kill" in result["problem"]
    take(server, "operator", "-client|list")
    with pytest.raises(CollectError, match="CLIENT LIST is refused"):
        call(redis_clients, server, "operator", min_idle=1)
    assert sum(int(c["idle"]) >= 1 for c in server.client().client_list()) >= 8
    for link in links:
        link.close()


@pytest.mark.parametrize(
    ("options", "right", "said"),
    [
        ({"whole": True}, "", ""),
        ({"pattern": "page:*"}, "", ""),
        ({"whole": True}, "sync", "SYNC"),
        ({"whole": True}, "lastsave", "LASTSAVE"),
        ({"whole": True}, "flushdb", "FLUSHDB"),
        ({"pattern": "page:*"}, "unlink", "UNLINK"),
        ({"whole": True}, "scan", "SCAN"),
        ({"whole": True}, "type", "TYPE"),
    ],
)
def test_the_flush_needs_what_is_written(
    server: Server, tmp_path: Path, options: dict[str, Any], right: str, said: str
) -> None:
    if right:
        take(server, "flush", f"-{right}")
    good = {"role": "cache", "copy_dir": str(tmp_path), "without_postgresql": True, **options}
    if not said:
        assert call(redis_flush, server, "flush", **good)["removed"] == 20
        return
    try:
        text = call(redis_flush, server, "flush", **good)["problem"]
    except CollectError as error:
        text = error.message
    assert said in text
    assert server.client().dbsize() == 20
