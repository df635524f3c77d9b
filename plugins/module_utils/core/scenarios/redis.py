# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 4 of the runbook, Redis connection issues: cache misses, slow responses.

The tree is: is the container there, does the server answer, is it willing (loading, busy, paused), is there room for
clients and for data, does it save and replicate. PING alone proves nothing. The plan is in redis_plan.py.
"""

from __future__ import annotations

import statistics
import typing as t

from ..decide import Graph
from ..findings import Finding
from ..plan import Plan
from ..runtimes import look
from ..scope import CheckCall, Observed, Scope
from . import redis_plan
from .base import Case, Proof, findings_of
from .containers import component_of, runtime_of, without_beside
from .redis_scope import (
    expected_replicas,
    fast_ms,
    flush_options,
    headroom,
    look_of,
    min_idle,
    snapshot_of,
)
from .variables import flag

LOG_LINES = 100
MEMORY = ("redis.memory.full", "redis.memory.high", "redis.writes.refused")
ROOM_PERCENT = 85.0


class RedisScenario:
    """See base.Scenario. What looks back (latency, refused writes) is no harm that an action of ours has done."""

    name = "redis"
    title = "Redis: cache misses, slow responses"
    group = "redis"
    metric = "PING (ms)"
    target_vars: tuple[str, ...] = (
        "runtime",
        "redis_role",
        "redis_headroom",
        "redis_min_idle",
        "redis_fast_ms",
        "redis_expected_replicas",
        "redis_persistent",
        "redis_flush",
    )
    transient: frozenset[str] = frozenset(
        {"redis.server.loading", "redis.replication.lagging", "redis.latency.high", "redis.writes.refused"}
    )
    deep = False

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        """None besides the target; what makes no sense in its variables is said here."""
        runtime_of(target, settings)
        headroom(target, settings)
        min_idle(target, settings)
        fast_ms(target, settings)
        expected_replicas(target, settings)
        flag(target, settings, "redis_persistent")
        flush_options(target, settings)
        return set()

    def checks(self, scope: Scope) -> list[CheckCall]:
        own = {"component": scope.target}
        calls = [CheckCall(f"server {scope.target}", "incident.response.redis_health_info", scope.target, own)]
        runtime = runtime_of(scope.target, scope.settings)
        wanted = {component_of(runtime): runtime} if runtime else {}
        return calls + look(wanted, {"log_lines": LOG_LINES})

    def graph(self, scope: Scope) -> Graph:
        runtime = runtime_of(scope.target, scope.settings)
        return {scope.target: [component_of(runtime)] if runtime else []}

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        return []

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        """A server that answered for itself needs no health check that says less."""
        runtime = runtime_of(scope.target, scope.settings)
        return without_beside(findings, component_of(runtime), scope.target) if runtime else findings

    def plan(self, case: Case) -> Plan:
        return redis_plan.plan(case)

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Good: nothing is found, PING is fast, no write or client was refused, nothing was evicted from a store."""
        result, snapshot = look_of(observed), snapshot_of(observed)
        failing = [f for f in self.refine(scope, findings_of(observed)) if f.severity != "P4"]
        pings = [float(ms) for ms in snapshot.get("ping_ms") or ()]
        metric = statistics.median(pings) if pings else None
        if not result.get("reachable") or metric is None:
            return Proof(False, (failing[0].summary if failing else "it does not answer") + _progress(failing), metric)
        note = f"PING {metric:.1f} ms, {_rate(snapshot)}"
        if failing:
            return Proof(False, f"{note}; still {failing[0].summary}", metric)
        missing = _missing(scope, snapshot, metric, blamed)
        return Proof(not missing, f"{note}; {missing}" if missing else note, metric)


def _progress(failing: t.Sequence[Finding]) -> str:
    eta = failing[0].details.get("eta_seconds") if failing else None
    return f" (about {float(eta):.0f} s left)" if eta is not None and "left" not in failing[0].summary else ""


def _rate(snapshot: t.Mapping[str, t.Any]) -> str:
    deltas = snapshot.get("deltas") or {}
    seconds = float(deltas.get("seconds") or 0)
    commands = deltas.get("total_commands_processed")
    if not seconds or commands is None:
        return "no second reading"
    return f"{float(commands) / seconds:.0f} commands/s"


def _missing(scope: Scope, snapshot: t.Mapping[str, t.Any], ping: float, blamed: t.Collection[str]) -> str:
    """What of the proof is not there yet, an empty text where all is."""
    deltas = snapshot.get("deltas") or {}
    limit = fast_ms(scope.target, scope.settings)
    if ping >= limit:
        return f"PING takes {limit:g} ms or more"
    if not deltas.get("seconds"):
        return "the counters were read once only: no proof that writes go through"
    if deltas.get("refused_writes"):
        return "writes are still refused"
    if deltas.get("rejected_connections"):
        return "clients are still turned away"
    if scope.settings.get("redis_role") == "store" and deltas.get("evicted_keys"):
        return "keys are still evicted"
    memory = snapshot.get("memory") or {}
    most = float(memory.get("maxmemory") or 0)
    used = 100.0 * float(memory.get("used_memory") or 0) / most if most else 0.0
    if set(MEMORY) & set(blamed) and used >= ROOM_PERCENT:
        return f"memory is still {used:.0f} % full"
    return ""


SCENARIO = RedisScenario()
