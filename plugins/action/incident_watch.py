# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches after an action: judges one look, writes it down, and waits until the next one is due."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..module_utils.core import watch
from ..module_utils.core.findings import Finding
from ..module_utils.core.plan import Plan
from ..module_utils.core.scenarios.base import judged
from ..plugin_utils import say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.store import Store

STYLES = {watch.FIXED: "good", watch.IMPROVED: "warn", watch.UNCHANGED: "bad", watch.WORSE: "bad"}


class ActionModule(IncidentAction):
    """The probe that found the fault proves the cure. All samples are in the timeline, so a killed watch can be
    read."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "required": True},
        "observed": {"type": "list", "elements": "dict", "required": True},
        "before": {"type": "dict", "required": True},
        "since": {"type": "float", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        now = time.time()
        sample = self._judge(now - self.args["since"])
        with self.store() as store:
            self.keep_lease(store)
            store.add_event(self.args["incident"], now, "sample", sample.note, {"sample": sample.to_dict()})
            samples = self._samples(store)
        before = self.args["before"]
        progress = watch.follow(samples, before.get("metric"), len(self._blamed()), self.settings.timing)
        style = STYLES.get(progress.outcome, "good" if sample.good else "plain")
        lines = [say.line(f"    watch    +{sample.at:.0f} s  {sample.note}  [{progress.text}]", style)]
        if not progress.done:
            self._display.vv(f"next look in {progress.wait:g} s")
            time.sleep(progress.wait)
        return {"done": progress.done, "outcome": progress.outcome, "sample": sample.to_dict(), "say": lines}

    def _blamed(self) -> set[str]:
        """What the plan treats, as finding id and component."""
        plan = Plan.from_dict(self.args["before"]["plan"])
        return {name for action in plan.actions for name in action.blames}

    def _judge(self, at: float) -> watch.Sample:
        observed, scenario = self.observed(), self.scenario
        scope = dataclasses.replace(self.scope(), acted_ago=at)
        findings = judged(scenario, scope, observed)
        blamed = self._blamed()
        earlier = {watch.name_of(Finding.from_dict(data)) for data in self.args["before"]["findings"]}
        proof = scenario.prove(scope, observed, blamed)
        return watch.Sample(
            at=at,
            good=proof.good,
            note=proof.note,
            metric=proof.metric,
            harm=watch.harm_of(findings, scenario.graph(scope), earlier, scenario.transient),
            remaining=tuple(sorted({finding.id for finding in findings if finding.id in blamed})),
        )

    def _samples(self, store: Store) -> list[watch.Sample]:
        """The samples since the last action of this watch, out of the timeline."""
        events = [e for e in store.events(self.args["incident"]) if e.kind == "sample" and e.at >= self.args["since"]]
        return [watch.Sample.from_dict(event.data["sample"]) for event in events]
