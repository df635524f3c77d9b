# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_redis on private servers: a flush from plan to gate, and full memory that is left to people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_servers import Server, running
from runs import Run, play

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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "redis", "--maxclients", "40", "--busy-reply-threshold", "200") as found:
        yield found


def test_healthy(server: Server, tmp_path: Path) -> None:
    found = run(server, tmp_path, incident_mode="auto")
    assert (found.outcome, found.status, found.titles) == ("healthy", 0, [])


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
        assert (auto.titles, auto.status) == ([f"flush {TARGET}"], 2)
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
    assert (found.outcome, found.status, found.titles) == ("escalated", 2, [])
    assert [row["risk"] for row in found.report["proposals"]][0] == "destructive"
