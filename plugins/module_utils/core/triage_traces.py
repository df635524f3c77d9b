# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of what fails, the command that follows its log, and what changed shortly before. Pure."""

from __future__ import annotations

import typing as t

from .decide import Graph, dependencies
from .runtimes import by_hand
from .triage_looks import Look, Row
from .triage_rules import Owners
from .triage_scope import Inventory, places

RECENT = 3600.0
"""Seconds before the onset in which a change may have to do with it."""
MOST_CHANGES = 20


def logs_of(
    failing: t.Collection[str], inventory: Inventory, looks: t.Iterable[Look], owners: Owners, everything: bool
) -> list[Row]:
    """One entry for each container of what fails: those without lines too, with the command that reads them.

    failing: components. everything: of all containers that are declared, whether they fail or not.
    """
    wanted = {owners.get(component, component) for component in failing}
    seen = {(look.host, row["project"], row["service"]): row for look in looks for row in look.containers}
    found = []
    for runtime, component in sorted(places(inventory).items(), key=lambda item: item[1]):
        host, project, service = runtime.host, runtime.project, runtime.service
        owner = component.partition(":")[2].partition("/")[0]
        if not everything and component not in failing and owner not in wanted:
            continue
        row = seen.get((host, project, service)) or seen.get((host, "", service)) or {}
        found.append(
            {
                "component": component,
                "target": owner,
                "follow": by_hand(runtime, "logs -f"),
                "on": host,
                "lines": list(row.get("logs") or ()),
                "traces": list(row.get("traces") or ()),
            }
        )
    return found


def changes(component: str, graph: Graph, looks: t.Iterable[Look], onset: float | None, now: float) -> list[Row]:
    """What was started or made anew within RECENT before the onset, the latest first: of the root and of what it needs.

    It came before, which makes it no cause. Without an onset it is counted from now.
    """
    until = now if onset is None else onset
    near = {component, component.partition(":")[2], *dependencies(graph, component)}
    found = [
        {**row, "seconds_before": round(until - row["at"])}
        for look in looks
        for row in look.starts
        if row["component"] in near and 0 <= until - row["at"] <= RECENT
    ]
    return sorted(found, key=lambda row: (row["seconds_before"], row["component"]))[:MOST_CHANGES]
