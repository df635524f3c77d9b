# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker_health_info against the real engine: each fault, made by hand, with healthy twins beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("docker")

from ansible_collections.incident.response.plugins.module_utils.checks.docker_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients import docker as client
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.docker_engine import DockerOptions, connect
from ansible_collections.incident.response.plugins.module_utils.core import docker_deaths as deaths
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from docker_faults import DEAF, EATER, MIB, STEADY, Yard, healthcheck, until

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {name: option.get("default") for name, option in CHECK.spec.options.items()}
OK = healthcheck("true")
CANARY = "Canary7Xq"
TRACE = (
    "printf 'panic: boom\\n\\ngoroutine 1 [running]:\\nmain.main()\\n\\t/app/main.go:7 +0x25\\n' >&2;"
    " printf 'Traceback (most recent call last):\\n  File \"a.py\", line 1\\nValueError: x\\n' >&2;"
)
HOSTILE = f"printf '\\033[31mred\\033[0m {{{{ 7*7 }}}} \\000nul \\377bad password={CANARY}\\n';"
HUGE = "perl -e 'print chr(122) x 3_000_000, qq(\\nafter\\n)';"


def look(**options: Any) -> dict[str, Any]:
    return perform(CHECK, {**DEFAULTS, "deadline": 60.0, **options})


# Services that have no fault: nothing may be found about them.
def twin(yard: Yard, name: str) -> None:
    container = yard.run(name, healthcheck=OK)
    until(lambda: yard.health(container) == "healthy", f"{name} is healthy")


def restarted_by_hand(yard: Yard, name: str) -> None:
    container = yard.run(name, healthcheck=OK, restart_policy={"Name": "always"})
    container.restart(timeout=5)
    until(lambda: yard.health(container) == "healthy", f"{name} is healthy")


def cache_only(yard: Yard, name: str) -> None:
    """Page cache up to the limit is no memory that is missing."""
    container = yard.run(
        name, f"dd if=/dev/zero of=/x bs=1M count=100 2>/dev/null; sync; cat /x > /dev/null; touch /done; {STEADY}"
    )
    until(lambda: container.exec_run(["test", "-e", "/done"]).exit_code == 0, "the file is read")


def worker_stopped(yard: Yard, name: str) -> None:
    """One child of several is stopped: not the container."""
    container = yard.run(name, f"sleep 1000 & sleep 1001 & {STEADY}")
    pids = until(lambda: len(yard.children(container)) >= 2 and yard.children(container), f"{name} has children")
    os.kill(pids[0], signal.SIGSTOP)


PUBLISHED = {"ports": {"8080/tcp": ("127.0.0.1", None)}, "healthcheck": OK}
SETTLES = 31.0
"""Seconds in which a container that is healthy need not listen yet."""


def server(address: str) -> str:
    options = f"LocalAddr => q({address}), LocalPort => 8080, Listen => 5"
    return f"exec perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new({options}) or die; sleep 1 while 1'"


def serves(address: str) -> Callable[[Yard, str], None]:
    """Listens on a published port; waits until it is given no more time for that."""

    def make(yard: Yard, name: str) -> None:
        settled(yard, yard.run(name, server(address), **PUBLISHED), name)

    return make


def settled(yard: Yard, container: Any, name: str) -> None:
    until(lambda: yard.health(container) == "healthy", f"{name} is healthy")
    time.sleep(SETTLES)


def some_children(number: int) -> Callable[[Yard, str], None]:
    def make(yard: Yard, name: str) -> None:
        container = yard.run(
            name, f"for n in $(seq {number}); do sleep 1000 & done; wait", pids_limit=100, healthcheck=OK
        )
        until(lambda: len(yard.children(container)) >= number, f"{name} has its children")

    return make


TWINS = {
    "twin": twin,
    "by-hand": restarted_by_hand,
    "cache": cache_only,
    "worker": worker_stopped,
    "web": serves("0.0.0.0"),
    "few-children": some_children(20),
}


def ends(command: str) -> Callable[[Yard, str], None]:
    def make(yard: Yard, name: str) -> None:
        yard.ended(yard.run(name, command))

    return make


def stopped(yard: Yard, name: str) -> None:
    yard.run(name).stop(timeout=20)


def stop_timeout(yard: Yard, name: str) -> None:
    yard.run(name, DEAF).stop(timeout=1)


def killed(yard: Yard, name: str) -> None:
    container = yard.run(name)
    container.kill()
    yard.ended(container)


def killed_outside(yard: Yard, name: str) -> None:
    container = yard.run(name)
    yard.kill_from_outside(container)
    yard.ended(container)


def oom_main(yard: Yard, name: str) -> None:
    yard.ended(yard.run(name, f"exec {EATER}", mem_limit=32 * MIB))


def oom_child(yard: Yard, name: str) -> None:
    container = yard.run(name, f"{EATER}; touch /done; {STEADY}", mem_limit=32 * MIB)
    until(lambda: container.exec_run(["test", "-e", "/done"]).exit_code == 0, "the child is killed")


ONCE = f"[ -e /once ] || {{ touch /once; exec {EATER}; }}; {STEADY}"


def oom_flag_wiped(yard: Yard, name: str) -> None:
    """The restart policy brings it back; flag and exit code are reset."""
    container = yard.run(name, ONCE, mem_limit=32 * MIB, restart_policy={"Name": "always"})
    until(lambda: yard.client.api.inspect_container(container.id)["RestartCount"] >= 1, "it was restarted")
    until(lambda: yard.status(container) == "running", "it runs again")


def oom_count_reset(yard: Yard, name: str) -> None:
    oom_flag_wiped(yard, name)
    container = next(one for one in yard.made.values() if one.name == f"{yard.project}-{name}-1")
    container.restart(timeout=5)
    assert yard.client.api.inspect_container(container.id)["RestartCount"] == 0


def paused(yard: Yard, name: str) -> None:
    yard.run(name).pause()


def frozen(yard: Yard, name: str) -> None:
    yard.run(name).kill(signal="SIGSTOP")


def frozen_child(yard: Yard, name: str) -> None:
    container = yard.run(name, "sleep 1000; true")
    [pid] = until(lambda: yard.children(container), f"{name} has a child")
    os.kill(pid, signal.SIGSTOP)


def loop(command: str) -> Callable[[Yard, str], None]:
    def make(yard: Yard, name: str) -> None:
        container = yard.run(name, command, restart_policy={"Name": "always"})
        until(lambda: yard.client.api.inspect_container(container.id)["RestartCount"] >= 1, f"{name} was restarted")
        until(lambda: yard.status(container) in ("running", "restarting"), f"{name} goes on")

    return make


def unhealthy(yard: Yard, name: str) -> None:
    container = yard.run(name, healthcheck=healthcheck("echo not well; exit 1"))
    until(lambda: yard.health(container) == "unhealthy", f"{name} is unhealthy")


def no_command(yard: Yard, name: str) -> None:
    yard.run(name, None)


def never_started(yard: Yard, name: str) -> None:
    yard.run(name, start=False)


def no_limits(yard: Yard, name: str) -> None:
    yard.run(name, mem_limit=0)


def no_log(yard: Yard, name: str) -> None:
    yard.run(name, log_config={"type": "none"}, healthcheck=OK)


def says(command: str, **options: Any) -> Callable[[Yard, str], None]:
    def make(yard: Yard, name: str) -> None:
        container = yard.run(name, f"{command} touch /done; {STEADY}", healthcheck=OK, **options)
        until(lambda: container.exec_run(["test", "-e", "/done"]).exit_code == 0, f"{name} has spoken")

    return make


def silent_port(yard: Yard, name: str) -> None:
    settled(yard, yard.run(name, **PUBLISHED), name)


def unplugged(yard: Yard, name: str) -> None:
    container = yard.run(name, server("0.0.0.0"), **PUBLISHED)
    until(lambda: yard.health(container) == "healthy", f"{name} is healthy")
    yard.client.networks.get("bridge").disconnect(container)


DOWN, OOM = "docker.container.not_running", "docker.memory.oom_killed"
FAULTS: dict[str, tuple[Callable[[Yard, str], None], str]] = {
    "exit0": (ends("exit 0"), DOWN),
    "exit1": (ends("echo boom; exit 1"), DOWN),
    "stopped": (stopped, DOWN),
    "stop-timeout": (stop_timeout, DOWN),
    "killed": (killed, DOWN),
    "killed-outside": (killed_outside, DOWN),
    "never-started": (never_started, DOWN),
    "oom-main": (oom_main, OOM),
    "oom-child": (oom_child, OOM),
    "oom-flag-wiped": (oom_flag_wiped, OOM),
    "oom-count-reset": (oom_count_reset, OOM),
    "paused": (paused, "docker.container.paused"),
    "frozen": (frozen, "docker.process.frozen"),
    "frozen-child": (frozen_child, "docker.process.frozen"),
    "loop-at-once": (loop("exit 3"), "docker.container.crash_loop"),
    "loop-11": (loop("sleep 11; exit 1"), "docker.container.crash_loop"),
    "unhealthy": (unhealthy, "docker.container.unhealthy"),
    "no-command": (no_command, "docker.container.start_failed"),
    "no-limits": (no_limits, "docker.memory.unlimited"),
    "no-log": (no_log, "docker.logs.unreadable"),
    "loopback": (serves("127.0.0.1"), "docker.port.loopback_only"),
    "silent-port": (silent_port, "docker.port.not_listening"),
    "unplugged": (unplugged, "docker.port.not_published"),
    "many-children": (some_children(84), "docker.pids.high"),
}
SPEAKERS = {
    "hostile": says(HOSTILE),
    "huge": says(HUGE),
    "trace": says(TRACE),
    "terminal": says("echo on a terminal;", tty=True),
}


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    """All containers, made side by side: it takes as long as the slowest of them."""
    yard = Yard()
    makers = {**TWINS, **{name: make for name, (make, _id) in FAULTS.items()}, **SPEAKERS}
    try:
        with ThreadPoolExecutor(len(makers)) as pool:
            for future in [pool.submit(make, yard, name) for name, make in makers.items()]:
                future.result()
        yield yard
    finally:
        yard.close()


@pytest.fixture(scope="module")
def seen(yard: Yard) -> dict[str, Any]:
    return look(project=yard.project)


def found(result: dict[str, Any], service: str) -> list[dict[str, Any]]:
    """Findings about a service; that it has no health check is known and not what these tests are about."""
    about = [finding for finding in result["findings"] if finding["component"] == f"container:{service}"]
    return [finding for finding in about if finding["id"] != "docker.healthcheck.absent"]


def logs(result: dict[str, Any], service: str) -> list[str]:
    return [line["text"] for line in result["snapshot"]["services"][service]["containers"][0]["logs"]]


@pytest.mark.parametrize("service", sorted([*TWINS, *SPEAKERS]))
def test_healthy_twins_are_silent(seen: dict[str, Any], service: str) -> None:
    assert service in seen["snapshot"]["services"]
    assert found(seen, service) == []


@pytest.mark.parametrize("service", sorted(FAULTS))
def test_each_fault_has_its_one_finding(seen: dict[str, Any], service: str) -> None:
    about = found(seen, service)
    assert [finding["id"] for finding in about] == [FAULTS[service][1]], about
    assert about[0]["details"]["container_name"].endswith(f"-{service}-1")
    if about[0]["severity"] != "P4":
        assert about[0]["evidence"] and about[0]["causes"] and about[0]["remedies"]


def test_everything_was_measured(seen: dict[str, Any]) -> None:
    assert seen["reachable"] is True
    assert [finding["summary"] for finding in seen["findings"] if finding["id"] == "docker.unmeasured"] == []
    assert any("by their state" in text for text in seen["measured"])


@pytest.mark.parametrize(
    ("service", "code"), [("exit0", 0), ("exit1", 1), ("stopped", 143), ("killed", 137), ("stop-timeout", 137)]
)
def test_exit_codes(seen: dict[str, Any], service: str, code: int) -> None:
    assert found(seen, service)[0]["details"]["exit_code"] == code


def test_oom_says_whom_it_hit(seen: dict[str, Any]) -> None:
    main, child = found(seen, "oom-main")[0], found(seen, "oom-child")[0]
    assert main["details"]["main_process"] is True and main["severity"] == "P1"
    assert child["details"]["main_process"] is False and child["state"] == "warning"
    assert seen["snapshot"]["services"]["oom-child"]["status"] == "running"
    assert main["details"]["confidence"] == "certain"
    assert main["details"]["suggested_limit"] > main["details"]["memory_limit"]
    for service in ("oom-flag-wiped", "oom-count-reset"):
        about = found(seen, service)[0]
        assert about["details"]["status"] == "running" and about["details"]["sources"]


def test_oom_ages_out(yard: Yard) -> None:
    assert (
        found(look(project=yard.project, services=["oom-count-reset"], restart_window=0.001), "oom-count-reset") == []
    )


def test_loops_are_counted(seen: dict[str, Any]) -> None:
    assert found(seen, "loop-at-once")[0]["details"]["exit_codes"] in ([], [3]) or set(
        found(seen, "loop-at-once")[0]["details"]["exit_codes"]
    ) == {3}
    slow = found(seen, "loop-11")[0]
    assert slow["details"]["restarts"] >= 1
    assert slow["details"]["interval_seconds"] >= 10


def test_unhealthy_shows_what_the_probe_said(seen: dict[str, Any]) -> None:
    assert "not well" in json.dumps(found(seen, "unhealthy")[0]["evidence"])


def test_logs_are_inert_and_redacted(seen: dict[str, Any]) -> None:
    [line] = logs(seen, "hostile")
    assert line.startswith("red {{ 7*7 }} nul") and "[redacted" in line
    text = json.dumps(seen, ensure_ascii=False)
    assert CANARY not in text and "\\u001b" not in text and "\\u0000" not in text and "\x1b" not in text


def test_a_huge_line_is_bounded(seen: dict[str, Any]) -> None:
    first, last = logs(seen, "huge")
    assert len(first) < 20_000 and last == "after"


def test_stack_traces_are_kept_together(seen: dict[str, Any]) -> None:
    traces = seen["snapshot"]["services"]["trace"]["containers"][0]["traces"]
    assert {(trace["kind"], trace["count"]) for trace in traces} == {("go", 1), ("python", 1)}


def test_a_terminal_log_is_read(seen: dict[str, Any]) -> None:
    assert logs(seen, "terminal") == ["on a terminal"]


KILLS = [
    ("kill", lambda yard, one: one.kill(), deaths.KILLED),
    ("stop that times out", lambda yard, one: one.stop(timeout=1), deaths.STOP_TIMEOUT),
    ("kill -9 on the host", lambda yard, one: yard.kill_from_outside(one), deaths.OUTSIDE),
]


@pytest.mark.parametrize(("kill", "cause"), [row[1:] for row in KILLS], ids=[row[0] for row in KILLS])
def test_who_killed_it(yard: Yard, kill: Callable[[Yard, Any], None], cause: str) -> None:
    """Looked at at once: the engine remembers 256 events, and health checks of others push them out."""
    container = yard.run(f"victim-{len(yard.made)}", DEAF)
    kill(yard, container)
    yard.ended(container)
    result = look(containers=[container.name], log_lines=0)
    [finding] = result["findings"]
    assert finding["id"] == DOWN, "not out of memory"
    forgotten = result["snapshot"]["events_since"] > finding["since"]
    assert finding["causes"][0] in ((cause, deaths.CANT_TELL) if forgotten else (cause,))


def test_named_services_that_are_not_there(yard: Yard) -> None:
    result = look(project=yard.project, services=["twin", "ghost"], expected_replicas={"twin": 2}, log_lines=0)
    missing = {finding["component"]: finding["severity"] for finding in result["findings"]}
    assert missing == {"container:ghost": "P1", "container:twin": "P2"}
    assert {finding["id"] for finding in result["findings"]} == {"docker.container.missing"}


def test_vanishing_between_list_and_inspect(yard: Yard) -> None:
    container = yard.run("vanishing")

    class Vanishing:
        def __init__(self, engine: Any) -> None:
            self._engine = engine

        def __getattr__(self, name: str) -> Any:
            return getattr(self._engine, name)

        def containers(self, *arguments: Any) -> Any:
            listed = self._engine.containers(*arguments)
            container.remove(force=True)
            self.containers = self._engine.containers
            return listed

    snapshot = client.collect(
        DockerOptions(),
        client.Wanted(project=yard.project, services=("vanishing",)),
        Deadline(30),
        0.0,
        lambda options, deadline: Vanishing(connect(options, deadline)),
    )
    assert snapshot.gone == [container.name]
    assert snapshot.containers == [] and snapshot.unmeasured == {}


def forgotten_oom(yard: Yard, service: str) -> bool:
    """A busy engine loses its own flag, and the event too or the memory of it: nothing tells it from a distance."""
    [container] = [one for one in yard.made.values() if one.name == f"{yard.project}-{service}-1"]
    known = yard.client.events(since=0, until=time.time(), filters={"container": container.id, "event": "oom"})
    return not yard.state(container)["OOMKilled"] and not list(known)


def test_without_files_of_this_machine(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """As against a remote engine: processes by top, memory by stats, no kernel log. The same faults are found."""
    monkeypatch.setattr(client.local, "local_facts", lambda *_arguments: None)
    services = ["twin", "frozen", "frozen-child", "worker", "oom-main", "many-children", "few-children", "loopback"]
    result = look(project=yard.project, services=services, depth="full", log_lines=0)
    assert not any("kernel log" in text for text in result["measured"])
    expected = {service: [FAULTS[service][1]] if service in FAULTS else [] for service in services}
    expected["loopback"] = []  # nobody can look into its network from a distance
    assert not any("listening" in text for text in result["measured"])
    seen = {service: [finding["id"] for finding in found(result, service)] for service in services}
    if seen["oom-main"] == [DOWN] and forgotten_oom(yard, "oom-main"):
        expected["oom-main"] = [DOWN]
        assert any("OOM killer did" in cause for cause in found(result, "oom-main")[0]["causes"])
    assert seen == expected
    assert result["snapshot"]["services"]["twin"]["containers"][0]["memory"]["source"] == "stats"


def test_throttling_is_seen_in_full_depth(yard: Yard) -> None:
    yard.run("busy", "while :; do :; done", nano_cpus=50_000_000)
    result = look(project=yard.project, services=["busy", "twin"], depth="full", log_lines=0)
    assert [finding["id"] for finding in found(result, "busy")] == ["docker.cpu.throttled"]
    assert found(result, "twin") == []


def test_sizes_and_disk_by_thresholds_of_their_own(yard: Yard) -> None:
    """A log of 3 MB, a layer of 100 MB and the disk that all of it is on; the twin has little of either."""
    result = look(
        project=yard.project,
        services=["twin", "huge", "cache"],
        depth="full",
        log_lines=0,
        thresholds={"log_mib": {"warn": 2}, "layer_mib": {"warn": 50}, "disk_percent": {"warn": 2, "crit": 100}},
    )
    [large] = found(result, "huge")
    assert large["id"] == "docker.log.large" and 3_000_000 < large["observed"]["log_bytes"] < 4_000_000
    [layer] = found(result, "cache")
    assert layer["id"] == "docker.layer.large" and layer["observed"]["layer_bytes"] >= 100 * MIB
    assert found(result, "twin") == []
    [disk] = [finding for finding in result["findings"] if finding["component"] == "docker"]
    assert disk["id"] == "docker.disk.high" and 2 <= disk["observed"]["used_percent"] <= 100


def test_ports_that_are_expected(yard: Yard) -> None:
    services = {"services": ["web", "twin"], "project": yard.project, "log_lines": 0}
    assert look(**services, expected_ports={"web": 8080})["findings"] == []
    result = look(**services, expected_ports={"web": ["8080/tcp"], "twin": ["1:8080"]})
    assert found(result, "web") == []
    assert [finding["id"] for finding in found(result, "twin")] == ["docker.port.not_published"]


def test_a_new_image_under_the_old_name(yard: Yard) -> None:
    source = yard.run("source", start=False)
    name = yard.image_of(source, "app")
    yard.run("drifted", image=name, healthcheck=OK)
    options = {"project": yard.project, "services": ["drifted"], "log_lines": 0}
    assert look(**options)["findings"] == []
    yard.image_of(source, "app")
    [finding] = look(**options)["findings"]
    assert (finding["id"], finding["severity"]) == ("docker.container.drifted", "P4")
    assert finding["details"]["drift"] == ["image"]


def test_configuration_by_its_hash(yard: Yard) -> None:
    label = "com.docker.compose.config-hash"
    for number, hash_ in ((1, "old"), (2, "new")):
        yard.run("hashed", number=number, labels={label: hash_}, healthcheck=OK)
    options = {"project": yard.project, "services": ["hashed"], "log_lines": 0}
    for hashes in ({}, {"hashed": "new"}):
        [finding] = look(**options, config_hashes=hashes)["findings"]
        assert finding["id"] == "docker.container.drifted" and finding["details"]["drift"] == ["config"]
        assert finding["details"]["container_name"].endswith("-hashed-1")


THRICE = f"echo x >> /lives; [ $(wc -l < /lives) -gt 3 ] || exit 3; {STEADY}"


def test_a_loop_across_a_restart_by_hand(yard: Yard) -> None:
    """RestartCount is 0 afterwards, and on a busy engine the events are gone: the earlier look is what tells."""
    container = yard.run("thrice", THRICE, restart_policy={"Name": "always"}, healthcheck=OK)
    until(lambda: yard.client.api.inspect_container(container.id)["RestartCount"] >= 3, "it was restarted")
    until(lambda: yard.status(container) == "running", "it runs")
    options = {"containers": [container.name], "log_lines": 0}
    before = look(**options)
    container.restart(timeout=5)
    after = look(**options, history=before["samples"])
    [finding] = after["findings"]
    assert finding["id"] == "docker.container.crash_loop" and finding["details"]["restarts"] >= 3
    assert finding["details"]["restart_count"] == 0
    assert found(look(project=yard.project, services=["twin"], log_lines=0, history=before["samples"]), "twin") == []


def test_the_module_itself(yard: Yard) -> None:
    """Through Ansible, as a module: the same findings."""
    arguments = json.dumps({"project": yard.project, "services": ["twin", "paused"], "log_lines": 0})
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", "-c", "local", "-o"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    command += ["-m", "incident.response.docker_health_info", "-a", arguments]
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **settings})
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout[done.stdout.index("{") :])
    assert result["status"] == "critical" and result["changed"] is False
    assert [finding["id"] for finding in found(result, "paused")] == ["docker.container.paused"]
