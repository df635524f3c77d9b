# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for scenario 1, a service that does not respond: the smallest safe remedy for each root cause.

Rulings: a container that is down is started, a paused one unpaused (low). One that accepts and says nothing, or where
nothing listens, is restarted once, with its stacks kept first (low); never a second time. Where it is refused although
it listens, something between refuses, and it is left alone. What a dependency causes is
for that dependency's scenario, and the service is left alone. Errors, slowness, flapping, names, certificates and
networks are no reason for a restart.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import Finding, Remedy
from ..plan import Action, Plan
from ..runtimes import by_hand, supported
from ..scope import Runtime
from .base import Case
from .containers import STILL, VERBS, Container, first
from .draft import Draft
from .service_scope import SCENARIO_OF, container, group_of, runtimes

HUNG = ("http.response.silent", "http.connect.refused", "docker.port.not_listening")
"""What a restart may cure, where the container runs and no dependency is to blame."""


def plan(case: Case) -> Plan:
    draft = Draft()
    for finding in case.verdict.roots:
        _treat(case, finding, draft)
    return draft.plan("service", case)


def _treat(case: Case, finding: Finding, draft: Draft) -> None:
    target = case.scope.target
    owner = _owner(case, finding)
    if owner != target:
        _elsewhere(case, finding, owner, draft)
    elif finding.component == container(target) and finding.id in VERBS:
        _bring_back(case, finding, draft)
    elif finding.id in HUNG:
        _restart_once(case, finding, draft)
    elif finding.details.get("dependency"):
        blamed = finding.details["dependency"]
        draft.leave(finding, f"{target} blames {blamed}: look there, a restart of {target} would not help")
    else:
        draft.leave(finding, f"no safe automatic remedy for {finding.id}: a restart would not cure it")


def _owner(case: Case, finding: Finding) -> str:
    """The inventory host that a finding is about; "" for what is none, such as a consumer group of a dependency."""
    for name in case.scope.services:
        if finding.component in (name, container(name)):
            return name
    return ""


def _elsewhere(case: Case, finding: Finding, owner: str, draft: Draft) -> None:
    service = case.scope.services.get(owner)
    scenario = SCENARIO_OF.get(group_of(service)) if service else None
    where = owner or finding.component
    draft.notes.append(f"{where} is the cause, so {case.scope.target} is left alone: {finding.summary}")
    command = f"ansible-playbook incident.response.scenario_{scenario} --limit {owner}" if scenario else ""
    draft.proposals.append(Remedy(f"Treat {where} by its own scenario", "none", command))
    draft.proposals.extend(finding.remedies)
    draft.waits_for += [owner] if owner else []
    draft.escalate.append(f"{finding.id}: {where} has to be mended, not {case.scope.target}")


def _container(case: Case) -> tuple[Runtime, Container] | None:
    """What runs the target, where it was seen and something here can act on it."""
    runtime = runtimes(case.scope).get(case.scope.target)
    if runtime is None or not supported(runtime):
        return None
    found = first(case.observed, runtime)
    return (runtime, found) if found else None


def _action(case: Case, verb: str, finding: Finding, found: tuple[Runtime, Container], still: str) -> Action:
    runtime, seen = found
    return Action(
        verb=verb,
        service=case.scope.target,
        runtime=runtime,
        dose="1 container",
        risk="low",
        reason=finding.summary,
        precondition=f"container {seen.id[:12]} {still}",
        undo=by_hand(runtime, "stop") if verb == "start" else "",
        identity=seen.identity,
        blames=(finding.id,),
    )


def _bring_back(case: Case, finding: Finding, draft: Draft) -> None:
    verb, found = VERBS[finding.id], _container(case)
    if found is None:
        draft.leave(finding, f"{finding.id}: nothing here can {verb} {case.scope.target}")
        return
    draft.act(_action(case, verb, finding, found, STILL[verb]))


def _restart_once(case: Case, finding: Finding, draft: Draft) -> None:
    """A hang may come back; a second restart would hide it and not cure it."""
    target, found = case.scope.target, _container(case)
    key = f"hung:{target}"
    draft.proposals.extend(finding.remedies)
    if found is None or found[1].status != "running":
        draft.escalate.append(f"{finding.id}: no running container of {target} was seen, so nothing is restarted")
        return
    if finding.id == "http.connect.refused" and found[1].reachable:
        ports = ", ".join(sorted(set(found[1].reachable)))
        draft.escalate.append(
            f"{target} listens in its container (port {ports}), so what refuses is on the way to it (firewall, published"
            " port, proxy): a restart would not help"
        )
        return
    if any(item.service == target and item.key == key for item in case.done):
        draft.escalate.append(f"{target} was restarted for this before, and it is so again: find out why it hangs")
        return
    options: dict[str, t.Any] = {"dump": "quit"} if finding.id == "http.response.silent" else {}
    action = _action(case, "restart", finding, found, "is the one that was seen")
    draft.notes.append(f"{target} is restarted once; where that does not last, nothing restarts it again")
    draft.act(dataclasses.replace(action, key=key, options=options))
