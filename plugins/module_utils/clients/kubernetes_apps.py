# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads of one namespace: read with what is around them, patched and deleted, or only as a dry run."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core import kubernetes_plan as plan
from ..core.kubernetes_gates_room import comes, placeless, takes
from ..core.kubernetes_pod import delete_options
from ..core.kubernetes_revisions import Revision, history
from ..core.kubernetes_scene import Case, Scene, selector_text
from ..core.kubernetes_target import KINDS, Pod, Raw, Workload, part, pod_from, rows
from .kubernetes_errors import Forbidden, NotFound
from .kubernetes_link import Link, quoted

MANAGER = "incident.response"
PATCH = "application/json-patch+json"
_APPS = "/apis/apps/v1"
_SINGLY = 20
"""Nodes whose pods are asked for one node after the other, before those of all are: mostly one has room enough."""

Listed = t.Callable[..., "list[Raw] | None"]


class Apps:
    """Raises ApiError where the API can't be asked or says no."""

    def __init__(self, link: Link, namespace: str) -> None:
        self.link = link
        self.namespace = namespace

    def _of(self, base: str, resource: str, name: str = "") -> str:
        path = f"{base}/namespaces/{quoted(self.namespace)}/{resource}"
        return f"{path}/{quoted(name)}" if name else path

    def workload(self, kind: str, name: str) -> Workload:
        return Workload(kind, self.link.get(self._of(_APPS, KINDS[kind], name)))

    def named(self, kind: str, name: str) -> Workload | None:
        """As workload(), for who may only list."""
        query = {"fieldSelector": f"metadata.name={name}"}
        return next((Workload(kind, raw) for raw in self.link.pages(self._of(_APPS, KINDS[kind]), query)), None)

    def pod(self, name: str) -> Pod:
        return pod_from(self.link.get(self._of("/api/v1", "pods", name)))

    def replaces(self, kind: str, name: str, pod: str) -> tuple[str, str]:
        """What in the end replaces a pod: of a ReplicaSet the Deployment that owns it."""
        if kind != "ReplicaSet":
            return kind, name
        raw = self.link.get(self._of(_APPS, "replicasets", name))
        for row in rows(raw, "metadata", "ownerReferences"):
            if row.get("controller") and row.get("kind") == "Deployment":
                return "Deployment", str(row.get("name"))
        raise plan.Refused(f"pod {pod} belongs to ReplicaSet {name}, which no Deployment owns: delete it by hand")

    def pods(self, workload: Workload) -> list[Pod]:
        """Those that the workload owns, not all that look like them."""
        query = {"labelSelector": selector_text(workload.spec.get("selector"))}
        found = [pod_from(raw) for raw in self.link.pages(self._of("/api/v1", "pods"), query)]
        if workload.kind != "Deployment":
            return [pod for pod in found if pod.owner == workload.uid]
        owners = {
            str(part(raw, "metadata").get("uid"))
            for raw in self.link.pages(self._of(_APPS, "replicasets"), query)
            if any(row.get("uid") == workload.uid for row in rows(raw, "metadata", "ownerReferences"))
        }
        return [pod for pod in found if pod.owner in owners]

    def revisions(self, workload: Workload) -> list[Revision]:
        resource = "replicasets" if workload.kind == "Deployment" else "controllerrevisions"
        return history(workload, self.link.pages(self._of(_APPS, resource)))

    def scene(self, workload: Workload, state: str, change: plan.Change) -> Scene:
        """What is around it, as far as it may be read and matters for the change."""
        unread: dict[str, str] = {}

        def listed(what: str, path: str, query: t.Mapping[str, str] | None = None) -> list[Raw] | None:
            try:
                return list(self.link.pages(path, query))
            except Forbidden as error:
                unread[what] = error.message
                return None
            except NotFound:
                return []

        def inside(what: str, base: str, resource: str) -> list[Raw] | None:
            return listed(what, self._of(base, resource))

        found: dict[str, t.Any] = {
            "pods": self.pods(workload),
            "budgets": inside("budgets", "/apis/policy/v1", "poddisruptionbudgets"),
        }
        if state != plan.DELETED_POD:
            found["quotas"] = inside("quotas", "/api/v1", "resourcequotas")
            found["claims"] = inside("claims", "/api/v1", "persistentvolumeclaims")
            found.update(_room(Case(state, workload, change, Scene()), listed))
        if state == plan.SCALED:
            found["autoscalers"] = inside("autoscalers", "/apis/autoscaling/v2", "horizontalpodautoscalers")
            found["leases"] = inside("leases", "/apis/coordination.k8s.io/v1", "leases")
        if state == plan.MEMORY_LIMIT:
            found["limit_ranges"] = inside("limit_ranges", "/api/v1", "limitranges")
        return Scene(**found, unread=unread)

    def patch(self, workload: Workload, change: plan.Change, dry_run: bool) -> Workload:
        """Raises Conflict where it is no longer what was read."""
        path = self._of(_APPS, KINDS[workload.kind], workload.name)
        body = plan.operations(workload, change)
        query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        return Workload(workload.kind, self.link.patch(path, body, PATCH, query))

    def delete(self, pod: Pod, dry_run: bool) -> None:
        """Raises Conflict where it is no longer what was read."""
        self.link.delete(self._of("/api/v1", "pods", pod.name), delete_options(pod, dry_run))


def _room(case: Case, listed: Listed) -> dict[str, t.Any]:
    """Nodes with room for the pods that come, and what is on them; where they have none, all nodes and their pods."""
    if not comes(case)[1]:
        return {}
    nodes = listed("nodes", "/api/v1/nodes")
    if nodes is None:
        return {"nodes": None}
    open_ones = [raw for raw in nodes if takes(raw, case.template)]
    found: dict[str, t.Any] = {"nodes": [], "everywhere": []}
    for raw in open_ones[:_SINGLY]:
        name = str(part(raw, "metadata").get("name"))
        pods = listed("everywhere", "/api/v1/pods", {"fieldSelector": f"spec.nodeName={name}"})
        if pods is None:
            return {"nodes": nodes, "everywhere": None}
        found = {"nodes": [*found["nodes"], raw], "everywhere": [*found["everywhere"], *pods]}
        if not placeless(dataclasses.replace(case, scene=Scene(**found))):
            return found
    if len(open_ones) > _SINGLY:
        found["everywhere"] = listed("everywhere", "/api/v1/pods")
    return {**found, "nodes": nodes}
