# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about nodes: not ready, or short of something. To drain one is a human decision. Pure."""

from __future__ import annotations

from .findings import Finding, Remedy
from .kubernetes_evidence import events
from .kubernetes_settings import look
from .kubernetes_snapshot import NO_CONDITION, Condition, Key, Node
from .kubernetes_world import Book, World
from .quantities import span

PRESSURES = {"MemoryPressure": "memory", "DiskPressure": "disk space or inodes", "PIDPressure": "process ids"}


def judge_nodes(book: Book, world: World) -> None:
    hosting = {pod.node for pods in world.pods.values() for pod in pods}
    for name in sorted(world.snapshot.nodes):
        if world.settings.names is not None and name not in hosting:
            continue
        node = world.snapshot.nodes[name]
        finding = _not_ready(node, world) or _pressure(node, world)
        if finding is not None:
            book.add(finding, Key("Node", "", name))


def _not_ready(node: Node, world: World) -> Finding | None:
    ready = node.conditions.get("Ready", NO_CONDITION)
    if ready.true:
        return None
    key = Key("Node", "", node.name)
    age = world.ago(ready.since)
    level = "warning" if age is None else world.settings.level("node_seconds", age)
    if not level:
        return None
    silent = ready.status == "Unknown"
    does = "was not heard of" if silent else "is not ready"
    return world.settings.finding(
        "kubernetes.node.notready",
        level,
        "P2",
        f"Node {node.name} {does}" + (f" for {span(age)}" if age is not None else "") + f": {ready.message or 'Ready'}",
        key=key,
        observed={"ready": ready.status, "reason": ready.reason, "seconds": round(age) if age is not None else None},
        threshold=world.settings.pair("node_seconds"),
        evidence=(f"Ready={ready.status} {ready.reason}: {ready.message}", *events(world.events(key), world)),
        causes=(
            "the machine is down, cut off, or its kubelet stopped"
            if silent
            else "its kubelet says itself why: container runtime, network plugin or disk",
        ),
        remedies=(
            look("Read what the cluster says about it", "describe", key),
            _drain(key),
        ),
        since=ready.since,
    )


def _pressure(node: Node, world: World) -> Finding | None:
    pressed = {name: node.conditions[name] for name in PRESSURES if node.conditions.get(name, NO_CONDITION).true}
    levels = {name: _level(condition, world) for name, condition in pressed.items()}
    found = {name: pressed[name] for name, level in levels.items() if level}
    if not found:
        return None
    key = Key("Node", "", node.name)
    short = " and ".join(PRESSURES[name] for name in found)
    return world.settings.finding(
        "kubernetes.node.pressure",
        "critical" if "critical" in levels.values() else "warning",
        "P2",
        f"Node {node.name} is short of {short}: it takes no new pods and throws others out",
        key=key,
        observed={name: condition.status for name, condition in found.items()},
        threshold=world.settings.pair("pressure_seconds"),
        evidence=(
            *(f"{name}: {condition.reason}: {condition.message}" for name, condition in found.items()),
            *events(world.events(key), world),
        ),
        causes=tuple(f"{PRESSURES[name]}: {condition.message or name}" for name, condition in found.items()),
        remedies=(look("See what uses it", "describe", key), _drain(key)),
        since=min((condition.since for condition in found.values() if condition.since is not None), default=None),
    )


def _drain(key: Key) -> Remedy:
    return Remedy("To move its pods away is a decision of a person", "disruptive", f"kubectl cordon {key.name}")


def _level(condition: Condition, world: World) -> str | None:
    age = world.ago(condition.since)
    return "warning" if age is None else world.settings.level("pressure_seconds", age)
