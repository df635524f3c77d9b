# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot of an engine as the plain JSON that a result carries: by service, the sick ones first, within a budget."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .docker_snapshot import Container, DockerSnapshot
from .findings import Finding
from .quantities import count

BUDGET = 600 * 1024
"""Characters of JSON; the rest of what a result may weigh is for findings and samples."""
MOST_SAMPLES = 2000
_WORST = ("dead", "removing", "exited", "created", "restarting", "paused", "unknown", "running")


def container_dict(container: Container) -> dict[str, t.Any]:
    """One container, as planners and reports read it."""
    memory = container.memory
    return {
        "id": container.id,
        "name": container.name,
        "project": container.project,
        "status": container.status,
        "health": container.health.status,
        "failing_streak": container.health.streak,
        "exit_code": container.exit_code,
        "error": container.error,
        "restart_count": container.restart_count,
        "restart_policy": container.restart_policy,
        "started_at": container.started_at,
        "finished_at": container.finished_at,
        "created_at": container.created_at,
        "image": container.image,
        "image_id": container.image_id,
        "networks": dict(container.networks),
        "ports": list(container.ports),
        "limits": {"memory": container.memory_limit, "cpus": container.cpus, "pids": container.pids_limit},
        "memory": dataclasses.asdict(memory) if memory else None,
        "pids": dataclasses.asdict(container.pids) if container.pids else None,
        "listening": None if container.listeners is None else [f"{a} {port}" for a, port in container.listeners[:50]],
        "log_bytes": container.log_bytes,
        "layer_bytes": container.layer_bytes,
        "config_hash": container.config_hash,
        "processes": len(container.processes) if container.processes is not None else None,
        "logs": list(container.logs),
        "logs_cut": container.logs_cut,
        "traces": list(container.traces),
    }


_OF_THE_WORST = (
    "status",
    "health",
    "exit_code",
    "restart_count",
    "started_at",
    "image",
    "id",
    "networks",
    "ports",
    "limits",
)


def summary(snapshot: DockerSnapshot, findings: t.Iterable[Finding]) -> dict[str, t.Any]:
    """services[SERVICE]: facts of its worst container, and containers containers with those of each, logs included."""
    sick = {str(finding.details.get("container_id")) for finding in findings if finding.details.get("container_id")}
    ordered = sorted(snapshot.containers, key=lambda c: (c.id not in sick, _WORST.index(c.status), c.name))
    entries = [(container, container_dict(container)) for container in ordered]
    left_out = _fit(entries, sick)
    services: dict[str, dict[str, t.Any]] = {}
    for container, entry in entries:
        service = services.setdefault(container.service or container.name, {})
        if not service:
            service.update({name: entry[name] for name in _OF_THE_WORST})
            service["containers"] = []
        service["containers"].append(entry)
    return {
        "engine": {"address": snapshot.address, **snapshot.engine},
        "services": services,
        "disk": dataclasses.asdict(snapshot.disk) if snapshot.disk else None,
        "disks": [dataclasses.asdict(disk) for disk in snapshot.disks],
        "machine": dict(zip(("memory_total", "memory_available"), snapshot.machine)) if snapshot.machine else None,
        "pressure": dataclasses.asdict(snapshot.pressure) if snapshot.pressure else None,
        "now": round(snapshot.now, 3),
        "containers_total": len(snapshot.containers),
        "gone": list(snapshot.gone),
        "events_since": snapshot.events_since,
        "left_out": left_out,
        "notes": list(snapshot.notes),
    }


def _fit(entries: list[tuple[Container, dict[str, t.Any]]], sick: set[str]) -> list[str]:
    """Bring the entries below the budget: first the logs of what is well, then what is well, then long logs."""
    left_out = []
    if _weight(entries) > BUDGET:
        for container, entry in entries:
            if container.id not in sick:
                entry.update(logs=entry["logs"][-3:], logs_cut=True, traces=[])
        left_out.append("logs of containers that nothing was found about")
    if _weight(entries) > BUDGET:
        for _container, entry in entries:
            entry.update(logs=[{**line, "text": line["text"][:500]} for line in entry["logs"][-20:]], logs_cut=True)
        left_out.append("all but the last 20 lines of logs")
    total = len(entries)
    while len(entries) > 1 and _weight(entries) > BUDGET:
        del entries[max(1, len(entries) * 3 // 4) :]
    if len(entries) < total:
        left_out.append(f"{total - len(entries)} of {total} containers, the well ones first")
    return left_out


def _weight(entries: list[tuple[Container, dict[str, t.Any]]]) -> int:
    return len(json.dumps([entry for _container, entry in entries], default=str))


def samples(snapshot: DockerSnapshot) -> list[dict[str, t.Any]]:
    """What a later look may judge the past by; where there are too many, those that restarted first."""
    ordered = sorted(snapshot.containers, key=lambda container: (-container.restart_count, container.name))
    return [
        {
            "at": round(snapshot.now, 3),
            "service": container.service or container.name,
            "container_id": container.id,
            "started_at": container.started_at,
            "restart_count": container.restart_count,
            "oom_kills": (container.memory.oom_kills if container.memory else None) or int(container.oom_flag),
        }
        for container in ordered[:MOST_SAMPLES]
    ]


def attachments(snapshot: DockerSnapshot, findings: t.Iterable[Finding]) -> dict[str, str]:
    """Log and events of each container that something was found about, for the evidence."""
    sick = {str(finding.details.get("container_id")) for finding in findings if finding.severity != "P4"}
    texts = {}
    for container in snapshot.containers:
        if container.id not in sick:
            continue
        lines = [f"{line['at']} {line['text']}" for line in container.logs]
        events = [
            f"{event.at:.3f} {event.action} exit_code={event.exit_code} signal={event.signal}"
            for event in snapshot.events
            if event.container_id == container.id
        ]
        name = container.name.replace("/", "_")
        texts[f"{name}.log"] = "\n".join(lines)
        texts[f"{name}.events"] = "\n".join(events)
    return {name: text for name, text in texts.items() if text}


def measured(snapshot: DockerSnapshot, window: float, full: bool) -> list[str]:
    """What was looked at, in words: a healthy verdict is only as good as this list."""
    if not snapshot.reachable:
        return []
    containers = snapshot.containers
    running = [container for container in containers if container.status == "running"]
    said = [f"{count(len(containers), 'container')} by their state, health, limits and restarts"]
    seen = sum(container.processes is not None for container in running)
    said.append(f"processes of {seen} of {len(running)} running containers")
    sources = ["State.OOMKilled"]
    if snapshot.events_since is not None:
        reach = min(window, max(0.0, snapshot.now - snapshot.events_since))
        said.append(f"events of the last {reach:.0f} s")
        sources.append("events")
    if any(container.memory and container.memory.oom_kills is not None for container in running):
        sources.append("cgroup counters")
    if snapshot.kernel_since is not None:
        sources.append("kernel log")
    said.append(f"OOM kills by {', '.join(sources)}")
    memory = sum(container.memory is not None for container in running)
    if memory:
        said.append(f"working set of {count(memory, 'container')}")
    said += _measured_room(snapshot, running)
    if full:
        said.append(f"CPU throttling of {count(sum(c.cpu is not None for c in running), 'container')}")
    logs = sum(bool(container.logs) for container in containers)
    said.append(f"logs of {count(logs, 'container')}")
    return said + [f"left out: {note}" for note in snapshot.notes]


def _measured_room(snapshot: DockerSnapshot, running: list[Container]) -> list[str]:
    """Ports, processes, disk and images, as far as they could be looked at."""
    containers = snapshot.containers
    counts = (
        ("listening TCP ports", sum(container.listeners is not None for container in running)),
        ("number of processes", sum(container.pids is not None for container in running)),
        ("size of the log files", sum(container.log_bytes is not None for container in containers)),
        ("size of the layer", sum(container.layer_bytes is not None for container in containers)),
        ("image by its name", sum(bool(container.tag_image) for container in running)),
    )
    said = [f"{what} of {count(number, 'container')}" for what, number in counts if number]
    said += [f"file system of {disk.path}" for disk in (snapshot.disk, *snapshot.disks[:20]) if disk is not None]
    said += ["memory of the machine"] if snapshot.machine else []
    return said + (["how long processes wait for memory"] if snapshot.pressure else [])
