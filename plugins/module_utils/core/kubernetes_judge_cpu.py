# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about containers that want more CPU than they may have: between two looks. Pure."""

from __future__ import annotations

import typing as t

from .kubernetes_settings import look
from .kubernetes_snapshot import Key
from .kubernetes_world import Book, World

LEAST_PERIODS = 100
"""Periods of 100 ms in which a container ran at all; below that a share says nothing."""


def shares(world: World, history: t.Sequence[t.Mapping[str, t.Any]]) -> dict[tuple[str, str, str], float]:
    """Percent of periods in which a container was held back, since the newest earlier look that knows it."""
    before: dict[str, t.Sequence[float]] = {}
    for sample in history:
        counted = sample.get("cpu")
        before.update(counted if isinstance(counted, dict) else {})
    found = {}
    for place, (periods, held) in world.snapshot.cpu.items():
        earlier = before.get("/".join(place))
        if not isinstance(earlier, (list, tuple)) or len(earlier) != 2:
            continue
        ran, throttled = periods - float(earlier[0]), held - float(earlier[1])
        if ran >= LEAST_PERIODS and throttled >= 0:
            found[place] = 100 * throttled / ran
    return found


def judge_cpu(book: Book, world: World, history: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    rows: dict[Key, list[tuple[float, str, str]]] = {}
    for (namespace, pod, container), share in shares(world, history).items():
        if world.settings.level("throttled_percent", share):
            key = world.snapshot_owner(namespace, pod)
            if world.settings.wants(key):
                rows.setdefault(key, []).append((share, pod, container))
    for key in sorted(rows):
        worst = sorted(rows[key], reverse=True)
        share, pod, container = worst[0]
        if book.follows(key, f"{key} is short of CPU: held back in {share:.0f}% of its time"):
            continue
        finding = world.settings.finding(
            "kubernetes.cpu.throttled",
            world.settings.level("throttled_percent", share) or "warning",
            "P3",
            f"{key} is held back by its CPU limit in {share:.0f}% of its time ({len(worst)} containers)",
            key=key,
            observed={"throttled_percent": round(share, 1), "containers": len(worst)},
            threshold=world.settings.pair("throttled_percent"),
            evidence=tuple(f"pod {name}, container {c}: {s:.0f}%" for s, name, c in worst[:5]),
            causes=("its CPU limit is below what it does in bursts", "it does more work than before"),
            remedies=(look("See what it uses", "top", Key("Pod", key.namespace, pod), "--containers"),),
            details={"container": container, "pods": [name for _share, name, _c in worst[:50]]},
        )
        book.add(finding, key)
