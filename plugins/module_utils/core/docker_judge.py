# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshot of a container engine -> findings. One fault a container: what explains the rest of it."""

from __future__ import annotations

import dataclasses
import typing as t

from . import docker_ports as ports
from . import docker_resource_findings as resources
from . import docker_room as room
from . import docker_state_findings as states
from .docker_drift import drifted, newest_of
from .docker_host import host_findings
from .docker_loops import find_loop
from .docker_oom import find_oom
from .docker_settings import Case, Sample, Settings, details_of
from .docker_snapshot import UNKNOWN as UNKNOWN_STATUS
from .docker_snapshot import Container, DockerSnapshot
from .findings import CRITICAL, UNKNOWN, Finding, Remedy

DOWN = ("created", "exited", "dead", "removing")
_STILL_WORKS = ("docker.container.unhealthy", "docker.unmeasured")


def judge(snapshot: DockerSnapshot, settings: Settings, history: t.Iterable[Sample] = ()) -> list[Finding]:
    """All findings about an engine and the containers that were looked at."""
    if not snapshot.reachable:
        return [_unreachable(snapshot, settings)]
    samples = [sample for sample in history if _usable(sample)]
    findings = [_unmeasured(snapshot, settings, what, why) for what, why in sorted(snapshot.unmeasured.items())]
    findings += _missing(snapshot, settings)
    findings += host_findings(snapshot, settings)
    for group in _groups(snapshot):
        findings += _judge_group(group, snapshot, settings, samples)
    return findings


def _usable(sample: Sample) -> bool:
    try:
        return float(sample["at"]) > 0 and int(sample["restart_count"]) >= 0 and bool(sample["container_id"])
    except (KeyError, TypeError, ValueError):
        return False


def _groups(snapshot: DockerSnapshot) -> list[list[Container]]:
    """Containers by service: replicas together, those without a service alone."""
    groups: dict[tuple[str, str], list[Container]] = {}
    for container in snapshot.containers:
        key = (container.project, container.service) if container.service else ("", container.id)
        groups.setdefault(key, []).append(container)
    return list(groups.values())


def _judge_group(
    group: list[Container], snapshot: DockerSnapshot, settings: Settings, samples: list[Sample]
) -> list[Finding]:
    cases = []
    newest = newest_of(group)
    for container in group:
        own = tuple(sample for sample in samples if sample["container_id"] == container.id)
        cases.append(Case(container, snapshot, settings, own, newest=newest))
    faults = [_fault(case) for case in cases]
    well = sum(fault is None or fault.id in _STILL_WORKS or _recovered(fault) for fault in faults)
    expected = settings.expected.get(cases[0].service)
    findings: list[Finding] = []
    for case, fault in zip(cases, faults):
        if fault is not None and expected is not None and well >= expected and case.container.status in DOWN:
            continue
        if fault is not None:
            # Judged again, now that it is known whether others of its kind go on.
            fault = _fault(dataclasses.replace(case, alone=well == 0))
        findings += [fault] if fault is not None else []
        findings += _besides(case, fault)
    return findings


def _recovered(fault: Finding) -> bool:
    """It runs now, whatever happened before."""
    lasting = ("docker.container.crash_loop", "docker.process.frozen")
    return fault.details.get("status") == "running" and fault.id not in lasting


def _fault(case: Case) -> Finding | None:
    """The one thing that is wrong with a container, the reason before its consequences."""
    container = case.container
    if container.status == UNKNOWN_STATUS:
        return states.unknown_status(case)
    if container.status == "paused":
        return states.paused(case)
    if container.status in DOWN:
        return _why_down(case)
    stopped = states.stopped_processes(container.processes, container.pid)
    if stopped:
        return states.frozen(case, stopped)
    loop = find_loop(container, case.snapshot, case.history, case.settings.window)
    oom = find_oom(container, case.snapshot, case.history, case.settings.window)
    if oom is not None:
        return resources.oom_killed(case, oom, loop)
    if loop is not None:
        return states.crash_loop(case, loop)
    return states.unhealthy(case)


def _why_down(case: Case) -> Finding:
    oom = find_oom(case.container, case.snapshot, case.history, case.settings.window)
    if oom is not None:
        return resources.oom_killed(case, oom, None)
    return states.start_failed(case) if case.container.error else states.not_running(case)


def _besides(case: Case, fault: Finding | None) -> list[Finding]:
    """What is worth saying next to the fault, or without one."""
    found: list[Finding | None] = []
    if case.container.status == "running" and (fault is None or fault.id == "docker.container.unhealthy"):
        found += [resources.memory_high(case), resources.cpu_throttled(case), room.pids_high(case)]
        found += [ports.not_published(case), ports.not_listening(case), ports.loopback_only(case)]
    if case.container.status == "running" and fault is None:
        found += [resources.memory_unlimited(case), resources.healthcheck_absent(case), drifted(case)]
    found += [room.log_large(case), room.layer_large(case)]
    findings = [finding for finding in found if finding is not None]
    if case.container.logs_error:
        findings.append(_logs_unreadable(case))
    findings += [_unmeasured_of(case, what, why) for what, why in sorted(case.container.unmeasured.items())]
    return findings


def _logs_unreadable(case: Case) -> Finding:
    container = case.container
    return case.finding(
        "docker.logs.unreadable",
        UNKNOWN,
        "P4",
        f"The log of container {container.name} can't be read through Docker: {container.logs_error[:300]}",
        observed={"log_driver": container.log_driver},
        evidence=(f"log driver {container.log_driver}", container.logs_error),
        causes=("its log driver sends the lines elsewhere, or keeps none",),
        remedies=(Remedy("Read them where the driver sends them, or use json-file, local or journald"),),
    )


def _unmeasured_of(case: Case, what: str, why: str) -> Finding:
    return case.finding(
        "docker.unmeasured",
        UNKNOWN,
        "P3",
        f"Of container {case.container.name}, {what} could not be read: {why}",
        observed={"what": what},
        evidence=(why,),
        remedies=(Remedy("Allow the check to read it, or raise its deadline; until then nobody knows"),),
    )


def _unmeasured(snapshot: DockerSnapshot, settings: Settings, what: str, why: str) -> Finding:
    return Finding(
        id="docker.unmeasured",
        component=settings.component_of(what[10:]) if what.startswith("container ") else settings.component,
        subject=what if what.startswith("container ") else f"Docker engine at {snapshot.address}",
        state=UNKNOWN,
        severity="P3",
        summary=f"{what[:1].upper()}{what[1:]} could not be read: {why}",
        observed={"what": what},
        evidence=(why,),
        remedies=(Remedy("Allow the check to read it, or raise its deadline; until then nobody knows"),),
    )


def _missing(snapshot: DockerSnapshot, settings: Settings) -> list[Finding]:
    """Services and containers that were asked for by name, or expected in a number, and are not there."""
    unread = {what[10:] for what in snapshot.unmeasured if what.startswith("container ")}
    if "the list of containers" in snapshot.unmeasured:
        return []
    findings = []
    names = [*(settings.services or ()), *(name for name in settings.expected if name not in (settings.services or ()))]
    for name in names:
        there = len(snapshot.of_service(name)) + sum(name in other for other in unread)
        expected = settings.expected.get(name, 1)
        if there < expected:
            findings.append(_missing_finding(snapshot, settings, name, there, expected, True))
    for name in settings.containers or ():
        if name not in unread and not any(_named(container, name) for container in snapshot.containers):
            findings.append(_missing_finding(snapshot, settings, name, 0, 1, False))
    return findings


def _named(container: Container, name: str) -> bool:
    return container.name == name or container.id == name or (len(name) >= 12 and container.id.startswith(name))


def _missing_finding(
    snapshot: DockerSnapshot, settings: Settings, name: str, there: int, expected: int, service: bool
) -> Finding:
    project = f"-p {settings.project} " if settings.project else ""
    what = f"service {name}" if service else f"container {name}"
    gone = any(name in other for other in snapshot.gone)
    known = sorted({container.service or container.name for container in snapshot.containers})
    summary = f"There is no container of service {name}" if service else f"There is no container {name}"
    if there:
        summary = f"Only {there} of {expected} containers of service {name} exist"
    return Finding(
        id="docker.container.missing",
        component=settings.component_of(name),
        subject=what,
        state=CRITICAL,
        severity="P2" if there else "P1",
        summary=summary + ("; one vanished while it was looked at" if gone else ""),
        observed={"containers": there},
        threshold={"containers": expected},
        evidence=(f"looked for {what}{' of project ' + settings.project if settings.project else ''}",)
        + ((f"there are: {', '.join(known[:20])}",) if known else ("there is no container of this project at all",)),
        causes=("it was removed (docker compose down, rm) or never created", "its name or its project is another one"),
        remedies=(
            Remedy("Compare with the Compose file", "none", f"docker compose {project}config --services"),
            Remedy(
                "Create and start it",
                "low",
                f"docker compose {project}up -d {name}" if service else f"docker start {name}",
            ),
        ),
        details={
            **details_of(Container(id="", name="" if service else name, service=name if service else "")),
            "status": "missing",
            "project": settings.project,
        },
    )


_FORBIDDEN = ("permission", "auth")
_DAEMON_CAUSES = {
    "refused": "dockerd is not running, or listens elsewhere",
    "gone": "there is no socket: Docker is not installed here, not running, or its socket is elsewhere",
    "timeout": "dockerd hangs (a full disk, a stuck storage or network driver), or the network drops packets",
    "deadline": "dockerd hangs or is very slow",
    "dns": "the name of the host does not resolve",
    "tls": "certificates do not fit: expired, wrong name, unknown authority, or TLS on one side only",
}


def _unreachable(snapshot: DockerSnapshot, settings: Settings) -> Finding:
    forbidden = snapshot.error_kind in _FORBIDDEN
    said = "refuses this user" if forbidden else "does not answer"
    if forbidden:
        causes: tuple[str, ...] = (
            "the user that runs the check may not use Docker's socket, or its certificate is refused",
        )
        remedies = (
            Remedy("See who may", "none", "ls -l /var/run/docker.sock; id"),
            Remedy("Run the check with become, or as a member of the socket's group"),
        )
    else:
        causes = (_DAEMON_CAUSES.get(snapshot.error_kind, "see the error"),)
        remedies = (
            Remedy("See what the engine says", "none", "journalctl -u docker --since '-15 min'; df -h /var/lib/docker"),
            Remedy(
                "Start the engine; containers with a restart policy come back by themselves",
                "disruptive",
                "systemctl start docker",
            ),
        )
    return Finding(
        id="docker.daemon.forbidden" if forbidden else "docker.daemon.unreachable",
        component=settings.component,
        subject=f"Docker engine at {snapshot.address}",
        state=UNKNOWN if forbidden else CRITICAL,
        severity="P2" if forbidden else "P1",
        summary=f"The Docker engine at {snapshot.address} {said}: {snapshot.error}",
        observed={"kind": snapshot.error_kind, "error": snapshot.error},
        evidence=(snapshot.error,),
        causes=causes,
        remedies=remedies,
        details={"address": snapshot.address, "kind": snapshot.error_kind},
    )
