# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine that an engine runs on has left: memory, and room on the file systems that containers write to."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ..core.docker_snapshot import Disk, Pressure

PROCFS = "/proc"


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(65_536)


def machine_memory(procfs: str = PROCFS) -> tuple[int, int] | None:
    """Bytes of memory of this machine, and of these what is available; None where that is not readable."""
    try:
        words = [line.split() for line in _read(f"{procfs}/meminfo").splitlines()]
        found = {line[0]: int(line[1]) * 1024 for line in words if len(line) > 1 and line[1].isdigit()}
        return found["MemTotal:"], found["MemAvailable:"]
    except (OSError, KeyError):
        return None


def machine_pressure(procfs: str = PROCFS) -> Pressure | None:
    """How much processes wait for memory, as the kernel's PSI says; None where it keeps no such account."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        text = _read(f"{procfs}/pressure/memory")
        found = {match[1]: float(match[2]) for match in re.finditer(r"^(some|full) .*\bavg60=([\d.]+)", text, re.M)}
        return Pressure(found["some"], found["full"])
    return None


def disk_of(path: str) -> Disk | None:
    """The file system of a path of the engine, or of the nearest directory above it that may be looked at."""
    directory = path
    while len(directory) > 1:
        try:
            return _disk(directory, os.statvfs(directory))
        except PermissionError:
            directory = os.path.dirname(directory)
        except OSError:
            return None
    return None


class Mounted(t.NamedTuple):
    """device tells whether two paths are on one file system."""

    device: int
    disk: Disk


def mounted_at(path: str) -> Mounted | None:
    """The file system of a directory; None where it is not on this machine, or nothing can be written to it anyway.

    Raises OSError where nobody may look.
    """
    try:
        if not os.path.isdir(path):
            os.stat(path)  # says whether it is a file, or may not be looked at
            return None
        device, facts = os.stat(path).st_dev, os.statvfs(path)
    except FileNotFoundError:
        return None
    disk = None if facts.f_flag & os.ST_RDONLY else _disk(_mount_point(path, device), facts)
    return Mounted(device, disk) if disk else None


def _mount_point(path: str, device: int) -> str:
    """The directory nearest to the root that is on the same file system: where it is mounted, for who reads df."""
    above = os.path.dirname(path)
    while above != path and os.stat(above).st_dev == device:
        path, above = above, os.path.dirname(above)
    return path


def _disk(path: str, facts: os.statvfs_result) -> Disk | None:
    """As df counts: of what anybody but root could take. None where it holds no files (procfs, cgroups)."""
    taken, usable = facts.f_blocks - facts.f_bfree, facts.f_bavail
    if taken + usable <= 0:
        return None
    inodes = 100 * (facts.f_files - facts.f_favail) / facts.f_files if facts.f_files else None
    return Disk(path, 100 * taken / (taken + usable), usable * facts.f_frsize, inodes)
