# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster -> its snapshot: all lists at once, page by page, then the logs of what is in trouble, one deadline.

Of 10,000 pods only those are kept that do not serve or ended not long ago; the others are counted. A part that is
refused costs nothing but itself.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import time
import typing as t

from ..core import kubernetes_parse as parse
from ..core.hostile import inert
from ..core.kubernetes_judge_pods import troubled, worth
from ..core.kubernetes_kills import KILLED
from ..core.kubernetes_settings import Settings
from ..core.kubernetes_snapshot import Container, Key, Log, Pod, Refusal, Snapshot, Tally
from ..core.kubernetes_world import World
from ..core.log_lines import Line, group
from .deadline import Deadline
from .errors import CollectError
from .kubernetes_errors import ApiError, Forbidden
from .kubernetes_link import Link, quoted
from .kubernetes_logs import end_of_log
from .pool import gather

WORKERS = 8
MARGIN = 0.1
"""Share of the deadline that is kept for logs."""
KEPT_OF_ONE = 500
"""Pods of one owner that are looked at closely; the others fail in the same way."""
MOST_EVENTS = 20_000
EVENTS_OF_ONE = 20
MOST_LOGS = 20
MOST_METRICS = 10
MOST_NODES = 50
CADVISOR_BYTES = 32 * 1024 * 1024
PLACES = {
    "pods": "/api/v1 pods",
    "deployments": "/apis/apps/v1 deployments",
    "statefulsets": "/apis/apps/v1 statefulsets",
    "daemonsets": "/apis/apps/v1 daemonsets",
    "replicasets": "/apis/apps/v1 replicasets",
    "jobs": "/apis/batch/v1 jobs",
    "cronjobs": "/apis/batch/v1 cronjobs",
    "nodes": "/api/v1 nodes",
    "hpas": "/apis/autoscaling/v2 horizontalpodautoscalers",
    "pdbs": "/apis/policy/v1 poddisruptionbudgets",
    "quotas": "/api/v1 resourcequotas",
    "pvcs": "/api/v1 persistentvolumeclaims",
    "endpointslices": "/apis/discovery.k8s.io/v1 endpointslices",
    "services": "/api/v1 services",
    "events": "/api/v1 events",
}
"""Where each part is read: the group's path, and the resource."""
UNLABELLED = ("nodes", "events", "endpointslices", "quotas", "pvcs")
"""Parts whose labels say nothing about the workload that they belong to."""
EVENT_QUERIES = ("type!=Normal", "type=Normal,reason=Killing")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to look at, beyond what is judged by. log_lines: of each container in trouble; 0 is no logs.

    well_logs: of pods that are well too. scale_to: ask how far each workload may grow, up to so many replicas.
    """

    label_selector: str = ""
    log_lines: int = 100
    full: bool = False
    well_logs: bool = False
    scale_to: int | None = None


class Look:
    """One look at a cluster."""

    def __init__(self, link: Link, wanted: Wanted, settings: Settings, deadline: Deadline) -> None:
        self.link = link
        self.wanted = wanted
        self.settings = settings
        self.deadline = deadline
        self.snapshot = Snapshot(now=time.time(), address=link.address, parts=settings.parts)

    @staticmethod
    def refused(error: ApiError, settings: Settings) -> Snapshot:
        """The look at a cluster that could not even be logged in to."""
        snapshot = Snapshot(now=time.time(), address=error.address, parts=settings.parts)
        snapshot.error = refusal_of(error)
        return snapshot

    def run(self) -> Snapshot:
        """Never raises for what the cluster does."""
        snapshot = self.snapshot
        try:
            version = self.link.get("/version")
            snapshot.version = inert(str(version.get("gitVersion") or ""))[:50]
        except Forbidden:
            pass
        except ApiError as error:
            snapshot.error = refusal_of(error)
            return snapshot
        snapshot.now = time.time() + self.link.skew
        self._lists()
        self._details()
        return snapshot

    def _lists(self) -> None:
        jobs: dict[tuple[str, str], t.Callable[[], t.Any]] = {}
        for part in self.settings.parts:
            for namespace in self._namespaces(part):
                jobs[part, namespace] = functools.partial(self._read, part, namespace)
        found = gather(jobs, Deadline(self.deadline.left() * (1 - MARGIN)), WORKERS)
        for (part, namespace), result in found.items():
            if isinstance(result, CollectError):
                self.snapshot.refusals[part, namespace] = refusal_of(result)
            else:
                KEEPERS[part](self.snapshot, result)
        refusals = list(self.snapshot.refusals.values())
        if len(refusals) == len(jobs) and jobs and all(row.kind == refusals[0].kind for row in refusals):
            # The same answer to everything is about who asks, or the API, and not about a part of it.
            self.snapshot.error = refusals[0]

    def _namespaces(self, part: str) -> tuple[str, ...]:
        return ("",) if part == "nodes" or self.settings.namespaces is None else self.settings.namespaces

    def _read(self, part: str, namespace: str) -> t.Any:
        """What one list says, as records: nothing of the objects themselves is kept."""
        if part == "pods":
            return self._pods(namespace)
        if part == "events":
            return self._events(namespace)
        return [READERS[part](item) for item in self._items(part, namespace)]

    def _items(self, part: str, namespace: str, query: t.Mapping[str, t.Any] | None = None) -> t.Iterator[t.Any]:
        base, resource = PLACES[part].split()
        place = f"/namespaces/{quoted(namespace)}" if namespace else ""
        asked = dict(query or {})
        if self.wanted.label_selector and part not in UNLABELLED:
            asked["labelSelector"] = self.wanted.label_selector
        return self.link.pages(f"{base}{place}/{resource}", asked)

    def _pods(self, namespace: str) -> _Pods:
        found = _Pods(self.snapshot.now, self.settings.window, self.wanted.full)
        for item in self._items("pods", namespace):
            found.add(parse.pod(item))
        return found

    def _events(self, namespace: str) -> dict[Key, list[t.Any]]:
        found: dict[Key, dict[tuple[str, str], t.Any]] = collections.defaultdict(dict)
        seen = 0
        for query in EVENT_QUERIES:
            for item in self._items("events", namespace, {"fieldSelector": query}):
                key, event = parse.event(item)
                own, name = found[key], (event.reason, event.message)
                if name in own or len(own) < EVENTS_OF_ONE:
                    own[name] = max(event, own.get(name, event), key=lambda one: one.last or 0)
                seen += 1
                if seen >= MOST_EVENTS:
                    break
        return {key: list(own.values()) for key, own in found.items()}

    def _details(self) -> None:
        """Memory first: whether it ran out decides what is in trouble, and so whose logs are read."""
        world = World(self.snapshot, self.settings)
        killed = [pod for pods in world.pods.values() for pod in pods if _killed(pod)][:MOST_METRICS]
        jobs: dict[t.Any, t.Callable[[], t.Any]] = {
            ("memory", pod.namespace, pod.name): functools.partial(self._memory, pod) for pod in killed
        }
        if self.wanted.log_lines:
            for pod, container in troubled(world, MOST_LOGS):
                jobs["log", pod.namespace, pod.name, container.name] = functools.partial(self._log, pod, container)
        if self.wanted.full:
            for name in sorted(self.snapshot.nodes)[:MOST_NODES]:
                jobs["cpu", name] = functools.partial(self._cpu, name)
        jobs.update(self._closer(world))
        for key, result in gather(jobs, self.deadline, WORKERS).items():
            self._keep(key, result)

    def _closer(self, world: World) -> dict[t.Any, t.Callable[[], t.Any]]:
        lines, scale_to = self.wanted.log_lines if self.wanted.well_logs else 0, self.wanted.scale_to
        if not lines and scale_to is None:
            return {}
        # All that judges a change comes with it: a plain look does without.
        from .kubernetes_near import near, wanted

        return {("near", *key): functools.partial(near, self.link, key, lines, scale_to) for key in wanted(world)}

    def _keep(self, key: t.Any, result: t.Any) -> None:
        if isinstance(result, CollectError):
            if result.kind == "permission" and key[0] != "memory":
                part = "logs" if key[0] == "log" else "nodes/proxy"
                self.snapshot.refusals[part, key[1] if key[0] == "log" else ""] = refusal_of(result)
            elif key[0] != "memory":
                # Its pod went away, or its kubelet does not answer; the API, and what it knows, is well.
                self.snapshot.notes.append(f"{key[0]} of {'/'.join(key[1:])}: {refusal_of(result).message}")
        elif key[0] == "log":
            self.snapshot.logs[key[1:]] = result
        elif key[0] == "memory":
            self.snapshot.memory.update(result)
        elif key[0] == "near":
            self.snapshot.near[Key(*key[1:])] = result
        else:
            self.snapshot.cpu.update(result)

    def _memory(self, pod: Pod) -> dict[tuple[str, str, str], int]:
        """What its containers use now. Most clusters have metrics, none has to."""
        base = "/apis/metrics.k8s.io/v1beta1"
        told = self.link.get(f"{base}/namespaces/{quoted(pod.namespace)}/pods/{quoted(pod.name)}")
        found = {}
        for row in parse.rows(told, "containers"):
            used = parse.quantity(parse.dig(row, "usage", "memory"))
            if used:
                found[pod.namespace, pod.name, parse.text(row, "name")] = int(used)
        return found

    def _log(self, pod: Pod, container: Container) -> Log:
        """The life before, and this one where there is one."""
        lines: list[Line] = []
        previous = False
        if container.last is not None:
            try:
                lines += self._lines(pod, container, True)
                previous = True
            except ApiError as error:
                # The life before is kept on the node only, and goes away with what the runtime cleans up.
                if error.kind not in ("invalid", "gone"):
                    raise
        if container.state != "waiting" or not previous:
            lines += self._lines(pod, container, False)
        entries, traces = group(lines)
        return Log(tuple(entries[-self.wanted.log_lines :]), tuple(traces), previous)

    def _lines(self, pod: Pod, container: Container, previous: bool) -> list[Line]:
        return end_of_log(self.link, pod.namespace, pod.name, container.name, self.wanted.log_lines, previous)

    def _cpu(self, node: str) -> dict[tuple[str, str, str], tuple[float, float]]:
        path = f"/api/v1/nodes/{quoted(node)}/proxy/metrics/cadvisor"
        return parse.throttling(self.link.text(path, None, CADVISOR_BYTES).text)


class _Pods:
    """The pods of one list: those that are worth it, and the number of all by owner."""

    def __init__(self, now: float, window: float, owners: bool) -> None:
        self.now = now
        self.window = window
        self.seen = 0
        self.pods: list[Pod] = []
        self.tallies: dict[Key, Tally] = {}
        self.bare: list[tuple[str, t.Mapping[str, str]]] = []
        self.owners: dict[tuple[str, str], Key | None] | None = {} if owners else None
        self.cut = 0
        self._kept: collections.Counter[Key] = collections.Counter()

    def add(self, pod: Pod) -> None:
        self.seen += 1
        key = pod.owner or pod.key
        if self.owners is not None:
            self.owners[pod.namespace, pod.name] = pod.owner
        if pod.owner is None:
            self.bare.append((pod.namespace, pod.labels))
        if pod.phase not in ("Succeeded", "Failed"):
            tally = self.tallies.setdefault(key, Tally())
            tally.pods += 1
            if pod.ready.true and not pod.deleting:
                tally.ready += 1
                tally.ready_by_revision[pod.revision] = tally.ready_by_revision.get(pod.revision, 0) + 1
        if not worth(pod, self.now, self.window):
            return
        self._kept[key] += 1
        if self._kept[key] <= KEPT_OF_ONE:
            self.pods.append(pod)
        else:
            self.cut += 1

    def keep(self, snapshot: Snapshot) -> None:
        snapshot.pods += self.pods
        snapshot.pods_seen += self.seen
        snapshot.bare_labels += self.bare
        snapshot.owners.update(self.owners or {})
        for key, tally in self.tallies.items():
            snapshot.tallies[key] = tally
        if self.cut:
            snapshot.notes.append(f"{self.cut} more pods of owners with over {KEPT_OF_ONE} pods that are not well")


def _killed(pod: Pod) -> bool:
    """Whether a process of it was killed, and by whom is not told."""
    ends = [container.latest_end for container in pod.containers if container.memory_limit]
    return any(end is not None and end.exit_code == KILLED and end.reason != "OOMKilled" for end in ends)


def refusal_of(error: CollectError) -> Refusal:
    place = getattr(error, "place", None)
    message = inert(error.message)[:500]
    if place is None:
        return Refusal(error.kind, message)
    return Refusal(error.kind, message, inert(place.verb), inert(place.resource), inert(place.namespace))


READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "deployments": functools.partial(parse.workload, "Deployment"),
    "statefulsets": functools.partial(parse.workload, "StatefulSet"),
    "daemonsets": functools.partial(parse.workload, "DaemonSet"),
    "replicasets": parse.replicaset,
    "jobs": parse.job,
    "cronjobs": parse.cronjob,
    "nodes": parse.node,
    "hpas": parse.hpa,
    "pdbs": parse.pdb,
    "quotas": parse.quota,
    "pvcs": parse.pvc,
    "endpointslices": parse.endpoints,
    "services": parse.service,
}


def _keep_workloads(snapshot: Snapshot, found: t.Any) -> None:
    snapshot.workloads.update({row.key: row for row in found})


def _keep_endpoints(snapshot: Snapshot, found: t.Any) -> None:
    for namespace, service, ready, total in found:
        row = snapshot.endpoints.setdefault((namespace, service), [0, 0])
        row[0] += total
        row[1] += ready


KEEPERS: dict[str, t.Callable[[Snapshot, t.Any], None]] = {
    "pods": lambda snapshot, found: found.keep(snapshot),
    "deployments": _keep_workloads,
    "statefulsets": _keep_workloads,
    "daemonsets": _keep_workloads,
    "replicasets": lambda snapshot, found: snapshot.replicasets.update({row.key: row for row in found}),
    "jobs": lambda snapshot, found: snapshot.jobs.update({row.key: row for row in found}),
    "cronjobs": lambda snapshot, found: snapshot.cronjobs.extend(found),
    "nodes": lambda snapshot, found: snapshot.nodes.update({row.name: row for row in found}),
    "hpas": lambda snapshot, found: snapshot.hpas.extend(found),
    "pdbs": lambda snapshot, found: snapshot.pdbs.extend(found),
    "quotas": lambda snapshot, found: snapshot.quotas.extend(found),
    "pvcs": lambda snapshot, found: snapshot.claims.update({row.key: row for row in found}),
    "endpointslices": _keep_endpoints,
    "services": lambda snapshot, found: snapshot.services.extend(found),
    "events": lambda snapshot, found: snapshot.events.update(found),
}
