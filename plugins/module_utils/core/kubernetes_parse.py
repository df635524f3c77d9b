# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the Kubernetes API -> the snapshot's records. Total: whatever is missing, null or of another type is
taken for absent. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t

from .docker_snapshot import parse_time
from .hostile import cut, inert
from .kubernetes_amount import amount_or
from .kubernetes_snapshot import (
    NO_CONDITION,
    Budget,
    Claim,
    Condition,
    Container,
    CronJob,
    Ended,
    Event,
    Job,
    Key,
    Node,
    Pod,
    Quota,
    Replicas,
    Scaler,
    Service,
    Workload,
)

Object = t.Mapping[str, t.Any]
REVISION_LABELS = ("pod-template-hash", "controller-revision-hash")
REVISION = "deployment.kubernetes.io/revision"
MESSAGE = 1000


def dig(value: t.Any, *names: str) -> t.Any:
    """What is at the end of a path, None where there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(value: t.Any, *names: str) -> list[Object]:
    """The objects of a list, without what is none."""
    found = dig(value, *names)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(value: t.Any, *names: str) -> str:
    found = dig(value, *names)
    return cut(inert(found), MESSAGE) if isinstance(found, str) else ""


def number(value: t.Any, *names: str) -> int:
    """An int from 0 up; what is absent is 0, as the API leaves zeros out."""
    found = dig(value, *names)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def moment(value: t.Any, *names: str) -> float | None:
    found = dig(value, *names)
    return parse_time(found) if isinstance(found, str) else None


def texts(value: t.Any, *names: str) -> dict[str, str]:
    """A map of labels."""
    found = dig(value, *names)
    return {str(name): str(item) for name, item in found.items()} if isinstance(found, dict) else {}


def quantity(value: t.Any) -> float | None:
    """A Kubernetes quantity as a plain number, None for what is none: 500m is 0.5, 1Gi is 1073741824."""
    number = amount_or(value, None)
    return None if number is None else float(number)


def key(kind: str, item: Object) -> Key:
    return Key(kind, text(item, "metadata", "namespace"), text(item, "metadata", "name"))


def owner(item: Object) -> Key | None:
    """Its controller. A pod out of a file on its node is owned by that node, which is no workload."""
    for row in rows(item, "metadata", "ownerReferences"):
        if row.get("controller") is True and row.get("kind") != "Node":
            return Key(text(row, "kind"), text(item, "metadata", "namespace"), text(row, "name"))
    return None


def conditions(item: Object) -> dict[str, Condition]:
    found = {}
    for row in rows(item, "status", "conditions"):
        since = moment(row, "lastTransitionTime")
        found[text(row, "type")] = Condition(text(row, "status"), text(row, "reason"), text(row, "message"), since)
    return found


def pod(item: Object) -> Pod:
    labels = texts(item, "metadata", "labels")
    mounted = rows(item, "spec", "volumes")
    claims = [text(volume, "persistentVolumeClaim", "claimName") for volume in mounted]
    return Pod(
        namespace=text(item, "metadata", "namespace"),
        name=text(item, "metadata", "name"),
        uid=text(item, "metadata", "uid"),
        owner=owner(item),
        phase=text(item, "status", "phase"),
        reason=text(item, "status", "reason"),
        message=text(item, "status", "message"),
        created=moment(item, "metadata", "creationTimestamp"),
        deleting=dig(item, "metadata", "deletionTimestamp") is not None,
        node=text(item, "spec", "nodeName"),
        revision=next((labels[name] for name in REVISION_LABELS if name in labels), ""),
        conditions=conditions(item),
        containers=tuple(_containers(item)),
        claims=tuple(name for name in claims if name),
        labels=labels,
    )


def _containers(item: Object) -> t.Iterator[Container]:
    """Init containers first, as they run. What the kubelet has not told about yet has no state."""
    for group, statuses, init in (
        ("initContainers", "initContainerStatuses", True),
        ("containers", "containerStatuses", False),
    ):
        told = {text(row, "name"): row for row in rows(item, "status", statuses)}
        for spec in rows(item, "spec", group):
            # An init container that is restarted always is a sidecar: it runs beside the others.
            yield container(spec, told.get(text(spec, "name"), {}), init and spec.get("restartPolicy") != "Always")


def container(spec: Object, status: Object, init: bool) -> Container:
    state = dig(status, "state")
    name = next(iter(state), "") if isinstance(state, dict) else ""
    inside = dig(status, "state", name) or {}
    limit = quantity(dig(spec, "resources", "limits", "memory"))
    command = [str(word) for words in ("command", "args") for word in dig(spec, words) or ()]
    return Container(
        name=text(spec, "name"),
        init=init,
        state=inert(str(name)),
        reason=text(inside, "reason"),
        message=text(inside, "message"),
        ready=status.get("ready") is True,
        restarts=number(status, "restartCount"),
        started=moment(inside, "startedAt"),
        ended=_ended(inside) if name == "terminated" else None,
        last=_ended(dig(status, "lastState", "terminated")),
        image=text(spec, "image"),
        memory_limit=int(limit) if limit else None,
        command=inert(shlex.join(command))[:200],
    )


def _ended(found: t.Any) -> Ended | None:
    if not isinstance(found, dict):
        return None
    code = found.get("exitCode")
    return Ended(
        reason=text(found, "reason"),
        exit_code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        signal=number(found, "signal") or None,
        started=moment(found, "startedAt"),
        finished=moment(found, "finishedAt"),
        message=text(found, "message"),
    )


def workload(kind: str, item: Object) -> Workload:
    """The numbers of the three kinds under the same names. A spec without replicas wants one."""
    given = dig(item, "spec", "replicas")
    wanted = given if isinstance(given, int) else 1
    available = number(item, "status", "availableReplicas")
    updated, total = number(item, "status", "updatedReplicas"), number(item, "status", "replicas")
    if kind == "DaemonSet":
        wanted, total = (
            number(item, "status", "desiredNumberScheduled"),
            number(item, "status", "currentNumberScheduled"),
        )
        available = number(item, "status", "numberAvailable")
        updated = number(item, "status", "updatedNumberScheduled")
    observed = dig(item, "status", "observedGeneration")
    return Workload(
        key=key(kind, item),
        uid=text(item, "metadata", "uid"),
        generation=number(item, "metadata", "generation"),
        observed=observed if isinstance(observed, int) else None,
        changed=changed(item),
        created=moment(item, "metadata", "creationTimestamp"),
        wanted=wanted,
        available=available,
        updated=updated,
        total=total,
        paused=dig(item, "spec", "paused") is True,
        conditions=conditions(item),
        labels=texts(item, "spec", "template", "metadata", "labels"),
        current_revision=text(item, "status", "currentRevision"),
        update_revision=text(item, "status", "updateRevision"),
        strategy=text(item, "spec", "strategy", "type") or text(item, "spec", "updateStrategy", "type"),
        memory_limits=_limits(item),
    )


def _limits(item: Object) -> dict[str, int]:
    """Container of the template -> bytes of memory that it may take, for those that have a limit."""
    found = {}
    for row in rows(item, "spec", "template", "spec", "containers"):
        limit = quantity(dig(row, "resources", "limits", "memory"))
        if limit:
            found[text(row, "name")] = int(limit)
    return found


def changed(item: Object) -> float | None:
    """When somebody last changed what is wanted: the newest writer that is not about its status."""
    times = [moment(row, "time") for row in rows(item, "metadata", "managedFields") if not text(row, "subresource")]
    return max((at for at in times if at is not None), default=None)


def replicaset(item: Object) -> Replicas:
    annotation = texts(item, "metadata", "annotations").get(REVISION, "")
    return Replicas(
        key=key("ReplicaSet", item),
        owner=owner(item),
        revision=int(annotation) if annotation.isdecimal() and len(annotation) < 10 else 0,
        hash=texts(item, "metadata", "labels").get("pod-template-hash", ""),
        created=moment(item, "metadata", "creationTimestamp"),
        wanted=number(item, "spec", "replicas"),
        ready=number(item, "status", "readyReplicas"),
        failure=conditions(item).get("ReplicaFailure", NO_CONDITION),
    )


def job(item: Object) -> Job:
    told = conditions(item)
    return Job(
        key=key("Job", item),
        owner=owner(item),
        created=moment(item, "metadata", "creationTimestamp"),
        failed=told.get("Failed", NO_CONDITION),
        done=told.get("Complete", NO_CONDITION).true,
        failures=number(item, "status", "failed"),
        suspended=dig(item, "spec", "suspend") is True,
    )


def cronjob(item: Object) -> CronJob:
    return CronJob(
        key=key("CronJob", item),
        schedule=text(item, "spec", "schedule"),
        zone=text(item, "spec", "timeZone"),
        suspended=dig(item, "spec", "suspend") is True,
        created=moment(item, "metadata", "creationTimestamp"),
        last=moment(item, "status", "lastScheduleTime"),
        active=len(rows(item, "status", "active")),
        policy=text(item, "spec", "concurrencyPolicy"),
    )


def node(item: Object) -> Node:
    return Node(text(item, "metadata", "name"), conditions(item), dig(item, "spec", "unschedulable") is True)


def hpa(item: Object) -> Scaler:
    target = dig(item, "spec", "scaleTargetRef")
    return Scaler(
        key=key("HorizontalPodAutoscaler", item),
        target=Key(text(target, "kind"), text(item, "metadata", "namespace"), text(target, "name")),
        current=number(item, "status", "currentReplicas"),
        wanted=number(item, "status", "desiredReplicas"),
        most=number(item, "spec", "maxReplicas"),
        least=number(item, "spec", "minReplicas") or 1,
        conditions=conditions(item),
    )


def pdb(item: Object) -> Budget:
    return Budget(
        key=key("PodDisruptionBudget", item),
        selector=texts(item, "spec", "selector", "matchLabels"),
        healthy=number(item, "status", "currentHealthy"),
        needed=number(item, "status", "desiredHealthy"),
        expected=number(item, "status", "expectedPods"),
        allowed=number(item, "status", "disruptionsAllowed"),
        since=conditions(item).get("DisruptionAllowed", NO_CONDITION).since,
    )


def quota(item: Object) -> Quota:
    found = {}
    for name, hard in texts(item, "status", "hard").items():
        most, used = quantity(hard), quantity(dig(item, "status", "used", name))
        if most is not None and used is not None:
            found[inert(name)] = (used, most)
    return Quota(key("ResourceQuota", item), found)


def pvc(item: Object) -> Claim:
    storage = dig(item, "spec", "storageClassName")
    return Claim(
        key("PersistentVolumeClaim", item),
        text(item, "status", "phase"),
        moment(item, "metadata", "creationTimestamp"),
        inert(storage) if isinstance(storage, str) else None,
    )


def service(item: Object) -> Service:
    return Service(
        key("Service", item),
        texts(item, "spec", "selector"),
        text(item, "spec", "type"),
        moment(item, "metadata", "creationTimestamp"),
    )


def endpoints(item: Object) -> tuple[str, str, int, int]:
    """(namespace, service, endpoints that are ready, endpoints in all) of a slice. Unset readiness is readiness."""
    found = rows(item, "endpoints")
    ready = sum(dig(row, "conditions", "ready") is not False for row in found)
    name = texts(item, "metadata", "labels").get("kubernetes.io/service-name", "")
    return text(item, "metadata", "namespace"), name, ready, len(found)


def event(item: Object) -> tuple[Key, Event]:
    """Both shapes of an event: with a count, and as a series."""
    about = dig(item, "involvedObject") or dig(item, "regarding")
    last = moment(item, "lastTimestamp") or moment(item, "series", "lastObservedTime") or moment(item, "eventTime")
    first = moment(item, "firstTimestamp") or moment(item, "eventTime") or last
    times = number(item, "count") or number(item, "series", "count") or 1
    said = text(item, "message") or text(item, "note")
    where = Key(text(about, "kind"), text(about, "namespace"), text(about, "name"))
    return where, Event(text(item, "reason"), said, times, first, last)


_CPU = re.compile(r"container_cpu_cfs_(throttled_)?periods_total\{([^}]*)\} ([0-9.eE+]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def throttling(page: str) -> dict[tuple[str, str, str], tuple[float, float]]:
    """(namespace, pod, container) -> (periods in which it ran, periods in which it was held back), of a kubelet."""
    ran: dict[tuple[str, str, str], float] = {}
    held: dict[tuple[str, str, str], float] = {}
    for match in _CPU.finditer(page):
        labels = dict(_LABEL.findall(match.group(2)))
        place = (labels.get("namespace", ""), labels.get("pod", ""), labels.get("container", ""))
        if all(place):
            (held if match.group(1) else ran)[place] = float(match.group(3))
    return {place: (periods, held.get(place, 0.0)) for place, periods in ran.items()}
