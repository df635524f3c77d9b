# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plans for a service share: whose a finding is, what is left to a dependency's scenario, one action."""

from __future__ import annotations

from ..findings import Finding, Remedy
from ..plan import Action
from ..runtimes import by_hand, supported
from ..scope import Runtime
from .base import Case
from .draft import Draft
from .running import Seen, action_on, first
from .service_scope import SCENARIO_OF, container, group_of, runtimes


def owner_of(case: Case, finding: Finding) -> str:
    """The inventory host that a finding is about; "" for what is none, such as a consumer group of a dependency."""
    for name in case.scope.services:
        if finding.component in (name, container(name)):
            return name
    return ""


def elsewhere(case: Case, finding: Finding, owner: str, draft: Draft) -> None:
    """The target suffers from what owner ("": the finding's component) has; it is left alone."""
    where = owner or finding.component
    draft.notes.append(f"{where} is the cause, so {case.scope.target} is left alone: {finding.summary}")
    hand_over(case, where, draft)
    draft.proposals.extend(finding.remedies)
    draft.waits_for += [owner] if owner else []
    draft.escalate.append(f"{finding.id}: {where} has to be mended, not {case.scope.target}")


def hand_over(case: Case, where: str, draft: Draft) -> None:
    """Propose the scenario of another inventory host, with its command where it has one."""
    service = case.scope.services.get(where)
    scenario = SCENARIO_OF.get(group_of(service)) if service else None
    command = f"ansible-playbook incident.response.scenario_{scenario} --limit {where}" if scenario else ""
    draft.proposals.append(Remedy(f"Treat {where} by its own scenario", "none", command))


def seen_of(case: Case) -> tuple[Runtime, Seen] | None:
    """What runs the target, where it was seen and something here can act on it."""
    runtime = runtimes(case.scope).get(case.scope.target)
    if runtime is None or not supported(runtime):
        return None
    found = first(case.observed, runtime)
    return (runtime, found) if found else None


def act_on_target(case: Case, verb: str, finding: Finding, found: tuple[Runtime, Seen], still: str = "") -> Action:
    """One action of low risk on what was seen to run the target. still: see running.action_on."""
    undo = by_hand(found[0], "stop") if verb == "start" else ""
    return action_on(case.scope.target, found, verb, finding, still=still, undo=undo)
