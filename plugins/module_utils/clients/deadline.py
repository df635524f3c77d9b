# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deadline for everything that a probe does, so that slow parts can't add up."""

from __future__ import annotations

import time

from .errors import CollectError


class Deadline:
    """Counts down on the monotonic clock. Sources of time and sleep are injectable for tests."""

    def __init__(self, seconds: float, clock=time.monotonic, sleep=time.sleep) -> None:
        self.seconds = float(seconds)
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + self.seconds

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    def expired(self) -> bool:
        return self.left() <= 0

    def cap(self, seconds: float) -> float:
        """A timeout for one step: what was asked for, or what is left."""
        return min(float(seconds), self.left())

    def check(self, doing: str) -> None:
        """Raise CollectError(deadline) when nothing is left."""
        if self.expired():
            raise CollectError("deadline", f"no time left after {self.seconds:g} s, while {doing}")

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the end. False where the time ran out first."""
        step = self.cap(seconds)
        self._sleep(step)
        return step >= float(seconds)
