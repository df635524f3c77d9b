# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a cluster as the plain JSON that a result carries: the workloads, the sick ones with their logs. Pure."""

from __future__ import annotations

import json
import typing as t

from .findings import Finding
from .kubernetes_settings import Settings
from .kubernetes_snapshot import Key, Log, Pod, Snapshot
from .kubernetes_world import World
from .quantities import count

BUDGET = 400 * 1024
"""Characters of JSON for workloads; the rest of what a result may weigh is for findings and samples."""
HEAVY = BUDGET // 4
"""Characters of one workload beyond which its logs are shortened, so that one that logs much hides no other."""
CUTS = ((20, 500), (3, 200), (0, 0))
"""How logs are shortened, one after the other until it fits: (last lines, characters of each)."""
MOST_SAMPLES = 2000


def summary(
    snapshot: Snapshot, settings: Settings, findings: t.Sequence[Finding], left_out: t.Mapping[str, int]
) -> dict[str, t.Any]:
    """workloads[NAMESPACE/NAME], the sick first, within a budget."""
    world = World(snapshot, settings)
    sick: dict[str, list[str]] = {}
    for finding in findings:
        if finding.details.get("namespace"):
            name = f"{finding.details['namespace']}/{finding.details['name']}"
            sick.setdefault(name, []).append(finding.id)
    keys = sorted({*world.workloads, *world.pods}, key=lambda key: (key.path not in sick, key))
    workloads: dict[str, t.Any] = {}
    size = 0
    for key in keys:
        row = _row(key, world, sick.get(key.path, []))
        size += len(json.dumps(row, default=str))
        if size > BUDGET:
            break
        workloads[key.path] = row
    return {
        "address": snapshot.address,
        "version": snapshot.version,
        "pods": snapshot.pods_seen,
        "pods_not_well": len(snapshot.pods),
        "nodes": {name: _node(name, world) for name in sorted(snapshot.nodes)[:200]},
        "workloads": workloads,
        "workloads_left_out": len(keys) - len(workloads),
        "findings_left_out": dict(left_out),
        "unread": sorted({f"{part}/{namespace}" if namespace else part for part, namespace in snapshot.refusals}),
    }


def _row(key: Key, world: World, findings: list[str]) -> dict[str, t.Any]:
    workload = world.snapshot.workloads.get(key)
    revisions = world.revisions(key)
    row: dict[str, t.Any] = {
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "component": world.settings.component_of(key),
        "wanted": world.wanted(key),
        "ready": world.ready(key),
        "findings": findings,
    }
    if workload is not None:
        row |= {
            "available": workload.available,
            "updated": workload.updated,
            "uid": workload.uid,
            "generation": workload.generation,
            "observed_generation": workload.observed,
            "strategy": workload.strategy,
            "memory_limits": dict(workload.memory_limits),
            "revision": revisions[0].revision if revisions else None,
            "revision_at": revisions[0].created if revisions else None,
        }
    if key in world.snapshot.near:
        row["near"] = world.snapshot.near[key].to_dict()
    if findings:
        row["pods"] = [_pod(pod, world) for pod in world.pods.get(key, ())[:10]]
        _shorten([container for pod in row["pods"] for container in pod["containers"]])
    return row


def _shorten(containers: list[dict[str, t.Any]]) -> None:
    for lines, most in CUTS:
        if len(json.dumps(containers, default=str)) <= HEAVY:
            return
        for container in containers:
            kept = container["logs"][-lines:] if lines else []
            container.update(logs=[{**line, "text": line["text"][:most]} for line in kept], logs_cut=True)


def _pod(pod: Pod, world: World) -> dict[str, t.Any]:
    return {
        "name": pod.name,
        "uid": pod.uid,
        "phase": pod.phase,
        "reason": pod.reason,
        "node": pod.node,
        "ready": pod.ready.status,
        "revision": pod.revision,
        "containers": [
            {
                "name": container.name,
                "init": container.init,
                "image": container.image,
                "state": container.state,
                "reason": container.reason,
                "ready": container.ready,
                "restarts": container.restarts,
                "last": container.latest_end._asdict() if container.latest_end else None,
                **_log(world.snapshot.logs.get((pod.namespace, pod.name, container.name))),
            }
            for container in pod.containers
        ],
    }


def _log(log: Log | None) -> dict[str, t.Any]:
    """Lines and stack traces of a container in trouble; of others nothing was read."""
    if log is None:
        return {"logs": [], "logs_cut": False, "traces": []}
    lines = [{"at": entry["at"], "text": entry["text"]} for entry in log.entries]
    return {"logs": lines, "logs_cut": False, "traces": [dict(trace) for trace in log.traces[:3]]}


def _node(name: str, world: World) -> dict[str, t.Any]:
    node = world.snapshot.nodes[name]
    return {
        "unschedulable": node.unschedulable,
        "conditions": {kind: condition.status for kind, condition in node.conditions.items()},
    }


def measured(snapshot: Snapshot, settings: Settings, left_out: t.Mapping[str, int]) -> list[str]:
    """What was looked at, for people: silence is never taken for health."""
    if snapshot.error is not None:
        return [f"the API at {snapshot.address}: {snapshot.error.message}"]
    where = "all namespaces" if settings.namespaces is None else f"namespaces {', '.join(settings.namespaces[:10])}"
    said = [
        f"Kubernetes {snapshot.version or 'of an unknown version'} at {snapshot.address}, {where}",
        f"{count(snapshot.pods_seen, 'pod')}, {len(snapshot.pods)} of them looked at closely",
        f"{count(len(snapshot.workloads), 'workload')}, {count(len(snapshot.jobs), 'job')}, "
        f"{count(len(snapshot.cronjobs), 'cron job')}",
        f"{count(len(snapshot.services), 'service')} with their endpoints, "
        f"{count(len(snapshot.claims), 'volume claim')}",
        f"{count(len(snapshot.nodes), 'node')}, {count(len(snapshot.hpas), 'autoscaler')}, "
        f"{count(len(snapshot.pdbs), 'disruption budget')}, {count(len(snapshot.quotas), 'quota')}",
        f"events of {count(len(snapshot.events), 'object')}, logs of {count(len(snapshot.logs), 'container')}",
    ]
    if snapshot.cpu:
        said.append(f"CPU throttling of {count(len(snapshot.cpu), 'container')}, against earlier looks")
    said += [f"not read: {part}{f' in {ns}' if ns else ''}" for part, ns in sorted(snapshot.refusals)][:20]
    said += [f"left out: {number} more of {name}" for name, number in sorted(left_out.items())]
    return said + [f"left out: {note}" for note in snapshot.notes]


def samples(snapshot: Snapshot) -> list[dict[str, t.Any]]:
    """The counters of CPU time, for the next look to compare with."""
    if not snapshot.cpu:
        return []
    rows = {"/".join(place): list(pair) for place, pair in list(snapshot.cpu.items())[:MOST_SAMPLES]}
    return [{"at": snapshot.now, "cpu": rows}]


def attachments(snapshot: Snapshot) -> dict[str, str]:
    """Logs of what is in trouble, a file each."""
    found = {}
    for (namespace, pod, container), log in snapshot.logs.items():
        which = "previous-log" if log.previous else "log"
        text = "\n".join(f"{entry['at']} {entry['text']}".strip() for entry in log.entries)
        if text:
            found[f"{namespace}-{pod}-{container}-{which}.txt"] = text
    return found
