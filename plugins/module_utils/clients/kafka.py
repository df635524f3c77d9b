# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka cluster -> KafkaSnapshot: probes, one admin client, one deadline. Whatever fails is said; the rest stays."""

from __future__ import annotations

import dataclasses
import time

from ..core.kafka_snapshot import OK, KafkaSnapshot, Probe
from .deadline import Deadline
from .errors import CollectError
from .kafka_admin import Admin
from .kafka_cluster import (
    missed,
    read_brokers,
    read_log_dirs,
    read_quorum,
    read_retention,
    read_topics,
    read_transactions,
)
from .kafka_groups import read_earliest, read_groups, read_newest, sample
from .kafka_options import KafkaOptions
from .kafka_probe import Asking
from .kafka_records import peek, stuck

RESERVE_SECONDS = 7.0
"""Left for what is asked after the last sample."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to look at. Patterns are exact names or globs; none means all. rounds: how often offsets are read."""

    groups: tuple[str, ...] = ()
    exclude_groups: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    exclude_topics: tuple[str, ...] = ()
    busy_topics: tuple[str, ...] = ()
    rounds: int = 3
    interval: float = 5.0
    allowed_lag: int = 10


def collect(options: KafkaOptions, wanted: Wanted, deadline: Deadline) -> KafkaSnapshot:
    """One look. Never raises for a sick cluster."""
    snapshot = KafkaSnapshot()
    asking = Asking([(address, None) for address in options.bootstrap_servers], options, deadline)
    good = asking.first_ok()
    if good:
        _look(snapshot, [probe.address for probe in good], options, wanted, deadline)
    snapshot.probes = asking.all()
    snapshot.now = time.time()
    return snapshot


def _look(
    snapshot: KafkaSnapshot, bootstrap: list[str], options: KafkaOptions, wanted: Wanted, deadline: Deadline
) -> None:
    try:
        admin = Admin(bootstrap, options, deadline)
    except CollectError as error:
        missed(snapshot, "the cluster behind the bootstrap address", error, "P1")
        return
    try:
        snapshot.listeners = _listeners(admin, bootstrap, options, deadline)
        read_brokers(admin, snapshot)
        read_topics(admin, snapshot, wanted.topics, wanted.exclude_topics)
        read_log_dirs(admin, snapshot)
        read_groups(admin, snapshot, wanted.groups, wanted.exclude_groups)
        sample(admin, snapshot, wanted.rounds, wanted.interval, min(RESERVE_SECONDS, deadline.seconds / 4))
        _details(admin, snapshot, wanted)
        read_quorum(admin, snapshot)
    finally:
        admin.close()


def _listeners(admin: Admin, bootstrap: list[str], options: KafkaOptions, deadline: Deadline) -> list[Probe]:
    """Whether each broker can be reached under the address that it advertises; those that can't are not asked again."""
    addresses = {}
    for node, host, port in admin.known_brokers():
        addresses[node] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    known = [Probe(address, OK, node_id=node) for node, address in addresses.items() if address in bootstrap]
    asked = [(address, node) for node, address in addresses.items() if address not in bootstrap]
    probes = known + Asking(asked, options, deadline).all()
    for probe in probes:
        if probe.kind != OK and probe.node_id is not None:
            admin.avoid(probe.node_id)
    return probes


def _details(admin: Admin, snapshot: KafkaSnapshot, wanted: Wanted) -> None:
    """What only matters where something waits, is empty or should be busy."""
    read_earliest(admin, snapshot)
    read_transactions(admin, snapshot)
    if any(group.state in ("Empty", "Dead") for group in snapshot.groups.values()):
        read_retention(admin, snapshot)
    peek(admin, snapshot, stuck(snapshot, wanted.allowed_lag))
    keys = {(item.topic, item.partition) for item in snapshot.peeks if not item.corrupt}
    for name in wanted.busy_topics:
        if name in snapshot.topics:
            keys.update(partition.key for partition in snapshot.topics[name].partitions)
    read_newest(admin, snapshot, keys)
