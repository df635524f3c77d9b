# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about workloads: the pods that fail, under the name of what owns them; then what their numbers say. Pure."""

from __future__ import annotations

import re
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .kubernetes_causes import causes, memory_of, onset, remedies
from .kubernetes_evidence import events, evidence
from .kubernetes_judge_pods import (
    COMMAND,
    CONFIG,
    CRASH,
    EVICTED,
    IMAGE,
    INIT,
    LIVENESS,
    OOM,
    UNREADY,
    UNSCHEDULABLE,
    VOLUME,
    Verdict,
    judge_pod,
)
from .kubernetes_kills import CERTAIN, lived
from .kubernetes_settings import kubectl, look
from .kubernetes_snapshot import NO_CONDITION, Condition, Key, Workload
from .kubernetes_world import Book, World
from .quantities import count, span

STATES = {"critical": CRITICAL, "warning": WARNING, "unknown": UNKNOWN}
DOES = {
    IMAGE: "can't start: its image {image} can't be pulled",
    CONFIG: "can't start: a ConfigMap, Secret or key that it refers to is missing",
    COMMAND: "can't start: its command does not run",
    INIT: "can't start: its init container {container} fails",
    OOM: "runs out of memory",
    LIVENESS: "is killed and restarted because its liveness or startup probe fails",
    CRASH: "crashes again and again",
    VOLUME: "can't start: a volume can't be attached or mounted",
    UNSCHEDULABLE: "finds no node to run on",
    EVICTED: "was thrown off its node",
    UNREADY: "is not ready",
}
WAITS_FOR_VOLUME = re.compile(r"unbound immediate PersistentVolumeClaims|persistentvolumeclaim", re.I)


def sick_nodes(book: Book, world: World) -> set[str]:
    return {name for name in world.snapshot.nodes if book.explains(Key("Node", "", name))}


def judge_workloads(book: Book, world: World) -> None:
    """Every workload once: stale ones are not judged, of the others pods come before numbers."""
    away = sick_nodes(book, world)
    for key in sorted({*world.pods, *world.workloads}):
        workload = world.workloads.get(key)
        if workload is not None and _behind(workload):
            _stale(book, workload, world)
            continue
        if key.kind != "Job" or not _job_failed(key, world):
            _pods(book, key, away, world)
        if workload is not None and not workload.paused:
            _numbers(book, workload, away, world)
    _named(book, world)


def _named(book: Book, world: World) -> None:
    """A name that was asked for and is nowhere: a typo must not look like health."""
    keys = {*world.pods, *world.workloads, *world.snapshot.jobs, *(row.key for row in world.snapshot.cronjobs)}
    known = {name for key in (*keys, *world.tallies) for name in (key.name, key.path)}
    for name in world.settings.names or ():
        if name in known or not world.snapshot.read("deployments"):
            continue
        namespace, _slash, short = name.rpartition("/")
        finding = world.settings.finding(
            "kubernetes.replicas.short",
            CRITICAL,
            "P2",
            f"There is no workload {name} where this looked",
            key=Key("Workload", namespace, short),
            observed={"available": 0},
            causes=("it was never deployed, was deleted, or the name or the namespace is wrong",),
            remedies=(Remedy("List what there is", "none", "kubectl get deploy,sts,ds,job,cronjob -A"),),
        )
        book.add(finding)


def _job_failed(key: Key, world: World) -> bool:
    job = world.snapshot.jobs.get(key)
    return job is not None and (job.failed.true or job.suspended)


def _behind(workload: Workload) -> bool:
    return workload.observed is not None and workload.generation != workload.observed


def _stale(book: Book, workload: Workload, world: World) -> None:
    """Its controller has not seen what is wanted: nothing that its status says is about that."""
    age = world.ago(workload.changed)
    level = WARNING if age is None else world.settings.level("stale_seconds", age)
    if not level:
        return
    finding = world.settings.finding(
        "kubernetes.status.stale",
        level,
        "P3",
        f"{workload.key} has a status that is older than what is wanted of it; nothing else about it was judged",
        key=workload.key,
        observed={"observed_generation": workload.observed, "generation": workload.generation},
        threshold=world.settings.pair("stale_seconds"),
        evidence=(f"generation {workload.generation}, observed {workload.observed}",),
        causes=("the controller manager is down, slow, or may not write the status",),
        remedies=(
            look("See whether it catches up", "get", workload.key, "-o yaml"),
            Remedy("Look at the controller manager", "none", "kubectl -n kube-system get pods"),
        ),
        since=workload.changed,
    )
    book.add(finding, workload.key)


def _pods(book: Book, key: Key, away: set[str], world: World) -> None:
    """One finding for each cause: of the pods of one revision the verdict that explains the others."""
    found = [v for v in (judge_pod(pod, world, away) for pod in world.pods.get(key, ())) if v is not None]
    by_revision: dict[str, list[Verdict]] = {}
    for verdict in found:
        by_revision.setdefault(verdict.pod.revision, []).append(verdict)
    chosen: dict[str, list[Verdict]] = {}
    for verdicts in by_revision.values():
        name = min(verdicts, key=lambda verdict: verdict.rank).name
        chosen.setdefault(name, []).extend(verdict for verdict in verdicts if verdict.name == name)
    for name in sorted(chosen, key=lambda name: chosen[name][0].rank):
        verdicts = sorted(chosen[name], key=lambda verdict: (-(verdict.at or 0), verdict.pod.name))
        if not _explained(book, key, name, verdicts, world):
            book.add(finding_of(name, verdicts, key, world), key)


def _explained(book: Book, key: Key, name: str, verdicts: t.Sequence[Verdict], world: World) -> bool:
    """Whether a node or a volume that has its own finding is why; then it is a consequence there."""
    said = verdicts[0].said
    text = f"{key}: {count(len(verdicts), 'pod')} {DOES[name].partition(':')[0]}"
    places: list[Key] = []
    if name == EVICTED:
        places = [Key("Node", "", verdict.pod.node) for verdict in verdicts]
    elif name == UNSCHEDULABLE and WAITS_FOR_VOLUME.search(said):
        pods = [verdict.pod for verdict in verdicts]
        places = [Key("PersistentVolumeClaim", pod.namespace, claim) for pod in pods for claim in pod.claims]
    elif name == UNSCHEDULABLE and "node.kubernetes.io/" in said:
        places = [Key("Node", "", node) for node in world.snapshot.nodes]
    for place in places:
        if book.follows(place, text):
            book.also(key, place)
            return True
    return False


def finding_of(name: str, verdicts: t.Sequence[Verdict], key: Key, world: World) -> Finding:
    """The finding about all pods of a workload that fail for one reason."""
    first = verdicts[0]
    wanted, ready = world.wanted(key), world.ready(key)
    state = STATES[max((verdict.level for verdict in verdicts), key=("warning", "unknown", "critical").index)]
    down = not ready and state != WARNING and key.kind not in ("Job", "Pod")
    severity = "P1" if down else "P3" if state == WARNING and name in (EVICTED, UNREADY, CRASH) else "P2"
    container = first.container
    does = DOES[name].format(image=container.image if container else "", container=container.name if container else "")
    ends = [verdict.container.latest_end for verdict in verdicts if verdict.container is not None]
    codes = sorted({end.exit_code for end in ends if end is not None and end.exit_code is not None})
    end = container.latest_end if container else None
    new, oom = onset(verdicts, key, world), memory_of(first, world)
    if oom is not None and oom.confidence != CERTAIN:
        does = f"{does}, as it seems"
    of = f"{len(verdicts)} of {max(wanted, len(verdicts))} pods"
    return world.settings.finding(
        name,
        state,
        severity,
        f"{key} {does} ({of}, {ready} ready)" + (f"; {new}" if new else ""),
        key=key,
        observed={"pods": len(verdicts), "wanted": wanted, "ready": ready, "exit_codes": codes},
        threshold=_threshold(name, world),
        evidence=evidence(verdicts, key, world),
        causes=causes(name, verdicts, key, world),
        remedies=remedies(name, verdicts, key, world),
        since=min((verdict.at for verdict in verdicts if verdict.at is not None), default=None),
        details={
            "pods": [verdict.pod.name for verdict in verdicts[:50]],
            "container": container.name if container else "",
            "new_revision": bool(new),
            **({"confidence": oom.confidence, "lived_seconds": lived(end)} if oom and end else {}),
        },
    )


def _threshold(name: str, world: World) -> dict[str, t.Any] | None:
    of = {CRASH: "restarts", UNSCHEDULABLE: "unscheduled_seconds", UNREADY: "unready_seconds"}.get(name)
    return world.settings.pair(of) if of else None


def _numbers(book: Book, workload: Workload, away: set[str], world: World) -> None:
    """What its own numbers say. Where pods or a node have told why already, it is a consequence."""
    key = workload.key
    refused = _refused(workload, world)
    if refused is not None:
        if not book.follows(key, f"{key} was refused new pods: {refused.message[:200]}"):
            book.add(_refused_finding(workload, refused, world), key)
        return
    progress = workload.conditions.get("Progressing", NO_CONDITION)
    if progress.false and progress.reason == "ProgressDeadlineExceeded":
        if not book.follows(key, f"the rollout of {key} is stuck: {progress.message[:200]}"):
            book.add(_stuck(workload, progress, world), key)
        return
    if workload.available >= workload.wanted:
        return
    text = f"{key} has {workload.available} of {workload.wanted} replicas available"
    on_sick = [pod.node for pod in world.pods.get(key, ()) if pod.node in away]
    if on_sick:
        place = Key("Node", "", on_sick[0])
        book.also(key, place)
    if book.follows(key, text):
        return
    finding = _short(workload, progress, world)
    if finding is not None:
        book.add(finding, key)


def _refused(workload: Workload, world: World) -> Condition | None:
    """Its own condition, that of its newest revision, or an event of either."""
    condition = workload.conditions.get("ReplicaFailure", NO_CONDITION)
    if condition.true:
        return condition
    revisions = world.revisions(workload.key)[:1]
    if revisions and revisions[0].failure.true:
        return revisions[0].failure
    if workload.total >= workload.wanted:
        return None
    for key in (workload.key, *(row.key for row in revisions)):
        for event in world.recent(key):
            if event.reason == "FailedCreate":
                return Condition("True", event.reason, event.message, event.first)
    return None


WHY_REFUSED = (
    (r"exceeded quota: ([\w.-]+)", "a ResourceQuota has nothing left"),
    (r"must specify|failed quota", "a ResourceQuota wants requests and limits that its pods don't have"),
    (r"webhook", "an admission webhook says no, or does not answer"),
    (r"violates PodSecurity", "the namespace's Pod Security level forbids it"),
    (r"serviceaccount .* not found", "its ServiceAccount does not exist"),
    (r"LimitRange|minimum|maximum .* per Container", "a LimitRange forbids its requests or limits"),
)


def _refused_finding(workload: Workload, refused: Condition, world: World) -> Finding:
    key = workload.key
    why = [text for pattern, text in WHY_REFUSED if re.search(pattern, refused.message, re.I)]
    return world.settings.finding(
        "kubernetes.replicas.refused",
        CRITICAL,
        "P1" if not workload.available and workload.wanted else "P2",
        f"{key} gets no new pods: the API refuses them ({workload.available} of {workload.wanted} available)",
        key=key,
        observed={"available": workload.available, "wanted": workload.wanted, "pods": workload.total},
        evidence=(f"{refused.reason}: {refused.message}", *events(world.events(key), world)),
        causes=(*why, "the API's own words say why: see the evidence"),
        remedies=(
            look("Read what the cluster says about it", "describe", key),
            Remedy("Raise the quota, mend the webhook, or ask for less; the controller tries again by itself", "low"),
        ),
        since=refused.since,
    )


def _stuck(workload: Workload, progress: Condition, world: World) -> Finding:
    key = workload.key
    return world.settings.finding(
        "kubernetes.rollout.stuck",
        CRITICAL,
        "P1" if not workload.available and workload.wanted else "P2",
        f"The rollout of {key} made no progress within its deadline "
        f"({workload.updated} of {workload.wanted} updated, {workload.available} available)",
        key=key,
        observed={"updated": workload.updated, "available": workload.available, "wanted": workload.wanted},
        evidence=(f"Progressing: {progress.reason}: {progress.message}", *events(world.events(key), world)),
        causes=("its new pods do not become available: look at them, as nothing else was found about them",),
        remedies=(
            look("Look at its rollout", "rollout status", key, "--timeout=1s"),
            Remedy("Go back to the revision before", "disruptive", kubectl("rollout undo", key)),
        ),
        since=progress.since,
    )


def _short(workload: Workload, progress: Condition, world: World) -> Finding | None:
    """Too few replicas, and nothing says why. A rollout that goes on is given its own deadline."""
    key = workload.key
    if progress.true and progress.reason == "ReplicaSetUpdated" and workload.updated < workload.wanted:
        return None
    since = workload.conditions.get("Available", NO_CONDITION).since
    if not workload.conditions.get("Available", NO_CONDITION).false:
        pods = world.pods.get(key, ())
        since = min((pod.ready.since or pod.created or world.now for pod in pods), default=since or workload.changed)
    age = world.ago(since)
    level = WARNING if age is None else world.settings.level("short_seconds", age)
    if not level:
        return None
    none = not workload.available
    return world.settings.finding(
        "kubernetes.replicas.short",
        CRITICAL if none else level,
        "P1" if none else "P2",
        f"{key} has {workload.available} of {workload.wanted} replicas available",
        key=key,
        observed={"available": workload.available, "wanted": workload.wanted, "pods": workload.total},
        threshold=world.settings.pair("short_seconds"),
        evidence=(
            f"wanted {workload.wanted}, pods {workload.total}, updated {workload.updated}, "
            f"available {workload.available}" + (f", for {span(age)}" if age is not None else ""),
            *events(world.events(key), world),
        ),
        causes=("its controller makes no pods, or pods are ready for less than minReadySeconds",),
        remedies=(look("Read what the cluster says about it", "describe", key),),
        since=since,
    )
