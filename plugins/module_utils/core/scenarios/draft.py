# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan while it is being made."""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import Finding, Remedy
from ..plan import Action, Plan
from .base import Case


@dataclasses.dataclass
class Draft:
    """One action for each thing that is done to one thing: a second finding about it adds its id, nothing is done
    twice."""

    actions: dict[str, Action] = dataclasses.field(default_factory=dict)
    proposals: list[Remedy] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    escalate: list[str] = dataclasses.field(default_factory=list)
    waits_for: list[str] = dataclasses.field(default_factory=list)

    def act(self, action: Action, name: str = "") -> None:
        """name: what makes it the same as another one. Without it verb, service and identity."""
        name = name or f"{action.title} {sorted(action.identity.items())}"
        known = self.actions.get(name)
        blames = tuple(sorted({*(known.blames if known else ()), *action.blames}))
        self.actions[name] = dataclasses.replace(known or action, blames=blames)

    def blame(self, ids: t.Iterable[str]) -> None:
        """All actions so far treat these findings too."""
        for name, action in self.actions.items():
            self.actions[name] = dataclasses.replace(action, blames=tuple(sorted({*action.blames, *ids})))

    def leave(self, finding: Finding, why: str) -> None:
        """It is for a person, and why."""
        self.proposals.extend(finding.remedies)
        self.escalate.append(why)

    def plan(self, scenario: str, case: Case, order: t.Callable[[Action], t.Any] | None = None) -> Plan:
        """The plan, with what could not be measured among its notes."""
        for finding in case.verdict.unknown:
            self.notes.append(f"Not measured, so nothing is done about it: {finding.summary}")
        actions = self.actions.values()
        return Plan(
            scenario=scenario,
            target=case.scope.target,
            actions=tuple(sorted(actions, key=order) if order else actions),
            proposals=tuple(dict.fromkeys(self.proposals)),
            notes=tuple(dict.fromkeys(self.notes)),
            escalate="; ".join(dict.fromkeys(self.escalate)),
            waits_for=tuple(dict.fromkeys(self.waits_for)),
        )


def on_target(
    case: Case,
    verb: str,
    module: str,
    options: dict[str, t.Any],
    finding: Finding,
    risk: str,
    amount: str,
    precondition: str,
    inherits: tuple[str, ...],
) -> Action:
    """An action that is a module's call on the target itself, not on what runs it.

    inherits: the module's options that the target's variables give it, secrets among them, so that none is in a plan.
    """
    return Action(
        verb=verb,
        service=case.scope.target,
        runtime=None,
        dose=amount,
        risk=risk,
        reason=finding.summary,
        precondition=precondition,
        undo="",
        identity={},
        blames=(finding.id,),
        module=module,
        host=case.scope.target,
        options=options,
        inherits=inherits,
    )
