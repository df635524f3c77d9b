# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes a run: outcome, report, notification, release of the lease. Runs also when the play failed before."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..module_utils.core.ending import Ending, ending
from ..module_utils.core.mitigation import Mitigation, of_plan
from ..plugin_utils import notify, reporter, say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import span
from ..plugin_utils.store import Store

STYLES = {
    "fixed": "good",
    "healthy": "good",
    "restored": "good",
    "mitigated": "warn",
    "checked": "head",
    "proposed": "head",
    "observed": "head",
}


class ActionModule(IncidentAction):
    """The task fails where the outcome is not what the mode promises: the exit status of the whole run says so."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "default": ""},
        "adopted": {"type": "bool", "default": False},
        "decision": {"type": "dict"},
        "gate": {"type": "dict"},
        "watched": {"type": "str", "default": ""},
        "failure": {"type": "str", "default": ""},
        "mended": {"type": "list", "elements": "str", "default": []},
    }

    def act(self) -> dict[str, t.Any]:
        decision = self.args["decision"] or {}
        earlier = self._earlier()
        end = ending(
            mode=self.settings.gates.mode,
            check_mode=self.check_mode,
            adopted=self.args["adopted"],
            failure=self.args["failure"],
            verdict=decision.get("verdict"),
            plan=decision.get("plan"),
            gate=self.args["gate"],
            watched=self.args["watched"],
            mended=self.args["mended"],
            mitigated=None if self.settings.mended else earlier,
            now=time.time(),
        )
        result: dict[str, t.Any] = {
            "outcome": end.outcome,
            "why": end.why,
            "report": "",
            "incident": self.args["incident"],
        }
        if self.args["incident"]:
            with self.store() as store:
                self._remember(store, end, decision, earlier)
                result.update(self._close(store, end, decision))
        result["say"] = self._lines(end, result)
        result["ansible_stats"] = {
            "data": {"incident": self._artifact(end, decision, result)},
            "per_host": False,
            "aggregate": True,
        }
        if not end.ok:
            result.update(failed=True, msg=say.joined(result["say"]))
        return result

    def _earlier(self) -> Mitigation | None:
        """What an earlier run of this incident only made bearable."""
        if not self.args["incident"]:
            return None
        with self.store() as store:
            data = self.incident(store).data.get("mitigated")
        return Mitigation.from_dict(data) if data else None

    def _remember(self, store: Store, end: Ending, decision: dict[str, t.Any], earlier: Mitigation | None) -> None:
        """Keep what is only mitigated with the incident. Where it was found again, the wait begins anew."""
        found, now = bool((decision.get("verdict") or {}).get("roots")), time.time()
        kept = earlier
        if end.outcome == "mitigated" and found:
            at = float(self.incident(store).data.get("acted") or now)
            kept = of_plan(decision.get("plan") or {}, at)
        elif earlier and found:
            kept = dataclasses.replace(earlier, seen=now)
        if kept != earlier:
            store.update_incident(self.args["incident"], data={"mitigated": kept.to_dict() if kept else None})

    def _close(self, store: Store, end: Ending, decision: dict[str, t.Any]) -> dict[str, t.Any]:
        incident, now = self.args["incident"], time.time()
        if end.outcome == "healthy":
            store.forget(incident)
            store.release_lease(self.target, self.holder())
            return {"incident": ""}
        clocks = dict(store.incident(incident).data.get("clocks") or {})
        if end.closed:
            clocks.setdefault("restored", now)
        told = self._tell(end, decision) if end.tell else ""
        if told:
            store.add_event(incident, now, "notified", told)
        state = {"state": "closed", "closed": now} if end.closed else {}
        store.add_event(incident, now, "closed" if end.closed else "ended", f"{end.outcome}. {end.why}".strip())
        store.update_incident(incident, outcome=end.outcome, data={"clocks": clocks}, **state)
        site = {
            "impact": self.settings.impact,
            "metric": self.scenario.metric,
            "contacts": self.settings.contacts,
            "contact": (decision.get("verdict") or {}).get("contact", ""),
        }
        store.release_lease(self.target, self.holder())
        record = reporter.build(store, store.incident(incident), self.settings.levels, site)
        start = clocks.get("alerted")
        return {**self._report(incident, record), "told": told, "took": span(now - start) if start else ""}

    def _report(self, incident: str, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """A disk that can't be written must not hide how the run ended: the store has everything that the report
        has."""
        try:
            return {"report": str(reporter.write(self.settings.state_dir / "incidents" / incident, record))}
        except OSError as error:
            self._display.warning(f"The report of {incident} could not be written: {error}. The store has all of it")
            return {"report": ""}

    def _tell(self, end: Ending, decision: dict[str, t.Any]) -> str:
        verdict = decision.get("verdict") or {}
        message = {
            "incident": self.args["incident"],
            "target": self.target,
            "scenario": self.scenario.name,
            "outcome": end.outcome,
            "why": end.why,
            "severity": verdict.get("severity"),
            "headline": verdict.get("headline"),
            "contact": verdict.get("contact"),
            "plan": decision.get("plan"),
        }
        return notify.send(message, self.settings.notify_command, self.settings.notify_url)

    def _lines(self, end: Ending, result: dict[str, t.Any]) -> list[say.Line]:
        if end.outcome == "healthy":
            return []
        style = STYLES.get(end.outcome, "bad")
        took = f" after {result['took']}" if result.get("took") and end.closed else ""
        lines = [say.line(f"{self.target}  {end.outcome.upper()}{took}" + (f": {end.why}" if end.why else ""), style)]
        if end.tell and result.get("told"):
            lines.append(say.line(f"    notify   {result['told']}", "dim"))
        if result["report"]:
            lines.append(say.line(f"    report   {result['report']}"))
        return lines

    def _artifact(self, end: Ending, decision: dict[str, t.Any], result: dict[str, t.Any]) -> dict[str, t.Any]:
        """What set_stats hands on, to AWX and to whoever reads the run: small and flat."""
        plan, verdict = decision.get("plan") or {}, decision.get("verdict") or {}
        return {
            "target": self.target,
            "scenario": self.scenario.name,
            "incident": result["incident"],
            "outcome": end.outcome,
            "severity": verdict.get("severity"),
            "headline": verdict.get("headline"),
            "plan_hash": plan.get("hash", ""),
            "risk": plan.get("risk", ""),
            "actions": [action["title"] for action in plan.get("actions") or ()],
            "next_command": (self.args["gate"] or {}).get("next_command", ""),
            "report": result["report"],
        }
