# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scenario treats a root cause, on which target, and the command for it. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .findings import RISKS, Finding
from .scenarios.registry import SCENARIOS
from .scenarios.service_scope import SCENARIO_OF
from .triage_rules import Owners
from .triage_scope import Inventory, group_component

MEMORY = "memory"
MEMORY_IDS = ("docker.memory.", "go.", "kubernetes.memory.")
UNREAD = ("kafka.lag.", "kafka.offset.")


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What to do about one fault. component, findings: what is to blame. scenario: empty where a person has to look.

    command: what to type next, empty where nothing is known to help.
    """

    component: str
    target: str
    scenario: str
    command: str
    findings: tuple[str, ...]

    def to_dict(self) -> dict[str, t.Any]:
        data = dataclasses.asdict(self)
        data["findings"] = list(self.findings)
        return data


def treatments(
    roots: t.Sequence[Finding], failures: t.Sequence[Finding], owners: Owners, inventory: Inventory, play: str
) -> list[Treatment]:
    """One for each target that is to blame, in the order of the roots. play: how ansible-playbook has to be called."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in roots:
        found.setdefault(_route(finding, failures, owners, inventory), []).append(finding)
    return [
        Treatment(
            component=blamed[0].component,
            target=target,
            scenario=scenario,
            command=_command(scenario, target, blamed, play),
            findings=tuple(dict.fromkeys(finding.id for finding in blamed)),
        )
        for (target, scenario), blamed in found.items()
    ]


def _route(finding: Finding, failures: t.Sequence[Finding], owners: Owners, inventory: Inventory) -> tuple[str, str]:
    """(target, scenario) that treats a finding."""
    owner = owners.get(finding.component, "")
    target = inventory.get(owner)
    if target is None:
        return owner, ""
    if finding.component.startswith("container:"):
        cluster = _cluster_that_waits(owner, failures, inventory)
        if cluster:
            return cluster, SCENARIO_OF["kafka"]
    memory = SCENARIOS.get(MEMORY)
    its_own = finding.details.get("scope") != "host"
    if memory and memory.group in target.groups and its_own and finding.id.startswith(MEMORY_IDS):
        return owner, MEMORY
    known = [SCENARIO_OF[group] for group in target.groups if group in SCENARIO_OF]
    return owner, next((name for name in known if name in SCENARIOS), "")


def _cluster_that_waits(consumer: str, failures: t.Sequence[Finding], inventory: Inventory) -> str:
    """The cluster whose messages a consumer leaves unread: its scenario proves the cure by the lag too."""
    unread = {finding.component for finding in failures if finding.id.startswith(UNREAD)}
    for name, target in sorted(inventory.items()):
        for group, host in target.consumers.items():
            if host == consumer and group_component(name, group, inventory) in unread:
                return name
    return ""


def _command(scenario: str, target: str, blamed: t.Sequence[Finding], play: str) -> str:
    """The scenario's playbook; without one the safest command that a check knows."""
    if scenario:
        return f"{play} incident.response.scenario_{scenario} --limit {shlex.quote(target)}"
    known = [remedy for finding in blamed for remedy in finding.remedies if remedy.command]
    return min(known, key=lambda remedy: RISKS.index(remedy.risk)).command if known else ""
