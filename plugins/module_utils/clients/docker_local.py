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
import os
import re
import time
import typing as t

from ..core.docker_snapshot import KernelOom, Memory, Process

MOST_PROCESSES = 200
_SHORT = 4096


class LocalFacts(t.NamedTuple):
    processes: list[Process]
    memory: Memory | None
    throttling: tuple[int, int] | None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_SHORT * 4)


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
    return LocalFacts(processes, _memory(memory_dir), _throttling(cpu_dir)) if processes else None


def machine_memory(root: str = "/") -> tuple[int, int] | None:
    """Bytes of memory of this machine, and of these what is available; None where that is not readable."""
    try:
        words = [line.split() for line in _read(f"{root}proc/meminfo").splitlines()]
        found = {line[0]: int(line[1]) * 1024 for line in words if len(line) > 1 and line[1].isdigit()}
        return found["MemTotal:"], found["MemAvailable:"]
    except (OSError, KeyError):
        return None


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


_KILL = re.compile(
    r"oom-kill:constraint=(?P<constraint>CONSTRAINT_\w+).*?task_memcg=\S*?(?P<id>[0-9a-f]{64})\S*?,task=(?P<task>[^,]*),pid="
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
            host = match.group("constraint") != "CONSTRAINT_MEMCG"
            found.append(KernelOom(at, match.group("id"), match.group("task"), host))
    return None if first is None else (found, first)
