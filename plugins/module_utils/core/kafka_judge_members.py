# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a consumer group -> findings: rebalancing without end, partitions without an owner, idle members. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .kafka_group_lag import REBALANCING, GroupLag
from .kafka_members import MOST, partition_name, some
from .kafka_settings import Settings
from .kafka_snapshot import GroupRound, KafkaSnapshot
from .quantities import count


def judge_members(one: GroupLag, snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    rebalance = rebalancing(one, snapshot, settings)
    if rebalance:
        yield _rebalance_finding(one, rebalance, settings)
        return
    if one.unassigned or one.orphans:
        yield _unassigned(one, settings)
    idle = [member.id for member in one.group.members or () if member.assigned == ()]
    if one.group.state == "Stable" and idle and len(idle) < len(one.group.members or ()):
        # Where all of them are idle it is not their number: what they subscribe to is not there.
        yield _idle(one, idle)


def rebalancing(one: GroupLag, snapshot: KafkaSnapshot, settings: Settings) -> tuple[float, str] | None:
    """(seconds seen, what was seen) where the group was found without a settled assignment again and again."""
    rounds = snapshot.rounds.get(one.group.name, [])
    restless = [item for item in rounds if item.state in REBALANCING]
    changes = [after for before, after in zip(rounds, rounds[1:]) if _churn(before, after)]
    if len(restless) + len(changes) < 2:
        return None
    marks = sorted(item.at for item in (*restless, *changes))
    seconds = marks[-1] - marks[0]
    if seconds < settings.thresholds["rebalance_seconds"]["warn"] * 0.99:
        return None
    states = ", ".join(item.state for item in rounds)
    return seconds, f"states seen: {states}; members changed {len(changes)} times in {len(rounds)} looks"


def _churn(before: GroupRound, after: GroupRound) -> bool:
    if before.member_ids is None or after.member_ids is None:
        return False
    return before.member_ids != after.member_ids and bool(before.member_ids or after.member_ids)


def _rebalance_finding(one: GroupLag, seen: tuple[float, str], settings: Settings) -> Finding:
    seconds, what = seen
    name = one.group.name
    critical = seconds >= settings.thresholds["rebalance_seconds"]["crit"]
    return Finding(
        id="kafka.group.rebalancing",
        component=f"group:{name}",
        subject=f"group {name}",
        state=CRITICAL if critical else WARNING,
        severity="P2",
        summary=f"Group {name} keeps rebalancing (seen for {seconds:.0f} s) and reads little or nothing meanwhile",
        observed={"seconds": round(seconds, 1), "state": one.group.state},
        threshold=settings.pair("rebalance_seconds"),
        evidence=(what, f"lag of the group: {one.total}"),
        causes=(
            "the handler takes longer than max.poll.interval.ms",
            "a member restarts again and again",
            "heartbeats get lost: session.timeout.ms is too short for the load",
        ),
        remedies=(
            Remedy("Look", command=settings.command("kafka-consumer-groups", "--describe", "--group", name, "--state")),
            Remedy("Look for a member in a restart loop and mend that first"),
            Remedy("Raise max.poll.interval.ms or lower max.poll.records of the consumer", "disruptive"),
        ),
        details={"group": name, "state": one.group.state, "members_hosts": _hosts(one)},
    )


def _unassigned(one: GroupLag, settings: Settings) -> Finding:
    name = one.group.name
    keys = sorted({*one.unassigned, *one.orphans})
    names = [partition_name(*key) for key in keys]
    waiting = sum((one.partitions[key].lag or 0) for key in keys if key in one.partitions)
    return Finding(
        id="kafka.group.unassigned",
        component=f"group:{name}",
        subject=f"group {name}: {some(names)}",
        state=CRITICAL,
        severity="P2",
        summary=f"No member of group {name} reads {some(names)}; {waiting} records wait there",
        observed={"partitions": len(keys), "lag": waiting},
        threshold={"partitions": 0},
        evidence=tuple(_why(one, key) for key in keys[:MOST]),
        causes=(
            "partitions were added and the consumer has not noticed",
            "a faulty assignor",
            "the consumer subscribes to other topics than it used to",
        ),
        remedies=(
            Remedy(
                "See who owns which partition",
                command=settings.command(
                    "kafka-consumer-groups", "--describe", "--group", name, "--members", "--verbose"
                ),
            ),
            Remedy("Restart one member, so that the group assigns again", "low"),
        ),
        details={
            "group": name,
            "partitions": [{"topic": topic, "partition": index} for topic, index in keys[:MOST]],
            "total": len(keys),
            "members_hosts": _hosts(one),
        },
    )


def _why(one: GroupLag, key: tuple[str, int]) -> str:
    part = one.partitions.get(key)
    lag = "never committed" if part is None or part.lag is None else f"lag {part.lag}"
    if key in one.unassigned:
        return f"{partition_name(*key)}: in no member's assignment, {lag}"
    return f"{partition_name(*key)}: no member subscribes to {key[0]} any more, {lag}"


def _idle(one: GroupLag, idle: list[str]) -> Finding:
    name = one.group.name
    members = len(one.group.members or ())
    return Finding(
        id="kafka.group.idle_members",
        component=f"group:{name}",
        subject=f"group {name}",
        state=WARNING,
        severity="P4",
        summary=f"{len(idle)} of {count(members, 'member')} of group {name} have no partition to read",
        observed={"idle": len(idle), "members": members},
        threshold={"idle": 0},
        evidence=tuple(f"member {member} has no partition" for member in idle[:MOST]),
        causes=("the group has more members than its topics have partitions",),
        remedies=(Remedy("Run fewer members, or add partitions (this changes which key goes where)", "disruptive"),),
        details={"group": name, "total": len(idle)},
    )


def _hosts(one: GroupLag) -> list[str]:
    return sorted({member.host for member in one.group.members or ()})[:MOST]
