# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 1 of the runbook, service not responding.

The tree is: is the container there, does anything accept, does it answer, what does its health page blame, and does the
work that it does fail although its health page says yes. Everything that it depends on is looked at by its own check,
so that a service that is well is never restarted for what another one does. The plan is in service_plan.py.
"""

from __future__ import annotations

import typing as t

from ..decide import Graph
from ..findings import Finding
from ..plan import Plan
from ..scope import CheckCall, Observed, Scope
from . import service_plan
from .base import Case, Proof, findings_of
from .containers import runtime_of, without_beside
from .service_scope import container, container_looks, graph, own_looks


class ServiceScenario:
    """See base.Scenario."""

    name = "service"
    title = "Service not responding"
    group = "http_services"
    metric = "health page (ms)"
    target_vars: tuple[str, ...] = ("runtime", "depends_on")
    transient: frozenset[str] = frozenset({"http.health.slow", "http.process.restarted"})
    deep = True

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        runtime_of(target, settings)
        return set(settings.get("depends_on") or ())

    def checks(self, scope: Scope) -> list[CheckCall]:
        return own_looks(scope, scope.services) + container_looks(scope)

    def graph(self, scope: Scope) -> Graph:
        return graph(scope)

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        return []

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        """Who answered for itself needs no health check of its container that says less."""
        for name in scope.services:
            findings = without_beside(findings, container(name), name)
        return findings

    def plan(self, case: Case) -> Plan:
        return service_plan.plan(case)

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Good: nothing is found on it or on what runs it, and its health page was answered."""
        own = (scope.target, container(scope.target))
        failing = [
            finding
            for finding in self.refine(scope, findings_of(observed))
            if finding.component in own and finding.severity != "P4" and finding.id not in self.transient
        ]
        row = _row(scope, observed)
        metric = float((row.get("ms") or {}).get("total") or 0.0) or None if row.get("kind") == "ok" else None
        if metric is None:
            return Proof(False, failing[0].summary if failing else "it does not answer", None)
        note = f"answers {row.get('status')} in {metric:.0f} ms"
        if failing:
            return Proof(False, f"{note}; still {failing[0].summary}", metric)
        return Proof(True, note + _traffic(row), metric)


def _row(scope: Scope, observed: t.Sequence[Observed]) -> dict[str, t.Any]:
    """What was seen of the target's health page."""
    for item in observed:
        if item.module.endswith("http_health_info") and item.host == scope.target:
            rows = (item.result.get("snapshot") or {}).get("listed") or []
            return dict(rows[0]) if rows else {}
    return {}


def _traffic(row: t.Mapping[str, t.Any]) -> str:
    metrics = row.get("metrics") or {}
    if metrics.get("errors_per_100") in (None, "insufficient_data"):
        return ""
    return f", {metrics['errors_per_100']:g} % errors in {metrics['requests']:g} requests"


SCENARIO = ServiceScenario()
