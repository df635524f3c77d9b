# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Did the OOM killer strike? No single source can be trusted, so all are asked, and the answer says which ones spoke.

- State.OOMKilled is reset at every start, so with a restart policy it is usually gone; it may also be about a child.
- The engine remembers 256 events, and health checks write three each.
- The cgroup's counter lives as long as the container runs and has no time.
- The kernel's log knows it all, with the container's id, where it can be read.
- Exit code 137 alone says only SIGKILL.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .docker_deaths import SIGKILLED, Death, deaths, kernel_covers, last_death
from .docker_snapshot import Container, DockerSnapshot

CERTAIN = "certain"
LIKELY = "likely"
LATE = 3.0
"""Seconds that a busy engine may write down a start later than the container began to run."""


@dataclasses.dataclass(frozen=True)
class Oom:
    """main: the main process itself was killed, not a child of it. at: None where only a counter tells, without a time.
    host: the whole machine was short of memory; a higher limit of the container makes that worse.
    """

    sources: tuple[str, ...]
    confidence: str
    main: bool
    at: float | None
    host: bool = False
    kills: int | None = None


class _Evidence:
    """What each source says about one container."""

    def __init__(self, container: Container, snapshot: DockerSnapshot, window: float) -> None:
        self.container = container
        self.down = container.status not in ("running", "paused", "restarting")
        self.oldest = self._oldest(snapshot.now - window)
        self.kernel = [line for line in snapshot.kernel if line.container_id == container.id and line.at >= self.oldest]
        self.events = [
            event.at
            for event in snapshot.events
            if event.container_id == container.id and event.action == "oom" and event.at >= self.oldest
        ]

    def _oldest(self, oldest: float) -> float:
        """A container that is down since long is still down because of it; one that runs has left it behind."""
        container = self.container
        if not self.down:
            return oldest
        return min(oldest, (container.started or container.finished or oldest) - LATE)


def find_oom(
    container: Container, snapshot: DockerSnapshot, history: t.Sequence[t.Mapping[str, t.Any]], window: float
) -> Oom | None:
    """The newest OOM kill of a container that still matters, or None. history: samples of this container."""
    evidence = _Evidence(container, snapshot, window)
    if evidence.down:
        return _of_a_dead_one(evidence, last_death(container, snapshot), snapshot)
    return _of_a_running_one(evidence, snapshot, history, window)


def _of_the_host(evidence: _Evidence) -> bool:
    """The kernel's log says whose limit it was. Without it: what has no limit of its own can't have met it."""
    if evidence.kernel:
        return all(line.host for line in evidence.kernel)
    return not evidence.container.memory_limit


def _sources(evidence: _Evidence) -> list[str]:
    sources = []
    if evidence.kernel:
        sources.append("kernel log")
    if evidence.events:
        sources.append("oom event")
    return sources


def _of_a_dead_one(evidence: _Evidence, death: Death | None, snapshot: DockerSnapshot) -> Oom | None:
    container = evidence.container
    sources = _sources(evidence)
    if container.oom_flag:
        sources.append("State.OOMKilled")
    killed = container.exit_code == SIGKILLED
    if death is not None and death.oom_at is None and death.asked and killed:
        # Somebody killed it; what a child had suffered before is not why it is down.
        return None
    if not sources:
        return _by_exit_code_alone(container, death, snapshot)
    if killed:
        sources.append("exit code 137")
    at = max([line.at for line in evidence.kernel] + evidence.events, default=container.finished)
    host = _of_the_host(evidence)
    return Oom(tuple(sources), CERTAIN, killed, at, host)


def _by_exit_code_alone(container: Container, death: Death | None, snapshot: DockerSnapshot) -> Oom | None:
    """137, and nobody sent a signal although the engine would remember: likely, unless the kernel's log denies it."""
    if container.exit_code != SIGKILLED or death is None or death.asked or not container.memory_limit:
        return None
    if kernel_covers(container.finished, snapshot):
        return None
    return Oom(("exit code 137 without a kill or stop event",), LIKELY, True, container.finished)


def _of_a_running_one(
    evidence: _Evidence, snapshot: DockerSnapshot, history: t.Sequence[t.Mapping[str, t.Any]], window: float
) -> Oom | None:
    container = evidence.container
    sources = _sources(evidence)
    died = [death for death in deaths(snapshot.events, container.id) if death.at >= evidence.oldest]
    killed = [death for death in died if death.exit_code == SIGKILLED and not death.asked]
    kills = container.memory.oom_kills if container.memory else None
    fresh = _counter_is_fresh(container, kills, history, snapshot.now - window)
    if kills and fresh:
        sources.append("cgroup counter")
    if container.oom_flag and (fresh or sources):
        sources.append("State.OOMKilled")
    if not sources:
        return _restarted_after_137(container, killed, snapshot)
    at = max([line.at for line in evidence.kernel] + evidence.events, default=None)
    host = _of_the_host(evidence)
    main = bool(killed) or _of_an_earlier_life(container, kills, at)
    return Oom(tuple(sources), CERTAIN, main, at, host, kills)


def _of_an_earlier_life(container: Container, kills: int | None, at: float | None) -> bool:
    """It runs: what was killed in this life was a child. The counter knows; times alone are not exact enough."""
    if at is None or container.finished is None or container.started is None:
        return False
    return kills == 0 if kills is not None else at < container.started


def _counter_is_fresh(
    container: Container, kills: int | None, history: t.Sequence[t.Mapping[str, t.Any]], oldest: float
) -> bool:
    """The counter has no time: it is old news where it stood as high before the window began."""
    if container.started is not None and container.started >= oldest:
        return True
    counted = kills if kills is not None else int(container.oom_flag)
    before = [
        sample
        for sample in history
        if sample.get("started_at") == container.started_at and float(sample.get("at") or 0) < oldest
    ]
    return not any(int(sample.get("oom_kills") or 0) >= counted for sample in before)


def _restarted_after_137(container: Container, killed: list[Death], snapshot: DockerSnapshot) -> Oom | None:
    if not killed or not container.memory_limit or kernel_covers(killed[-1].at, snapshot):
        return None
    return Oom(("exit code 137 without a kill or stop event",), LIKELY, True, killed[-1].at)
