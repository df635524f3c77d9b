"""Programs that the lab needs and Debian has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab import locks, proc, progress
from lab.errors import LabError


def need(programs: dict[str, str], log_dir: Path) -> None:
    """Install what is missing of {program: package}, saying so; where that can't be done, say what to install."""
    missing = {program: package for program, package in programs.items() if not _found(program)}
    if not missing:
        return
    names = sorted(set(missing.values()))
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(
            f"the lab needs {', '.join(sorted(missing))}, which this machine has not",
            f"install it (on Debian or Ubuntu: sudo apt-get install {' '.join(names)}), then run the command again",
        )
    with progress.phase(f"apt-get install {' '.join(names)}"):
        # Another apt-get may be at work: wait for it instead of failing.
        apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        proc.run([*apt, "update"], log_dir / "apt-update.log", "apt-get update", env=quiet)
        proc.run(
            [*apt, "install", "-y", "--no-install-recommends", *names],
            log_dir / "apt-install.log",
            f"apt-get install {' '.join(names)}",
            env=quiet,
        )


def redis_server(state: Path) -> str:
    """A redis-server. Debian's redis-tools has it under another name, and does not start one on the lab's own port."""
    found = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    with locks.held(state / "redis-server.lock", "another one that installs redis-tools", 300):
        need({"redis-check-rdb": "redis-tools"}, state / "log")
        link = state / "redis-server"
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(shutil.which("redis-check-rdb") or "redis-check-rdb")
    return str(link)


def _found(program: str) -> bool:
    # Servers live in sbin, which is not on everybody's PATH.
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None
