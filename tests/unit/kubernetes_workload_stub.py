# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One namespace of a cluster in memory, in the place of a Link: keeps objects, checks versions, and rolls out at once.

What a real API server and its controllers do is tested against real ones, in tests/integration.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_errors import (
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
)
from kubernetes_workload_made import NAMESPACE, Raw, node, pod_raw, set_raw, workload_raw

APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
DEPLOYMENT = f"{APPS}/deployments/orders"
Rollout = t.Callable[["StubCluster"], None]


class StubCluster:
    """calls: what was written, as (verb, path, query, body). on_patch: what its controllers do after a change."""

    def __init__(self, replicas: int = 2, **spec: t.Any) -> None:
        pods = [pod_raw(f"orders-{letter}") for letter in "abcdefgh"[:replicas]]
        current = set_raw(3, uid="rs-1")
        self.one: dict[str, Raw] = {
            DEPLOYMENT: workload_raw(replicas=replicas, **spec),
            f"{APPS}/replicasets/orders-1": current,
        }
        self.many: dict[str, list[Raw]] = {
            f"{CORE}/pods": pods,
            f"{APPS}/replicasets": [current, set_raw(2, image="lab/app:0")],
            "/api/v1/nodes": [node("64Gi")],
            "/api/v1/pods": pods,
        }
        self.calls: list[tuple[str, str, dict[str, t.Any], t.Any]] = []
        self.lists: list[tuple[str, str]] = []
        self.forbidden: set[str] = set()
        self.conflicts = 0
        self.broken: list[ApiError] = []
        self.on_patch: list[Rollout] = []
        self.on_conflict: Rollout = lambda _cluster: None

    def join(self, _options: t.Any, _deadline: t.Any) -> StubCluster:
        return self

    @property
    def deployment(self) -> Raw:
        return self.one[DEPLOYMENT]

    @property
    def pods(self) -> list[Raw]:
        return self.many[f"{CORE}/pods"]

    def get(self, path: str, _query: t.Any = None) -> Raw:
        if self.broken and self.calls:
            raise self.broken.pop()
        if path.startswith(f"{CORE}/pods/"):
            found = [raw for raw in self.pods if raw["metadata"]["name"] == path.rsplit("/", 1)[1]]
            if found:
                return copy.deepcopy(found[0])
        if path not in self.one:
            raise NotFound("gone", f"{path} not found")
        return copy.deepcopy(self.one[path])

    def pages(self, path: str, query: t.Any = None, _limit: int = 500) -> t.Iterator[Raw]:
        """lists: what was asked for. Of field selectors it knows those of one field: of a name, or of a pod's node."""
        selector = (query or {}).get("fieldSelector", "")
        self.lists.append((path, selector))
        if path in self.forbidden:
            raise Forbidden("permission", f"User cannot list {path}")
        field, _, wanted = selector.partition("=")
        part, _, name = field.partition(".")
        found = self.many.get(path, [])
        yield from copy.deepcopy([raw for raw in found if not selector or raw[part].get(name) == wanted])

    def patch(self, path: str, body: t.Any, content_type: str, query: dict[str, t.Any]) -> Raw:
        assert content_type == "application/json-patch+json"
        self._conflict()
        found = copy.deepcopy(self.one[path])
        for operation in body:
            _apply(found, operation)
        spec_changed = found["spec"] != self.one[path]["spec"]
        found["metadata"]["generation"] += int(spec_changed)
        found["metadata"]["resourceVersion"] = str(int(found["metadata"]["resourceVersion"]) + 1)
        if query.get("dryRun") == "All":
            return found
        self.calls.append(("patch", path, query, body))
        self.one[path] = found
        answer = copy.deepcopy(found)
        if self.on_patch:
            self.on_patch.pop(0)(self)
        return answer

    def delete(self, path: str, body: t.Any) -> Raw:
        self._conflict()
        name = path.rsplit("/", 1)[1]
        raw = next(raw for raw in self.pods if raw["metadata"]["name"] == name)
        if body["preconditions"]["uid"] != raw["metadata"]["uid"]:
            raise Conflict("conflict", "Precondition failed: UID in precondition")
        if not body.get("dryRun"):
            self.calls.append(("delete", path, {}, body))
            self.pods.remove(raw)
            if self.on_patch:
                self.on_patch.pop(0)(self)
        return {}

    def _conflict(self) -> None:
        if self.conflicts:
            self.conflicts -= 1
            self.touch()
            self.on_conflict(self)
            raise Conflict("conflict", "the object has been modified")

    def touch(self) -> None:
        """As a controller does that writes a status."""
        meta = self.deployment["metadata"]
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)


def _apply(found: Raw, operation: Raw) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    at = found
    for step in steps[:-1]:
        at = at[step]
    if steps == ["metadata", "resourceVersion"]:
        if at["resourceVersion"] != operation["value"]:
            raise Conflict("conflict", "the object has been modified")
    elif operation["op"] == "remove":
        del at[steps[-1]]
    else:
        at[steps[-1]] = operation["value"]


def well(cluster: StubCluster) -> None:
    """All pods are made anew and are well."""
    replicas, generation = cluster.deployment["spec"]["replicas"], cluster.deployment["metadata"]["generation"]
    cluster.pods[:] = [pod_raw(f"orders-{generation}-{number}") for number in range(replicas)]
    status = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    cluster.deployment["status"] = {"observedGeneration": generation, **status}


def ill(available: int, statuses: list[Raw]) -> Rollout:
    """So many stay available, and a new pod is as statuses say."""

    def rolled(cluster: StubCluster) -> None:
        cluster.pods[:] = [*cluster.pods[:available], pod_raw("orders-new", ready=False, containerStatuses=statuses)]
        replicas, generation = cluster.deployment["spec"]["replicas"], cluster.deployment["metadata"]["generation"]
        status = {"replicas": replicas, "updatedReplicas": 1, "availableReplicas": available}
        cluster.deployment["status"] = {"observedGeneration": generation, **status}

    return rolled
