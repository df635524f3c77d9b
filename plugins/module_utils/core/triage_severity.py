# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad it is: the runbook's table by what people notice, then what the inventory says, then the findings. Pure."""

from __future__ import annotations

import typing as t

from . import severity
from .findings import SEVERITIES, WARNING, Finding
from .triage_rules import DOWN, Owners, all_down
from .triage_scope import Inventory
from .triage_words import CONTAINER_DOWN, ERRORS, SLOW, is_down

IMPACT: dict[str, str] = {"all_down": "P1", "service_down": "P2", "latency": "P3", "errors": "P4"}
"""The examples of the runbook's severity table: all services down, one service down, high latency, errors that are not
critical."""


def impacts(overrides: t.Mapping[str, t.Any] | None = None) -> dict[str, str]:
    """The table, with what a site wants otherwise. Raises ValueError for a row or a level that does not exist."""
    table = dict(IMPACT)
    for name, level in (overrides or {}).items():
        if name not in table or level not in SEVERITIES:
            raise ValueError(
                f"incident_triage_severity: {name}: {level} is no row of {', '.join(IMPACT)} with one of"
                f" {', '.join(SEVERITIES)}"
            )
        table[name] = level
    return table


def of_finding(
    finding: Finding,
    owner: str,
    inventory: Inventory,
    services: t.Mapping[str, str],
    reachable: t.Mapping[str, bool],
    table: t.Mapping[str, str],
) -> str:
    """One failure's level. severity_if_down counts for what is down, and takes the place of any other."""
    target = inventory.get(owner)
    declared = target.service.severity_if_down if target else ""
    if owner in services:
        down = services[owner] == DOWN and is_down(finding)
        if down:
            return declared or table["service_down"]
        if finding.id in SLOW:
            return table["latency"]
        return table["errors"] if finding.id in ERRORS and finding.state == WARNING else finding.severity
    down = not reachable.get(owner, True) and (finding.component == owner or finding.id in CONTAINER_DOWN)
    return declared if declared and down else finding.severity


def overall(
    findings: t.Iterable[Finding],
    owners: Owners,
    inventory: Inventory,
    services: t.Mapping[str, str],
    reachable: t.Mapping[str, bool],
    production: t.Mapping[str, bool],
    table: t.Mapping[str, str],
) -> str | None:
    """The highest level of all failures, each at most P3 where its host is not production. None without any."""
    by_finding = levels(findings, owners, inventory, services, reachable, production, table)
    found = [level for ids in by_finding.values() for level in ids.values()]
    if found and all_down(services):
        found.append(severity.cap(table["all_down"], any(production.get(name, True) for name in services)))
    return min(found, default=None)


def levels(
    findings: t.Iterable[Finding],
    owners: Owners,
    inventory: Inventory,
    services: t.Mapping[str, str],
    reachable: t.Mapping[str, bool],
    production: t.Mapping[str, bool],
    table: t.Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """Component -> finding id -> its level, the highest one where there are several of that id."""
    found: dict[str, dict[str, str]] = {}
    for finding in findings:
        owner = owners.get(finding.component, "")
        level = of_finding(finding, owner, inventory, services, reachable, table)
        level = severity.cap(level, _is_production(owner, production))
        ids = found.setdefault(finding.component, {})
        ids[finding.id] = min(level, ids.get(finding.id, level))
    return found


def _is_production(owner: str, production: t.Mapping[str, bool]) -> bool:
    """What is nobody's own, as the network, is production where any target is."""
    return production.get(owner, any(production.values()) if production else True)
