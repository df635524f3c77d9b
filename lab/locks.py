"""One `lab` command at a time for a project, and one builder at a time for an image."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError


@contextmanager
def held(path: Path, what: str, timeout: float) -> Iterator[int]:
    """Hold the lock on `path` and yield its descriptor; the kernel lets go of it when its last holder dies.

    Programs that are started with that descriptor hold it too: after `kill -9` of `lab` the next one waits until the
    compose that the dead one left behind has finished, instead of working against it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"{what} is still at work after {timeout:.0f} s", f"see who holds {path}: fuser -v {path}"
                    ) from None
                time.sleep(0.1)
        yield file.fileno()
