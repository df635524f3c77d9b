# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for scenario 2, the database: the smallest safe remedy for each root cause, and what only a person may
decide.

Rulings: a server that is down is started (disruptive), one that starts or recovers is waited for and never
restarted. Idle
sessions go within the dose (disruptive), a session that blocks others goes alone, a statement is cancelled before
its session
is ended. A restart of a running server is the last resort: destructive, after a checkpoint, with enough grace.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..findings import Finding, Remedy
from ..plan import Plan
from ..runtimes import by_hand, supported
from ..scope import Observed, Runtime, Scope
from .base import Case
from .containers import VERBS, component_of, first, runtime_of
from .draft import Draft
from .postgresql_actions import call, root_action, tried
from .postgresql_scope import headroom, pooler_runtime
from .running import action_on

WAIT_FOR = ("postgresql.server.starting", "postgresql.server.recovering")
SLOTS = ("postgresql.connections.full", "postgresql.connections.headroom")
CAUSES_OF_SLOTS = (
    "postgresql.connections.idle",
    "postgresql.connections.storm",
    "postgresql.transaction.idle",
    "postgresql.locks.blocked",
    "postgresql.query.long",
)
MAX_SHARE = 0.25
MOST_ROOTS = 3
STEP = 5
"""A dose is rounded up to steps, so that a plan's hash outlives one session more or less; no more go than are
needed."""
SLACK = 3.0
"""Percent beyond the headroom that is proven afterwards: one client that comes back must not undo the cure."""
GRACE_SECONDS = 120


def plan(case: Case) -> Plan:
    draft = Draft()
    for finding in case.verdict.roots:
        _treat(case, finding, draft)
    _slots_blame(case, draft)
    return draft.plan("database", case)


def _treat(case: Case, finding: Finding, draft: Draft) -> None:
    for runtime in (runtime_of(case.scope.target, case.scope.settings), _pooler(case)):
        if runtime is not None and finding.component == component_of(runtime):
            _bring_back(case, finding, runtime, draft)
            return
    treatments: dict[str, t.Callable[[Case, Finding, Draft], None]] = {
        "postgresql.connections.idle": _end_idle,
        "postgresql.transaction.idle": _end_transactions,
        "postgresql.locks.blocked": _end_blockers,
        "postgresql.query.long": _cancel_long,
        "postgresql.connections.storm": _storm,
        "postgresql.server.silent": _hung,
        **dict.fromkeys(WAIT_FOR, _wait),
        **dict.fromkeys(SLOTS, _slots),
        "postgresql.server.restarted": _nothing,
    }
    treatment = treatments.get(finding.id)
    if treatment is None:
        draft.leave(finding, f"no safe automatic remedy for {finding.id}")
    else:
        treatment(case, finding, draft)


def _pooler(case: Case) -> Runtime | None:
    return pooler_runtime(case.scope.target, case.scope.settings)


def _nothing(case: Case, finding: Finding, draft: Draft) -> None:
    draft.notes.append(f"{finding.summary}: find out why; nothing is left to do about it")
    draft.proposals.extend(finding.remedies)


# The container


def _bring_back(case: Case, finding: Finding, runtime: Runtime, draft: Draft) -> None:
    """Start, unpause or continue what is down, paused or frozen. Anything else about a container is for a person."""
    verb = VERBS.get(finding.id)
    found = first(case.observed, runtime)
    if verb is None or found is None or not supported(runtime):
        draft.leave(finding, f"{finding.id}: {runtime.service} is not touched by itself")
        return
    server = runtime == runtime_of(case.scope.target, case.scope.settings)
    draft.act(
        action_on(
            runtime.service,
            (runtime, found),
            verb,
            finding,
            risk="disruptive" if server and verb == "start" else "low",
            undo=f"docker compose stop -t {GRACE_SECONDS} {runtime.service}" if verb == "start" else "",
            # The watch waits for it, and shows how far a recovery is.
            options={"wait": False} if verb == "start" else {},
        )
    )


def log_of(scope: Scope, observed: t.Sequence[Observed]) -> list[str]:
    """The end of the server's log, where its container was looked at."""
    runtime = runtime_of(scope.target, scope.settings)
    found = first(observed, runtime) if runtime else None
    return list(found.logs) if found else []


# A server that gets ready by itself, and one that hangs


def _wait(case: Case, finding: Finding, draft: Draft) -> None:
    draft.notes.append("It gets ready by itself. A restart would begin its recovery anew, so none is done or proposed")
    draft.act(
        call(case, "wait for", "postgresql_wait", {"timeout": 10.0}, finding, "none", "0 changes", "it gets ready")
    )


def _hung(case: Case, finding: Finding, draft: Draft) -> None:
    """Nothing else is known to help; no checkpoint is possible, since nobody can log in."""
    _restart(case, finding, draft, checkpoint=False)


def _restart(case: Case, finding: Finding, draft: Draft, checkpoint: bool) -> None:
    """The last resort, only with the target's name and the plan's hash typed back."""
    runtime = runtime_of(case.scope.target, case.scope.settings)
    found = first(case.observed, runtime) if runtime else None
    draft.proposals.extend(finding.remedies)
    if runtime is None or found is None or not supported(runtime):
        draft.escalate.append(f"{finding.id}: a restart is the last resort, and nothing here can do it")
        return
    draft.escalate.append(f"{finding.id}: a restart is the last resort; somebody has to type back its name and hash")
    draft.proposals.append(Remedy("Restart it by hand, with enough grace", "destructive", by_hand(runtime, "restart")))
    if checkpoint:
        draft.act(
            call(case, "checkpoint", "postgresql_checkpoint", {}, finding, "disruptive", "1 checkpoint", "it answers")
        )
    draft.act(
        action_on(
            runtime.service,
            (runtime, found),
            "restart",
            finding,
            risk="destructive",
            dose="1 server, every session",
            options={"stop_timeout": GRACE_SECONDS},
        )
    )


# Slots and sessions


def _slots(case: Case, finding: Finding, draft: Draft) -> None:
    """Slots run short for a reason; where one is known, that is treated, not the number."""
    here = {other.id for other in case.verdict.roots if other.component == finding.component}
    if here & set(CAUSES_OF_SLOTS):
        return
    if finding.id == "postgresql.connections.full" and _snapshot(case).get("connections") is None:
        draft.notes.append(
            "Nobody can log in to see who takes the slots: stop the client that holds them, if it is known"
        )
        _restart(case, finding, draft, checkpoint=False)
        return
    if finding.id == "postgresql.connections.full":
        draft.notes.append(
            "The sessions are at work, so none is ended. Throttle the clients first; a restart ends them all"
        )
        _restart(case, finding, draft, checkpoint=True)
        return
    draft.leave(finding, f"{finding.id}: the sessions are at work, so none is ended; the clients need fewer of them")


def _slots_blame(case: Case, draft: Draft) -> None:
    """What is done about the cause is done about the slots too."""
    blamed = [other for other in case.verdict.roots if other.id in SLOTS]
    for name, action in draft.actions.items():
        if action.module == "postgresql_sessions" and blamed:
            blames = tuple(sorted({*action.blames, *(other.id for other in blamed)}))
            draft.actions[name] = dataclasses.replace(action, blames=blames)


def _snapshot(case: Case) -> dict[str, t.Any]:
    for look in case.observed:
        if look.module.endswith("postgresql_health_info"):
            return dict(look.result.get("snapshot") or {})
    return {}


def _thresholds(case: Case) -> dict[str, t.Any]:
    for look in case.observed:
        if look.module.endswith("postgresql_health_info"):
            return dict(look.result.get("thresholds") or {})
    return {}


def dose(used: int, capacity: int, endable: int, wanted: float) -> int:
    """How many idle sessions may go at most: what restores the headroom, in steps, within the share of one run."""
    needed = used - math.floor(capacity * (1.0 - wanted / 100.0))
    steps = STEP * math.ceil(max(0, needed) / STEP)
    return max(0, min(steps, max(1, math.floor(used * MAX_SHARE)), endable))


def _end_idle(case: Case, finding: Finding, draft: Draft) -> None:
    if any(other.id == "postgresql.connections.storm" for other in case.verdict.roots):
        draft.notes.append("Idle sessions are left alone during a storm: their slots would be taken again at once")
        return
    slots = _snapshot(case).get("connections") or {"used": 0, "capacity": 0}
    wanted = min(99.0, headroom(case.scope.target, case.scope.settings) + SLACK)
    count = dose(slots["used"], slots["capacity"], int(finding.details.get("endable") or 0), wanted)
    draft.proposals.extend(finding.remedies[:1])
    if count < 1:
        draft.leave(finding, "all idle sessions are protected, or none has to go")
        return
    options = {
        "criteria": "idle",
        "action": "terminate",
        "min_age": float(_thresholds(case).get("idle_age", 300.0)),
        "headroom": wanted,
        "max_share": MAX_SHARE,
        "count": count,
    }
    share = f"at most {count} sessions, the oldest first, only until {wanted:g} % are free"
    draft.act(
        call(
            case,
            "terminate idle sessions of",
            "postgresql_sessions",
            options,
            finding,
            "disruptive",
            share,
            "they are idle",
        )
    )


def _end_transactions(case: Case, finding: Finding, draft: Draft) -> None:
    _each_root(case, finding, draft, "idle_in_transaction", "terminate")


def _end_blockers(case: Case, finding: Finding, draft: Draft) -> None:
    """The statement first; the session only where that was tried and did not help."""
    _each_root(case, finding, draft, "blocking", "cancel")


def _cancel_long(case: Case, finding: Finding, draft: Draft) -> None:
    """A long query is somebody's work. It is cancelled only where it takes what others need."""
    if not any(other.id in SLOTS for other in case.verdict.roots):
        draft.leave(finding, "a long query is somebody's work, and nothing runs short: ask whose it is")
        return
    _each_root(case, finding, draft, "long", "cancel")


def _each_root(case: Case, finding: Finding, draft: Draft, criteria: str, action: str) -> None:
    roots = list(finding.details.get("roots") or ())
    for root in roots[:MOST_ROOTS]:
        if root["protected"]:
            draft.leave(finding, f"{root['who']} is not ended: {root['protected']}")
            continue
        chosen = action
        if action == "cancel" and (root["state"] != "active" or tried(case, root)):
            chosen = "terminate"
        draft.act(root_action(case, finding, root, criteria, chosen))
    if len(roots) > MOST_ROOTS:
        draft.escalate.append(
            f"{len(roots)} sessions are to blame for {finding.id}; more than {MOST_ROOTS} are for a person"
        )


def _storm(case: Case, finding: Finding, draft: Draft) -> None:
    draft.leave(finding, "a storm ends at its client: throttle or restart that one; no session is ended here")
