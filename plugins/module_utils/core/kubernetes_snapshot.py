# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from a Kubernetes cluster at one moment. No judgement here.

Times are epoch seconds by the cluster's clocks, None where there is none. Words that this version does not know stay
what they are: nothing here is an enumeration.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from .kubernetes_growth import Near

KINDS = (
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "nodes",
    "hpas",
    "pdbs",
    "quotas",
    "pvcs",
    "endpointslices",
    "services",
    "events",
)
"""What a look is made of, by the names that the option parts knows."""


class Key(t.NamedTuple):
    """An object: what owns a pod, or what an event is about."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


class Condition(t.NamedTuple):
    status: str
    reason: str = ""
    message: str = ""
    since: float | None = None

    @property
    def true(self) -> bool:
        return self.status == "True"

    @property
    def false(self) -> bool:
        return self.status == "False"


NO_CONDITION = Condition("")


class Ended(t.NamedTuple):
    """How a container's process ended."""

    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started: float | None = None
    finished: float | None = None
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Container:
    """One container of a pod. state: running, waiting, terminated, or empty where the kubelet has not said yet."""

    name: str
    init: bool = False
    state: str = ""
    reason: str = ""
    message: str = ""
    ready: bool = False
    restarts: int = 0
    started: float | None = None
    ended: Ended | None = None
    last: Ended | None = None
    image: str = ""
    memory_limit: int | None = None
    command: str = ""

    @property
    def latest_end(self) -> Ended | None:
        """The newest end of its process, whether it was started again or not."""
        return self.ended or self.last


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod that is worth a second look; the well ones are only counted."""

    namespace: str
    name: str
    uid: str = ""
    owner: Key | None = None
    phase: str = ""
    reason: str = ""
    message: str = ""
    created: float | None = None
    deleting: bool = False
    node: str = ""
    revision: str = ""
    conditions: t.Mapping[str, Condition] = dataclasses.field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    claims: tuple[str, ...] = ()
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> Key:
        return Key("Pod", self.namespace, self.name)

    @property
    def ready(self) -> Condition:
        return self.conditions.get("Ready", NO_CONDITION)


@dataclasses.dataclass
class Tally:
    """How many pods of an owner there are, of those that are well too; by revision those that are ready."""

    pods: int = 0
    ready: int = 0
    ready_by_revision: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet or Job, as far as its replicas go."""

    key: Key
    uid: str = ""
    generation: int = 0
    observed: int | None = None
    changed: float | None = None
    created: float | None = None
    wanted: int = 0
    available: int = 0
    updated: int = 0
    total: int = 0
    paused: bool = False
    conditions: t.Mapping[str, Condition] = dataclasses.field(default_factory=dict)
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    current_revision: str = ""
    update_revision: str = ""
    strategy: str = ""
    memory_limits: t.Mapping[str, int] = dataclasses.field(default_factory=dict)


class Replicas(t.NamedTuple):
    """A ReplicaSet: one revision of a Deployment."""

    key: Key
    owner: Key | None
    revision: int
    hash: str
    created: float | None
    wanted: int
    ready: int
    failure: Condition


class Job(t.NamedTuple):
    key: Key
    owner: Key | None
    created: float | None
    failed: Condition
    done: bool
    failures: int
    suspended: bool


class CronJob(t.NamedTuple):
    key: Key
    schedule: str
    zone: str
    suspended: bool
    created: float | None
    last: float | None
    active: int
    policy: str


class Node(t.NamedTuple):
    name: str
    conditions: t.Mapping[str, Condition]
    unschedulable: bool


class Scaler(t.NamedTuple):
    """A HorizontalPodAutoscaler."""

    key: Key
    target: Key
    current: int
    wanted: int
    most: int
    least: int
    conditions: t.Mapping[str, Condition]


class Budget(t.NamedTuple):
    """A PodDisruptionBudget."""

    key: Key
    selector: t.Mapping[str, str]
    healthy: int
    needed: int
    expected: int
    allowed: int
    since: float | None


class Quota(t.NamedTuple):
    """used and hard by resource, both in its own unit."""

    key: Key
    rows: t.Mapping[str, tuple[float, float]]


class Claim(t.NamedTuple):
    """A PersistentVolumeClaim."""

    key: Key
    phase: str
    created: float | None
    storage_class: str | None


class Service(t.NamedTuple):
    key: Key
    selector: t.Mapping[str, str]
    type: str
    created: float | None


class Event(t.NamedTuple):
    """What somebody said about an object: the newest of each reason and message."""

    reason: str
    message: str
    times: int
    first: float | None
    last: float | None


class Refusal(t.NamedTuple):
    """A part that could not be read. kind as CollectError has it."""

    kind: str
    message: str
    verb: str = ""
    resource: str = ""
    namespace: str = ""


@dataclasses.dataclass(frozen=True)
class Log:
    """The end of one container's log. traces: equal stack traces are one, with a count."""

    entries: tuple[t.Mapping[str, str], ...] = ()
    traces: tuple[t.Mapping[str, t.Any], ...] = ()
    previous: bool = False


@dataclasses.dataclass
class Snapshot:
    """One look. refusals: (part, namespace) -> why it could not be read; logs by pod and container;
    owners of all pods are kept only where their CPU time is looked at."""

    now: float
    address: str = ""
    version: str = ""
    error: Refusal | None = None
    parts: tuple[str, ...] = KINDS
    refusals: dict[tuple[str, str], Refusal] = dataclasses.field(default_factory=dict)
    pods: list[Pod] = dataclasses.field(default_factory=list)
    tallies: dict[Key, Tally] = dataclasses.field(default_factory=dict)
    pods_seen: int = 0
    owners: dict[tuple[str, str], Key | None] = dataclasses.field(default_factory=dict)
    bare_labels: list[tuple[str, t.Mapping[str, str]]] = dataclasses.field(default_factory=list)
    workloads: dict[Key, Workload] = dataclasses.field(default_factory=dict)
    replicasets: dict[Key, Replicas] = dataclasses.field(default_factory=dict)
    jobs: dict[Key, Job] = dataclasses.field(default_factory=dict)
    cronjobs: list[CronJob] = dataclasses.field(default_factory=list)
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    hpas: list[Scaler] = dataclasses.field(default_factory=list)
    pdbs: list[Budget] = dataclasses.field(default_factory=list)
    quotas: list[Quota] = dataclasses.field(default_factory=list)
    claims: dict[Key, Claim] = dataclasses.field(default_factory=dict)
    services: list[Service] = dataclasses.field(default_factory=list)
    endpoints: dict[tuple[str, str], list[int]] = dataclasses.field(default_factory=dict)
    events: dict[Key, list[Event]] = dataclasses.field(default_factory=dict)
    logs: dict[tuple[str, str, str], Log] = dataclasses.field(default_factory=dict)
    memory: dict[tuple[str, str, str], int] = dataclasses.field(default_factory=dict)
    cpu: dict[tuple[str, str, str], tuple[float, float]] = dataclasses.field(default_factory=dict)
    near: dict[Key, Near] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def read(self, part: str) -> bool:
        """Whether a part was read everywhere: silence means something only then."""
        return part in self.parts and not any(name == part for name, _namespace in self.refusals)
