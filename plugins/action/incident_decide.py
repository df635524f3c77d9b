# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides: root cause, severity, plan. Pure functions do it; this writes it down and says it."""

from __future__ import annotations

import time
import typing as t

from ..module_utils.core import decide, severity
from ..module_utils.core.findings import sort_findings
from ..module_utils.core.plan import Plan
from ..module_utils.core.scenarios.base import Case, judged
from ..module_utils.core.scope import Scope
from ..plugin_utils import say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import span


class ActionModule(IncidentAction):
    """Takes what the checks observed, returns the verdict and the plan."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "default": ""},
        "observed": {"type": "list", "elements": "dict", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        observed = self.observed()
        scope, scenario = self.scope(), self.scenario
        findings = sort_findings(judged(scenario, scope, observed))
        verdict = decide.decide(findings, scenario.graph(scope))
        store = self.store() if self.args["incident"] else None
        try:
            plan = scenario.plan(Case(scope, verdict, tuple(observed), tuple(self.done(store))))
            if self.settings.gates.mode == "observe":
                plan = Plan(plan.scenario, plan.target, (), plan.proposals, plan.notes, plan.escalate)
            level = self._level(verdict, scope)
            proof = scenario.prove(scope, observed, ())
            if store:
                self._write_down(store, verdict, plan, level, proof.metric)
        finally:
            if store:
                store.__exit__()
        return self._answer(verdict, plan, level, findings, proof.metric)

    def _level(self, verdict: decide.Verdict, scope: Scope) -> str | None:
        """Highest of what the findings say and what the inventory says of a service that is down; P3 at most
        elsewhere."""
        if verdict.severity is None:
            return None
        declared = [
            service.severity_if_down
            for finding in verdict.roots
            if finding.state == "critical"
            for service in scope.services.values()
            if service.severity_if_down and finding.component in (service.name, f"container:{service.name}")
        ]
        return severity.cap(min([verdict.severity, *declared]), self.settings.production)

    def _write_down(
        self, store: t.Any, verdict: decide.Verdict, plan: Plan, level: str | None, metric: float | None
    ) -> None:
        now, incident = time.time(), self.incident(store)
        store.add_event(
            incident.id, now, "decided", verdict.headline, {"verdict": verdict.to_dict(), "plan": plan.to_dict()}
        )
        clocks = dict(incident.data.get("clocks") or {})
        if verdict.roots:
            clocks.setdefault("cause_found", now)
        store.update_incident(incident.id, severity=level, data={"clocks": clocks, "metric_before": metric})

    def _answer(
        self, verdict: decide.Verdict, plan: Plan, level: str | None, findings: list[t.Any], metric: float | None
    ) -> dict[str, t.Any]:
        within = span(self.settings.levels[level].response) if level else ""
        role, contact = self.contact(self.variable("owner"))
        shown = verdict.to_dict()
        shown["severity"] = level
        lines = say.verdict(verdict, within, contact)
        if level and lines and verdict.severity and lines[0]["text"].startswith(verdict.severity):
            lines[0]["text"] = level + lines[0]["text"][len(verdict.severity) :]
        return {
            "verdict": {
                **shown,
                "respond_within": self.settings.levels[level].response if level else None,
                "contact": role,
            },
            "plan": plan.to_dict(),
            "elsewhere": self._elsewhere(plan),
            "findings": [finding.to_dict() for finding in findings],
            "metric": metric,
            "observed_at": time.time(),
            "say": lines + say.plan(plan),
        }

    def _elsewhere(self, plan: Plan) -> list[str]:
        """Other targets of this very run that are to blame, and are treated in it."""
        if self.check_mode or self.settings.gates.mode not in ("ask", "auto") or plan.actions:
            return []
        return sorted(set(plan.waits_for) & set(self.vars["ansible_play_hosts_all"]) - {self.target})
