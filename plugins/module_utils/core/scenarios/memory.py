# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 3 of the runbook, high memory.

The tree is: does it wait for something that it depends on, does the floor of its heap rise (a leak), is the memory
outside of what Go manages, or is the limit too small for what it does. Page cache, memory that was freed and a burst
that ended are no findings of the checks. The plan is in memory_plan.py.
"""

from __future__ import annotations

import typing as t

from ..decide import Graph
from ..findings import CRITICAL, Finding
from ..plan import Plan
from ..scope import CheckCall, Observed, Scope
from . import memory_plan
from .base import Case, Proof, findings_of
from .containers import runtime_of, without_beside
from .memory_scope import GO, State, has_go, state_of
from .service_scope import container, container_looks, graph, own_looks
from .variables import flag
from .workload_plan import workload_proof

SLACK = 2.0
"""Seconds that a judgement may take besides the looks."""
FAILING = frozenset({"go.heap.leak", "go.goroutines.leak"})


class MemoryScenario:
    """See base.Scenario."""

    name = "memory"
    title = "High memory"
    group = "http_services"
    metric = "working set (% of limit)"
    target_vars: tuple[str, ...] = ("runtime", "depends_on", "go_metrics_url", "go_pprof_url", "memory_persist")
    transient: frozenset[str] = frozenset()
    deep = True

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        runtime_of(target, settings)
        flag(target, settings, "memory_persist")
        return set(settings.get("depends_on") or ())

    def checks(self, scope: Scope) -> list[CheckCall]:
        module, options = f"incident.response.{GO}", {"component": scope.target}
        own = [CheckCall(f"go {scope.target}", module, scope.target, options)] if has_go(scope.settings) else []
        return own + own_looks(scope, set(scope.services) - {scope.target}) + container_looks(scope)

    def graph(self, scope: Scope) -> Graph:
        """As for a service, but what runs the target follows from what the target does with its memory."""
        edges = graph(scope)
        needs = list(scope.services[scope.target].depends_on)
        return {**edges, scope.target: needs, container(scope.target): [scope.target, *needs]}

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        return []

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        """Who answered for itself needs no health check of its container that says less; the target's is the matter."""
        for name in set(scope.services) - {scope.target}:
            findings = without_beside(findings, container(name), name)
        return findings

    def plan(self, case: Case) -> Plan:
        return memory_plan.plan(case)

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Good: the working set is well below the limit, nothing of it was found or happened since, and it answers."""
        state = state_of(scope, observed)
        if state.runtime and state.runtime.kind == "kubernetes":
            return workload_proof(scope, state.runtime, observed)
        percent = state.percent
        wrong = _not_alive(scope, state) or _found_since(scope, state, observed)
        if percent is None:
            return Proof(False, wrong or "its working set could not be measured against a limit", None)
        note = f"working set {percent:.0f} % of its limit"
        if state.near:
            return Proof(False, f"{note}, {state.warning:g} % is too much", percent)
        return Proof(not wrong, f"{note}; {wrong or 'it answers'}", percent)


def _not_alive(scope: Scope, state: State) -> str:
    seen = state.container
    if seen is None or seen.status != "running":
        return f"its container is {seen.status if seen else 'not there'}"
    if has_go(scope.settings) and scope.settings.get("go_metrics_url") and not state.answers:
        return "its metrics do not answer"
    return "" if seen.health != "unhealthy" else "its container is unhealthy"


def _found_since(scope: Scope, state: State, observed: t.Sequence[Observed]) -> str:
    """What is found now, and what happened since the action; what was before it is only remembered by the checks."""
    since = None if scope.acted_ago is None else scope.acted_ago - _age_of(observed)
    own = (scope.target, container(scope.target))
    for finding in findings_of(observed):
        if finding.component not in own:
            continue
        if finding.id in FAILING or (finding.id == "go.heap.limit" and _own_limit(finding, state)):
            return f"still {finding.summary}"
        if finding.id == "docker.memory.oom_killed" and _is_new(finding, state, since):
            return f"still {finding.summary}"
    return ""


def _age_of(observed: t.Sequence[Observed]) -> float:
    """Seconds by which a look may be older than its judgement, where the others were taken after it. What happened in
    the first seconds after an action is therefore not told from what was before it; what goes on is."""
    return SLACK + sum(float(look.result.get("duration_ms") or 0.0) for look in observed) / 1000.0


def _own_limit(finding: Finding, state: State) -> bool:
    """Its container's limit is judged by the container: the one that was declared to the check may be the old one.
    GOMEMLIMIT follows with the next deployment; until then only one that it hardly works below is a failure."""
    if finding.details.get("limit") == "memory_limit":
        return state.percent is None
    return finding.state == CRITICAL


def _is_new(finding: Finding, state: State, since: float | None) -> bool:
    age = state.age(finding.since)
    return since is None or age is None or age < since


SCENARIO = MemoryScenario()
