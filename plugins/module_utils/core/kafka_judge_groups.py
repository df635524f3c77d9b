# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consumer groups of a Kafka snapshot -> findings about their lag. Pure."""

from __future__ import annotations

import fnmatch
import typing as t

from . import kafka_lag as lag
from .findings import CRITICAL, WARNING, Finding, Remedy
from .kafka_group_lag import GroupLag, group_lags
from .kafka_judge_members import judge_members, rebalancing
from .kafka_judge_offsets import judge_offsets
from .kafka_lag import PartitionLag
from .kafka_members import MOST, partition_name, some
from .kafka_settings import Settings
from .kafka_snapshot import KafkaSnapshot, PartitionKey, Sample, Unmeasured
from .quantities import count

MOST_GROUPS = 50
"""Findings of one id about single groups; the others are named together in one more."""

Pairs = list[tuple[PartitionKey, PartitionLag]]


def judge_groups(snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]) -> list[Finding]:
    lags = group_lags(snapshot, settings, history)
    findings: list[Finding] = []
    past: dict[str, list[Sample]] = {}
    for sample in history:
        past.setdefault(sample.group, []).append(sample)
    for one in lags:
        findings += judge_members(one, snapshot, settings)
        findings += judge_offsets(one, snapshot, settings, past.get(one.group.name, ()))
        findings += _lag_findings(one, snapshot, settings)
    return list(_fold(findings, settings))


def unknown_lags(snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]) -> list[Unmeasured]:
    """Groups with lag whose movement could not be judged."""
    found = []
    for one in group_lags(snapshot, settings, history):
        pairs = [pair for pair in one.having(lag.UNKNOWN) if (pair[1].lag or 0) > settings.rules.allowed]
        if pairs and not _meant_to_be_empty(one, settings) and not rebalancing(one, snapshot, settings):
            what = f"whether group {one.group.name} works off its lag of {one.total}"
            found.append(Unmeasured(what, pairs[0][1].reason))
    return found


def _lag_findings(one: GroupLag, snapshot: KafkaSnapshot, settings: Settings) -> list[Finding]:
    """What is wrong with the group's reading; sums and ages only where nothing more telling was found."""
    found = list(_primary(one, snapshot, settings))
    excused = _meant_to_be_empty(one, settings) or rebalancing(one, snapshot, settings) is not None
    if not found and not excused and not one.orphans and one.verdict != lag.CATCHING_UP:
        found += [finding for finding in (_high(one, settings), _age(one, snapshot, settings)) if finding]
    return found


def _meant_to_be_empty(one: GroupLag, settings: Settings) -> bool:
    named = any(fnmatch.fnmatchcase(one.group.name, pattern) for pattern in settings.expected_empty)
    return named and not one.group.members


def _primary(one: GroupLag, snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    rewound = one.having(lag.REWOUND)
    if rewound:
        yield _finding(one, lag.REWOUND, rewound, settings)
    stopped = [(key, part) for key, part in one.having(lag.STOPPED) if key not in one.orphans]
    if stopped and not _meant_to_be_empty(one, settings):
        yield _finding(one, lag.STOPPED, stopped, settings)
        return
    if rebalancing(one, snapshot, settings):
        return
    for verdict in (lag.STALLED, lag.SLOW):
        pairs = [(key, part) for key, part in one.having(verdict) if key not in one.orphans]
        if pairs:
            yield _finding(one, verdict, pairs, settings)
            return


def _by_lag(one: GroupLag) -> Pairs:
    return sorted(one.partitions.items(), key=lambda pair: (-(pair[1].lag or 0), pair[0]))


SEVERITY = {lag.STOPPED: "P2", lag.STALLED: "P2", lag.SLOW: "P3", lag.REWOUND: "P2"}


def _finding(one: GroupLag, verdict: str, pairs: Pairs, settings: Settings) -> Finding:
    name = one.group.name
    waiting = sum(part.lag or 0 for _key, part in pairs)
    since = [part.since for _key, part in pairs if part.since is not None]
    return Finding(
        id=f"kafka.lag.{verdict}",
        component=f"group:{name}",
        subject=f"group {name}",
        state=WARNING if verdict == lag.SLOW else CRITICAL,
        severity=SEVERITY[verdict],
        summary=_summary(one, verdict, pairs, waiting),
        observed={"lag": waiting, "partitions": len(pairs), "verdict": verdict},
        threshold={"allowed_lag": settings.rules.allowed},
        evidence=_evidence(one, pairs),
        causes=_causes(one, verdict, pairs),
        remedies=_remedies(name, verdict, settings),
        since=min(since) if since else None,
        details=_details(one, pairs),
    )


def _summary(one: GroupLag, verdict: str, pairs: Pairs, waiting: int) -> str:
    name = one.group.name
    topics = some(sorted({topic for (topic, _index), _part in pairs}))
    wait = f"{count(waiting, 'record')} wait{'s' if waiting == 1 else ''} in {topics}"
    who = "some members" if one.group.members is None else count(len(one.group.members), "member")
    if verdict == lag.STOPPED:
        reason = "it has no members" if not one.group.members else pairs[0][1].reason
        return f"Nobody reads for group {name} ({reason}), and {wait}"
    if verdict == lag.STALLED:
        return f"Group {name} has {who} but has committed nothing for {pairs[0][1].window:.0f} s, and {wait}"
    if verdict == lag.SLOW:
        return f"Group {name} reads more slowly than records arrive, and {wait}"
    parts = some([f"{partition_name(*key)}: {part.reason}" for key, part in pairs], 2)
    return f"Group {name} was set back and will process records again ({parts})"


def _evidence(one: GroupLag, pairs: Pairs) -> tuple[str, ...]:
    group = one.group
    members = "unknown" if group.members is None else str(len(group.members))
    lines = [f"state {group.state}, members: {members}, lag of the whole group: {one.total}"]
    for key, part in pairs[:MOST]:
        lines.append(
            f"{partition_name(*key)}: committed {part.committed}, end {part.end}, lag {part.lag}: {part.reason}"
        )
    if len(pairs) > MOST:
        lines.append(f"and {len(pairs) - MOST} more partitions")
    return tuple(lines)


def _causes(one: GroupLag, verdict: str, pairs: Pairs) -> tuple[str, ...]:
    if verdict == lag.STOPPED:
        return ("the consumer crashed, was stopped or scaled to zero", "it reads with another group name now")
    if verdict == lag.REWOUND:
        return ("somebody reset the group's offsets", "the topic was restored, or an old consumer committed late")
    read = [part for part in one.partitions.values() if part.commit == lag.COMMITTED]
    if verdict == lag.SLOW:
        if len(pairs) == 1 and len(read) > 1:
            return ("one partition gets most records (a hot key): more consumers do not help",)
        return ("a burst of records", "the consumer or what it writes to became slow", "too few consumers")
    if len(pairs) < len(read):
        return (
            "one record fails again and again (poison message)",
            "the member that owns the partition hangs",
            "the record at the committed offset is corrupt",
        )
    return ("the consumer hangs or is paused", "what it writes to (database, cache, API) does not answer")


def _remedies(name: str, verdict: str, settings: Settings) -> tuple[Remedy, ...]:
    tool = "kafka-consumer-groups"
    look = Remedy("Look", command=settings.command(tool, "--describe", "--group", name))
    members = Remedy(
        "See who owns which partition",
        command=settings.command(tool, "--describe", "--group", name, "--members", "--verbose"),
    )
    if verdict == lag.STOPPED:
        return (look, Remedy("Start the consumer of this group; it goes on where it stopped", "low"))
    if verdict == lag.STALLED:
        return (
            members,
            Remedy("Look at the consumer's log and at what it writes to, before anything is restarted"),
            Remedy("Restart one member at a time; work that was not committed is done again", "low"),
        )
    if verdict == lag.SLOW:
        return (members, Remedy("Start more consumers, up to the number of partitions", "disruptive"))
    return (look, Remedy("Find out who reset the offsets; decide whether processing twice does harm"))


def _details(one: GroupLag, pairs: Pairs) -> dict[str, t.Any]:
    members = one.group.members
    etas = [part.eta_seconds for _key, part in pairs if part.eta_seconds is not None]
    return {
        "group": one.group.name,
        "topic_partitions": [
            {
                "topic": topic,
                "partition": index,
                "committed": part.committed,
                "end": part.end,
                "lag": part.lag,
                "verdict": part.verdict,
            }
            for (topic, index), part in pairs[:MOST]
        ],
        "total": len(pairs),
        "members": None if members is None else len(members),
        "members_hosts": sorted({member.host for member in members or ()})[:MOST],
        "state": one.group.state,
        "eta_seconds": round(max(etas), 1) if etas else None,
    }


def _high(one: GroupLag, settings: Settings) -> Finding | None:
    state = settings.level("lag", one.total)
    if state is None:
        return None
    pairs = [(key, part) for key, part in _by_lag(one) if part.lag]
    return Finding(
        id="kafka.lag.high",
        component=f"group:{one.group.name}",
        subject=f"group {one.group.name}",
        state=state,
        severity="P3",
        summary=f"Group {one.group.name} is {one.total} records behind",
        observed={"lag": one.total},
        threshold=settings.pair("lag"),
        evidence=_evidence(one, pairs),
        causes=("a burst of records", "the consumer is slow"),
        remedies=_remedies(one.group.name, lag.SLOW, settings),
        details=_details(one, pairs),
    )


def _age(one: GroupLag, snapshot: KafkaSnapshot, settings: Settings) -> Finding | None:
    """Only stamps of the records themselves are compared, never with the clock of this machine."""
    worst, where = 0.0, None
    for peek in snapshot.peeks:
        key = (peek.topic, peek.partition)
        part, newest = one.partitions.get(key), snapshot.newest_ms.get(key)
        mine = part is not None and part.committed == peek.offset and (part.lag or 0) > settings.rules.allowed
        if mine and newest is not None and peek.timestamp_ms is not None:
            age = (newest - peek.timestamp_ms) / 1000
            if age > worst:
                worst, where = age, key
    state = settings.level("lag_age_seconds", worst)
    if state is None or where is None:
        return None
    pairs = [(where, one.partitions[where])]
    return Finding(
        id="kafka.lag.age",
        component=f"group:{one.group.name}",
        subject=f"group {one.group.name}",
        state=state,
        severity="P3",
        summary=f"Group {one.group.name} is {worst:.0f} s behind the newest record of {partition_name(*where)}",
        observed={"age_seconds": round(worst, 1)},
        threshold=settings.pair("lag_age_seconds"),
        evidence=_evidence(one, pairs),
        causes=("the consumer is slow", "it was down for a while"),
        remedies=_remedies(one.group.name, lag.SLOW, settings),
        details=_details(one, pairs),
    )


def _fold(findings: list[Finding], settings: Settings) -> t.Iterator[Finding]:
    """At most MOST_GROUPS findings of one id about single groups, worst first; then one that names the rest."""
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    for finding_id, items in by_id.items():
        items.sort(key=lambda item: (item.severity, -_size(item), item.component))
        yield from items[:MOST_GROUPS]
        rest = items[MOST_GROUPS:]
        if rest:
            names = [item.component.partition(":")[2] for item in rest]
            yield Finding(
                id=finding_id,
                component=settings.component,
                subject=f"{len(rest)} more groups",
                state=rest[0].state,
                severity=rest[0].severity,
                summary=f"The same for {len(rest)} more groups: {some(names)}",
                observed={"groups": len(rest)},
                evidence=tuple(item.summary for item in rest[:MOST]),
                details={"groups": names[:500], "total": len(rest)},
            )


def _size(finding: Finding) -> float:
    observed = finding.observed
    return float(observed.get("lag", 0)) if isinstance(observed, dict) else 0.0
