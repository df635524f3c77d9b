# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubernetes_workload would change in a workload, and who it may be: options, identity, patch. Pure."""

from __future__ import annotations

import copy
import dataclasses
import shlex
import typing as t

from .kubernetes_amount import amount, human
from .kubernetes_target import KINDS, RESTARTED_AT, Pod, Workload, memory_of, part, rows

RESTARTED, SCALED, ROLLED_BACK = "restarted", "scaled", "rolled_back"
MEMORY_LIMIT, DELETED_POD = "memory_limit", "deleted_pod"
STATES = (RESTARTED, SCALED, ROLLED_BACK, MEMORY_LIMIT, DELETED_POD)
OVERRIDES = (
    "autoscaler",
    "budget",
    "controller",
    "fewer",
    "gitops",
    "outage",
    "paused",
    "room",
    "single_writer",
    "start_error",
    "zero",
)
"""Refusals that somebody who knows better may set aside, by name."""
UNDO = ("worse", "failed", "never")
"""When a change is taken back: where things are worse than before, whenever it fails, or not by this."""
CHANGE_CAUSE = "kubernetes.io/change-cause"
LEAST_MEMORY = 4 * 2**20
"""Less than this no container starts with: somebody forgot a unit."""


class Refused(Exception):
    """Nothing was done, and why."""


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One reason not to do it. override: whether its name in the option `override` sets it aside."""

    reason: str
    why: str
    override: bool = False

    def __post_init__(self) -> None:
        if self.override and self.reason not in OVERRIDES:
            raise ValueError(f"{self.reason} is no override that somebody could give")

    def to_dict(self) -> dict[str, t.Any]:
        return {"reason": self.reason, "why": self.why, "override": self.reason if self.override else ""}


@dataclasses.dataclass(frozen=True)
class Change:
    """What is to be different: a template, a number of replicas, or a pod that goes. All None: it is so already.

    annotations: of the workload itself; a None in it removes one. notes: what else to know about it.
    """

    text: str
    template: dict[str, t.Any] | None = None
    replicas: int | None = None
    pod: Pod | None = None
    annotations: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        return self.template is not None or self.replicas is not None or self.pod is not None


_OF_STATE = {
    "replicas": SCALED,
    "revision": ROLLED_BACK,
    "container": MEMORY_LIMIT,
    "memory": MEMORY_LIMIT,
    "memory_request": MEMORY_LIMIT,
    "partitions": SCALED,
    "pod": DELETED_POD,
}


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """Refuse what can't be, and an option that would be ignored, as somebody expects something of it."""
    state = params["state"]
    for option, wanted in _OF_STATE.items():
        if params.get(option) is not None and state != wanted:
            raise Refused(f"{option} goes with state={wanted}, not with state={state}. Nothing was done")
    for option, least in (("replicas", 0), ("revision", 1), ("pool_size", 1), ("partitions", 1)):
        value = params.get(option)
        if value is not None and value < least:
            raise Refused(f"{option}={value} is below {least}. Nothing was done")
    if params["wait_timeout"] <= 0:
        raise Refused(f"wait_timeout={params['wait_timeout']:g} leaves no time to see what comes of it")
    if state != DELETED_POD:
        _check_kind(params)
    elif not params.get("pod"):
        raise Refused("state=deleted_pod goes with pod, which names the pod. Nothing was done")


def _check_kind(params: t.Mapping[str, t.Any]) -> None:
    kind, name = params["kind"], params.get("name")
    if not name:
        raise Refused(f"state={params['state']} goes with name, which says what it is about. Nothing was done")
    if kind not in KINDS:
        raise Refused(f"{kind} {name}: {_OTHERS.get(kind, 'what is known are ' + ', '.join(KINDS))}. Nothing was done")
    if kind == "DaemonSet" and params["state"] == SCALED:
        raise Refused(
            f"DaemonSet {name} has one pod on each node that it fits: it has no replicas to scale. Change its"
            " nodeSelector, or the labels of nodes"
        )


_OTHERS = {
    "ReplicaSet": "act on the Deployment that owns it, which would undo a change of the ReplicaSet",
    "Pod": "a single pod is deleted with state=deleted_pod, where something owns and replaces it",
    "Job": "a Job runs to its end and its template can't be changed: delete it and create it anew",
    "CronJob": "a CronJob only makes Jobs: suspend it, or delete the Job that it made",
    "ReplicationController": "move it to a Deployment: it has no rollout that could be watched or undone",
}


def check_identity(workload: Workload, identity: t.Mapping[str, t.Any] | None) -> None:
    """Refuse where the workload is not the one, or not as, somebody looked at before. What changed is named."""
    if not identity:
        return
    pairs = (
        ("uid", str(identity.get("uid") or ""), workload.uid),
        ("generation", identity.get("generation"), workload.generation),
        ("resource_version", str(identity.get("resource_version") or ""), workload.resource_version),
    )
    wrong = [f"{name} was {seen}, is {now}" for name, seen, now in pairs if seen not in (None, "", now)]
    if not wrong:
        return
    what = {
        "uid": "it was deleted and made anew",
        "generation": "somebody changed what it should be",
        "resource_version": "it or its status changed",
    }[wrong[0].split(" ", 1)[0]]
    raise Refused(
        f"{workload.said} is not what was seen: {'; '.join(wrong)} ({what}). Nothing was done; look again and plan anew"
    )


def restart(workload: Workload, at: str) -> Change:
    """As kubectl rollout restart does it: a new annotation makes it a new template."""
    template = copy.deepcopy(workload.template)
    template["metadata"] = part(template, "metadata")
    annotations = part(template, "metadata", "annotations")
    template["metadata"]["annotations"] = {**annotations, RESTARTED_AT: at}
    notes: tuple[str, ...] = ()
    if any(row.get("imagePullPolicy") == "Always" for row in workload.containers):
        notes = ("A restart pulls its image again (imagePullPolicy Always): where the tag moved, it is a deploy",)
    return Change(f"restart {workload.said}", template=template, notes=notes)


def scale(workload: Workload, replicas: int) -> Change:
    if replicas == workload.replicas:
        return Change(f"{workload.said} has {replicas} replicas already")
    return Change(f"scale {workload.said} from {workload.replicas} to {replicas} replicas", replicas=replicas)


def memory_limit(workload: Workload, container: str | None, memory: t.Any, request: t.Any = None) -> Change:
    """Raise the limit of one container, up. Raises Refused."""
    row = _container(workload, container)
    name, limit, asked = str(row.get("name")), memory_of(row, "limits"), memory_of(row, "requests")
    size, wanted = _size("memory", memory), None if request is None else _size("memory_request", request)
    said = f"container {name} of {workload.said}"
    if limit is None:
        raise Refused(f"{said} has no memory limit: {human(size)} would be less than now, not more. Nothing was done")
    if size < limit:
        raise Refused(
            f"{said} has a limit of {human(limit)}, which is more than {human(size)}: a limit is only raised here, for"
            " a lower one can kill what runs. Change the manifest and deploy instead"
        )
    if wanted is not None and wanted > size:
        raise Refused(f"memory_request={request} is above the limit of {human(size)}, which the server refuses")
    if wanted is not None and asked is not None and wanted < asked:
        raise Refused(f"{said} requests {human(asked)}: memory_request={request} would be less. Nothing was done")
    if size == limit and wanted in (None, asked):
        return Change(f"{said} has a memory limit of {human(limit)} already")
    template = copy.deepcopy(workload.template)
    target = next(item for item in rows(template, "spec", "containers") if item.get("name") == name)
    target["resources"]["limits"]["memory"] = str(memory).strip()
    text = f"raise the memory limit of {said} from {human(limit)} to {human(size)}"
    if wanted is not None and wanted != asked:
        target["resources"]["requests"] = {**part(target, "resources", "requests"), "memory": str(request).strip()}
        text += f" and its request to {human(wanted)}"
    return Change(text, template=template, notes=_quality(name, limit, asked, size, wanted))


def _quality(name: str, limit: int, asked: int | None, size: int, wanted: int | None) -> tuple[str, ...]:
    after = asked if wanted is None else wanted
    if asked is None and wanted is None:
        return (f"{name} has no memory request, so that its limit is its request too: nodes have to hold that much",)
    if asked == limit and after != size:
        return (
            f"{name} requested as much as its limit (QoS Guaranteed) and does no more: it is evicted earlier now."
            " memory_request raises the request as well",
        )
    return ()


def _size(option: str, text: t.Any) -> int:
    try:
        size = int(amount(text))
    except ValueError as error:
        raise Refused(f"{option}: {error}. Nothing was done") from None
    if size < LEAST_MEMORY:
        raise Refused(
            f"{option}={text} is {size} bytes, with which nothing starts: was {text}Mi meant? Nothing was done"
        )
    return size


def _container(workload: Workload, name: str | None) -> dict[str, t.Any]:
    names = [str(row.get("name")) for row in workload.containers]
    if name is None and len(names) == 1:
        return workload.containers[0]
    for row in workload.containers:
        if row.get("name") == name:
            return row
    wrong = f"has no container {name}" if name is not None else "has several containers, and container names none"
    raise Refused(f"{workload.said} {wrong}: it has {', '.join(names)}. Nothing was done")


def operations(workload: Workload, change: Change) -> list[dict[str, t.Any]]:
    """The JSON patch. It holds for this very version of this very object: any other is a conflict for the server.

    (A `test` of the uid would be an error that says nothing, before the server comes to compare versions.)
    """
    made: list[dict[str, t.Any]] = [
        {"op": "replace", "path": "/metadata/uid", "value": workload.uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": workload.resource_version},
    ]
    if change.template is not None:
        made.append({"op": "replace", "path": "/spec/template", "value": change.template})
    if change.replicas is not None:
        # A manifest may leave it out, but the server never does.
        made.append({"op": "replace", "path": "/spec/replicas", "value": change.replicas})
    has = part(workload.meta, "annotations")
    for name, value in change.annotations.items():
        path = "/metadata/annotations/" + name.replace("~", "~0").replace("/", "~1")
        if value is not None:
            made.append({"op": "add", "path": path, "value": value})
        elif name in has:
            made.append({"op": "remove", "path": path})
    return made


def undo(before: Workload, now: Workload, change: Change) -> Change:
    """Back to what was before, in the newest version of the object."""
    if change.template is not None:
        has = part(before.meta, "annotations")
        annotations = {name: has.get(name) for name in change.annotations}
        return Change(f"put the template of {now.said} back", template=before.template, annotations=annotations)
    return Change(f"put {now.said} back to {before.replicas} replicas", replicas=before.replicas)


def undo_by_hand(before: Workload, change: Change) -> str:
    """The command that a person would type to take it back."""
    target = shlex.quote(f"{before.kind.lower()}/{before.name}")
    kubectl = f"kubectl -n {shlex.quote(before.namespace)} "
    if change.replicas is not None:
        return f"{kubectl}scale {target} --replicas={before.replicas}"
    return f"{kubectl}rollout undo {target}"


def named(workload: Workload) -> dict[str, t.Any]:
    """Which it is, for a result and as the identity of a later call."""
    return {
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "uid": workload.uid,
        "resource_version": workload.resource_version,
        "generation": workload.generation,
    }


def by_hand(params: t.Mapping[str, t.Any]) -> str:
    """The command that a person would type for the same."""
    state, kubectl = params["state"], f"kubectl -n {shlex.quote(str(params['namespace']))} "
    target = shlex.quote(f"{str(params['kind']).lower()}/{params['name']}")
    if state == DELETED_POD:
        return f"{kubectl}delete pod {shlex.quote(str(params['pod']))}"
    if state == SCALED:
        return f"{kubectl}scale {target} --replicas={params['replicas']}"
    if state == ROLLED_BACK:
        revision = f" --to-revision={params['revision']}" if params.get("revision") else ""
        return f"{kubectl}rollout undo {target}{revision}"
    if state == MEMORY_LIMIT:
        container = f" -c {shlex.quote(str(params['container']))}" if params.get("container") else ""
        request = f" --requests=memory={params['memory_request']}" if params.get("memory_request") else ""
        return f"{kubectl}set resources {target}{container} --limits=memory={params['memory']}{request}"
    return f"{kubectl}rollout restart {target}"
