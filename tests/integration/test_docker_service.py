# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker_service against the real engine, on containers of its own; what it says is checked with the engine itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("docker")

from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import apply
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.module.docker_service_options import SPEC
from docker_faults import DEAF, STEADY, Yard, healthcheck, run_program, until

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {name: option.get("default") for name, option in SPEC.options.items()}
OK = healthcheck("true")


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    yard = Yard()
    try:
        yield yard
    finally:
        yard.close()


def go(check: bool = False, **options: Any) -> dict[str, Any]:
    return apply({**DEFAULTS, "wait_timeout": 60.0, **options}, check, run_program)


def refused(check: bool = False, **options: Any) -> dict[str, Any]:
    with pytest.raises(Failed) as caught:
        go(check, **options)
    return caught.value.result


def started_at(yard: Yard, container: Any) -> str:
    return yard.state(container)["StartedAt"]


def test_restart_waits_until_healthy(yard: Yard) -> None:
    container = yard.run("web", healthcheck=OK)
    until(lambda: yard.health(container) == "healthy", "it is healthy")
    before = started_at(yard, container)
    identity = {"id": container.id, "started_at": before}
    options = {"project": yard.project, "service": "web", "state": "restarted", "identity": identity}

    planned = go(True, **options)
    assert planned["changed"] is True and started_at(yard, container) == before, "check mode changes nothing"

    done = go(**options)
    assert done["changed"] is True and started_at(yard, container) != before
    assert yard.health(container) == "healthy"
    assert done["diff"]["after"][container.name]["started_at"] == started_at(yard, container)

    again = refused(**options)
    assert before in again["msg"] and started_at(yard, container) in again["msg"], "it is another life now"
    assert go(**{**options, "state": "started", "identity": None})["changed"] is False


def test_stop_timeout_of_a_deaf_one(yard: Yard) -> None:
    container = yard.run("deaf", DEAF)
    before = started_at(yard, container)
    assert go(container=container.name, state="restarted", stop_timeout=1)["changed"] is True
    assert started_at(yard, container) != before


def test_pause_and_unpause(yard: Yard) -> None:
    container = yard.run("calm", healthcheck=OK)
    until(lambda: yard.health(container) == "healthy", "it is healthy")
    before = started_at(yard, container)
    container.pause()
    for state in ("restarted", "started", "continued"):
        assert "unpause instead" in refused(container=container.name, state=state)["msg"]
    assert yard.status(container) == "paused"
    done = go(container=container.name, state="unpaused")
    assert done["changed"] is True and yard.status(container) == "running"
    assert started_at(yard, container) == before, "nothing was lost"
    assert go(container=container.name, state="unpaused")["changed"] is False


def test_paused_and_forced(yard: Yard) -> None:
    container = yard.run("forced")
    before = started_at(yard, container)
    container.pause()
    assert go(container=container.name, state="restarted", force=True)["changed"] is True
    assert yard.status(container) == "running" and started_at(yard, container) != before


def first_state(yard: Yard, container: Any) -> str:
    rows = yard.client.api.top(container.id, ps_args="-o pid,stat")["Processes"]
    pid = str(yard.state(container)["Pid"])
    return next(stat for number, stat in rows if number == pid)


def test_frozen_is_continued(yard: Yard) -> None:
    container = yard.run("frozen")
    container.kill(signal="SIGSTOP")
    until(lambda: first_state(yard, container).startswith("T"), "it is stopped")
    assert "state=continued" in refused(container=container.name, state="started")["msg"]
    assert go(True, container=container.name, state="continued")["changed"] is True
    assert first_state(yard, container).startswith("T")
    assert go(container=container.name, state="continued")["changed"] is True
    assert not first_state(yard, container).startswith("T")
    assert go(container=container.name, state="continued")["changed"] is False


def test_what_a_shell_started_is_continued(yard: Yard) -> None:
    container = yard.run("child", "sleep 1000; true")
    [pid] = until(lambda: yard.children(container), "it has a child")
    os.kill(pid, signal.SIGSTOP)
    assert go(container=container.name, state="continued")["changed"] is True
    with open(f"/proc/{pid}/stat") as file:
        assert file.read().split()[2] != "T"


def test_started_after_a_kill(yard: Yard) -> None:
    container = yard.run("killed")
    container.kill()
    yard.ended(container)
    assert "start it instead" in refused(container=container.name, state="continued")["msg"]
    done = go(project=yard.project, service="killed", state="started")
    assert done["changed"] is True and yard.status(container) == "running"
    assert done["containers"][0]["before"]["status"] == "exited"


def test_never_started(yard: Yard) -> None:
    container = yard.run("new", start=False)
    identity = {"id": container.id, "started_at": ""}
    assert go(project=yard.project, service="new", state="started", identity=identity)["changed"] is True
    assert yard.status(container) == "running"


def test_one_that_ends_again_is_a_failure_with_its_last_words(yard: Yard) -> None:
    container = yard.run("short", "echo password=Canary7Xq; echo last words; exit 4")
    yard.ended(container)
    result = refused(container=container.name, state="started")
    assert "ended again with 4" in result["msg"] and "last words" in result["msg"]
    assert "status exited" in result["msg"] and "Canary7Xq" not in json.dumps(result)
    assert result["changed"] is True, "it was started, and that can be seen"


def test_one_that_loops_is_a_failure(yard: Yard) -> None:
    container = yard.run(
        "loop", "[ -e /x ] || { touch /x; exec sleep 1000; }; exit 5", restart_policy={"Name": "always"}
    )
    result = refused(container=container.name, state="restarted", stop_timeout=0)
    assert "crashed" in result["msg"] or "ended again" in result["msg"]


def test_one_that_stays_unhealthy_is_a_failure(yard: Yard) -> None:
    container = yard.run("ill", healthcheck=healthcheck("exit 1"))
    result = refused(container=container.name, state="restarted", stop_timeout=0, wait_timeout=5.0)
    assert "not well after 5 s" in result["msg"]
    assert go(container=container.name, state="restarted", stop_timeout=0, wait=False)["changed"] is True


def test_a_start_that_the_engine_refuses(yard: Yard) -> None:
    container = yard.run("nothing", None)
    result = refused(container=container.name, state="started")
    assert "no such file" in result["msg"] and "status created" in result["msg"]
    assert result["changed"] is False


def test_replicas_one_at_a_time(yard: Yard) -> None:
    pair = [yard.run("pair", healthcheck=OK, number=number) for number in (1, 2)]
    result = go(project=yard.project, service="pair", state="restarted")
    assert [entry["name"] for entry in result["containers"]] == [container.name for container in pair]
    first, second = (yard.state(container) for container in pair)
    # The log of probes lives on through a restart.
    probes = [entry["End"] for entry in first["Health"]["Log"] if entry["ExitCode"] == 0]
    healthy = min((end for end in probes if end > first["StartedAt"]), default="")
    assert first["StartedAt"] < second["StartedAt"]
    assert not healthy or healthy < second["StartedAt"] or len(probes) == 5, "only when the first is well"


def test_made_anew_under_the_same_name(yard: Yard) -> None:
    old = yard.run("anew")
    identity = {"id": old.id, "started_at": started_at(yard, old)}
    old.remove(force=True)
    new = yard.run("anew", STEADY)
    before = started_at(yard, new)
    for options in ({"project": yard.project, "service": "anew"}, {"container": new.name}):
        text = refused(state="restarted", identity=identity, **options)["msg"]
        assert old.id[:12] in text and new.id[:12] in text
    assert started_at(yard, new) == before


def test_missing(yard: Yard) -> None:
    text = refused(project=yard.project, service="ghost", state="started")["msg"]
    assert f"docker compose -p {yard.project} up -d ghost" in text


def test_the_module_itself(yard: Yard) -> None:
    """Through Ansible: check mode, the change, a refusal."""
    container = yard.run("module")
    container.pause()

    def run(state: str, *more: str) -> tuple[int, dict[str, Any]]:
        arguments = json.dumps({"container": container.name, "state": state})
        command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", "-c", "local", "-o"]
        command += ["-e", f"ansible_python_interpreter={sys.executable}", *more]
        command += ["-m", "incident.response.docker_service", "-a", arguments]
        settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **settings})
        assert "{" in done.stdout, done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout[done.stdout.index("{") :])

    code, result = run("restarted")
    assert code != 0 and "unpause instead" in result["msg"]
    code, result = run("unpaused", "--check")
    assert code == 0 and result["changed"] is True and yard.status(container) == "paused"
    code, result = run("unpaused")
    assert code == 0 and result["changed"] is True and yard.status(container) == "running"
