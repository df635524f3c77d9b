"""Control groups of the lab's own, which outlive the processes in them."""

from __future__ import annotations

import os
from pathlib import Path

from lab import progress
from lab.errors import LabError
from lab.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")
SWEEP_TIMEOUT = 15.0


def limit_memory(name: str, most: int) -> None:
    """Make a group of that name, which may take so many bytes, whatever is in it."""
    first = ROOT / "memory" / name  # cgroup v1 has a directory for each controller
    place, file = (first, "memory.limit_in_bytes") if first.parent.is_dir() else (ROOT / name, "memory.max")
    try:
        place.mkdir(exist_ok=True)
        (place / file).write_text(str(most))
    except OSError as error:
        raise LabError(f"the memory of {place} can't be limited: {error}", "run it as root") from error


def sweep(name: str) -> None:
    """Remove a group and all below it, once its last process has gone."""
    left = _left(name)
    if left and not os.access(left[0], os.W_OK):
        progress.say(f"           cgroups stay that only root can remove: {', '.join(map(str, left))}")
    elif left:
        # The last processes go a moment after their container.
        wait_until(f"the cgroups {name} to go", lambda: _remove(name), SWEEP_TIMEOUT, hint="lab down")


def _remove(name: str) -> str | None:
    """Of files there is nothing to remove: a cgroup is a directory, and goes when no process is in it."""
    for root in _left(name):
        for directory, _, _ in os.walk(root, topdown=False):
            Path(directory).rmdir()
    return None


def _left(name: str) -> list[Path]:
    """One with cgroup v2, one of each controller with cgroup v1."""
    roots = [place / name for place in (ROOT, *ROOT.glob("*"))]
    return [root for root in roots if root.is_dir()]
