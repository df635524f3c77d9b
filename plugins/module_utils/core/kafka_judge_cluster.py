# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brokers, quorum, partitions, topics and disks of a Kafka snapshot -> findings. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .kafka_members import MOST, partition_details, partition_evidence, partition_name, some
from .kafka_settings import Settings
from .kafka_snapshot import KafkaSnapshot, Partition, Quorum, Topic, Voter
from .quantities import count


def judge_cluster(snapshot: KafkaSnapshot, settings: Settings) -> list[Finding]:
    missing = missing_brokers(snapshot, settings)
    if snapshot.leaderless:
        # All that the brokers say about each other and about partitions is frozen: it follows from this.
        findings = list(_quorum(snapshot, settings, missing))
        return [*findings, *_expected_topics(snapshot, settings), *_log_dirs(snapshot, settings)]
    return [
        *_missing(snapshot, settings, missing),
        *_quorum(snapshot, settings, missing),
        *_partitions(snapshot, settings),
        *_unreplicated(snapshot, settings),
        *_expected_topics(snapshot, settings),
        *_log_dirs(snapshot, settings),
    ]


def missing_brokers(snapshot: KafkaSnapshot, settings: Settings) -> list[int]:
    """Brokers that are declared, registered but fenced, or hold replicas, and do not serve."""
    wanted = set(settings.expected_brokers)
    if not wanted:
        wanted = {broker.id for broker in snapshot.brokers}
        for partition in snapshot.partitions():
            wanted.update(partition.replicas)
    return sorted(wanted - snapshot.alive)


def _missing(snapshot: KafkaSnapshot, settings: Settings, missing: list[int]) -> t.Iterator[Finding]:
    if not missing:
        return
    names = [str(broker) for broker in missing]
    fenced = sorted(broker.id for broker in snapshot.brokers if broker.fenced)
    why = "declared" if settings.expected_brokers else "known from registrations and replica assignments"
    yield Finding(
        id="kafka.broker.missing",
        component=settings.component,
        subject=f"broker {some(names)}",
        state=CRITICAL,
        severity="P2",
        summary=f"{count(len(missing), 'broker')} of the cluster missing: {some(names)}",
        observed={"alive": sorted(snapshot.alive), "missing": missing},
        threshold={"missing": []},
        evidence=(f"serving: {sorted(snapshot.alive)}; fenced: {fenced}; expected ones are {why}",),
        causes=("the broker's process or host is down", "it can't reach the controllers and was fenced"),
        remedies=(
            Remedy("Look at that broker's log and host"),
            Remedy("Start the broker; it catches up by itself", "disruptive"),
        ),
        details={"brokers": missing, "fenced": fenced},
    )


def _quorum(snapshot: KafkaSnapshot, settings: Settings, missing: list[int]) -> t.Iterator[Finding]:
    quorum = snapshot.quorum
    if quorum is None:
        return
    if quorum.leader < 0:
        yield _no_leader(snapshot, quorum, settings, missing)
        return
    lagging = [voter for voter in quorum.voters if voter.id not in missing and _behind(quorum, voter, settings)]
    if lagging:
        yield _lagging(quorum, lagging, settings)


def _no_leader(snapshot: KafkaSnapshot, quorum: Quorum, settings: Settings, missing: list[int]) -> Finding:
    voters = [str(voter.id) for voter in quorum.voters]
    lost = sum(part.leader < 0 or part.leader in missing for part in snapshot.partitions())
    unread = [entry.what for entry in snapshot.unmeasured if entry.node is not None and entry.node in missing]
    return Finding(
        id="kafka.quorum.no_leader",
        component=settings.component,
        subject="metadata quorum",
        state=CRITICAL,
        severity="P1",
        summary="The metadata quorum has no leader: the cluster can't elect partition leaders or change anything",
        observed={"leader": quorum.leader},
        evidence=tuple(
            line
            for line in (
                snapshot.quorum_error,
                f"voters: {', '.join(voters)}" if voters else "",
                f"brokers that serve: {sorted(snapshot.alive)}; missing: {missing}",
                f"{count(lost, 'partition')} can't be read or written, for the leader is missing" if lost else "",
                f"not measured because of it: {some(unread)}" if unread else "",
            )
            if line
        ),
        causes=("half or more of the controllers are down or can't reach each other",),
        details={"missing_brokers": missing, "partitions_without_leader": lost},
        remedies=(
            Remedy("Look", command=settings.command("kafka-metadata-quorum", "describe", "--status")),
            Remedy("Start the controllers that are down; a majority of them must run", "disruptive"),
        ),
    )


def _behind(quorum: Quorum, voter: Voter, settings: Settings) -> str | None:
    """warning, critical or None. Only stamps of the leader's own clock are compared."""
    leader = next((item for item in quorum.voters if item.id == quorum.leader), None)
    if leader is None or voter.id == leader.id:
        return None
    levels = [settings.level("quorum_lag_records", leader.end_offset - voter.end_offset)]
    if leader.caught_up_ms > 0 and voter.caught_up_ms > 0:
        levels.append(settings.level("quorum_lag_seconds", (leader.caught_up_ms - voter.caught_up_ms) / 1000))
    return CRITICAL if CRITICAL in levels else WARNING if WARNING in levels else None


def _lagging(quorum: Quorum, lagging: list[Voter], settings: Settings) -> Finding:
    leader = next(voter for voter in quorum.voters if voter.id == quorum.leader)
    majority = len(lagging) * 2 >= len(quorum.voters)
    names = [str(voter.id) for voter in lagging]
    return Finding(
        id="kafka.quorum.lagging",
        component=settings.component,
        subject=f"quorum voter {some(names)}",
        state=CRITICAL if majority else WARNING,
        severity="P1" if majority else "P2",
        summary=f"{len(lagging)} of {len(quorum.voters)} controllers lag behind the metadata log: {some(names)}",
        observed={voter.id: leader.end_offset - voter.end_offset for voter in lagging[:MOST]},
        threshold={name: settings.thresholds[name] for name in ("quorum_lag_records", "quorum_lag_seconds")},
        evidence=tuple(
            f"controller {voter.id}: {leader.end_offset - voter.end_offset} records behind, caught up"
            f" {max(0, leader.caught_up_ms - voter.caught_up_ms) / 1000:.0f} s ago"
            for voter in lagging[:MOST]
        ),
        causes=("that controller is down, slow or cut off",),
        remedies=(
            Remedy("Look", command=settings.command("kafka-metadata-quorum", "describe", "--replication")),
            Remedy("Start the controller, or mend its disk or network", "disruptive"),
        ),
        details={"voters": [voter.id for voter in lagging]},
    )


def _partitions(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Each partition under its worst name only: offline, under min ISR, under-replicated."""
    classes: dict[str, list[Partition]] = {"offline": [], "under_min_isr": [], "under_replicated": []}
    for topic in snapshot.topics.values():
        for partition in topic.partitions:
            kind = _class(topic, partition)
            if kind:
                classes[kind].append(partition)
    texts = {
        "offline": ("P1", CRITICAL, "no leader: nobody can read or write them", _OFFLINE_REMEDIES),
        "under_min_isr": ("P2", CRITICAL, "fewer replicas in sync than min.insync.replicas asks for", _ISR_REMEDIES),
        "under_replicated": ("P3", WARNING, "replicas that are not in sync", _ISR_REMEDIES),
    }
    flags = {
        "offline": "--unavailable-partitions",
        "under_min_isr": "--under-min-isr-partitions",
        "under_replicated": "--under-replicated-partitions",
    }
    for kind, partitions in classes.items():
        if partitions:
            look = Remedy("Look", command=settings.command("kafka-topics", "--describe", flags[kind]))
            severity, state, has, remedies = texts[kind]
            yield _partition_finding(kind, partitions, settings, severity, state, has, (look, *remedies))


def _class(topic: Topic, partition: Partition) -> str | None:
    if partition.leader < 0:
        return "offline"
    if topic.min_isr is not None and len(partition.isr) < topic.min_isr:
        return "under_min_isr"
    return "under_replicated" if len(partition.isr) < len(partition.replicas) else None


_OFFLINE_REMEDIES = (
    Remedy("Bring a broker back that holds a replica in sync", "disruptive"),
    Remedy("An unclean election brings them back too, but loses records: only after that is decided", "destructive"),
)
_ISR_REMEDIES = (Remedy("Bring the missing replica's broker back, or mend its disk or network", "disruptive"),)


def _partition_finding(
    kind: str,
    partitions: list[Partition],
    settings: Settings,
    severity: str,
    state: str,
    has: str,
    remedies: tuple[Remedy, ...],
) -> Finding:
    names = [partition_name(partition.topic, partition.index) for partition in partitions]
    return Finding(
        id=f"kafka.partition.{kind}",
        component=settings.component,
        subject=f"{count(len(names), 'partition')}: {some(names)}",
        state=state,
        severity=severity,
        summary=f"{count(len(names), 'partition')} ({some(names)}) with {has}",
        observed={"partitions": len(names)},
        threshold={"partitions": 0},
        evidence=partition_evidence(partitions),
        causes=("a broker that holds their replicas is down, cut off, too slow, or has lost its disk",),
        remedies=remedies,
        details=partition_details(partitions),
    )


def _unreplicated(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Fewer replicas than declared, or than the brokers that are there could hold (three at most).

    A topic that is offline already is told as that.
    """
    known = {broker.id for broker in snapshot.brokers} | set(settings.expected_brokers)
    wanted = settings.expected_replication or min(3, len(known))
    low = sorted(
        (min(len(p.replicas) for p in topic.partitions), topic.name)
        for topic in snapshot.topics.values()
        if topic.partitions
        and min(len(p.replicas) for p in topic.partitions) < wanted
        and all(p.leader >= 0 for p in topic.partitions)
    )
    if not low:
        return
    names = [f"{name} ({factor})" for factor, name in low]
    yield Finding(
        id="kafka.topic.unreplicated",
        component=settings.component,
        subject=f"{count(len(low), 'topic')}: {some(names)}",
        state=WARNING,
        severity="P4",
        summary=f"{count(len(low), 'topic')} with fewer than {wanted} replicas: {some(names)}",
        observed={"topics": len(low)},
        threshold={"replication": wanted},
        evidence=tuple(f"topic {name}: replication factor {factor}" for factor, name in low[:MOST]),
        causes=("the topic was created with a lower replication factor",),
        remedies=(Remedy("Raise it with kafka-reassign-partitions, at a quiet time", "disruptive"),),
        details={"topics": [name for _factor, name in low[:MOST]], "total": len(low), "expected": wanted},
    )


def _expected_topics(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    if not snapshot.topics_read:
        return
    gone = sorted(set(settings.expected_topics) - set(snapshot.topics))
    if not gone:
        return
    yield Finding(
        id="kafka.topic.missing",
        component=settings.component,
        subject=f"topic {some(gone)}",
        state=CRITICAL,
        severity="P2",
        summary=f"{count(len(gone), 'declared topic')} {'does' if len(gone) == 1 else 'do'} not exist: {some(gone)}",
        observed={"missing": gone[:MOST]},
        threshold={"missing": []},
        evidence=(f"the cluster has {count(len(snapshot.topics), 'topic')}, none of that name",),
        causes=("it was deleted", "it was never created here", "the client may not see it (no right to describe it)"),
        remedies=tuple(
            Remedy(
                f"Create {name} with the partition count and replication that it had",
                "low",
                settings.command("kafka-topics", "--create", "--topic", name, "--partitions", "N"),
            )
            for name in gone[:3]
        ),
        details={"topics": gone[:MOST], "total": len(gone)},
    )


def _log_dirs(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    failed = [item for item in snapshot.log_dirs if item.error]
    if failed:
        names = [f"{item.path} on broker {item.broker}" for item in failed]
        everything = len(failed) == len(snapshot.log_dirs)
        yield Finding(
            id="kafka.logdir.failed",
            component=settings.component,
            subject=f"log directory {some(names)}",
            state=CRITICAL,
            severity="P1" if everything else "P2",
            summary=f"Log directory {some(names)} has failed; its replicas are offline",
            observed={"failed": len(failed), "of": len(snapshot.log_dirs)},
            threshold={"failed": 0},
            evidence=tuple(f"{item.path} on broker {item.broker}: {item.error}" for item in failed[:MOST]),
            causes=("the disk failed, is full, or its mount is gone",),
            remedies=(Remedy("Mend the disk, then restart that broker so that it replicates again", "disruptive"),),
            details={"log_dirs": [{"broker": item.broker, "path": item.path} for item in failed[:MOST]]},
        )
    yield from _disks(snapshot, settings)


def _disks(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    used = [
        (100 * (item.total_bytes - item.usable_bytes) / item.total_bytes, item)
        for item in snapshot.log_dirs
        if item.total_bytes > 0 and item.usable_bytes >= 0
    ]
    low = [(share, item) for share, item in used if settings.level("disk_used_percent", share)]
    if not low:
        return
    low.sort(key=lambda pair: -pair[0])
    worst = low[0][0]
    critical = settings.level("disk_used_percent", worst) == CRITICAL
    names = [f"{item.path} on broker {item.broker}" for _share, item in low]
    yield Finding(
        id="kafka.disk.low",
        component=settings.component,
        subject=f"log directory {some(names)}",
        state=CRITICAL if critical else WARNING,
        severity="P1" if critical else "P2",
        summary=f"The disk of {some(names)} is {worst:.0f} % full; at 100 % the broker stops",
        observed={"used_percent": round(worst, 1)},
        threshold=settings.pair("disk_used_percent"),
        evidence=tuple(
            f"{item.path} on broker {item.broker}: {item.usable_bytes} of {item.total_bytes} bytes left"
            for _share, item in low[:MOST]
        ),
        causes=("retention keeps more than the disk holds", "another program fills the same disk"),
        remedies=(
            Remedy("Find the largest topics", command=settings.command("kafka-log-dirs", "--describe")),
            Remedy("Lower retention.ms of a named topic; never delete segment files by hand", "destructive"),
        ),
        details={
            "log_dirs": [
                {"broker": item.broker, "path": item.path, "used_percent": round(share, 1)}
                for share, item in low[:MOST]
            ]
        },
    )
