# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rollout is done, goes on, or fails, and whether things are worse than before it. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .kubernetes_target import CRASHES, START_ERRORS, Pod, Workload, part, rows

STEADY = 3.0
"""Seconds that a finished rollout has to be seen finished: without a readiness probe a pod counts at once."""
PASSING = ("ErrImagePull", "RunContainerError")
"""Errors that are tried once more within seconds; the ones that they turn into when they last are not here."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What was there before: available pods, pods by uid, and how often each container had been restarted."""

    available: int
    uids: frozenset[str]
    restarts: t.Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, workload: Workload, pods: t.Iterable[Pod]) -> Baseline:
        kept = list(pods)
        counts = {(pod.uid, name): number for pod in kept for name, number in pod.restarts.items()}
        return cls(workload.counts.available, frozenset(pod.uid for pod in kept), counts)


@dataclasses.dataclass(frozen=True)
class Trouble:
    """final: it will not get better by waiting. new: of a pod that was not there before."""

    text: str
    final: bool
    new: bool = True


@dataclasses.dataclass(frozen=True)
class Progress:
    """done: all pods are there, new and available, and none was restarted. troubles: of pods made since, and of
    containers restarted since. worse: fewer are available than before, and new pods fail."""

    done: bool
    troubles: tuple[Trouble, ...]
    worse: bool
    text: str

    def unfinished(self) -> Progress:
        return dataclasses.replace(self, done=False)

    @property
    def failed(self) -> bool:
        return any(trouble.final for trouble in self.troubles)

    @property
    def reasons(self) -> str:
        """Each once: pods of one template mostly fail for one reason."""
        return "; ".join(dict.fromkeys(trouble.text for trouble in self.troubles))


def progress(base: Baseline, workload: Workload, pods: t.Sequence[Pod]) -> Progress:
    counts = workload.counts
    alive = [pod for pod in pods if not pod.terminating and not pod.over]
    troubles = [trouble for pod in alive for trouble in _troubles(base, pod)]
    troubles += _of_controller(workload)
    seen = workload.observed >= workload.generation
    if not seen:
        # Those pods may be of what was wanted before: after an undo they are on their way out.
        troubles = [dataclasses.replace(trouble, final=False) for trouble in troubles]
    done = seen and counts.complete and _revised(workload) and not troubles
    fewer = counts.available < base.available and counts.available < workload.replicas
    text = (
        f"{counts.updated} of {counts.desired} pods are of the new template, {counts.available} available"
        f" ({base.available} before)"
    )
    if not seen:
        text = f"its controller has seen generation {workload.observed} of {workload.generation}"
    return Progress(done, tuple(troubles), fewer and any(trouble.new for trouble in troubles), text)


def replaced(uid: str, workload: Workload, pods: t.Sequence[Pod]) -> bool:
    """Whether a pod is gone, and as many as are wanted are ready without it. A status may lag behind; pods don't."""
    ready = [pod for pod in pods if pod.ready and not pod.terminating]
    return all(pod.uid != uid for pod in pods) and len(ready) >= workload.replicas


def _revised(workload: Workload) -> bool:
    """A StatefulSet counts as done when what it was is no longer what it is."""
    if workload.kind != "StatefulSet":
        return True
    status = workload.status
    return bool(status.get("currentRevision") == status.get("updateRevision"))


def _troubles(base: Baseline, pod: Pod) -> list[Trouble]:
    new = pod.uid not in base.uids
    found = []
    for container, number in pod.restarts.items():
        before = base.restarts.get((pod.uid, container), 0)
        waits = pod.waiting.get(container, ("", ""))[0]
        if number > before:
            text = f"container {container} crashed and was restarted"
            found.append(Trouble(f"{text}{_ending(pod, container)}", waits == CRASHES, new))
    for container, (reason, message) in pod.waiting.items():
        if new and reason in START_ERRORS:
            said = f" ({message})" if message else ""
            found.append(Trouble(f"container {container} can't start: {reason}{said}", reason not in PASSING))
    if new and pod.unscheduled:
        found.append(Trouble(f"no node takes pod {pod.name}: {pod.unscheduled}", False))
    return found


def _ending(pod: Pod, container: str) -> str:
    states = rows(pod.raw, "status", "containerStatuses") + rows(pod.raw, "status", "initContainerStatuses")
    for row in states:
        ended = part(row, "lastState", "terminated") if row.get("name") == container else {}
        if ended:
            return f" ({ended.get('reason') or 'ended'}, exit code {ended.get('exitCode')})"
    return ""


def _of_controller(workload: Workload) -> list[Trouble]:
    """What the controller itself can't do: make pods (quota, webhook), or get on in the time it was given."""
    if workload.observed < workload.generation:
        return []
    found = []
    for row in rows(workload.status, "conditions"):
        said = str(row.get("message") or row.get("reason") or "")
        if row.get("type") == "ReplicaFailure" and row.get("status") == "True":
            found.append(Trouble(f"pods can't be made: {said}", False))
        if row.get("type") == "Progressing" and row.get("reason") == "ProgressDeadlineExceeded":
            found.append(Trouble(f"its controller gave up: {said}", False))
    return found
