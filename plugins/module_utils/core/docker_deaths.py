# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a container died: exit codes in words, and what its events say about who asked for it."""

from __future__ import annotations

import dataclasses
import typing as t

from .docker_snapshot import Container, DockerSnapshot, Event

SIGKILLED = 137

EXIT_CODES = {
    0: "it ended in good order: somebody stopped it, its job was done, or its command was the wrong one",
    1: "the application ended with an error: its last log lines say which",
    2: "a Go panic, a fatal error of the Go runtime, or SIGQUIT: the stack trace is in its log",
    125: "the engine itself failed to run it",
    126: "its command is not executable",
    127: "its command was not found in the image",
    134: "it aborted (SIGABRT): a failed assertion or a corrupt heap",
    137: "it was killed (SIGKILL)",
    139: "it crashed (SIGSEGV): a bad memory access in native code",
    143: "it was stopped (SIGTERM), and obeyed",
    255: "its status was lost, or it ended with -1",
}
"""What an exit code means, for people."""

STOP_TIMEOUT = "docker stop ran into its timeout: the application ignored SIGTERM and was killed"
KILLED = "somebody killed it through Docker (docker kill)"
STOPPED = "somebody stopped it through Docker (docker stop, docker compose stop)"
OUTSIDE = "something outside of Docker killed it (kill -9 on the host); neither Docker nor the kernel's OOM killer did"
CANT_TELL = "who killed it can't be told any more: the engine remembers 256 events only, and they are newer"


@dataclasses.dataclass(frozen=True)
class Death:
    """One end of a container's life as its events tell it. signals: what was sent through Docker before."""

    at: float
    exit_code: int | None
    signals: tuple[int, ...]
    oom_at: float | None

    @property
    def asked(self) -> bool:
        """Whether somebody wanted it: a signal that ends a process came through Docker."""
        return any(signal not in (18, 19) for signal in self.signals)


SLACK = 2.0
"""Seconds after a death in which the event of the signal may still be written: the two come from different places."""


def deaths(events: t.Iterable[Event], container_id: str) -> list[Death]:
    """All deaths of a container that are in the events, the oldest first."""
    own = sorted((event for event in events if event.container_id == container_id), key=lambda event: event.at)
    found = []
    born = float("-inf")
    for position, event in enumerate(own):
        if event.action != "die":
            continue
        until = next((later.at for later in own[position + 1 :] if later.action == "start"), float("inf"))
        life = [other for other in own if born <= other.at < min(until, event.at + SLACK)]
        ooms = [other.at for other in life if other.action == "oom"]
        signals = tuple(other.signal or 15 for other in life if other.action == "kill")
        found.append(Death(event.at, event.exit_code, signals, ooms[-1] if ooms else None))
        born = event.at + 1e-6 if until == float("inf") else until
    return found


def last_death(container: Container, snapshot: DockerSnapshot) -> Death | None:
    """The death that left the container as it is, where the engine still remembers it."""
    finished = container.finished
    near = [
        death
        for death in deaths(snapshot.events, container.id)
        if finished is not None and abs(death.at - finished) <= 5 + container.stop_timeout
    ]
    return near[-1] if near else None


def exit_text(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "its exit code is not known"
    if code in EXIT_CODES:
        return EXIT_CODES[code]
    if 128 < code < 160:
        return f"signal {code - 128} ended it"
    return f"the application ended with {code}"


def causes_of_exit(container: Container, death: Death | None, snapshot: DockerSnapshot) -> tuple[str, ...]:
    """Ranked, most likely first. Out of memory is judged elsewhere and has been excluded as a certain cause here."""
    if container.exit_code == SIGKILLED:
        return _causes_of_137(container, death, snapshot)
    if death is not None and death.asked:
        return (STOPPED, exit_text(container.exit_code))
    return (exit_text(container.exit_code),)


def _causes_of_137(container: Container, death: Death | None, snapshot: DockerSnapshot) -> tuple[str, ...]:
    """The tree: stop timeout, kill through Docker, then what is left."""
    if death is not None and 9 in death.signals:
        return (STOP_TIMEOUT,) if any(signal != 9 for signal in death.signals) else (KILLED,)
    if death is not None and death.asked:
        return (STOP_TIMEOUT, KILLED)
    excluded = kernel_covers(container.finished, snapshot)
    oom = "the OOM killer did, and its event was lost"
    if death is None:
        return (CANT_TELL, OUTSIDE) if excluded else (CANT_TELL, oom)
    return (OUTSIDE,) if excluded else ("something outside of Docker killed it (kill -9 on the host)", oom)


def kernel_covers(moment: float | None, snapshot: DockerSnapshot) -> bool:
    """Whether the kernel's log reaches back to a moment, so that silence in it means something."""
    return moment is not None and snapshot.kernel_since is not None and snapshot.kernel_since < moment
