# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for scenario 3, high memory.

Rulings: who waits for a dependency is left alone, whatever its memory. A leak is restarted once where its limit is near
(low), which only gains time, and says so. A limit that is too small is raised once, to peak / 0.7 (disruptive). What
lacks is never the host's memory to give. A garbage collection is for a person to ask for.
"""

from __future__ import annotations

import shlex
import typing as t

from ..findings import CRITICAL, Finding, Remedy
from ..plan import Plan
from ..quantities import size, span
from .base import Case
from .draft import Draft
from .memory_actions import left, raise_once, restart_once
from .memory_scope import LOOP, State, own_findings, restarts_of, state_of
from .service_actions import elsewhere, hand_over, owner_of
from .workload_plan import is_about_one, treat
from .workloads import OOM as POD_OOM

FAR = 4 * 3600.0
"""Seconds to its limit from which on a leak can wait for a person."""
OOM, HIGH = "docker.memory.oom_killed", "docker.memory.high"
LEAK, CROWD = "go.heap.leak", "go.goroutines.leak"
LIMIT, OFFHEAP, WAITING = "go.heap.limit", "go.memory.offheap", "go.goroutines.waiting_database"
MEMORY = frozenset({OOM, HIGH, LEAK, CROWD, LIMIT, OFFHEAP, WAITING})
BESIDE = frozenset({"go.gc.pressure", "go.goroutines.high", "go.goroutines.stuck", "docker.container.unhealthy"})
"""What high memory brings with it: nothing is done about it beside what is done about the memory."""
DOWN = frozenset(
    {
        "docker.container.crash_loop",
        "docker.container.missing",
        "docker.container.not_running",
        "docker.container.paused",
        "docker.container.start_failed",
        "docker.process.frozen",
    }
)
"""No question of memory: the service scenario's."""

Found = t.Mapping[str, Finding]


def plan(case: Case) -> Plan:
    draft = Draft()
    target, own = case.scope.target, {finding.id: finding for finding in own_findings(case)}
    foreign = [(finding, owner_of(case, finding)) for finding in case.verdict.roots]
    others = [(finding, owner) for finding, owner in foreign if owner != target and (owner or not own)]
    if others:
        for finding, owner in others:
            elsewhere(case, finding, owner, draft)
    elif WAITING in own:
        _waits_for_database(case, own[WAITING], draft)
    elif own:
        _own(case, own, draft)
        for finding, owner in foreign:
            if not owner:
                draft.notes.append(f"beside it: {finding.summary}")
                draft.proposals.extend(finding.remedies)
    return draft.plan("memory", case)


def _waits_for_database(case: Case, finding: Finding, draft: Draft) -> None:
    """Requests pile up and hold memory: the remedy is whatever holds the connections."""
    target, services = case.scope.target, case.scope.services
    near = [name for name in services[target].depends_on if name in services]
    names = [name for name in near if "postgresql" in services[name].groups]
    draft.proposals.extend(finding.remedies)
    if not names:
        draft.escalate.append(f"{target} waits for a database, and none is among what it depends_on: look there")
    for name in names:
        draft.notes.append(f"{target} waits for {name}, so its memory is not the cause and it is left alone")
        hand_over(case, name, draft)
        draft.waits_for.append(name)
        draft.escalate.append(f"{finding.id}: {name} or the pool before it has to be mended, not {target}")


def _own(case: Case, own: Found, draft: Draft) -> None:
    """Nothing that it depends on is to blame: the first branch of the tree that fits."""
    state = state_of(case.scope, case.observed)
    down = [own[name] for name in sorted(DOWN & own.keys())]
    workload = [own[name] for name in sorted(own) if is_about_one(own[name])]
    if workload:
        _workload(case, workload, draft)
    elif down:
        _not_memory(case, down[0], draft)
    elif not MEMORY & own.keys():
        for finding in own.values():
            draft.leave(finding, f"{finding.id} is no question of memory: nothing is done about it here")
    else:
        _memory(case, state, own, draft)
        for name, finding in own.items():
            if name in BESIDE:
                draft.notes.append(f"beside it: {finding.summary}")
            elif name not in MEMORY:
                draft.leave(finding, f"{name} is no question of memory: nothing is done about it here")


def _workload(case: Case, found: t.Sequence[Finding], draft: Draft) -> None:
    for finding in found:
        if finding.id == POD_OOM:
            treat(case, finding, draft)
        else:
            _not_memory(case, finding, draft)


def _not_memory(case: Case, finding: Finding, draft: Draft) -> None:
    hand_over(case, case.scope.target, draft)
    draft.leave(finding, f"{finding.id} is no question of memory: it is for the service scenario")


def _memory(case: Case, state: State, own: Found, draft: Draft) -> None:
    leak = own.get(LEAK) or (own.get(CROWD) if state.climbing or state.near else None)
    killed = own.get(OOM)
    if killed and killed.details.get("host_pressure"):
        draft.leave(killed, "the machine itself ran out of memory: a higher limit would make it worse")
    elif leak:
        _leaks(case, state, leak, killed, draft)
    elif OFFHEAP in own:
        _outside(case, state, own[OFFHEAP], killed, draft)
    elif killed and killed.details.get("main_process") is False:
        draft.leave(
            killed, f"another process in its container was killed, not {case.scope.target}: find out which, why"
        )
    elif killed:
        _say_who_holds(state, draft)
        draft.proposals.extend(killed.remedies)
        raise_once(case, state, killed, draft)
    elif CROWD in own:
        draft.notes += own[CROWD].evidence
        draft.leave(own[CROWD], "goroutines leak while the heap does not grow: read where they wait, nothing is near")
    else:
        _full(case, state, own, draft)
    draft.blame(sorted({OOM, HIGH, LEAK, CROWD, LIMIT} & own.keys()))
    _by_hand(case, state, draft)


def _leaks(case: Case, state: State, leak: Finding, killed: Finding | None, draft: Draft) -> None:
    target = case.scope.target
    draft.notes += leak.evidence
    draft.proposals.extend(leak.remedies)
    seconds, rate = left(state, leak)
    if killed and restarts_of(killed) >= LOOP:
        draft.escalate.append(
            f"{target} leaks {size(rate)} per second and is killed for it again and again: each kill is a restart"
            " already, and a larger limit would only be filled too"
        )
    elif state.near or (leak.state == CRITICAL if seconds is None else seconds < FAR):
        restart_once(case, state, leak, draft)
    else:
        when = f"in about {span(seconds)}" if seconds is not None else "at a time that is not known"
        draft.escalate.append(f"{target} leaks, and reaches its limit {when}: time to mend it, no reason to restart it")


def _outside(case: Case, state: State, finding: Finding, killed: Finding | None, draft: Draft) -> None:
    """No profile shows it, and nobody knows whether it grows."""
    draft.proposals.append(Remedy("Look for what Go does not manage: cgo, files mapped into memory, a tmpfs", "none"))
    if state.near and not killed:
        draft.proposals.extend(finding.remedies)
        restart_once(case, state, finding, draft)
    else:
        draft.leave(finding, f"{case.scope.target} has its memory outside of Go's heap, where no profile shows it")


def _full(case: Case, state: State, own: Found, draft: Draft) -> None:
    """At the limit without a leak. That needs a heap that was seen to be flat: one look alone can't tell."""
    target, finding = case.scope.target, own.get(HIGH) or own[LIMIT]
    if finding.details.get("limit") == "GOMEMLIMIT":
        draft.leave(finding, f"{target} is at its GOMEMLIMIT while its container has room: a person raises it there")
    elif not state.answers:
        draft.leave(finding, f"{target} is near its limit, and without Go metrics nobody knows whether it leaks")
    elif not state.told:
        draft.leave(finding, f"{target} is near its limit; whether it leaks is not told yet: look again in a minute")
    else:
        _say_who_holds(state, draft)
        draft.proposals.extend(finding.remedies)
        raise_once(case, state, finding, draft)


def _say_who_holds(state: State, draft: Draft) -> None:
    for row in ((state.go.get("profile") or {}).get("top") or ())[:3]:
        draft.notes.append(f"{row['function']} holds {size(row['bytes'])}")


def _by_hand(case: Case, state: State, draft: Draft) -> None:
    """What only a person asks for: whether it is garbage is seen by a collection, which costs a pause."""
    metrics, pprof = (case.scope.settings.get(name) for name in ("go_metrics_url", "go_pprof_url"))
    if not (metrics and pprof and state.answers):
        return
    limit = f" memory_limit={state.container.limit}" if state.container and state.container.limit else ""
    arguments = shlex.quote(f"metrics_url={metrics} pprof_url={pprof}{limit}")
    draft.proposals.append(
        Remedy(
            "Let it collect its garbage once, to see what is really held",
            "low",
            f"ansible {case.scope.target} -m incident.response.go_runtime -a {arguments}",
        )
    )
