# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lease: this run of Ansible, told apart from every other process, also after its pid was given away
again."""

from __future__ import annotations

import dataclasses
import getpass
import os
import pathlib
import socket


@dataclasses.dataclass(frozen=True)
class Holder:
    """One process on one host. started: clock ticks since boot (from /proc), 0 where that can't be read."""

    user: str
    host: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid})"


def started_at(pid: int) -> int:
    """Start time of a process in clock ticks since boot; 0 where it is gone or can't be read."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def this_run(pid: int | None = None) -> Holder:
    """The ansible-playbook process: action plugins run in workers, whose parent it is."""
    number = pid or os.getppid()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Holder(user, socket.gethostname(), number, started_at(number))


def is_dead(holder: Holder) -> bool:
    """True only where it is certain: the holder ran on this host, and its process is gone or is another one now."""
    if holder.host != socket.gethostname():
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    now = started_at(holder.pid)
    return bool(holder.started and now and now != holder.started)
