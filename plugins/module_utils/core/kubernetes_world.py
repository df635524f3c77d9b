# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot with an index over it: which pods, revisions and events belong to which workload. Pure."""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing as t

from .findings import Finding
from .kubernetes_settings import Settings
from .kubernetes_snapshot import Event, Key, Pod, Replicas, Snapshot, Tally, Workload


class World:
    """One look at a cluster, ready to be judged."""

    def __init__(self, snapshot: Snapshot, settings: Settings) -> None:
        self.snapshot = snapshot
        self.settings = settings
        self.now = snapshot.now

    def workload_of(self, owner: Key | None, pod: Pod | None = None) -> Key | None:
        """What a person would name: the Deployment behind a ReplicaSet. Where ReplicaSets may not be read, the name
        says it."""
        if owner is None or owner.kind != "ReplicaSet":
            return owner
        known = self.snapshot.replicasets.get(owner)
        if known is not None:
            return known.owner or owner
        ending = f"-{pod.revision}" if pod is not None and pod.revision else ""
        if ending and owner.name.endswith(ending):
            return Key("Deployment", owner.namespace, owner.name[: -len(ending)])
        return owner

    def key_of(self, pod: Pod) -> Key:
        """The workload of a pod, or the pod itself where nothing owns it."""
        return self.workload_of(pod.owner, pod) or pod.key

    def snapshot_owner(self, namespace: str, pod: str) -> Key:
        """The workload of a pod by the pod's name, as metrics know it; the pod itself where that is not told."""
        owner = self.snapshot.owners.get((namespace, pod))
        return self.workload_of(owner) or Key("Pod", namespace, pod)

    @functools.cached_property
    def pods(self) -> dict[Key, list[Pod]]:
        """The pods that are worth a second look, by workload."""
        found: dict[Key, list[Pod]] = collections.defaultdict(list)
        for pod in self.snapshot.pods:
            found[self.key_of(pod)].append(pod)
        return {key: pods for key, pods in found.items() if self.settings.wants(key)}

    @functools.cached_property
    def workloads(self) -> dict[Key, Workload]:
        return {key: found for key, found in self.snapshot.workloads.items() if self.settings.wants(key)}

    @functools.cached_property
    def tallies(self) -> dict[Key, Tally]:
        """How many pods each workload has."""
        found: dict[Key, Tally] = {}
        for owner, tally in self.snapshot.tallies.items():
            key = self.workload_of(owner) or owner
            total = found.setdefault(key, Tally())
            total.pods += tally.pods
            total.ready += tally.ready
            for revision, ready in tally.ready_by_revision.items():
                total.ready_by_revision[revision] = total.ready_by_revision.get(revision, 0) + ready
        return found

    @functools.cached_property
    def _revisions(self) -> dict[Key, list[Replicas]]:
        found: dict[Key, list[Replicas]] = collections.defaultdict(list)
        for replicas in self.snapshot.replicasets.values():
            if replicas.owner is not None:
                found[replicas.owner].append(replicas)
        return found

    def revisions(self, key: Key) -> list[Replicas]:
        """The revisions of a Deployment, the newest first."""
        return sorted(self._revisions.get(key, ()), key=lambda row: (-row.revision, -(row.created or 0)))

    def ready(self, key: Key) -> int:
        """Pods of a workload that serve."""
        workload = self.snapshot.workloads.get(key)
        tally = self.tallies.get(key)
        return tally.ready if tally is not None else workload.available if workload is not None else 0

    def wanted(self, key: Key) -> int:
        workload = self.snapshot.workloads.get(key)
        tally = self.tallies.get(key)
        return workload.wanted if workload is not None else tally.pods if tally is not None else 0

    def events(self, *keys: Key) -> list[tuple[Key, Event]]:
        """What was said about some objects, the newest first."""
        found = [(key, event) for key in keys for event in self.snapshot.events.get(key, ())]
        return sorted(found, key=lambda pair: -(pair[1].last or 0))

    def recent(self, key: Key) -> list[Event]:
        """What was said about an object within the window."""
        oldest = self.now - self.settings.window
        return [event for _key, event in self.events(key) if event.last is None or event.last >= oldest]

    def ago(self, at: float | None) -> float | None:
        """Seconds since a time, never below zero: two clocks are at work."""
        return None if at is None else max(0.0, self.now - at)

    def matching(self, namespace: str, selector: t.Mapping[str, str]) -> list[Key]:
        """The workloads whose pods a selector takes."""
        if not selector:
            return []
        return [
            key
            for key, workload in self.snapshot.workloads.items()
            if key.namespace == namespace and selector.items() <= workload.labels.items()
        ]


class Book:
    """Findings as they are found, each cause once: what follows from one is written into it."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._by_key: dict[Key, int] = {}
        self._consequences: dict[int, list[str]] = collections.defaultdict(list)

    def add(self, finding: Finding, *keys: Key) -> None:
        """keys: the objects whose trouble it explains; of several findings about one the first is its cause."""
        for key in keys:
            self._by_key.setdefault(key, len(self._findings))
        self._findings.append(finding)

    def explains(self, key: Key) -> bool:
        return key in self._by_key

    def follows(self, key: Key, text: str) -> bool:
        """Write a consequence into the finding about an object. False where there is none."""
        if key not in self._by_key:
            return False
        told = self._consequences[self._by_key[key]]
        if text not in told:
            told.append(text)
        return True

    def also(self, key: Key, by: Key) -> None:
        """What explains one object explains another one."""
        if by in self._by_key:
            self._by_key.setdefault(key, self._by_key[by])

    def findings(self) -> list[Finding]:
        return [self._with(number, finding) for number, finding in enumerate(self._findings)]

    def _with(self, number: int, finding: Finding) -> Finding:
        told = self._consequences.get(number)
        if not told:
            return finding
        evidence = (*finding.evidence[:14], *(f"consequence: {text}" for text in told[:6]))
        details = {**finding.details, "consequences": told[:50]}
        return dataclasses.replace(finding, evidence=evidence, details=details)
