# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 2 of the runbook, database connection issues: "connection refused", "too many connections".

The tree is: is the container there, does the server take sessions, and if so, who takes the slots or holds the
locks. What
recovers is left to recover. The plan is in postgresql_plan.py.
"""

from __future__ import annotations

import typing as t

from ..decide import Graph
from ..findings import Finding
from ..plan import Plan
from ..runtimes import look
from ..scope import CheckCall, Observed, Runtime, Scope
from . import postgresql_plan
from .base import Case, Proof, findings_of
from .containers import component_of, runtime_of, without_beside
from .postgresql_scope import headroom, pooler_runtime

LOG_LINES = 100
SLOW_LOGIN_MS = 1000.0
AFTER_A_START = frozenset({"postgresql.server.restarted"})
"""True after every start, also one of ours: nothing to be cured."""


class PostgresqlScenario:
    """See base.Scenario."""

    name = "database"
    title = "Database connection issues"
    group = "postgresql"
    metric = "connections"
    target_vars: tuple[str, ...] = ("runtime", "postgresql_pooler_runtime", "postgresql_headroom")
    # The last one: clients queue at the pooler until its connections are back.
    transient: frozenset[str] = frozenset(
        {
            "postgresql.server.starting",
            "postgresql.server.recovering",
            "postgresql.connections.headroom",
            "postgresql.pooler.waiting",
        }
    )
    deep = False

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        """None besides the target; what makes no sense in its variables is said here."""
        self._runtimes(target, settings)
        headroom(target, settings)
        return set()

    def _runtimes(self, target: str, settings: t.Mapping[str, t.Any]) -> dict[str, Runtime]:
        found = (runtime_of(target, settings), pooler_runtime(target, settings))
        return {component_of(runtime): runtime for runtime in found if runtime is not None}

    def checks(self, scope: Scope) -> list[CheckCall]:
        own = {"component": scope.target}
        calls = [CheckCall(f"server {scope.target}", "incident.response.postgresql_health_info", scope.target, own)]
        return calls + look(self._runtimes(scope.target, scope.settings), {"log_lines": LOG_LINES})

    def graph(self, scope: Scope) -> Graph:
        server = runtime_of(scope.target, scope.settings)
        pooler = pooler_runtime(scope.target, scope.settings)
        edges: dict[str, list[str]] = {scope.target: [component_of(server)] if server else []}
        edges[f"pooler:{scope.target}"] = [scope.target] + ([component_of(pooler)] if pooler else [])
        return edges

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        return []

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        """A server that answered for itself needs no health check that says less; the same for its pooler."""
        for runtime, owner in (
            (runtime_of(scope.target, scope.settings), scope.target),
            (pooler_runtime(scope.target, scope.settings), f"pooler:{scope.target}"),
        ):
            if runtime is not None:
                findings = without_beside(findings, component_of(runtime), owner)
        return findings

    def plan(self, case: Case) -> Plan:
        return postgresql_plan.plan(case)

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Good: nothing is found, slots are free again, an ordinary role logs in fast, and nobody waits for a lock."""
        looked = next((item for item in observed if item.module.endswith("postgresql_health_info")), None)
        snapshot = (looked.result.get("snapshot") or {}) if looked else {}
        connections = snapshot.get("connections")
        failing = [
            finding
            for finding in self.refine(scope, findings_of(observed))
            if finding.severity != "P4" and finding.id not in AFTER_A_START
        ]
        if not connections:
            why = failing[0].summary if failing else "the server does not answer"
            return Proof(False, why + _progress(scope, observed), None)
        used = float(connections["used"])
        note = (
            f"{used:g} of {connections['capacity']} slots taken, {snapshot.get('waiters_total') or 0} waiting for locks"
        )
        if failing:
            return Proof(False, f"{note}; still {failing[0].summary}", used)
        missing = _missing(snapshot, connections, headroom(scope.target, scope.settings))
        return Proof(
            not missing, f"{note}; {missing or 'login in {:.0f} ms'.format(float(snapshot['login_ms']))}", used
        )


def _missing(snapshot: t.Mapping[str, t.Any], connections: t.Mapping[str, t.Any], wanted: float) -> str:
    """What of the proof is not there yet, an empty text where all is."""
    free = 100.0 - float(connections["used_percent"])
    login = snapshot.get("login_ms")
    if free < wanted:
        return f"only {free:.0f} % of the slots are free, wanted are {wanted:g} %"
    if login is None or snapshot.get("as_superuser"):
        return "no ordinary role has logged in: no sign of life"
    if float(login) >= SLOW_LOGIN_MS:
        return f"a login takes {float(login):.0f} ms"
    if snapshot.get("waiters_total") is None:
        return "locks could not be seen"
    return "somebody waits for a lock" if snapshot["waiters_total"] else ""


def _progress(scope: Scope, observed: t.Sequence[Observed]) -> str:
    """How far a recovery is, in the server's own words."""
    lines = postgresql_plan.log_of(scope, observed)
    said = [line for line in lines if any(word in line for word in ("redo", "recovery", "checkpoint"))]
    return f" ({said[-1].strip()[-120:]})" if said else ""


SCENARIO = PostgresqlScenario()
