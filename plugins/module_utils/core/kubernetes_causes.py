# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the pods of a workload fail, as far as facts tell one reason from another, and what to do about it. Pure."""

from __future__ import annotations

import re
import typing as t

from .docker_deaths import exit_text
from .findings import Remedy
from .kubernetes_judge_pods import (
    COMMAND,
    CONFIG,
    CRASH,
    EVICTED,
    IMAGE,
    INIT,
    LIVENESS,
    NEVER_MADE,
    OOM,
    UNREADY,
    UNSCHEDULABLE,
    VOLUME,
    Verdict,
)
from .kubernetes_kills import KILLED, LATE, SOON, OutOfMemory, lived, node_kills, out_of_memory
from .kubernetes_settings import kubectl, look
from .kubernetes_snapshot import Key
from .kubernetes_world import World
from .quantities import span

UNDOABLE = ("Deployment", "StatefulSet", "DaemonSet")
PATTERNS: dict[str, tuple[tuple[str, str], ...]] = {
    IMAGE: (
        (
            r"not found|manifest unknown|does not exist",
            "the tag or the image does not exist in the registry, or may not be seen without a login",
        ),
        (
            r"unauthorized|denied|authentication|403|401",
            "the registry wants a login: imagePullSecrets is missing or wrong",
        ),
        (r"toomanyrequests|429|rate limit", "the registry limits how often it is asked"),
        (r"x509|certificate", "the registry's certificate is not trusted by the node"),
        (
            r"no such host|timeout|timed out|refused|unreachable|server misbehaving",
            "the node can't reach the registry",
        ),
        (r"invalid reference|InvalidImageName|couldn't parse", "the image's name is not one"),
        (r"ErrImageNeverPull|never pull", "imagePullPolicy is Never and the node does not have the image"),
        (r"no match for platform|no matching manifest", "the image does not exist for this node's architecture"),
    ),
    CONFIG: (
        (
            r"couldn't find key|non-existent (?:config|secret) key",
            "a key that a container refers to is missing in its ConfigMap or Secret",
        ),
        (r"secret \"[^\"]+\" not found", "a Secret that the pod refers to does not exist in its namespace"),
        (r"configmap \"[^\"]+\" not found", "a ConfigMap that the pod refers to does not exist in its namespace"),
        (r"runAsNonRoot", "runAsNonRoot is set and the image runs as root"),
    ),
    COMMAND: (
        (r"no such file|not found in \$PATH|executable file not found", "its command is not in the image"),
        (r"permission denied", "its command may not be executed, or a mount hides it"),
        (r"exec format error", "the image is for another architecture than the node"),
    ),
    UNSCHEDULABLE: (
        (r"Insufficient [\w./-]+", "no node has enough left of what it asks for; more replicas make it worse"),
        (r"untolerated taint", "nodes have a taint that it does not tolerate"),
        (r"persistentvolumeclaim \"[^\"]+\" not found", "a PersistentVolumeClaim that it mounts does not exist"),
        (r"unbound immediate PersistentVolumeClaims|volume node affinity", "its volume is not bound, or is elsewhere"),
        (r"didn't match Pod's node affinity|node selector", "no node has the labels that it asks for"),
        (r"anti-affinity|topology spread", "its own rules of spreading leave no node"),
        (r"were unschedulable", "nodes are cordoned"),
        (r"free ports", "its host port is taken on every node"),
    ),
    VOLUME: (
        (r"Multi-Attach", "the volume is still attached to another node (ReadWriteOnce)"),
        (r"storageclass.*not found", "its storage class does not exist"),
    ),
}
REFUSED = re.compile(
    r"connection refused|ECONNREFUSED|no such host|could not connect|no route to host|i/o timeout", re.I
)
WORDS: dict[str, tuple[str, ...]] = {
    IMAGE: ("the image can't be pulled: the kubelet's own words are in the evidence; a restart is useless",),
    CONFIG: ("a reference of the pod leads to nothing: the kubelet's own words are in the evidence",),
    COMMAND: ("its command can't be started: the runtime's own words are in the evidence",),
    INIT: ("an init container has to end well before the others start: its log says why it does not",),
    LIVENESS: (
        "the application answers its probe too late or not at all: slow, deadlocked, or starved of CPU",
        "the probe is wrong: path, port, timeoutSeconds, or no startupProbe for a slow start",
    ),
    UNSCHEDULABLE: ("the scheduler's own words say why: see the evidence",),
    EVICTED: ("its node ran out of something: the kubelet's own words are in the evidence",),
    VOLUME: ("its volume can't be made, attached or mounted: see the events in the evidence",),
    UNREADY: ("its readiness probe fails: path, port, a slow application, or something that it depends on",),
}


def onset(verdicts: t.Sequence[Verdict], key: Key, world: World) -> str:
    """The fact that says that a new revision brought it; empty where nothing does.

    All sick pods are of the newest revision, an older one exists, and the trouble began within an hour of the rollout.
    """
    revisions = world.revisions(key)
    sick = {verdict.pod.revision for verdict in verdicts}
    if key.kind == "StatefulSet":
        return _of_stateful(sick, key, world)
    if len(revisions) < 2 or not revisions[0].hash or sick != {revisions[0].hash}:
        return ""
    rolled = revisions[0].created
    began = min((at for verdict in verdicts if (at := _began(verdict, world)) is not None), default=None)
    if rolled is None or began is None or not -60 <= began - rolled <= world.settings.recent_rollout:
        return ""
    tally = world.tallies.get(key)
    well = {} if tally is None else tally.ready_by_revision
    older = sum(ready for revision, ready in well.items() if revision != revisions[0].hash)
    beside = f"; {older} of the revision before are ready" if older else ""
    return (
        f"it began with revision {revisions[0].revision}, rolled out {span(world.ago(rolled) or 0)} ago: all sick pods "
        f"are of it{beside}"
    )


def _of_stateful(sick: set[str], key: Key, world: World) -> str:
    workload = world.snapshot.workloads.get(key)
    if workload is None or not workload.update_revision or workload.update_revision == workload.current_revision:
        return ""
    if sick != {workload.update_revision}:
        return ""
    return f"all sick pods are of the new revision {workload.update_revision}; the others are of the one before"


def _began(verdict: Verdict, world: World) -> float | None:
    """The earliest known sign of trouble of a pod."""
    firsts = [event.first for event in world.recent(verdict.pod.key) if event.first is not None]
    ready = verdict.pod.ready
    times = [*firsts, *([ready.since] if ready.false and ready.since is not None else [])]
    return min(times, default=verdict.at)


def causes(name: str, verdicts: t.Sequence[Verdict], key: Key, world: World) -> list[str]:
    """Ranked, each with the fact that tells it from the others."""
    first = verdicts[0]
    found = []
    fact = onset(verdicts, key, world)
    if fact:
        found.append(f"the new revision: {fact}")
    text = " ".join([first.said, first.container.message if first.container else "", _events_text(first, world)])
    if name == UNREADY and first.said == NEVER_MADE:
        return [*found, "the runtime or the network plugin of its node does not make it: see the events"]
    found += [cause for pattern, cause in PATTERNS.get(name, ()) if re.search(pattern, text, re.I)][:2]
    if name in (CRASH, INIT, OOM):
        found += _of_the_end(name, first, world)
    return [*found, *(WORDS.get(name, ()) if len(found) < 2 else ())]


def _events_text(verdict: Verdict, world: World) -> str:
    return " ".join(event.message for event in world.recent(verdict.pod.key)[:5])


def memory_of(verdict: Verdict, world: World) -> OutOfMemory | None:
    """How it is known of a verdict that memory ran out, None for one of another kind."""
    end = verdict.container.latest_end if verdict.container else None
    if verdict.name != OOM or verdict.container is None or end is None:
        return None
    return out_of_memory(verdict.container, end, verdict.pod, world)


def _grows_or_small(seconds: float | None) -> list[str]:
    """A leak, or a limit that is too small: how long it took to fill the limit speaks for one of them."""
    grows, small = "it grows: a leak, or more work than before", "its limit is too small for what it does"
    if seconds is not None and seconds <= SOON:
        return [f"{small}: it was killed {span(seconds)} after its start", grows]
    if seconds is not None and seconds >= LATE:
        return [f"{grows}: it ran for {span(seconds)} before it was killed", small]
    return [grows, small]


def _of_the_end(name: str, verdict: Verdict, world: World) -> list[str]:
    container = verdict.container
    end = container.latest_end if container else None
    if container is None or end is None:
        return []
    if name == OOM:
        oom = memory_of(verdict, world)
        if oom is None:
            return []
        limit = (
            f"its limit is {container.memory_limit / 2**20:.0f} MiB" if container.memory_limit else "it has no limit"
        )
        return [f"memory ran out ({oom.confidence}): {oom.how}; {limit}", *_grows_or_small(lived(end))]
    found = [
        f"perhaps memory: its node says {event.reason} of that time, and not of which pod"
        for event in node_kills(end, verdict.pod, world)[:1]
        if end.exit_code == KILLED
    ]
    log = world.snapshot.logs.get((verdict.pod.namespace, verdict.pod.name, container.name))
    refused = [entry["text"] for entry in log.entries if REFUSED.search(entry["text"])] if log else []
    if refused:
        found.append(f"something that it depends on is away: its log says {refused[-1][:200]!r}")
    if end.exit_code == 0:
        found.append("its process ends by itself in good order: the command is no service, or it found nothing to do")
    else:
        found.append(exit_text(end.exit_code))
    return found


def remedies(name: str, verdicts: t.Sequence[Verdict], key: Key, world: World) -> list[Remedy]:
    """Safest first. To undo is offered only where the trouble came with a revision."""
    pod = verdicts[0].pod
    found = [look("Read what the cluster says about it", "describe", pod.key)]
    container = verdicts[0].container
    if container is not None and name in (CRASH, INIT, OOM, LIVENESS, COMMAND, UNREADY):
        previous = " --previous" if container.last else ""
        more = f"-c {container.name}{previous} --tail=100"
        found.append(look("Keep its log first: it goes with the pod", "logs", pod.key, more))
    if onset(verdicts, key, world) and key.kind in UNDOABLE:
        found.append(Remedy("Go back to the revision before", "disruptive", kubectl("rollout undo", key)))
    found.append(MEND.get(name, Remedy("Mend what the evidence names, then deploy it again", "low")))
    return found


MEND = {
    IMAGE: Remedy("Set an image that exists, or the pull secret; a restart changes nothing", "low"),
    CONFIG: Remedy("Create what is missing, or mend the reference; the kubelet tries again by itself", "low"),
    COMMAND: Remedy("Mend command, args or the image, then deploy it again", "low"),
    OOM: Remedy(
        "Raise the memory limit where it is too small; that restarts the pods. A leak only takes longer", "low"
    ),
    LIVENESS: Remedy("Give the probe more time, or a startupProbe; find out first why it is slow", "low"),
    UNSCHEDULABLE: Remedy("Make room, or ask for less: more replicas make it worse", "low"),
    EVICTED: Remedy("Free what its node ran out of; delete the records of evicted pods later", "low"),
    UNREADY: Remedy("Ask its readiness endpoint from inside the pod", "none"),
}
