# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with one pod, if anything: the one word that explains the others. Pure."""

from __future__ import annotations

import re
import typing as t

from .kubernetes_kills import lived, out_of_memory, probe_kills
from .kubernetes_snapshot import NO_CONDITION, Container, Ended, Key, Pod
from .kubernetes_world import World

IMAGE = "kubernetes.image.pull"
CONFIG = "kubernetes.config.missing"
COMMAND = "kubernetes.command.bad"
INIT = "kubernetes.init.failing"
OOM = "kubernetes.memory.oom"
LIVENESS = "kubernetes.liveness.killing"
CRASH = "kubernetes.pod.crashloop"
VOLUME = "kubernetes.volume.pending"
UNSCHEDULABLE = "kubernetes.pod.unschedulable"
EVICTED = "kubernetes.pod.evicted"
UNREADY = "kubernetes.readiness.failing"
RANKS = (IMAGE, CONFIG, COMMAND, OOM, LIVENESS, INIT, CRASH, VOLUME, UNSCHEDULABLE, EVICTED, UNREADY)
"""Causes before what may follow from them."""

WAITING_IMAGE = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
)
WAITING_COMMAND = ("RunContainerError", "StartError", "ContainerCannotRun", "CreateContainerError")
WAITING_KNOWN = (*WAITING_IMAGE, *WAITING_COMMAND, "CreateContainerConfigError", "CrashLoopBackOff")
STARTING = ("", "ContainerCreating", "PodInitializing", "PodCreated")
STATES = ("", "running", "waiting", "terminated")
PHASES = ("", "Pending", "Running", "Succeeded", "Failed", "Unknown")
BAD_COMMAND = (126, 127)
MISSING = re.compile(
    r"(?:configmap|secret) \"[^\"]+\" not found|couldn't find key|references non-existent (?:config|secret) key", re.I
)
NEVER_MADE = "its node has it, and its containers were never made"
PULLING = re.compile(r"[Ff]ailed to pull image|ErrImagePull|ImagePullBackOff|ErrImageNeverPull")
VOLUMES = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "VolumeResizeFailed")


class Verdict(t.NamedTuple):
    """name: the id of a finding. level: critical, warning, or unknown. at: when it was last seen or began."""

    name: str
    pod: Pod
    container: Container | None = None
    at: float | None = None
    level: str = "critical"
    said: str = ""

    @property
    def rank(self) -> int:
        return RANKS.index(self.name)


def worth(pod: Pod, now: float, window: float) -> bool:
    """Whether a pod is looked at closely: it does not serve, or a process in it ended not long ago."""
    if pod.phase == "Succeeded":
        return False
    if pod.phase != "Running" or not pod.ready.true or pod.reason:
        return True
    ends = [end.finished for end in (c.latest_end for c in pod.containers if not c.init) if end is not None]
    restarts = any(container.restarts for container in pod.containers)
    return restarts and any(at is None or now - at <= window for at in ends)


def judge_pod(pod: Pod, world: World, sick_nodes: t.Container[str] = ()) -> Verdict | None:
    """None for a pod that is well, that goes, or that its node explains."""
    if pod.deleting or pod.phase == "Succeeded":
        return None
    if pod.phase == "Failed":
        return _evicted(pod, world)
    if pod.node in sick_nodes:
        return None
    found = [verdict for verdict in (judge_container(c, pod, world) for c in pod.containers) if verdict is not None]
    if found:
        return min(found, key=lambda verdict: verdict.rank)
    return _unscheduled(pod, world) or _starting(pod, world) or _unready(pod, world)


def _evicted(pod: Pod, world: World) -> Verdict | None:
    """A pod that the kubelet threw out stays as a record; after the window it is history."""
    if pod.reason != "Evicted":
        return None
    at = pod.conditions.get("DisruptionTarget", NO_CONDITION).since or pod.ready.since or _newest_end(pod)
    age = world.ago(at)
    if age is not None and age > world.settings.window:
        return None
    return Verdict(EVICTED, pod, None, at, "warning", pod.message)


def _newest_end(pod: Pod) -> float | None:
    ends = [container.latest_end for container in pod.containers]
    return max((end.finished for end in ends if end and end.finished is not None), default=pod.created)


def judge_container(container: Container, pod: Pod, world: World) -> Verdict | None:
    """What is wrong with one container of a pod."""
    waiting = container.reason if container.state == "waiting" else ""
    if waiting in WAITING_IMAGE:
        return Verdict(IMAGE, pod, container, pod.created, said=container.message)
    if waiting == "CreateContainerConfigError":
        return Verdict(CONFIG, pod, container, pod.created, said=container.message)
    if waiting in WAITING_COMMAND:
        return Verdict(COMMAND, pod, container, pod.created, said=container.message)
    end = container.latest_end
    if end is None or not (waiting == "CrashLoopBackOff" or _recent(end, world)):
        return None
    return _died(container, end, pod, world, waiting == "CrashLoopBackOff")


def _recent(end: Ended, world: World) -> bool:
    age = world.ago(end.finished)
    return age is not None and age <= world.settings.window


def _died(container: Container, end: Ended, pod: Pod, world: World, backing_off: bool) -> Verdict | None:
    """Its process ended not long ago. One end that is none of memory or of a probe is no trouble yet."""
    if out_of_memory(container, end, pod, world):
        return Verdict(OOM, pod, container, end.finished, said=end.message)
    if end.reason in WAITING_COMMAND or (end.exit_code in BAD_COMMAND and (backing_off or container.ended)):
        return Verdict(COMMAND, pod, container, end.finished, said=end.message)
    killed = probe_kills(pod, container, world)
    if killed and container.restarts:
        return Verdict(LIVENESS, pod, container, end.finished, said=killed)
    often = world.settings.level("restarts", container.restarts + (container.ended is not None))
    if container.init:
        bad = backing_off or (end.exit_code not in (0, None) and often is not None)
        return Verdict(INIT, pod, container, end.finished, said=end.message) if bad else None
    if not backing_off and (often is None or _asked(end) or _lived_long(end, world)):
        return None
    level = "critical" if backing_off or not container.ready else often or "warning"
    return Verdict(CRASH, pod, container, end.finished, level, end.message)


def _asked(end: Ended) -> bool:
    """It ended as it was told to: SIGTERM, or in good order."""
    return end.exit_code in (0, 143)


def _lived_long(end: Ended, world: World) -> bool:
    """Restarts are counted for ever: who lived longer than the window before its end is not in a loop."""
    seconds = lived(end)
    return seconds is not None and seconds > world.settings.window


def _unscheduled(pod: Pod, world: World) -> Verdict | None:
    scheduled = pod.conditions.get("PodScheduled", NO_CONDITION)
    if not scheduled.false or scheduled.reason != "Unschedulable":
        return None
    since = scheduled.since or pod.created
    age = world.ago(since)
    level = "warning" if age is None else world.settings.level("unscheduled_seconds", age)
    return Verdict(UNSCHEDULABLE, pod, None, since, level, scheduled.message) if level else None


def _starting(pod: Pod, world: World) -> Verdict | None:
    """Its node has it, and its containers are not made yet. A kubelet that was restarted has forgotten why: events
    still know."""
    if pod.phase != "Pending" or not pod.node:
        return None
    since = pod.conditions.get("PodScheduled", NO_CONDITION).since or pod.created
    level = world.settings.level("starting_seconds", world.ago(since) or 0.0)
    for event in world.recent(pod.key):
        if event.reason in (*VOLUMES, "Failed") and MISSING.search(event.message):
            return Verdict(CONFIG, pod, None, since, said=event.message)
        if event.reason == "Failed" and PULLING.search(event.message):
            return Verdict(IMAGE, pod, _first(pod), since, said=event.message)
        if event.reason in VOLUMES and level:
            return Verdict(VOLUME, pod, None, since, level, event.message)
    if not level or any(container.init and container.state == "running" for container in pod.containers):
        return None
    odd = strange(pod)
    return Verdict(UNREADY, pod, None, since, "unknown" if odd else level, odd or NEVER_MADE)


def _first(pod: Pod) -> Container | None:
    """The container that is made next: init containers come before the others."""
    return next((container for container in pod.containers if container.state == "waiting"), None)


def _unready(pod: Pod, world: World) -> Verdict | None:
    """It runs and does not serve."""
    if pod.phase == "Pending" or pod.ready.true:
        return None
    since = pod.ready.since or pod.created
    level = world.settings.level("unready_seconds", world.ago(since) or 0.0)
    if not level:
        return None
    odd = strange(pod)
    said = next((e.message for e in world.recent(pod.key) if e.message.startswith("Readiness probe")), "")
    container = next((c for c in pod.containers if not c.init and not c.ready), None)
    return Verdict(UNREADY, pod, container, since, "unknown" if odd else level, odd or said or pod.ready.message)


def strange(pod: Pod) -> str:
    """A word of the API that this version does not know, with what it says."""
    if pod.phase not in PHASES:
        return f"its phase is {pod.phase!r}, which this check does not know"
    for container in pod.containers:
        if container.state not in STATES:
            return f"container {container.name} is {container.state!r}, which this check does not know"
        if container.state == "waiting" and container.reason not in (*STARTING, *WAITING_KNOWN):
            return f"container {container.name} waits for {container.reason!r}, which this check does not know"
    return ""


def _of_a_failed_job(key: Key, world: World) -> t.Iterator[Verdict]:
    job = world.snapshot.jobs.get(key)
    for pod in world.pods[key] if job is not None and job.failed.true else ():
        for container in pod.containers:
            if container.ended is not None and container.ended.exit_code != 0:
                yield Verdict(CRASH, pod, container, container.ended.finished)


def troubled(world: World, most: int) -> list[tuple[Pod, Container]]:
    """The containers whose logs are worth reading: two of each workload, one of each init container."""
    found: list[tuple[Pod, Container]] = []
    for key in sorted(world.pods):
        wanted = [verdict for verdict in (judge_pod(pod, world) for pod in world.pods[key]) if verdict is not None]
        wanted = [v for v in wanted if v.container is not None and v.name not in (IMAGE, CONFIG)]
        wanted += list(_of_a_failed_job(key, world))
        wanted.sort(key=lambda verdict: (verdict.rank, -(verdict.at or 0), verdict.pod.name))
        found += [(verdict.pod, verdict.container) for verdict in wanted[:2] if verdict.container is not None]
    return found[:most]
