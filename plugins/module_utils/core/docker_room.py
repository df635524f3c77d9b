# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what a container runs out of besides memory: processes, log and layer. Pure."""

from __future__ import annotations

from .docker_settings import Case
from .docker_snapshot import Container
from .findings import CRITICAL, Finding, Remedy
from .quantities import size

_MIB = 2**20


def _severity(state: str) -> str:
    return "P2" if state == CRITICAL else "P3"


def pids_high(case: Case) -> Finding | None:
    """At the limit no process and no thread can be made: fork and clone fail with EAGAIN, health checks too."""
    container, pids = case.container, case.container.pids
    if pids is None or not pids.limit:
        return None
    percent = 100 * pids.current / pids.limit
    state = case.settings.level("pids_percent", percent)
    if state is None:
        return None
    commands: dict[str, int] = {}
    for process in container.processes or ():
        commands[process.command] = commands.get(process.command, 0) + 1
    most = sorted(commands.items(), key=lambda item: (-item[1], item[0]))[:5]
    return case.finding(
        "docker.pids.high",
        state,
        _severity(state),
        f"Container {container.name} has {pids.current} of {pids.limit} processes and threads ({percent:.0f} %)",
        observed={"pids": pids.current, "limit": pids.limit, "percent": round(percent, 1)},
        threshold={"pids_percent": case.settings.pair("pids_percent")},
        evidence=(
            f"pids cgroup: {pids.current} of {pids.limit}",
            "processes: " + ", ".join(f"{count} {command}" for command, count in most),
        ),
        causes=(
            "children or threads that are never ended (a leak, or zombies that the main process does not wait for)",
            "the limit is too small for its load",
        ),
        remedies=(
            Remedy("See which they are", "none", case.docker("top")),
            Remedy(
                "Raise its limit, in the Compose file too",
                "disruptive",
                case.docker(f"update --pids-limit {pids.limit * 2}"),
            ),
            Remedy("Restart it: gains time, cures nothing", "low", case.compose("restart")),
        ),
    )


def _rotates(container: Container) -> bool:
    return container.log_driver != "json-file" or container.log_options.get("max-size", "-1") not in ("", "-1")


def log_large(case: Case) -> Finding | None:
    """The log files of one container, all of them together."""
    container = case.container
    if container.log_bytes is None:
        return None
    state = case.settings.level("log_mib", container.log_bytes / _MIB)
    if state is None:
        return None
    rotates = _rotates(container)
    cause = "its log is not rotated: max-size of its log driver is not set, and it grows until the disk is full"
    if rotates:
        cause = "its log is rotated at a large size, or it keeps many files"
    return case.finding(
        "docker.log.large",
        state,
        _severity(state),
        f"The log of container {container.name} has {size(container.log_bytes)} on disk"
        + ("" if rotates else " and is not rotated"),
        observed={"log_bytes": container.log_bytes, "rotated": rotates},
        threshold={"log_mib": case.settings.pair("log_mib")},
        evidence=(f"{container.log_path}: {size(container.log_bytes)} with rotated files",),
        causes=(cause, "it logs far more than it should"),
        remedies=(
            Remedy("Keep its end before anything else", "none", case.docker("logs --tail 10000 --timestamps")),
            Remedy("Set max-size and max-file in the Compose file, and make it anew", "disruptive"),
        ),
        details={"log_path": container.log_path, "log_bytes": container.log_bytes, "rotated": rotates},
    )


def layer_large(case: Case) -> Finding | None:
    """What a container wrote outside of its volumes."""
    container = case.container
    if container.layer_bytes is None:
        return None
    state = case.settings.level("layer_mib", container.layer_bytes / _MIB)
    if state is None:
        return None
    return case.finding(
        "docker.layer.large",
        state,
        _severity(state),
        f"Container {container.name} has written {size(container.layer_bytes)} into its own layer, outside of volumes",
        observed={"layer_bytes": container.layer_bytes},
        threshold={"layer_mib": case.settings.pair("layer_mib")},
        evidence=(f"SizeRw {size(container.layer_bytes)}",),
        causes=(
            "log or temporary files that nobody removes",
            "data that belongs on a volume: it ends with the container",
        ),
        remedies=(
            Remedy("See what it wrote", "none", case.docker("diff")),
            Remedy("Put the data on a volume, and let what is temporary go to a tmpfs"),
        ),
        details={"layer_bytes": container.layer_bytes},
    )
