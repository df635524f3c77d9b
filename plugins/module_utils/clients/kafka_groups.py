# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consumer groups, their members, committed offsets and log ends, sampled in rounds -> snapshot."""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ..core.kafka_members import some
from ..core.kafka_snapshot import Group, GroupRound, KafkaSnapshot, Member, PartitionKey, Sample
from .errors import CollectError
from .kafka_admin import Admin, AskError
from .kafka_cluster import chosen, missed

GROUPS_A_REQUEST = 500
PARTITIONS_A_REQUEST = 2000
MOST_GROUPS = 10000

Offsets = dict[str, dict[PartitionKey, int]]


def read_groups(admin: Admin, snapshot: KafkaSnapshot, include: t.Sequence[str], exclude: t.Sequence[str]) -> None:
    """Which groups there are. Each broker knows those that it coordinates."""
    for node in sorted(snapshot.alive):
        what = f"consumer groups of broker {node}"
        try:
            if node in admin.unreachable:
                raise AskError("refused", "its advertised listener can't be reached from here")
            listed = admin.ask(what, functools.partial(admin.client.list_groups, broker_ids=[node]))
        except CollectError as error:
            missed(snapshot, what, error, "P2", node)
            continue
        for item in listed:
            if chosen(item["group_id"], include, exclude):
                kind, state = item.get("group_type") or "classic", item.get("group_state") or "Unknown"
                snapshot.groups[item["group_id"]] = Group(item["group_id"], kind, state)
    _leave_out(snapshot)


def _leave_out(snapshot: KafkaSnapshot) -> None:
    names = sorted(snapshot.groups)
    for name in names[MOST_GROUPS:]:
        del snapshot.groups[name]
    if len(names) > MOST_GROUPS:
        snapshot.left_out.append(f"{len(names) - MOST_GROUPS} of {len(names)} groups (the option groups names fewer)")
    share = [name for name, group in snapshot.groups.items() if group.type == "share"]
    if share:
        error = AskError("unsupported", "share groups keep their offsets elsewhere; this client can't read them")
        missed(snapshot, f"lag of share group {some(share)}", error, "P4")


def sample(admin: Admin, snapshot: KafkaSnapshot, rounds: int, interval: float, reserve: float) -> None:
    """Look so many times, so many seconds apart. A later look that fails takes nothing back.

    The spacing is that of the reads of committed offsets: a verdict rests on how long those stood still.
    """
    names = sorted(name for name, group in snapshot.groups.items() if group.type != "share")
    for number in range(rounds):
        if number == 0:
            _describe(admin, snapshot, names, True)
        started = time.monotonic()
        _round(admin, snapshot, names, number == 0)
        if number > 0:
            _describe(admin, snapshot, names, False)
        if number == rounds - 1:
            break
        pause = max(0.0, interval - (time.monotonic() - started))
        if admin.deadline.left() - pause < reserve or not admin.deadline.wait(pause):
            short = AskError("deadline", "there was not enough time; raise deadline, or lower samples or interval")
            missed(snapshot, f"samples {number + 2} to {rounds} of {rounds}", short)
            break


def _round(admin: Admin, snapshot: KafkaSnapshot, names: t.Sequence[str], first: bool) -> None:
    alive = [name for name in names if name in snapshot.groups]
    at = time.time()
    committed = _committed(admin, snapshot, alive, first)
    wanted = _wanted(snapshot, committed)
    ends = read_ends(admin, snapshot, sorted({key for keys in wanted.values() for key in keys}), first)
    for name, keys in wanted.items():
        for key in sorted(keys):
            offset = committed[name].get(key)
            known = offset if offset is not None and offset >= 0 else None
            snapshot.samples.append(Sample(at, name, key[0], key[1], known, ends.get(key)))
    read_stable(admin, snapshot, at)


def _describe(admin: Admin, snapshot: KafkaSnapshot, names: t.Sequence[str], first: bool) -> None:
    """State and members. KIP-848 groups are not covered by this question: they keep the state that the list gave."""
    classic = [name for name in names if name in snapshot.groups and snapshot.groups[name].type == "classic"]
    at = time.time()
    answers, failures = admin.bisect("members of groups", classic, admin.client.describe_groups, GROUPS_A_REQUEST)
    for name, item in answers.items():
        group = _group(snapshot.groups[name], item)
        if group is None:
            del snapshot.groups[name]
            continue
        if group.members is None and not first:
            continue
        snapshot.groups[name] = group
        ids = None if group.members is None else frozenset(member.id for member in group.members)
        snapshot.rounds.setdefault(name, []).append(GroupRound(at, group.state, ids))
    denied = [name for name in answers if name in snapshot.groups and snapshot.groups[name].members is None]
    if first:
        _say(snapshot, "members of", failures, "P3")
        refused = {name: AskError("permission", str(answers[name].get("error"))) for name in denied}
        _say(snapshot, "members of", refused, "P3")


def _group(group: Group, item: t.Mapping[str, t.Any]) -> Group | None:
    """None where the group vanished between the list and this question."""
    if item["group_state"] == "Dead" and "GroupIdNotFound" in str(item.get("error") or ""):
        return None
    if item.get("error"):
        return dataclasses.replace(group, members=None)
    members = tuple(_member(member, item.get("protocol_type")) for member in item["members"])
    return dataclasses.replace(group, state=item["group_state"] or group.state, members=members)


def _member(item: t.Mapping[str, t.Any], protocol: str | None) -> Member:
    assigned = topics = None
    assignment, subscription = item.get("member_assignment"), item.get("member_metadata")
    if protocol == "consumer":
        if isinstance(assignment, dict):
            parts = assignment.get("assigned_partitions") or ()
            assigned = tuple((part["topic"], index) for part in parts for index in part["partitions"])
        elif not assignment:
            assigned = ()
        if isinstance(subscription, dict):
            topics = tuple(subscription.get("topics") or ())
    host = str(item.get("client_host") or "").lstrip("/")
    return Member(item["member_id"], item.get("client_id") or "", host, assigned, topics)


def _committed(admin: Admin, snapshot: KafkaSnapshot, names: t.Sequence[str], first: bool) -> Offsets:
    """Committed offsets. They are read before the log ends, or a busy group would seem to be ahead of its topic."""

    def ask(part: list[str]) -> dict[str, dict[PartitionKey, int]]:
        found = admin.client.list_group_offsets(dict.fromkeys(part))
        return {
            name: {(tp.topic, tp.partition): item.offset for tp, item in found.get(name, {}).items()} for name in part
        }

    answers, failures = admin.bisect("committed offsets", names, ask, GROUPS_A_REQUEST)
    lost = {name: error for name, error in failures.items() if error.kind != "gone"}
    if first:
        _say(snapshot, "committed offsets of", lost, "P2")
    elif lost:
        missed(snapshot, f"a later sample of group {some(sorted(lost))}", next(iter(lost.values())))
    return answers


def _wanted(snapshot: KafkaSnapshot, committed: Offsets) -> dict[str, set[PartitionKey]]:
    """Of each group, the partitions with a commit and those that a member has, as far as their topics are looked at."""
    wanted: dict[str, set[PartitionKey]] = {}
    for name, offsets in committed.items():
        keys = set(offsets)
        for member in snapshot.groups[name].members or ():
            keys.update(member.assigned or ())
        wanted[name] = {key for key in keys if key[0] in snapshot.topics} if snapshot.topics_read else keys
    return wanted


def _say(snapshot: KafkaSnapshot, what: str, failures: t.Mapping[str, AskError], severity: str) -> None:
    """One entry for all groups that failed for the same reason."""
    reasons: dict[str, list[str]] = {}
    for name, error in failures.items():
        reasons.setdefault(error.name or error.kind, []).append(name)
    for names in reasons.values():
        error = failures[names[0]]
        missed(snapshot, f"{what} {len(names)} groups: {some(sorted(names), 10)}", error, severity)


def askable(admin: Admin, snapshot: KafkaSnapshot, keys: t.Iterable[PartitionKey]) -> list[PartitionKey]:
    """Partitions with a leader that can be reached: one without fails the whole question."""
    leaders = {partition.key: partition.leader for partition in snapshot.partitions()}
    if not snapshot.topics_read:
        return list(keys)
    return [key for key in keys if leaders.get(key, -1) >= 0 and leaders[key] not in admin.unreachable]


def read_offsets(
    admin: Admin, snapshot: KafkaSnapshot, keys: t.Sequence[PartitionKey], what: str, spec: t.Any, **more: t.Any
) -> tuple[dict[PartitionKey, t.Any], dict[PartitionKey, AskError]]:
    """OffsetSpec of every partition: (answers with offset and timestamp, failures)."""
    from kafka import TopicPartition

    def ask(part: list[PartitionKey]) -> dict[PartitionKey, t.Any]:
        wanted = {TopicPartition(*key): spec for key in part}
        timeout = round(1000 * max(0.5, admin.deadline.cap(2.0)))
        found = admin.client.list_partition_offsets(wanted, timeout_ms=timeout, **more)
        return {(tp.topic, tp.partition): item for tp, item in found.items()}

    return admin.bisect(what, askable(admin, snapshot, keys), ask, PARTITIONS_A_REQUEST)


def read_ends(
    admin: Admin, snapshot: KafkaSnapshot, keys: t.Sequence[PartitionKey], first: bool
) -> dict[PartitionKey, int]:
    from kafka.admin import OffsetSpec

    answers, failures = read_offsets(admin, snapshot, keys, "log ends", OffsetSpec.LATEST)
    if failures and first:
        names = [f"{topic}-{index}" for topic, index in sorted(failures)]
        missed(snapshot, f"log ends of {len(names)} partitions: {some(names)}", next(iter(failures.values())))
    return {key: item.offset for key, item in answers.items()}


def latest(snapshot: KafkaSnapshot) -> dict[tuple[str, PartitionKey], Sample]:
    """The newest sample of each group and partition."""
    return {(item.group, (item.topic, item.partition)): item for item in snapshot.samples}


def read_stable(admin: Admin, snapshot: KafkaSnapshot, at: float, most: int = PARTITIONS_A_REQUEST) -> None:
    """The last stable offset where records wait: an open transaction may be what holds them back."""
    from kafka.admin import OffsetSpec

    behind: dict[PartitionKey, int] = {}
    for (_group, key), item in latest(snapshot).items():
        if item.committed is not None and item.end is not None and item.end > item.committed:
            behind[key] = max(behind.get(key, 0), item.end - item.committed)
    keys = sorted(behind, key=lambda key: -behind[key])
    if len(keys) > most:
        text = f"open transactions on {len(keys) - most} of {len(keys)} partitions with lag"
        if text not in snapshot.left_out:
            snapshot.left_out.append(text)
    answers, _failures = read_offsets(
        admin, snapshot, keys[:most], "last stable offsets", OffsetSpec.LATEST, isolation_level="read_committed"
    )
    for key, item in answers.items():
        snapshot.stable.setdefault(key, []).append((at, item.offset))


def read_earliest(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """Where the log begins, for partitions with something to read or without a commit."""
    from kafka.admin import OffsetSpec

    keys = {
        key
        for (_group, key), item in latest(snapshot).items()
        if item.committed is None or (item.end is not None and item.end > item.committed)
    }
    answers, failures = read_offsets(admin, snapshot, sorted(keys), "log starts", OffsetSpec.EARLIEST)
    if failures:
        missed(snapshot, f"log starts of {len(failures)} partitions", next(iter(failures.values())))
    snapshot.earliest.update({key: item.offset for key, item in answers.items()})


def read_newest(admin: Admin, snapshot: KafkaSnapshot, keys: t.Iterable[PartitionKey]) -> None:
    """The time stamp of the newest record; -1 for an empty partition."""
    from kafka.admin import OffsetSpec

    answers, failures = read_offsets(admin, snapshot, sorted(set(keys)), "newest records", OffsetSpec.MAX_TIMESTAMP)
    if any(error.kind == "unsupported" for error in failures.values()):
        snapshot.left_out.append("age of records (the broker is too old to tell)")
    elif failures:
        missed(snapshot, f"newest records of {len(failures)} partitions", next(iter(failures.values())), "P4")
    snapshot.newest_ms.update({key: item.timestamp for key, item in answers.items()})
