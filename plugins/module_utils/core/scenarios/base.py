# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every scenario brings: its checks, its graph, its plan and its proof. All pure; the lifecycle does the rest."""

from __future__ import annotations

import dataclasses
import typing as t

from ..decide import Graph, Verdict
from ..findings import Finding
from ..gate import Done
from ..plan import Plan
from ..scope import CheckCall, Observed, Scope


@dataclasses.dataclass(frozen=True)
class Proof:
    """What one look after an action says. good: symptom gone and alive. metric: lower is better, None if not
    measured."""

    good: bool
    note: str
    metric: float | None


@dataclasses.dataclass(frozen=True)
class Case:
    """Everything that a plan may look at: the scope, the verdict, what was observed and what was done before."""

    scope: Scope
    verdict: Verdict
    observed: tuple[Observed, ...]
    done: tuple[Done, ...] = ()

    def about(self, service: str) -> Case:
        """The same case as one of the scenarios about a single service sees it."""
        scope = dataclasses.replace(self.scope, target=service, settings={})
        return dataclasses.replace(self, scope=scope)

    def was_done(self, key: str, service: str = "") -> bool:
        """Whether something was done for this reason before, to that service (the target, where none is named)."""
        return any(item.service == (service or self.scope.target) and item.key == key for item in self.done)


class Scenario(t.Protocol):
    """A runbook scenario as data and pure functions. group: the inventory group of its targets.

    transient: ids of findings that are a stage of getting well (a database that starts), which no watch takes for harm.
    deep: whether what its services depend on, and so on, is part of the scope too.
    """

    name: str
    title: str
    group: str
    metric: str
    target_vars: tuple[str, ...]
    transient: frozenset[str]
    deep: bool

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        """Inventory hosts, besides the target, that it needs to know. Raises ScopeError for impossible variables."""

    def checks(self, scope: Scope) -> list[CheckCall]:
        """The looks that find the fault and later prove the cure."""

    def graph(self, scope: Scope) -> Graph:
        """Component -> what it depends on."""

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        """Findings that no single check can make, because they need two of them."""

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        """Leave out what a better look at the same thing makes needless."""

    def plan(self, case: Case) -> Plan:
        """The smallest safe remedy for the verdict's roots."""

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Judge one look after the action; blamed are the ids of the findings that the plan treats."""


def findings_of(observed: t.Iterable[Observed]) -> list[Finding]:
    """All findings of all looks."""
    return [Finding.from_dict(data) for look in observed for data in look.result.get("findings") or ()]


def judged(scenario: Scenario, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
    """All findings that a decision is made of: those of the looks, and what the scenario makes of them together."""
    return scenario.refine(scope, [*findings_of(observed), *scenario.correlate(scope, observed)])
