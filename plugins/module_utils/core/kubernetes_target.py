# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workload and its pods as values that are never missing a field, whatever the server left out. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .kubernetes_amount import amount_or, share

Raw = t.Mapping[str, t.Any]
KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
START_ERRORS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)
"""Why a container waits that no restart brings further: its image, or what it refers to."""
CRASHES = "CrashLoopBackOff"


def part(raw: t.Any, *path: str) -> dict[str, t.Any]:
    """A mapping inside of one; {} for whatever is none."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def rows(raw: t.Any, *path: str) -> list[dict[str, t.Any]]:
    """The mappings of a list inside of a mapping; null lists and null entries are none."""
    found = part(raw, *path[:-1]).get(path[-1]) if path else raw
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def whole(value: t.Any, otherwise: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


@dataclasses.dataclass(frozen=True)
class Counts:
    """Pods of a workload: desired by it, there at all, of the newest template, and available."""

    desired: int
    total: int
    updated: int
    available: int

    @property
    def complete(self) -> bool:
        return self.desired == self.total == self.updated == self.available


@dataclasses.dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet. raw: as the server sent it."""

    kind: str
    raw: Raw

    @property
    def meta(self) -> dict[str, t.Any]:
        return part(self.raw, "metadata")

    @property
    def spec(self) -> dict[str, t.Any]:
        return part(self.raw, "spec")

    @property
    def status(self) -> dict[str, t.Any]:
        return part(self.raw, "status")

    @property
    def name(self) -> str:
        return str(self.meta.get("name") or "")

    @property
    def namespace(self) -> str:
        return str(self.meta.get("namespace") or "")

    @property
    def uid(self) -> str:
        return str(self.meta.get("uid") or "")

    @property
    def resource_version(self) -> str:
        return str(self.meta.get("resourceVersion") or "")

    @property
    def generation(self) -> int:
        return whole(self.meta.get("generation"))

    @property
    def observed(self) -> int:
        """The generation that its controller has seen: below generation, its status is of the past."""
        return whole(self.status.get("observedGeneration"))

    @property
    def said(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def template(self) -> dict[str, t.Any]:
        return part(self.spec, "template")

    @property
    def containers(self) -> list[dict[str, t.Any]]:
        return rows(self.template, "spec", "containers")

    @property
    def replicas(self) -> int:
        """As many as are wanted; a Deployment that says nothing wants one."""
        if self.kind == "DaemonSet":
            return whole(self.status.get("desiredNumberScheduled"))
        return whole(self.spec.get("replicas"), 1)

    @property
    def paused(self) -> bool:
        return self.spec.get("paused") is True

    @property
    def strategy(self) -> str:
        """How a new template comes: RollingUpdate, Recreate, OnDelete."""
        name = "strategy" if self.kind == "Deployment" else "updateStrategy"
        return str(part(self.spec, name).get("type") or "RollingUpdate")

    @property
    def counts(self) -> Counts:
        status = self.status
        if self.kind == "DaemonSet":
            return Counts(
                self.replicas,
                whole(status.get("currentNumberScheduled")),
                whole(status.get("updatedNumberScheduled")),
                whole(status.get("numberAvailable")),
            )
        names = ("replicas", "updatedReplicas", "availableReplicas")
        return Counts(self.replicas, *(whole(status.get(name)) for name in names))

    @property
    def surge(self) -> int:
        """Pods that a rollout has beyond the wanted ones."""
        return self._allowance()[0]

    @property
    def unavailable(self) -> int:
        """Pods that a rollout may take away before there are new ones."""
        return self._allowance()[1]

    def _allowance(self) -> tuple[int, int]:
        if self.strategy == "Recreate":
            return 0, self.replicas
        if self.strategy == "OnDelete":
            return 0, 0
        name = "strategy" if self.kind == "Deployment" else "updateStrategy"
        rolling = part(self.spec, name, "rollingUpdate")
        deployment = self.kind == "Deployment"
        surge = _share(rolling.get("maxSurge"), "25%" if deployment else 0, self.replicas, True)
        away = _share(rolling.get("maxUnavailable"), "25%" if deployment else 1, self.replicas, not deployment)
        if surge == away == 0:
            away = 1
        return surge, min(away, self.replicas)


def _share(value: t.Any, otherwise: t.Any, whole_count: int, up: bool) -> int:
    try:
        return share(otherwise if value is None else value, whole_count, up)
    except ValueError:
        return share(otherwise, whole_count, up)


@dataclasses.dataclass(frozen=True)
class Pod:
    """waiting: container -> (reason, message) of what does not run. restarts: container -> how often."""

    name: str
    uid: str
    owner: str
    phase: str
    node: str
    ready: bool
    terminating: bool
    restarts: t.Mapping[str, int]
    waiting: t.Mapping[str, tuple[str, str]]
    unscheduled: str
    raw: Raw

    @property
    def start_error(self) -> str:
        """Why a container of it can't even start; '' where none has that trouble."""
        for container, (reason, message) in self.waiting.items():
            if reason in START_ERRORS:
                return f"container {container} of pod {self.name}: {reason}" + (f" ({message})" if message else "")
        return ""

    @property
    def over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


def pod_from(raw: Raw) -> Pod:
    meta, status = part(raw, "metadata"), part(raw, "status")
    owners = rows(meta, "ownerReferences")
    states = rows(status, "initContainerStatuses") + rows(status, "containerStatuses")
    conditions = {str(row.get("type")): row for row in rows(status, "conditions")}
    scheduled = conditions.get("PodScheduled", {})
    unscheduled = ""
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        unscheduled = str(scheduled.get("message") or "Unschedulable")
    return Pod(
        name=str(meta.get("name") or ""),
        uid=str(meta.get("uid") or ""),
        owner=next((str(row.get("uid") or "") for row in owners if row.get("controller")), ""),
        phase=str(status.get("phase") or ""),
        node=str(part(raw, "spec").get("nodeName") or ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        terminating=bool(meta.get("deletionTimestamp")),
        restarts={str(row.get("name")): whole(row.get("restartCount")) for row in states},
        waiting={
            str(row.get("name")): (str(wait.get("reason") or ""), str(wait.get("message") or ""))
            for row in states
            if (wait := part(row, "state", "waiting"))
        },
        unscheduled=unscheduled,
        raw=raw,
    )


def memory_of(container: Raw, which: str) -> int | None:
    """Bytes of a container's limit or request (`limits`, `requests`), None where it has none."""
    found = amount_or(part(container, "resources", which).get("memory"), None)
    return None if found is None else int(found)


def facts(workload: Workload) -> dict[str, t.Any]:
    """What of a workload can change here; before and after of a result."""
    counts = workload.counts
    annotations = part(workload.template, "metadata", "annotations")
    return {
        "generation": workload.generation,
        "replicas": workload.replicas,
        "available": counts.available,
        "updated": counts.updated,
        "restarted_at": str(annotations.get(RESTARTED_AT) or ""),
        "images": {str(row.get("name")): str(row.get("image") or "") for row in workload.containers},
        "memory_limits": {str(row.get("name")): memory_of(row, "limits") for row in workload.containers},
        "memory_requests": {str(row.get("name")): memory_of(row, "requests") for row in workload.containers},
    }


RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of a template that kubectl rollout restart sets, so that it and we see each other's."""
