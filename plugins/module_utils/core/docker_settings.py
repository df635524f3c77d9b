# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot of an engine is judged by, and the words that its findings share. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .docker_snapshot import Container, DockerSnapshot
from .findings import Facts, Finding, Remedy, build_finding
from .quantities import span
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "memory_percent": {"warn": 80, "crit": 92},
    "cpu_throttled_percent": {"warn": 25, "crit": 50},
    "restarts": {"warn": 1, "crit": 3},
    "pids_percent": {"warn": 80, "crit": 95},
    "disk_percent": {"warn": 90, "crit": 95},
    "host_memory_percent": {"warn": 90, "crit": 95},
    "host_pressure_percent": {"warn": 10, "crit": 40},
    "log_mib": {"warn": 1024, "crit": 10_240},
    "layer_mib": {"warn": 1024, "crit": 10_240},
}
"""memory_percent: working set of the limit. disk_percent: of each file system that containers
write to. host_memory_percent: of the machine's memory, without what it can give back at once (MemAvailable).
host_pressure_percent: of the last minute in which all processes waited for memory. log_mib: all files
of a container's log. layer_mib: what it wrote outside of volumes. restarts: unasked ones within the window."""

Sample = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """component: the engine in findings. components: service or container -> component; default container:SERVICE.
    services, containers: what has to exist (None: whatever is there). expected: service -> replicas.
    ports: service -> (port inside, host port) that have to be published. hashes: service -> hash of its configuration.
    """

    component: str = "docker"
    project: str = ""
    components: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    services: tuple[str, ...] | None = None
    containers: tuple[str, ...] | None = None
    expected: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    ports: t.Mapping[str, tuple[t.Any, ...]] = dataclasses.field(default_factory=dict)
    hashes: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    window: float = 900.0

    def component_of(self, name: str) -> str:
        return self.components.get(name) or f"container:{name}"


@dataclasses.dataclass(frozen=True)
class Case:
    """One container with all that it is judged by. alone: no other replica of its service is well.
    newest: the container of its service that was made last, perhaps itself.
    """

    container: Container
    snapshot: DockerSnapshot
    settings: Settings
    history: tuple[Sample, ...] = ()
    alone: bool = True
    newest: Container | None = None

    @property
    def service(self) -> str:
        return self.container.service or self.container.name

    @property
    def severity(self) -> str:
        """Of something that is down: P1, or P2 where other replicas go on."""
        return "P1" if self.alone else "P2"

    def finding(self, name: str, state: str, severity: str, summary: str, **facts: t.Unpack[Facts]) -> Finding:
        component, subject = self.settings.component_of(self.service), f"container {self.container.name}"
        carried = details_of(self.container)
        return build_finding(name, component, subject, state, severity, summary, carried=carried, **facts)

    def compose(self, verb: str) -> str:
        """The command that a person would type: with Compose where the container belongs to it."""
        container = self.container
        if container.service:
            project = f"-p {shlex.quote(container.project)} " if container.project else ""
            return f"docker compose {project}{verb} {shlex.quote(container.service)}"
        return f"docker {verb.split()[0].replace('up', 'start')} {shlex.quote(container.name)}"

    def docker(self, verb: str) -> str:
        return f"docker {verb} {shlex.quote(self.container.name)}"

    def ago(self, moment: float | None) -> str:
        return "" if moment is None else f"{span(self.snapshot.now - moment)} ago"


def details_of(container: Container) -> dict[str, t.Any]:
    """What every finding about a container carries, for planners."""
    return {
        "container_id": container.id,
        "container_name": container.name,
        "service": container.service,
        "project": container.project,
        "status": container.status,
        "started_at": container.started_at,
        "finished_at": container.finished_at,
        "exit_code": container.exit_code,
        "restart_count": container.restart_count,
        "image": container.image,
    }


def last_lines(container: Container, number: int = 3) -> list[str]:
    """The end of a container's log, and the stack traces in it by how often they came, as evidence."""
    traces = [
        f"{trace.get('count', 1)} x the same {trace.get('kind', '')} stack trace in its log: {_gist(trace)}"
        for trace in container.traces[:number]
    ]
    return traces + [f"log: {entry.get('text', '')[:400]}" for entry in container.logs[-number:]]


def _gist(trace: t.Mapping[str, t.Any]) -> str:
    """The line that says what happened: Python has it last, all others first."""
    lines = [line.strip() for line in str(trace.get("text", "")).splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1 if trace.get("kind") == "python" else 0][:400]


def log_remedy(case: Case) -> Remedy:
    return Remedy("Read the end of its log", "none", case.docker("logs --tail 100 --timestamps"))
