# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the machine that an engine runs on: what takes down everything on it at once. Pure."""

from __future__ import annotations

import typing as t

from .docker_settings import Settings
from .docker_snapshot import Container, Disk, DockerSnapshot
from .findings import CRITICAL, Finding, Remedy
from .quantities import size

LARGEST = 3


def host_findings(snapshot: DockerSnapshot, settings: Settings) -> list[Finding]:
    """Full file systems, the engine's own first, and memory."""
    found = [_disk_high(disk, settings) for disk in (snapshot.disk, *snapshot.disks) if disk is not None]
    return [finding for finding in (*found, _memory_short(snapshot, settings)) if finding is not None]


def _disk_high(disk: Disk, settings: Settings) -> Finding | None:
    """When it is full, nothing can be started, and every container that writes fails at the same time."""
    inodes = disk.inodes_percent if disk.inodes_percent is not None else 0.0
    state = settings.level("disk_percent", max(disk.used_percent, inodes))
    if state is None:
        return None
    what = "inodes" if inodes > disk.used_percent else "space"
    used = f"{max(disk.used_percent, inodes):.0f} % of its {what}"
    whose = f"What {', '.join(disk.services[:5])} write to" if disk.services else "Docker's data"
    return Finding(
        id="docker.disk.high",
        component=settings.component,
        subject=f"file system of {disk.path}",
        state=state,
        severity="P2",
        summary=f"{whose} ({disk.path}) is on a file system with {used} in use; {size(disk.free)} are free",
        observed={
            "used_percent": round(disk.used_percent, 1),
            "inodes_percent": None if disk.inodes_percent is None else round(disk.inodes_percent, 1),
            "free_bytes": disk.free,
        },
        threshold={"disk_percent": settings.pair("disk_percent")},
        evidence=(f"{disk.path}: {disk.used_percent:.1f} % of its space, {inodes:.1f} % of its inodes",),
        causes=_fills(disk),
        remedies=_frees(disk),
        details={"path": disk.path, **_serves(disk, settings)},
    )


def _serves(disk: Disk, settings: Settings) -> dict[str, t.Any]:
    """Whom it hurts. The engine's own file system hurts all, so it names none."""
    return {"serves": [settings.component_of(name) for name in disk.services]} if disk.services else {}


def _fills(disk: Disk) -> tuple[str, ...]:
    if disk.services:
        return ("what these containers keep there, or something else on the same file system",)
    return ("logs that are not rotated, old images, volumes, or what containers write into their layers",)


def _frees(disk: Disk) -> tuple[Remedy, ...]:
    if disk.services:
        return (
            Remedy("See what takes it", "none", f"df -h {disk.path}; du -xh {disk.path} | sort -h | tail -20"),
            Remedy("Make the file system larger, or remove what nobody needs; never files of a database by hand"),
        )
    return (
        Remedy("See what takes it", "none", "docker system df -v"),
        Remedy("Rotate logs; keep their end first"),
        Remedy("Remove images that no container uses", "disruptive", "docker image prune -a"),
    )


def _memory_short(snapshot: DockerSnapshot, settings: Settings) -> Finding | None:
    """The kernel kills what it likes when it is gone, whatever the limits say; before that all wait for it."""
    if snapshot.machine is None or not snapshot.machine[0]:
        return None
    total, left = snapshot.machine
    percent = 100 * (total - left) / total
    waiting = snapshot.pressure.full if snapshot.pressure else 0.0
    states = {
        settings.level("host_memory_percent", percent),
        settings.level("host_pressure_percent", waiting),
    } - {None}
    if not states:
        return None
    state = CRITICAL if CRITICAL in states else str(states.pop())
    waits = f"; for {waiting:.0f} % of the last minute all processes waited for memory" if waiting >= 1 else ""
    return Finding(
        id="docker.host.memory",
        component=settings.component,
        subject="memory of the engine's machine",
        state=state,
        severity="P2" if state == CRITICAL else "P3",
        summary=f"The machine has {size(left)} of {size(total)} memory left ({percent:.0f} % in use){waits}",
        observed={"used_percent": round(percent, 1), "available": left, "total": total, "waiting_percent": waiting},
        threshold={name: settings.pair(name) for name in ("host_memory_percent", "host_pressure_percent")},
        evidence=tuple(_takers(snapshot.containers, total)),
        causes=(
            "something on it takes more than there is: see the largest; what has no limit is not held back",
            "the limits of its containers allow more than the machine has",
        ),
        remedies=(
            Remedy("See what takes it", "none", "free -m; ps -eo rss,pid,comm --sort=-rss | head"),
            Remedy("Stop what is not needed now, or give the machine more; a higher limit makes it worse"),
        ),
        details={"scope": "host", "available": left, "total": total},
    )


def _takers(containers: t.Sequence[Container], total: int) -> t.Iterator[str]:
    """The largest of the containers that were looked at, and what all of them may take."""
    used = [(c.memory.working_set, c) for c in containers if c.memory and c.memory.working_set is not None]
    used.sort(key=lambda pair: (-pair[0], pair[1].name))
    for working_set, container in used[:LARGEST]:
        limit = size(container.memory_limit) if container.memory_limit else "none"
        yield f"container {container.name} uses {size(working_set)} (limit {limit})"
    running = [c for c in containers if c.status == "running"]
    unlimited = sum(not c.memory_limit for c in running)
    promised = sum(c.memory_limit for c in running)
    yield (
        f"of {len(running)} running containers {unlimited} have no limit; the limits of the others"
        f" add up to {size(promised)}, the machine has {size(total)}"
    )
