# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kafka cluster said at one moment, without judgement. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import typing as t

PartitionKey = tuple[str, int]
"""(topic, partition)."""

OK = "ok"


@dataclasses.dataclass(frozen=True)
class Probe:
    """What one address answered before any Kafka library was asked.

    kind: ok, or a kind of CollectError (dns, refused, timeout, silent, reset, not_protocol, tls, auth).
    node_id: the broker whose advertised listener this is; None for a bootstrap address.
    """

    address: str
    kind: str
    message: str = ""
    ms: float = 0.0
    node_id: int | None = None


@dataclasses.dataclass(frozen=True)
class Broker:
    id: int
    host: str
    port: int
    rack: str | None = None
    fenced: bool = False


@dataclasses.dataclass(frozen=True)
class Voter:
    """A member of the metadata quorum. Stamps are milliseconds of the quorum leader's clock, -1 where unknown."""

    id: int
    end_offset: int
    caught_up_ms: int = -1


@dataclasses.dataclass(frozen=True)
class Quorum:
    """leader -1: there is none."""

    leader: int
    epoch: int = -1
    voters: tuple[Voter, ...] = ()
    observers: tuple[Voter, ...] = ()


@dataclasses.dataclass(frozen=True)
class Partition:
    """leader -1: there is none."""

    topic: str
    index: int
    leader: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]

    @property
    def key(self) -> PartitionKey:
        return (self.topic, self.index)


@dataclasses.dataclass(frozen=True)
class Topic:
    name: str
    id: str
    internal: bool
    partitions: tuple[Partition, ...]
    min_isr: int | None = None


@dataclasses.dataclass(frozen=True)
class LogDir:
    """error: the broker's name for what is wrong, empty where nothing is. Bytes are -1 on brokers that do not tell."""

    broker: int
    path: str
    error: str = ""
    total_bytes: int = -1
    usable_bytes: int = -1


@dataclasses.dataclass(frozen=True)
class Member:
    """assigned, topics: None where the assignment is not in the consumer protocol, so nobody can tell."""

    id: str
    client_id: str
    host: str
    assigned: tuple[PartitionKey, ...] | None = None
    topics: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """members: None where membership could not be read (KIP-848 and share groups, no permission)."""

    name: str
    type: str = "classic"
    state: str = "Unknown"
    members: tuple[Member, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Sample:
    """One group and partition at one moment; committed None: never committed; end None: could not be read."""

    at: float
    group: str
    topic: str
    partition: int
    committed: int | None
    end: int | None

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class GroupRound:
    """State and members of one group in one round of sampling; member_ids None where they could not be read."""

    at: float
    state: str
    member_ids: frozenset[str] | None


@dataclasses.dataclass(frozen=True)
class Transaction:
    id: str
    producer_id: int
    state: str
    started_ms: int
    timeout_ms: int
    partitions: tuple[PartitionKey, ...]


@dataclasses.dataclass(frozen=True)
class Peek:
    """The record at one offset, read with its checksum; only its timestamp is kept, never its content."""

    topic: str
    partition: int
    offset: int
    corrupt: bool = False
    timestamp_ms: int | None = None
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Unmeasured:
    """What could not be read and why. node: the broker that should have answered, where it is about one."""

    what: str
    why: str
    severity: str = "P3"
    node: int | None = None


@dataclasses.dataclass
class KafkaSnapshot:
    """Everything that one look found. Collections are empty where nothing was read; then unmeasured says why."""

    probes: list[Probe] = dataclasses.field(default_factory=list)
    listeners: list[Probe] = dataclasses.field(default_factory=list)
    cluster_id: str = ""
    brokers: list[Broker] = dataclasses.field(default_factory=list)
    quorum: Quorum | None = None
    quorum_error: str = ""
    topics: dict[str, Topic] = dataclasses.field(default_factory=dict)
    topics_read: bool = False
    log_dirs: list[LogDir] = dataclasses.field(default_factory=list)
    groups: dict[str, Group] = dataclasses.field(default_factory=dict)
    rounds: dict[str, list[GroupRound]] = dataclasses.field(default_factory=dict)
    samples: list[Sample] = dataclasses.field(default_factory=list)
    earliest: dict[PartitionKey, int] = dataclasses.field(default_factory=dict)
    stable: dict[PartitionKey, list[tuple[float, int]]] = dataclasses.field(default_factory=dict)
    newest_ms: dict[PartitionKey, int] = dataclasses.field(default_factory=dict)
    transactions: list[Transaction] = dataclasses.field(default_factory=list)
    peeks: list[Peek] = dataclasses.field(default_factory=list)
    retention_minutes: int | None = None
    unmeasured: list[Unmeasured] = dataclasses.field(default_factory=list)
    left_out: list[str] = dataclasses.field(default_factory=list)
    now: float = 0.0

    @property
    def reachable(self) -> bool:
        return any(probe.kind == OK for probe in self.probes)

    @property
    def leaderless(self) -> bool:
        """No metadata quorum: what the brokers say about each other is frozen at the moment it was lost."""
        return self.quorum is not None and self.quorum.leader < 0

    @property
    def unreachable(self) -> frozenset[int]:
        """Ids of the brokers whose advertised listener can't be reached from here."""
        return frozenset(probe.node_id for probe in self.listeners if probe.kind != OK and probe.node_id is not None)

    @property
    def alive(self) -> frozenset[int]:
        """Ids of the brokers that the cluster counts as serving; where it can't count, those that answer."""
        counted = frozenset(broker.id for broker in self.brokers if not broker.fenced)
        return counted - self.unreachable if self.leaderless else counted

    def partitions(self) -> t.Iterator[Partition]:
        for name in sorted(self.topics):
            yield from self.topics[name].partitions
