# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was planted in a server is in no output, result, evidence, report or store; both ways to run a check agree."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_servers import Server, resp, running
from runs import Run, play

PASSWORD = "c4nary-Pa55-requirepass"
PLANTED = {
    "requirepass": PASSWORD,
    "AUTH of somebody else in the slowlog": "c4nary-Pa55-auth",
    "a value in the slowlog": "c4nary-Pa55-value",
    "a script in the slowlog": "c4nary-Pa55-script",
    "masterauth": "c4nary-Pa55-master",
    "an ACL user": "c4nary-Pa55-acl",
    "a client's name": (CLIENT := "c4nary-Pa55-client"),
    "a key's name": (KEY := "c4nary-Pa55-key"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Slow in everything, so that the slowlog has it all; memory is full, so that there is something to report."""
    with running(tmp_path / "redis", "--slowlog-log-slower-than", "0", "--slowlog-max-len", "1000") as found:
        client = found.client()
        client.config_set("masterauth", PLANTED["masterauth"])
        client.execute_command("ACL", "SETUSER", "app", "on", f">{PLANTED['an ACL user']}", "+@all")
        client.set(f"session?token={KEY}", b"x" * 11_000_000)
        client.set("k", PLANTED["a value in the slowlog"])
        client.eval(f"return '{PLANTED['a script in the slowlog']}'", 0)
        client.config_set("requirepass", PASSWORD)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "12mb")
        with socket.create_connection(("127.0.0.1", found.port)) as link:
            for words in (("AUTH", PLANTED["AUTH of somebody else in the slowlog"]), ("AUTH", PASSWORD)):
                link.sendall(resp(*words))
                link.recv(200)
            name = f"svc:password={CLIENT}"
            link.sendall(resp("CLIENT", "SETNAME", name))
            assert link.recv(64) == b"+OK\r\n"
            yield found


def inventory(server: Server, directory: Path, password: str) -> str:
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "redis_port": server.port,
        "redis_password": password,
        "redis_window": 0.5,
    }
    path = directory / "hosts.json"
    path.write_text(json.dumps({"all": {"children": {"redis": {"hosts": {"shop-cache": variables}}}}}))
    return str(path)


def leaks(run: Run) -> list[str]:
    texts = {"output": run.output.encode()}
    texts.update({str(path): path.read_bytes() for path in run.state.rglob("*") if path.is_file()})
    return [
        f"{what} in {name}"
        for name, text in texts.items()
        for what, secret in PLANTED.items()
        if secret.encode() in text
    ]


def run_it(server: Server, tmp_path: Path, *arguments: str, password: str = PASSWORD, **variables: Any) -> Run:
    state = tmp_path / "state"
    where = inventory(server, tmp_path, password)
    return play(state, *arguments, playbook="playbooks/scenario_redis.yml", inventory=where, **variables)


@pytest.mark.parametrize("in_process", [True, False])
def test_nothing_planted_comes_out(server: Server, tmp_path: Path, in_process: bool) -> None:
    run = run_it(server, tmp_path, "-vvv", incident_mode="auto", incident_in_process=in_process)
    assert "redis.memory.full" in run.finding_ids, run.output
    assert "redis.keys.big" in run.finding_ids
    assert run.outcome == "escalated"
    assert run.report["proposals"]
    assert leaks(run) == []


def test_a_wrong_password_is_not_shown_either(server: Server, tmp_path: Path) -> None:
    run = run_it(server, tmp_path, "-vvv", password=PLANTED["an ACL user"], incident_mode="observe")
    assert run.finding_ids == ["redis.auth.rejected"]
    assert leaks(run) == []


def test_both_ways_to_run_the_check_say_the_same(server: Server, tmp_path: Path) -> None:
    def findings(in_process: bool) -> list[tuple[str, str]]:
        run = run_it(server, tmp_path, incident_mode="observe", incident_in_process=in_process)
        return [(finding["id"], finding["state"]) for finding in run.decision["findings"]]

    assert findings(True) == findings(False)
