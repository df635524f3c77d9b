# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine itself knows about a container, where the engine runs on it: processes, cgroup, kernel log.

Read from files, in well under a millisecond a container. The engine's own answer to `top` costs a process and an event,
and it remembers 256 events only.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import time
import typing as t

from ..core.docker_parse import listeners_from_table
from ..core.docker_snapshot import KernelOom, Memory, Pids, Process

MOST_PROCESSES = 200
_SHORT = 4096
SOCKET_TABLE = 256 * 1024
"""Bytes to read of a table of sockets: 1700 of them."""


class LocalFacts(t.NamedTuple):
    processes: list[Process]
    memory: Memory | None
    throttling: tuple[int, int] | None
    pids: Pids | None = None
    listeners: list[tuple[str, int]] | None = None


def _read(path: str, most: int = _SHORT * 4) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(most)


def _number(path: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(_read(path))
    return None


def _pairs(path: str) -> dict[str, int]:
    found = {}
    with contextlib.suppress(OSError):
        for line in _read(path).splitlines():
            name, _space, value = line.partition(" ")
            if value.strip().isdigit():
                found[name] = int(value)
    return found


def local_facts(pid: int, container_id: str, root: str = "/") -> LocalFacts | None:
    """Facts about the container whose first process this is, or None where it does not run on this machine."""
    groups = _groups(pid, container_id, root)
    if not groups:
        return None
    memory_dir = groups.get("memory") or groups.get("") or ""
    cpu_dir = groups.get("cpu") or groups.get("") or ""
    processes = _processes(pid, memory_dir, root)
    if not processes:
        return None
    pids = _pids(groups.get("pids") or groups.get("") or "")
    return LocalFacts(processes, _memory(memory_dir), _throttling(cpu_dir), pids, _listeners(pid, root))


def _groups(pid: int, container_id: str, root: str) -> dict[str, str]:
    """Controller -> directory of the container's cgroup; empty where the process is not the container's."""
    try:
        text = _read(f"{root}proc/{pid}/cgroup")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        _number_, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if container_id and container_id in path:
            for controller in controllers.split(","):
                mount = f"{root}sys/fs/cgroup/{controller}" if controller else f"{root}sys/fs/cgroup"
                found[controller] = mount + path
    return found


def _processes(pid: int, directory: str, root: str) -> list[Process]:
    pids = [pid]
    with contextlib.suppress(OSError, ValueError):
        pids += [int(word) for word in _read(f"{directory}/cgroup.procs").split()]
    found = []
    for number in list(dict.fromkeys(pids))[:MOST_PROCESSES]:
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = _read(f"{root}proc/{number}/stat")
            command = text[text.index("(") + 1 : text.rindex(")")]
            state, parent = text[text.rindex(")") + 1 :].split()[:2]
            found.append(Process(number, int(parent), state, command))
    return found


def _memory(directory: str) -> Memory | None:
    usage = _number(f"{directory}/memory.current")
    if usage is not None:
        kills = _pairs(f"{directory}/memory.events").get("oom_kill")
        inactive = _pairs(f"{directory}/memory.stat").get("inactive_file", 0)
        peak, limit = _number(f"{directory}/memory.peak"), _number(f"{directory}/memory.max")
        return Memory(usage, max(0, usage - inactive), peak, limit, kills, "cgroup v2")
    usage = _number(f"{directory}/memory.usage_in_bytes")
    if usage is None:
        return None
    inactive = _pairs(f"{directory}/memory.stat").get("total_inactive_file", 0)
    kills = _pairs(f"{directory}/memory.oom_control").get("oom_kill")
    peak, limit = _number(f"{directory}/memory.max_usage_in_bytes"), _number(f"{directory}/memory.limit_in_bytes")
    return Memory(usage, max(0, usage - inactive), peak, limit, kills, "cgroup v1")


def _throttling(directory: str) -> tuple[int, int] | None:
    stat = _pairs(f"{directory}/cpu.stat")
    return (stat["nr_periods"], stat["nr_throttled"]) if {"nr_periods", "nr_throttled"} <= set(stat) else None


def _pids(directory: str) -> Pids | None:
    """Both versions name them alike; no limit is the word max."""
    current = _number(f"{directory}/pids.current")
    return None if current is None else Pids(current, _number(f"{directory}/pids.max"))


def _listeners(pid: int, root: str) -> list[tuple[str, int]] | None:
    """TCP sockets that listen in the network of a process; its table has them before all connections."""
    found: list[tuple[str, int]] | None = None
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            text = _read(f"{root}proc/{pid}/net/{name}", SOCKET_TABLE)
            some = listeners_from_table(text, len(text) >= SOCKET_TABLE)
            if some is None:
                return None
            found = (found or []) + some
    return found


def log_bytes(path: str, container_id: str) -> int | None:
    """Bytes of a log file and those it was rotated into, or None where it is not on this machine or can't be seen."""
    if not container_id or container_id not in path:
        return None
    try:
        total = os.stat(path).st_size
    except OSError:
        return None
    for other in glob.glob(glob.escape(path) + ".*"):
        with contextlib.suppress(OSError):
            total += os.stat(other).st_size
    return total


_KILL = re.compile(
    r"oom-kill:constraint=(?P<constraint>CONSTRAINT_\w+).*?(?:oom_memcg=(?P<limit>[^,]*),)?task_memcg=\S*?(?P<id>[0-9a-f]{64})\S*?,task=(?P<task>[^,]*),pid="
)


def kernel_ooms(path: str = "/dev/kmsg") -> tuple[list[KernelOom], float] | None:
    """(OOM kills of containers, time that the log reaches back to), or None where the kernel's log can't be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return parse_kernel(_records(handle), time.time() - time.monotonic())
    finally:
        os.close(handle)


def _records(handle: int) -> t.Iterator[str]:
    for _turn in range(100_000):
        try:
            data = os.read(handle, 8192)
        except OSError as error:
            if error.errno == errno.EPIPE:  # overwritten while it was read: the next one is there
                continue
            return
        if not data:
            return
        yield data.decode("utf-8", "replace")


def parse_kernel(records: t.Iterable[str], boot: float) -> tuple[list[KernelOom], float] | None:
    """From records as /dev/kmsg writes them: level,number,microseconds,flags;text. boot: when the clock was 0."""
    found = []
    first: float | None = None
    for record in records:
        head, _semicolon, text = record.partition(";")
        parts = head.split(",")
        if len(parts) < 3 or not parts[2].isdigit():
            continue
        at = boot + int(parts[2]) / 1e6
        first = at if first is None else first
        match = _KILL.search(text) if "oom-kill" in text else None
        if match:
            # Whose limit it was: its own, or that of the machine or of a cgroup above several (a slice).
            own = match.group("constraint") == "CONSTRAINT_MEMCG" and match.group("id") in (match.group("limit") or "")
            found.append(KernelOom(at, match.group("id"), match.group("task"), not own))
    return None if first is None else (found, first)
