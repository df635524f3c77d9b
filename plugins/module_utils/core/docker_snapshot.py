# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from a container engine at one moment. No judgement here."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

STATUSES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTHS = ("none", "starting", "healthy", "unhealthy")
UNKNOWN = "unknown"

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:?\d\d)?")
_EPOCH = datetime.datetime(1970, 1, 1)


def parse_time(text: t.Any) -> float | None:
    """Epoch seconds of what Docker writes: nanoseconds are cut, year 1 (Go's zero time) and nonsense are None."""
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match or int(match.group(1)) < 1970:
        return None
    try:
        moment = datetime.datetime(*(int(match.group(n)) for n in range(1, 6)))  # type: ignore[arg-type]
    except ValueError:
        return None
    seconds = (moment - _EPOCH).total_seconds() + int(match.group(6)) + float(f"0.{match.group(7) or 0}")
    zone = match.group(8) or "Z"
    if zone in "Zz":
        return seconds
    offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return seconds - offset if zone[0] == "+" else seconds + offset


@dataclasses.dataclass
class Health:
    """status is one of HEALTHS or unknown; output and exit_code are of the last probes, the newest last."""

    status: str = "none"
    streak: int = 0
    probes: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    command: str = ""
    grace: float = 0.0
    """Seconds after a start in which starting is no news: start period plus interval times retries."""


@dataclasses.dataclass
class Memory:
    """Bytes. oom_kills is the cgroup's own counter since the container started, None where it was not readable."""

    usage: int | None = None
    working_set: int | None = None
    peak: int | None = None
    limit: int | None = None
    oom_kills: int | None = None
    source: str = ""


@dataclasses.dataclass
class Cpu:
    """Scheduling periods between two samples, and in how many of them the container had to wait."""

    periods: int
    throttled: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Pids:
    """Processes and threads of a container. limit is None where there is none."""

    current: int
    limit: int | None


@dataclasses.dataclass(frozen=True)
class Disk:
    """A file system, by a path in it or where it is mounted. inodes_percent is None where it has no fixed number.

    services: those whose containers write to it, empty for the one of the engine's own data.
    """

    path: str
    used_percent: float
    free: int
    inodes_percent: float | None = None
    services: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Pressure:
    """Percent of the last minute in which some process, or all at once, waited for memory (PSI)."""

    some: float
    full: float


@dataclasses.dataclass
class Process:
    """parent tells a child of the main process from what docker exec put beside it."""

    pid: int
    parent: int
    state: str
    command: str


@dataclasses.dataclass
class Container:
    """One container. Times as Docker writes them, and as epoch seconds (None: never)."""

    id: str
    name: str
    service: str = ""
    project: str = ""
    status: str = UNKNOWN
    exit_code: int | None = None
    error: str = ""
    oom_flag: bool = False
    pid: int = 0
    restart_count: int = 0
    created_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    created: float | None = None
    started: float | None = None
    finished: float | None = None
    health: Health = dataclasses.field(default_factory=Health)
    restart_policy: str = ""
    stop_timeout: float = 10.0
    image: str = ""
    image_id: str = ""
    command: str = ""
    memory_limit: int = 0
    memory_swap: int = 0
    """Memory and swap together, below 0 for no limit; 0 where nothing was said."""
    cpus: float = 0.0
    pids_limit: int = 0
    networks: dict[str, str] = dataclasses.field(default_factory=dict)
    ports: list[str] = dataclasses.field(default_factory=list)
    network_mode: str = ""
    declared: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Port inside (8080/tcp) -> host ports that it was created with, empty ones for any."""
    published: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Port inside -> host ports that it has at this moment."""
    listeners: list[tuple[str, int]] | None = None
    """Addresses and TCP ports that something listens on inside of it; None where nobody could look."""
    config_hash: str = ""
    compose_image: str = ""
    tag_image: str = ""
    """Id of the image that its image's name stands for now; empty where that is not known."""
    log_path: str = ""
    data_path: str = ""
    """Where the engine keeps its data, as far as this container tells; empty where it does not."""
    writes_to: list[str] = dataclasses.field(default_factory=list)
    """Paths of the engine's machine that it may write to: volumes, and directories that are mounted into it."""
    log_options: dict[str, str] = dataclasses.field(default_factory=dict)
    log_bytes: int | None = None
    layer_bytes: int | None = None
    pids: Pids | None = None
    log_driver: str = ""
    tty: bool = False
    oneoff: bool = False
    processes: list[Process] | None = None
    memory: Memory | None = None
    cpu: Cpu | None = None
    logs: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    traces: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    logs_cut: bool = False
    logs_error: str = ""
    unmeasured: dict[str, str] = dataclasses.field(default_factory=dict)
    """What could not be read about it -> why."""


@dataclasses.dataclass(frozen=True)
class Event:
    """One event of a container. action without what follows its colon; signal and exit_code where it has them."""

    at: float
    action: str
    container_id: str
    exit_code: int | None = None
    signal: int | None = None


@dataclasses.dataclass(frozen=True)
class KernelOom:
    """One line of the kernel log. host: the machine itself was out of memory, not the container's own limit."""

    at: float
    container_id: str
    process: str
    host: bool


@dataclasses.dataclass
class DockerSnapshot:
    """now is the engine's clock. events are complete from events_since on, the kernel's log from kernel_since on
    (None: it could not be read at all). gone: names of containers that vanished while they were looked at.
    machine: bytes of memory that the engine's machine has, and of these what is available.
    disk: the file system of the engine's data. disks: the others that containers write to.
    """

    now: float
    reachable: bool = False
    error_kind: str = ""
    error: str = ""
    address: str = ""
    engine: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    containers: list[Container] = dataclasses.field(default_factory=list)
    gone: list[str] = dataclasses.field(default_factory=list)
    events: list[Event] = dataclasses.field(default_factory=list)
    events_since: float | None = None
    kernel: list[KernelOom] = dataclasses.field(default_factory=list)
    kernel_since: float | None = None
    disk: Disk | None = None
    disks: list[Disk] = dataclasses.field(default_factory=list)
    machine: tuple[int, int] | None = None
    pressure: Pressure | None = None
    unmeasured: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def of_service(self, service: str) -> list[Container]:
        return [container for container in self.containers if container.service == service]
