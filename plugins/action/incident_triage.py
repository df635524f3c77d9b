# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides over the looks at all targets: pure functions do it; this reads them, says it and hands it on."""

from __future__ import annotations

import shlex
import time
import typing as t

from ansible import constants, context
from ansible.errors import AnsibleActionFail

from ..plugin_utils import ahead

ahead.prepare(__name__)

from ..module_utils.core.redact import clean
from ..module_utils.core.triage import Situation, Triage, triage
from ..module_utils.core.triage_looks import Look, digest
from ..module_utils.core.triage_scope import Inventory
from ..module_utils.core.triage_severity import impacts
from ..plugin_utils import looks_file, notify, say_triage, triage_targets, verdict_file
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import span, utc
from ..plugin_utils.variables import truth

EXITS = ("by_verdict", "always_zero")
LOGS = ("failing", "all")


class ActionModule(IncidentAction):
    """Runs once, over what incident_survey saw, and over what incident_look registered at the hosts that it left."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "survey": {"type": "str", "required": True},
        "look": {"type": "str", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        self.now = time.time()
        exit_status = self._choice("incident_triage_exit", EXITS)
        known = triage_targets.known(self.vars["hostvars"])
        inventory = known.targets
        rows = self._registered(inventory)
        for host in set(known.problems) & set(rows):
            problem = {"failed": True, "msg": str(clean(known.problems[host]))}
            rows[host]["looks"] = [*_looks(host, rows[host]), digest(f"inventory of {host}", "", host, problem)]
        situation = self._situation(inventory, rows)
        found = triage(situation)
        shown = self._verdict(found, inventory, rows)
        file = self._write(shown, situation)
        told = self._tell(found, shown)
        result: dict[str, t.Any] = {"verdict": shown, "file": file, "told": told}
        result["say"] = self._lines(found, shown, rows, file, told)
        result["ansible_stats"] = {
            "data": {"incident_verdict": _without_logs(shown)},
            "per_host": False,
            "aggregate": True,
        }
        result["failed"] = shown["outcome"] != "healthy" and exit_status != "always_zero"
        return result

    def _choice(self, name: str, known: tuple[str, ...]) -> str:
        value = str(self.variable(name) or known[0])
        if value not in known:
            raise AnsibleActionFail(f"{name} is one of {', '.join(known)}, not {value!r}")
        return value

    # What was looked at

    def _registered(self, inventory: Inventory) -> dict[str, dict[str, t.Any]]:
        """Host -> what was seen there, for the hosts of this play that can be looked at."""
        rows: dict[str, dict[str, t.Any]] = {}
        surveyed = (self.vars.get(self.args["survey"]) or {}).get("hosts") or {}
        for host in self.vars["ansible_play_hosts_all"]:
            target = inventory.get(str(host))
            if target and triage_targets.is_target(target.groups):
                row = surveyed.get(host) or self.vars["hostvars"][host].get(self.args["look"]) or {}
                rows[str(host)] = dict(row)
        if not rows:
            groups = ", ".join(sorted({*triage_targets.scopes.ENGINES, *triage_targets.CHECK_BY_GROUP}))
            raise AnsibleActionFail(f"Nothing was looked at: no host of this run is in one of the groups {groups}")
        return rows

    def _situation(self, inventory: Inventory, rows: t.Mapping[str, t.Mapping[str, t.Any]]) -> Situation:
        looks = [Look.from_dict(data) for host, row in rows.items() for data in _looks(host, row)]
        try:
            table = impacts(self.variable("incident_triage_severity"))
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        return Situation(
            inventory=inventory,
            looks=tuple(looks),
            targets=frozenset(name for name, target in inventory.items() if triage_targets.is_target(target.groups)),
            now=self.now,
            production={host: bool(row.get("production", self.settings.production)) for host, row in rows.items()},
            impacts=table,
            play=_play(),
            all_logs=self._choice("incident_triage_logs", LOGS) == "all",
        )

    # What is handed on

    def _verdict(
        self, found: Triage, inventory: Inventory, rows: t.Mapping[str, t.Mapping[str, t.Any]]
    ) -> dict[str, t.Any]:
        first = found.first
        owner = inventory[first.target].service.owner if first and first.target in inventory else ""
        role, contact = self.contact(owner)
        within = self.settings.levels[found.severity].response if found.severity else None
        since = self.settings.alerted_at or self.now
        return {
            **found.to_dict(),
            "outcome": "found" if found.verdict.roots else "unknown" if found.verdict.unknown else "healthy",
            "at": utc(self.now),
            "respond_within": within,
            "respond_by": utc(since + within) if within and found.verdict.roots else None,
            "contact": role,
            "call": contact,
            "looked_at": {host: [_seen(data) for data in _looks(host, row)] for host, row in rows.items()},
        }

    def _write(self, shown: dict[str, t.Any], situation: Situation) -> str:
        """Check mode leaves nothing. A disk that can't be written must not hide the verdict."""
        if self.check_mode:
            return ""
        try:
            file = verdict_file.write(self.settings.state_dir, shown, self.now)
        except OSError as error:
            self._display.warning(f"The verdict could not be written to {self.settings.state_dir}: {error}")
            return ""
        try:
            why_not = looks_file.write(file, situation, shown, verdict_file.KEPT)
        except OSError as error:
            why_not = str(error)
        if why_not:
            self._display.warning(f"What was seen is not kept beside {file}, and can't be replayed: {why_not}")
        return str(file)

    def _tell(self, found: Triage, shown: dict[str, t.Any]) -> str:
        wanted = truth(self.variable("incident_triage_notify") or False)
        if not wanted or self.check_mode or shown["outcome"] == "healthy":
            return ""
        return notify.send(_without_logs(shown), self.settings.notify_command, self.settings.notify_url)

    def _lines(
        self, found: Triage, shown: dict[str, t.Any], rows: t.Mapping[str, t.Any], file: str, told: str
    ) -> list[dict[str, str]]:
        groups: dict[str, int] = {}
        for looks in shown["looked_at"].values():
            for look in looks:
                groups[look["system"]] = groups.get(look["system"], 0) + 1
        took = max((look["seconds"] for looks in shown["looked_at"].values() for look in looks), default=0.0)
        looked = say_triage.looked(len(rows), took, groups)
        clock = f"within {span(shown['respond_within'])}, until {shown['respond_by']}" if shown["respond_by"] else ""
        lines = say_triage.triage(found, looked, clock, shown["call"] or shown["contact"], file)
        return lines + ([say_triage.line(f"    notify   {told}", "dim")] if told else [])


def _looks(host: str, row: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The looks at one host; one that says why, where there is none."""
    looks = row.get("looks")
    if looks and not row.get("unreachable"):
        return list(looks)
    failed = row if row.get("unreachable") or row.get("failed") else {"failed": True, "msg": "it was not asked"}
    return [digest(f"host {host}", "", host, failed)]


def _seen(look: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One look without its findings, which the verdict has already."""
    return {
        "name": look["name"],
        "system": str(look["module"]).removesuffix("_health_info") or "not measured",
        "status": look.get("status", "unknown"),
        "reachable": bool(look.get("reachable")),
        "problem": look["problem"],
        "measured": list(look.get("measured") or ()),
        "seconds": round(float(look.get("duration_ms") or 0) / 1000, 2),
    }


def _without_logs(shown: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What goes out of this machine is small, and has no lines of anybody's log."""
    logs = [{name: row[name] for name in ("component", "target", "follow", "on")} for row in shown["logs"]]
    return {**shown, "logs": logs}


def _play() -> str:
    """How a person calls ansible-playbook here: with the inventories of this run."""
    words = ["ansible-playbook"]
    for source in context.CLIARGS.get("inventory") or ():
        if source not in constants.DEFAULT_HOST_LIST:
            words += ["-i", str(source)]
    return " ".join(shlex.quote(word) for word in words)
