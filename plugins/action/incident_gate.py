# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands between a plan and a change: asks the gates, and where the mode says so, the person at the terminal."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive

from ..module_utils.core import gate
from ..module_utils.core.plan import Plan
from ..module_utils.core.scenarios.running import healthy
from ..module_utils.core.scope import Observed
from ..plugin_utils import say
from ..plugin_utils.incident_action import IncidentAction


class ActionModule(IncidentAction):
    """state is approved, proposed (nothing was refused, but nobody approved) or refused. It never fails open."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "default": ""},
        "plan": {"type": "dict", "required": True},
        "fresh_plan": {"type": "dict"},
        "observed": {"type": "list", "elements": "dict", "default": []},
        "observed_at": {"type": "float", "default": 0.0},
    }

    def act(self) -> dict[str, t.Any]:
        plan = Plan.from_dict(self.args["plan"])
        if self.args["fresh_plan"] is not None:
            return self._answer([gate.same_plan(plan, Plan.from_dict(self.args["fresh_plan"]))], plan, False)
        store = self.store() if self.args["incident"] else None
        try:
            answers = gate.standing_gates(
                self.settings.gates, plan, self.done(store), self._healthy(plan, self.observed()), time.time()
            )
        finally:
            if store:
                store.__exit__()
        asked = False
        if all(answer.ok for answer in answers):
            typed, asked = self._ask(plan)
            answers.append(gate.check_approval(self.settings.gates, plan, typed))
        return self._answer(answers, plan, asked)

    def _answer(self, answers: list[gate.Passed], plan: Plan, asked: bool) -> dict[str, t.Any]:
        refused = [answer for answer in answers if not answer.ok]
        state = self._state(refused, asked)
        lines = say.gates([answer for answer in answers if answer.ok] if state == "proposed" else answers)
        command = ""
        if state == "proposed":
            command = self.rerun(refused[0].override or f"incident_approve={plan.hash}")
            lines.append(say.line("Proposed only: nothing was changed. To apply exactly this plan:", "head"))
            lines.append(say.line(f"    {command}"))
        self._write_down(answers, state)
        age = time.time() - self.args["observed_at"]
        return {
            "state": state,
            "approved": state == "approved",
            "look_again": state == "approved" and not self.check_mode and age > self.settings.recheck_after,
            "gates": [answer.to_dict() for answer in answers],
            "refused": [answer.to_dict() for answer in refused] if state == "refused" else [],
            "next_command": command,
            "say": lines,
        }

    def _state(self, refused: list[gate.Passed], asked: bool) -> str:
        """Modes that only propose are not refused anything; neither is ask without anybody to ask."""
        if not refused:
            return "approved"
        only_approval = [answer.gate for answer in refused] == ["approval"]
        settings = self.settings.gates
        proposes = settings.mode == "propose" or (settings.mode == "ask" and not asked)
        return "proposed" if only_approval and proposes and not settings.approve else "refused"

    def _ask(self, plan: Plan) -> tuple[str, bool]:
        """(what was typed, whether somebody was asked). Without a terminal nobody is, and ask only proposes."""
        settings = self.settings.gates
        if settings.mode != "ask" or settings.approve or self.check_mode:
            return "", False
        what = (
            f"type {plan.target} to approve" if gate.needs_typing(plan) else "yes to approve, anything else to leave it"
        )
        titles = ", ".join(action.title for action in plan.actions)
        try:
            typed = self._display.prompt_until(f"\nApply plan {plan.hash} ({titles}; risk {plan.risk})? {what}: ")
        except (AnsiblePromptNoninteractive, AnsiblePromptInterrupt):
            return "", False
        return typed.decode(errors="replace") if isinstance(typed, bytes) else str(typed), True

    def _healthy(self, plan: Plan, observed: t.Sequence[Observed]) -> dict[str, int]:
        """Healthy containers of each service that the plan touches."""
        return {action.service: healthy(observed, action.runtime) for action in plan.actions if action.runtime}

    def _write_down(self, answers: list[gate.Passed], state: str) -> None:
        if not self.args["incident"]:
            return
        with self.store() as store:
            text = f"{state}: " + "; ".join(f"{answer.gate}: {answer.reason}" for answer in answers)
            store.add_event(self.args["incident"], time.time(), "gate", text, {"gates": [a.to_dict() for a in answers]})
