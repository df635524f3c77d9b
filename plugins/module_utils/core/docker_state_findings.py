# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what a container does at all: not there, down, paused, frozen, in a loop, unhealthy."""

from __future__ import annotations

import re

from .docker_deaths import causes_of_exit, exit_text, last_death
from .docker_loops import Loop
from .docker_ports import silent_ports
from .docker_settings import Case, last_lines, log_remedy
from .docker_snapshot import Container, Process
from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .quantities import span

CAPTURE = Remedy("Keep the evidence first: inspect, log and processes; a new container has none of it")


def start_failed(case: Case) -> Finding:
    container = case.container
    return case.finding(
        "docker.container.start_failed",
        CRITICAL,
        case.severity,
        f"Container {container.name} could not be started: {container.error[:300]}",
        observed={"error": container.error, "exit_code": container.exit_code},
        evidence=(f"State.Error: {container.error}", f"status {container.status}, command {container.command!r}"),
        causes=_start_causes(container.error),
        remedies=(
            Remedy("Fix what the error names, then start it", "low", case.compose("up -d")),
            Remedy("Compare the container with its Compose file", "none", case.compose("config")),
        ),
        since=container.finished or container.created,
        details=_short_of(container),
    )


def _short_of(container: Container) -> dict[str, str]:
    """What the machine had too little of to start it; nothing where it may have been a limit of its own."""
    if re.search(r"no space left", container.error, re.I):
        return {"scope": "host", "resource": "disk"}
    if re.search(r"cannot allocate memory|OOM-killed", container.error, re.I) and not container.memory_limit:
        return {"scope": "host", "resource": "memory"}
    return {}


_START_CAUSES = (
    (
        r"port is already allocated|address already in use",
        "another process or container has its port (ss -ltnp names it)",
    ),
    (
        r"executable file not found|no such file or directory.*exec|exec:.*no such file",
        "its command is not in the image",
    ),
    (r"permission denied", "its command or a mount may not be used (permission denied)"),
    (r"bind source path does not exist|mount|not a directory|no such file or directory", "a mount's source is missing"),
    (r"network .*not found|endpoint with name", "its network is gone or holds a stale endpoint"),
    (r"no space left", "the disk is full"),
    (r"cgroup|memory", "its limits can't be set"),
)


def _start_causes(error: str) -> tuple[str, ...]:
    found = [text for pattern, text in _START_CAUSES if re.search(pattern, error, re.I)]
    return tuple(found[:2]) or ("the engine's own words say it: see the evidence",)


def not_running(case: Case) -> Finding:
    container = case.container
    death = last_death(container, case.snapshot)
    code = container.exit_code
    if container.status == "created":
        summary = f"Container {container.name} was created and never started"
        causes: tuple[str, ...] = ("docker compose up was interrupted, or what it depends on is not healthy",)
    else:
        causes = causes_of_exit(container, death, case.snapshot)
        when = f" {case.ago(container.finished)}" if container.finished else ""
        summary = f"Container {container.name} is {container.status}: it ended with {code}{when}; {causes[0]}"
    evidence = [f"status {container.status}, exit code {code}: {exit_text(code)}"]
    evidence.append(f"started {container.started_at or 'never'}, finished {container.finished_at or 'never'}")
    if death is not None:
        signals = ", ".join(str(signal) for signal in death.signals) or "none"
        evidence.append(f"events: die with {death.exit_code}, signals sent through Docker before: {signals}")
    return case.finding(
        "docker.container.not_running",
        CRITICAL,
        case.severity,
        summary,
        observed={"status": container.status, "exit_code": code},
        threshold={"status": "running"},
        evidence=(*evidence, *last_lines(container)),
        causes=causes,
        remedies=(log_remedy(case), Remedy("Start it", "low", case.compose("start"))),
        since=container.finished or container.created,
        details={"asked": death.asked if death else None, "signals": list(death.signals) if death else []},
    )


def paused(case: Case) -> Finding:
    container = case.container
    return case.finding(
        "docker.container.paused",
        CRITICAL,
        case.severity,
        f"Container {container.name} is paused: its processes are there and get no CPU, its connections hang",
        observed={"status": "paused"},
        threshold={"status": "running"},
        evidence=(f"State.Status is paused; its process {container.pid} is kept, with all of its memory",),
        causes=("somebody ran docker pause (backups and debuggers do) and did not unpause it",),
        remedies=(
            Remedy(
                "Unpause it: nothing is lost. A restart would throw away what it holds", "low", case.compose("unpause")
            ),
        ),
    )


INITS = ("tini", "docker-init", "dumb-init", "catatonit", "sh", "bash", "dash", "ash", "s6-svscan", "runsv", "su-exec")
"""Programs that only start another one: the main process is then their child."""


def stopped_processes(processes: list[Process] | None, pid: int) -> list[Process]:
    """The processes whose stop means that the container does nothing: its first one, or all that an init started."""
    if not processes:
        return []
    stopped = [process for process in processes if process.state.startswith("T")]
    first = next((process for process in processes if process.pid == pid), processes[0])
    if first in stopped:
        return stopped
    children = [process for process in processes if process.parent == first.pid]
    if first.command.rsplit("/", 1)[-1] in INITS and children and all(process in stopped for process in children):
        return stopped
    return []


def frozen(case: Case, stopped: list[Process]) -> Finding:
    container = case.container
    names = ", ".join(f"{process.command} ({process.pid})" for process in stopped[:5])
    return case.finding(
        "docker.process.frozen",
        CRITICAL,
        case.severity,
        f"The main process of container {container.name} is stopped by a signal: it runs and answers nothing",
        observed={"stopped": len(stopped), "processes": len(container.processes or ())},
        threshold={"stopped": 0},
        evidence=(f"state T (stopped): {names}", f"status {container.status}, health {container.health.status}"),
        causes=(
            "somebody sent SIGSTOP (kill -STOP, a debugger, job control)",
            "a checkpoint or a backup tool left it so",
        ),
        remedies=(
            Remedy("Let it go on: nothing is lost", "low", case.docker("kill --signal CONT")),
            Remedy(
                "Restart it; it can't end by itself, so that takes the whole stop timeout",
                "low",
                case.compose("restart"),
            ),
        ),
        details={"stopped": [f"{process.pid} {process.command}" for process in stopped[:20]]},
    )


def crash_loop(case: Case, loop: Loop) -> Finding:
    container = case.container
    state = CRITICAL if container.status == "restarting" else case.settings.level("restarts", loop.restarts)
    worst = state == CRITICAL
    code = loop.exit_codes[-1] if loop.exit_codes else None
    every = f", each time after about {span(loop.interval)}" if loop.interval else ""
    times = "once" if loop.restarts == 1 else f"{loop.restarts} times"
    now = (
        "is waiting for its next restart"
        if container.status == "restarting"
        else f"runs since {case.ago(container.started)}"
    )
    evidence = [
        f"proven by: {', '.join(loop.sources)}",
        f"RestartCount {container.restart_count}, status {container.status}, policy {container.restart_policy}",
    ]
    if loop.exit_codes:
        evidence.append("last exit codes: " + ", ".join(str(number) for number in loop.exit_codes))
    return case.finding(
        "docker.container.crash_loop",
        state or WARNING,
        case.severity if worst else "P3",
        f"Container {container.name} crashed and came back {times} in {span(case.settings.window)}{every}; it {now}",
        observed={"restarts": loop.restarts, "interval_seconds": round(loop.interval, 1) if loop.interval else None},
        threshold={"restarts": case.settings.pair("restarts"), "window_seconds": case.settings.window},
        evidence=(*evidence, *last_lines(container)),
        causes=(exit_text(code),) if code is not None else ("the last lines of its log say why it ended",),
        remedies=(
            CAPTURE,
            log_remedy(case),
            Remedy("Stop the loop once the evidence is kept, then fix the cause", "disruptive", case.compose("stop")),
        ),
        since=container.started,
        details={"restarts": loop.restarts, "interval_seconds": loop.interval, "exit_codes": list(loop.exit_codes)},
    )


def unhealthy(case: Case) -> Finding | None:
    """Unhealthy, or starting for longer than it may."""
    container = case.container
    health = container.health
    late = 0.0
    if health.status == "starting" and container.started is not None:
        late = case.snapshot.now - container.started - health.grace - 10
    if health.status != "unhealthy" and late <= 0:
        return None
    bad = health.status == "unhealthy"
    shown = [probe for probe in health.probes if probe["exit_code"] != 0][-2:]
    evidence = [
        f"probe at {probe['at']} ended with {_probe_code(probe)}: {probe['output'][:1000]!r}" for probe in shown
    ]
    said = (
        f"its health check failed {health.streak} times in a row" if bad else "it never became healthy after its start"
    )
    return case.finding(
        "docker.container.unhealthy",
        CRITICAL if bad else WARNING,
        "P2" if bad else "P3",
        f"Container {container.name} runs and is {health.status}: {said}",
        observed={"health": health.status, "failing_streak": health.streak},
        threshold={"health": "healthy", "starting_seconds": round(health.grace + 10)},
        evidence=(*evidence, f"health check: {health.command}", *last_lines(container)),
        causes=(
            *_unheard(silent_ports(case)),
            "the application does not answer its own check: see the output of the probes",
            "what it depends on fails",
        ),
        remedies=(
            Remedy("Run its health check by hand", "none", case.docker("exec") + f" {health.command}"),
            log_remedy(case),
            Remedy("Restart it; Compose does not restart unhealthy containers", "low", case.compose("restart")),
        ),
        since=container.started if not bad else None,
        details={"health": health.status, "failing_streak": health.streak},
    )


def _unheard(silent: list[int]) -> tuple[str, ...]:
    ports = ", ".join(map(str, silent))
    return (f"nothing inside of it listens on port {ports}, which is published",) if silent else ()


def _probe_code(probe: dict[str, object]) -> str:
    return "a timeout" if probe["exit_code"] == -1 else str(probe["exit_code"])


def unknown_status(case: Case) -> Finding:
    return case.finding(
        "docker.unmeasured",
        UNKNOWN,
        "P3",
        f"Container {case.container.name} has a status that this version does not know",
        observed={"status": case.container.status},
        causes=("the engine is newer than this check",),
        remedies=(Remedy("Look at it by hand", "none", case.docker("inspect")),),
    )
