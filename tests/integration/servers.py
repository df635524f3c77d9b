# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests that start servers of their own need: a free port, and to wait until something is so."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOT_YET: tuple[type[Exception], ...] = (OSError, KeyError, ValueError)
"""What the answers of a server that is not there yet end in."""


def free_port(below: int = 65536) -> int:
    """A port that nobody has, below a number where one above it is wanted too."""
    while True:
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", 0 if below > 65535 else random.randrange(20000, below)))
            return int(sock.getsockname()[1])


def until(
    what: str, condition: Callable[[], Any], seconds: float = 30.0, errors: tuple[type[Exception], ...] = NOT_YET
) -> Any:
    """Wait for a condition, and return what it gave; these errors mean "not yet"."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except errors as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}: {last!r}")


class Process:
    """A server that a test started, once it did."""

    process: subprocess.Popen[bytes] | None = None

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            until("all threads to stand still", lambda: set(self._states()) == {"T"})

    def _states(self) -> list[str]:
        """Of each thread. A signal that was sent stops none that has a processor just then: it may still answer."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(20)
