# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens an incident, or carries on with the one that was left: settings, scope, lease, and the looks to take."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail

from ..plugin_utils import ahead

ahead.prepare(__name__)

from ..module_utils.core.mitigation import Mitigation
from ..plugin_utils import say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import utc
from ..plugin_utils.store import Incident, Lease, Store

NEEDS_LEASE = ("ask", "auto")


class ActionModule(IncidentAction):
    """Every bad setting and every contradiction in the inventory is reported here, before anything is touched."""

    def act(self) -> dict[str, t.Any]:
        scope = self.scope()
        checks = [call.to_dict() for call in self.scenario.checks(scope)]
        unknown = sorted({call["host"] for call in checks} - set(self.vars["hostvars"]))
        if unknown:
            raise AnsibleActionFail(
                f"{self.target}: a check runs on {', '.join(unknown)}, which is not in the inventory"
            )
        result: dict[str, t.Any] = {
            "checks": checks,
            "mode": self.settings.gates.mode,
            "incident": "",
            "adopted": False,
        }
        result["say"] = [say.line(f"{self.target}  {self.scenario.title} (mode {self.settings.gates.mode})", "head")]
        if self.check_mode:
            return result
        with self.store() as store:
            other = store.taken_by_another(self.target, self.holder(), time.time())
            if other and self.settings.gates.mode not in NEEDS_LEASE:
                text = f"{other.holder} is at work on it ({other.incident}): this run looks, and writes nothing down"
                result["say"].append(say.line(f"{self.target}  {text}", "warn"))
                return result
            incident, adopted = self._incident(store)
            self._take_lease(store, incident, adopted)
            result.update(incident=incident.id, adopted=adopted)
            if adopted:
                result["say"] += self._left_behind(store, incident)
            store.add_event(incident.id, time.time(), "resumed" if adopted else "opened", self._opening())
        return result

    def _incident(self, store: Store) -> tuple[Incident, bool]:
        """The incident that is still open for this target and scenario, or a new one."""
        left = store.open_incidents(self.target, self.scenario.name)
        if left:
            return left[-1], True
        now = time.time()
        clocks = {"alerted": self.settings.alerted_at or now}
        if self.settings.acknowledged_by:
            clocks["acknowledged"] = now
        data = {"clocks": clocks, "acknowledged_by": self.settings.acknowledged_by}
        return store.open_incident(self.target, self.scenario.name, now, data), False

    def _take_lease(self, store: Store, incident: Incident, adopted: bool) -> None:
        """Modes that may act need the target for themselves. The second of two runs stands down here."""
        if self.settings.gates.mode not in NEEDS_LEASE:
            return
        other = store.take_lease(self.target, incident.id, self.holder(), time.time(), self.settings.lease_ttl)
        if other is None:
            return
        if not adopted:
            store.forget(incident.id)
        raise AnsibleActionFail(_stand_down(self.target, other))

    def _left_behind(self, store: Store, incident: Incident) -> list[say.Line]:
        """What an earlier run left: it may have been killed between writing down an action and its end."""
        lines = [say.line(f"{self.target}  carries on with {incident.id}, open since {utc(incident.opened)}", "warn")]
        if incident.data.get("mitigated"):
            known = Mitigation.from_dict(incident.data["mitigated"])
            text = f"it was only mitigated, at {utc(known.at)}, and is expected back {known.expected}"
            lines.append(say.line(f"    left     {text}", "warn"))
        for row in store.actions(incident.opened):
            if row["incident"] == incident.id and row["result"] is None:
                begun = f"{row['verb']} {row['service']} was begun at {utc(row['started'])}"
                text = f"{begun}, and nobody wrote down how it ended"
                lines.append(say.line(f"    left     {text}", "warn"))
                store.add_event(incident.id, time.time(), "left", text)
        return lines

    def _opening(self) -> str:
        return f"{self.scenario.title}: target {self.target}, mode {self.settings.gates.mode}, by {self.holder()}"


def _stand_down(target: str, other: Lease) -> str:
    left = max(0.0, other.expires - time.time())
    return (
        f"{target} is taken: {other.holder} holds it since {utc(other.taken)} for incident {other.incident}"
        " and is at work."
        f" This run stands down and touches nothing. The lease ends in {left:.0f} s at the latest;"
        f" to look without acting, run with -e incident_mode=observe"
    )
