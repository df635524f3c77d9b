# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What killed a container: memory that ran out, or a probe; and how sure that is. Pure.

Most runtimes say OOMKilled. Some call it Error with exit code 137, which any SIGKILL is as well: then a word about the
node alone proves nothing about one of its pods (containerd#8893).
"""

from __future__ import annotations

import re
import typing as t

from .kubernetes_snapshot import Container, Ended, Event, Key, Pod
from .kubernetes_world import World

KILLED = 137
CERTAIN, LIKELY = "certain", "likely"
NODE_SAYS = ("OOMKilling", "SystemOOM")
"""Of the kubelet about the whole node, and of node-problem-detector, which repeats the kernel's lines."""
SOON, LATE = 60.0, 600.0
"""Seconds from start to end: who fills its limit within the first needs more to start, who fills it after the second
grows. Between them nothing is told."""
AROUND = 60.0
"""Seconds between an end and what a node says of it."""
VICTIM = re.compile(r"victim process: ([^,\s]+)|Kill(?:ed)? process \d+ \(([^)]+)\)|\btask=([^,\s]+)")
NAME_LENGTH = 15
"""As much of a process's name as the kernel keeps."""


class OutOfMemory(t.NamedTuple):
    """how: the fact that says so. confidence: certain or likely."""

    how: str
    confidence: str


def out_of_memory(container: Container, end: Ended, pod: Pod, world: World) -> OutOfMemory | None:
    """How it is known that memory ran out, None where nothing says so of this container."""
    if end.reason == "OOMKilled":
        return OutOfMemory("the runtime says OOMKilled", CERTAIN)
    if end.exit_code != KILLED or probe_kills(pod, container, world):
        return None
    told = [found for event in node_kills(end, pod, world) if (found := _names(event, container, end, pod, world))]
    if told:
        return min(told, key=lambda found: found.confidence != CERTAIN)
    used = world.snapshot.memory.get((pod.namespace, pod.name, container.name))
    if used and container.memory_limit:
        share = 100 * used / container.memory_limit
        if world.settings.level("memory_percent", share):
            return OutOfMemory(f"exit code 137, and its working set is {share:.0f}% of its limit again", LIKELY)
    return None


def lived(end: Ended) -> float | None:
    """Seconds from the start of a process to its end."""
    if end.started is None or end.finished is None:
        return None
    return max(0.0, end.finished - end.started)


def node_kills(end: Ended, pod: Pod, world: World) -> list[Event]:
    """What its node said of memory at the time of an end, whoever it was about."""
    at = end.finished
    return [
        event
        for event in world.recent(Key("Node", "", pod.node))
        if event.reason in NODE_SAYS and at is not None and _at(event, at)
    ]


def _at(event: Event, at: float) -> bool:
    """Equal events are one, from the first to the last."""
    last = event.last if event.last is not None else at
    first = event.first if event.first is not None else last
    return first - AROUND <= at <= last + AROUND


def _names(event: Event, container: Container, end: Ended, pod: Pod, world: World) -> OutOfMemory | None:
    """Whether it is about this container: by the pod's cgroup, by the process, or as nobody else was killed then."""
    said = f"exit code 137, and its node says {event.reason}: {event.message}"
    if pod.uid and pod.uid.replace("-", "_") in event.message.replace("-", "_"):
        return OutOfMemory(f"{said} (its cgroup is named)", CERTAIN)
    if "kubepods" in event.message:
        return None
    match = VICTIM.search(event.message)
    victim = next((name for name in match.groups() if name), "") if match else ""
    if victim and container.command:
        words = {word.rpartition("/")[2][:NAME_LENGTH] for word in re.split(r"[\s'\";&|()]+", container.command)}
        return OutOfMemory(f"{said} (a process of that name is its own)", LIKELY) if victim in words else None
    if _others_killed(end, pod, world):
        return None
    return OutOfMemory(f"{said} (of what was looked at nothing else there was killed at that time)", LIKELY)


def _others_killed(end: Ended, pod: Pod, world: World) -> bool:
    """Whether pods of another workload on the same node were killed at about the same time."""
    at, own = t.cast(float, end.finished), world.key_of(pod)
    for other in world.snapshot.pods:
        if other.node != pod.node or world.key_of(other) == own:
            continue
        for end_of in (container.latest_end for container in other.containers):
            if end_of is None or end_of.exit_code != KILLED or end_of.finished is None:
                continue
            if abs(end_of.finished - at) <= AROUND:
                return True
    return False


def probe_kills(pod: Pod, container: Container, world: World) -> str:
    """What the probe that got a container killed said, from the events of its pod."""
    for event in world.recent(pod.key):
        match = re.match(r"(Liveness|Startup) probe failed", event.message)
        if event.reason == "Unhealthy" and match and event.times >= 2:
            return event.message
        if event.reason == "Killing" and f"ontainer {container.name} failed" in event.message:
            return event.message
    return ""
