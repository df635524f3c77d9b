# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of Kubernetes as an API server sends them, healthy unless told otherwise, and cases made of them."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_scene import Scene
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_target import Pod, Workload, pod_from

NAMESPACE = "shop"
Raw = dict[str, t.Any]


def template(**changes: t.Any) -> Raw:
    """changes: of the only container."""
    container = {"name": "app", "image": "lab/app:1", "resources": {"limits": {"memory": "128Mi"}}, **changes}
    return {"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": [container]}}


def workload_raw(kind: str = "Deployment", replicas: int = 2, available: int | None = None, **spec: t.Any) -> Raw:
    up = replicas if available is None else available
    meta = {"name": "orders", "namespace": NAMESPACE, "uid": "u-1", "resourceVersion": "10", "generation": 3}
    wanted = {"selector": {"matchLabels": {"app": "orders"}}, "template": template(), **spec}
    status: Raw = {"observedGeneration": 3}
    if kind == "DaemonSet":
        status |= {"desiredNumberScheduled": replicas, "currentNumberScheduled": replicas}
        status |= {"updatedNumberScheduled": replicas, "numberAvailable": up}
    else:
        wanted["replicas"] = wanted.get("replicas", replicas)
        status |= {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": up}
    if kind == "StatefulSet":
        status |= {"currentRevision": "orders-1", "updateRevision": "orders-1"}
    return {"kind": kind, "metadata": meta, "spec": wanted, "status": status}


def workload(kind: str = "Deployment", replicas: int = 2, available: int | None = None, **spec: t.Any) -> Workload:
    return Workload(kind, workload_raw(kind, replicas, available, **spec))


def with_meta(found: Workload, **changes: t.Any) -> Workload:
    raw = copy.deepcopy(dict(found.raw))
    raw["metadata"].update(changes)
    return Workload(found.kind, raw)


def pod_raw(name: str = "orders-a", owner: str = "rs-1", ready: bool = True, **status: t.Any) -> Raw:
    states = [{"name": "app", "restartCount": 0, "state": {"running": {}}}]
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": "5"}
    meta |= {"labels": {"app": "orders"}}
    meta |= {"ownerReferences": [{"kind": "ReplicaSet", "name": "orders-1", "uid": owner, "controller": True}]}
    return {
        "metadata": meta,
        "spec": {"nodeName": "node-1", **template()["spec"]},
        "status": {"phase": "Running", "conditions": conditions, "containerStatuses": states, **status},
    }


def pod(name: str = "orders-a", ready: bool = True, **status: t.Any) -> Pod:
    return pod_from(pod_raw(name, ready=ready, **status))


def waiting(reason: str, message: str = "", restarts: int = 0) -> list[Raw]:
    """Statuses of a container that waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return [{"name": "app", "restartCount": restarts, "state": state}]


def scene(**changes: t.Any) -> Scene:
    return Scene(**{"pods": [pod("orders-a"), pod("orders-b")], "nodes": [node("64Gi")], **changes})


def node(memory: str = "1Gi", cpu: str = "4", pods: str = "110", **spec: t.Any) -> Raw:
    return {
        "metadata": {"name": "node-1", "labels": {"disk": "ssd"}},
        "spec": spec,
        "status": {
            "allocatable": {"memory": memory, "cpu": cpu, "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def owned(fields: Raw, manager: str) -> list[Raw]:
    return [{"manager": manager, "operation": "Apply", "fieldsV1": fields}]


def set_raw(number: int, owner: str = "u-1", uid: str | None = None, cause: str = "", **changes: t.Any) -> Raw:
    """A ReplicaSet that keeps a revision."""
    made = template(**changes)
    made["metadata"]["labels"]["pod-template-hash"] = f"h{number}"
    annotations = {"deployment.kubernetes.io/revision": str(number)}
    annotations |= {"kubernetes.io/change-cause": cause} if cause else {}
    owners = [{"kind": "Deployment", "name": "orders", "uid": owner, "controller": True}]
    meta = {"name": f"orders-{number}", "uid": uid or f"rs-{number}", "annotations": annotations}
    return {"metadata": {**meta, "ownerReferences": owners}, "spec": {"template": made}}
