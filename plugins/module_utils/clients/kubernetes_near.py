# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A closer look at one workload, for who is about to act on it: what its well pods say, and how far it may grow."""

from __future__ import annotations

import typing as t

from ..core.kubernetes_growth import Near, farthest, growth
from ..core.kubernetes_plan import SCALED
from ..core.kubernetes_snapshot import Key
from ..core.kubernetes_target import KINDS, Pod, Workload, part, rows
from ..core.kubernetes_world import World
from .errors import CollectError
from .kubernetes_apps import Apps
from .kubernetes_link import Link
from .kubernetes_logs import end_of_log

MOST_PODS = 5
"""Pods of one workload whose logs are read."""


def near(link: Link, key: Key, lines: int, scale_to: int | None) -> Near:
    """lines: of each log, 0 is no logs. scale_to: None does not ask how far it may grow. Never raises ApiError."""
    apps = Apps(link, key.namespace)
    try:
        workload = apps.named(key.kind, key.name)
        if workload is None:
            return Near(problem=f"{key} is gone")
        scene = apps.scene(workload, SCALED, farthest(workload, scale_to)) if scale_to is not None else None
        pods = scene.pods if scene else apps.pods(workload)
        return Near(
            growth=growth(workload, scene, scale_to) if scene and scale_to is not None else None,
            logs=tuple(_logs(link, workload, pods, lines)) if lines else (),
            unread=tuple(scene.unread.values()) if scene else (),
        )
    except CollectError as error:
        return Near(problem=error.message)


def wanted(world: World) -> list[Key]:
    """The workloads that were asked about and have pods of their own."""
    return [key for key in world.workloads if key.kind in KINDS]


def _logs(link: Link, workload: Workload, pods: t.Iterable[Pod], lines: int) -> t.Iterator[tuple[str, str, str]]:
    running = [pod for pod in pods if pod.phase == "Running" and not pod.terminating]
    for pod in sorted(running, key=lambda one: one.name)[:MOST_PODS]:
        for row in rows(part(pod.raw, "spec"), "containers"):
            for line in end_of_log(link, workload.namespace, pod.name, str(row.get("name")), lines):
                yield pod.name, line.at, line.text
