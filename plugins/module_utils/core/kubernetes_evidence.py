# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that prove what is wrong with a workload: pods, ends, events of everything around it, logs. Pure."""

from __future__ import annotations

import typing as t

from .kubernetes_judge_pods import Verdict
from .kubernetes_snapshot import Event, Key, Log
from .kubernetes_world import World
from .quantities import span

MOST_PODS = 5
MOST_EVENTS = 5
LAST_LINES = 5


def evidence(verdicts: t.Sequence[Verdict], key: Key, world: World) -> list[str]:
    """Short facts, the most telling first."""
    first = verdicts[0]
    found = [pods_text(verdicts)]
    if first.said:
        found.append(f"{first.said[:500]} (pod {first.pod.name})")
    found += _ends(first, world)
    found += events(around(first, key, world), world)
    return found + log_lines(first, world)


def pods_text(verdicts: t.Sequence[Verdict]) -> str:
    names = sorted(verdict.pod.name for verdict in verdicts)
    more = f" and {len(names) - MOST_PODS} more" if len(names) > MOST_PODS else ""
    return f"pods: {', '.join(names[:MOST_PODS])}{more}"


def _ends(verdict: Verdict, world: World) -> list[str]:
    container = verdict.container
    if container is None:
        return []
    found = []
    if container.state == "waiting":
        found.append(f"container {container.name} waits: {container.reason} {container.message[:300]}".strip())
    end = container.latest_end
    if end is not None:
        age = world.ago(end.finished)
        when = f" {span(age)} ago" if age is not None else ""
        lived = f" after {span(end.finished - end.started)}" if end.finished and end.started else ""
        said = f": {end.message[:300]}" if end.message else ""
        code = "an unknown exit code" if end.exit_code is None else f"exit code {end.exit_code}"
        found.append(
            f"container {container.name} ended{when}{lived} with {code} ({end.reason or 'no reason'}), "
            f"restarted {container.restarts} times{said}"
        )
    return found


def around(verdict: Verdict, key: Key, world: World) -> list[tuple[Key, Event]]:
    """What was said about the pod, its ReplicaSet, its workload and its node."""
    keys = [verdict.pod.key, key, *([verdict.pod.owner] if verdict.pod.owner else [])]
    if verdict.pod.node:
        keys.append(Key("Node", "", verdict.pod.node))
    return world.events(*dict.fromkeys(keys))


def events(found: t.Iterable[tuple[Key, Event]], world: World) -> list[str]:
    told = []
    for key, event in list(found)[:MOST_EVENTS]:
        age = world.ago(event.last)
        times = f" ({event.times} times)" if event.times > 1 else ""
        when = f" {span(age)} ago" if age is not None else ""
        told.append(f"event of {key.kind} {key.name}{when}{times}: {event.reason}: {event.message[:300]}")
    return told


def log_of(verdict: Verdict, world: World) -> Log | None:
    if verdict.container is None:
        return None
    return world.snapshot.logs.get((verdict.pod.namespace, verdict.pod.name, verdict.container.name))


def log_lines(verdict: Verdict, world: World) -> list[str]:
    """The newest stack trace, then the last lines."""
    log = log_of(verdict, world)
    if log is None:
        return []
    told = [f"trace ({trace['kind']}, {trace['count']} times): {str(trace['text'])[:1000]}" for trace in log.traces[:1]]
    return told + [f"log: {entry['text'][:300]}" for entry in log.entries[-LAST_LINES:] if entry["text"].strip()]
