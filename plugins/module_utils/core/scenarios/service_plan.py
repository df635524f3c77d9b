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

from ..findings import Finding
from ..plan import Plan
from .base import Case
from .containers import VERBS
from .draft import Draft
from .service_actions import act_on_target, elsewhere, owner_of, seen_of
from .service_scope import container
from .workload_plan import is_about_one, treat

HUNG = ("http.response.silent", "http.connect.refused", "docker.port.not_listening")
"""What a restart may cure, where the container runs and no dependency is to blame."""


def plan(case: Case) -> Plan:
    draft = Draft()
    for finding in case.verdict.roots:
        _treat(case, finding, draft)
    return draft.plan("service", case)


def _treat(case: Case, finding: Finding, draft: Draft) -> None:
    target = case.scope.target
    owner = owner_of(case, finding)
    if owner != target:
        elsewhere(case, finding, owner, draft)
    elif finding.component == container(target) and finding.id in VERBS:
        _bring_back(case, finding, draft)
    elif is_about_one(finding):
        treat(case, finding, draft)
    elif finding.id in HUNG:
        _restart_once(case, finding, draft)
    elif finding.details.get("dependency"):
        blamed = finding.details["dependency"]
        draft.leave(finding, f"{target} blames {blamed}: look there, a restart of {target} would not help")
    else:
        draft.leave(finding, f"no safe automatic remedy for {finding.id}: a restart would not cure it")


def _bring_back(case: Case, finding: Finding, draft: Draft) -> None:
    verb, found = VERBS[finding.id], seen_of(case)
    if found is None:
        draft.leave(finding, f"{finding.id}: nothing here can {verb} {case.scope.target}")
        return
    draft.act(act_on_target(case, verb, finding, found))


def _restart_once(case: Case, finding: Finding, draft: Draft) -> None:
    """A hang may come back; a second restart would hide it and not cure it."""
    target, found = case.scope.target, seen_of(case)
    key = f"hung:{target}"
    draft.proposals.extend(finding.remedies)
    if found is None or found[1].status != "running":
        draft.escalate.append(f"{finding.id}: nothing that runs {target} was seen, so nothing is restarted")
        return
    if finding.id == "http.connect.refused" and found[1].reachable:
        ports = ", ".join(sorted(set(found[1].reachable)))
        draft.escalate.append(
            f"{target} listens in its container (port {ports}), so what refuses is on the way to it (firewall,"
            " published port, proxy): a restart would not help"
        )
        return
    if case.was_done(key):
        draft.escalate.append(f"{target} was restarted for this before, and it is so again: find out why it hangs")
        return
    docker = found[0].kind == "docker"
    options: dict[str, t.Any] = {"dump": "quit"} if docker and finding.id == "http.response.silent" else {}
    action = act_on_target(case, "restart", finding, found)
    draft.notes.append(f"{target} is restarted once; where that does not last, nothing restarts it again")
    draft.act(dataclasses.replace(action, key=key, options=options))
