# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the looks of an incident all at the same time, as far as they can be taken in this process."""

from __future__ import annotations

import typing as t

from ..plugin_utils import ahead

ahead.prepare(__name__)

from ..plugin_utils import say
from ..plugin_utils.check_runner import CheckRunner, load, preload, run_here
from ..plugin_utils.likely_checks import likely

preload(*likely())
Call = dict[str, t.Any]


class ActionModule(CheckRunner):
    """What has to be asked from another machine is handed back: incident_check takes it there."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "checks": {"type": "list", "elements": "dict", "required": True},
        "quiet": {"type": "bool", "default": False},
    }

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, args = self.validate_argument_spec(argument_spec=self.SPEC)
        here = [call for call in args["checks"] if self._is_here(call["host"], variables)]
        results = self._look_at(here, variables)
        seen = [result for result in results if "findings" in result and not result.get("failed")]
        target = variables["inventory_hostname"]
        lines = [line for look in seen for line in say.check(f"{target}  {look['__incident_look']['name']}", look)]
        found = {"changed": False, "results": results, "left": [call for call in args["checks"] if call not in here]}
        failed = [str(result["msg"]) for result in results if result.get("failed")]
        if failed:
            return {**found, "failed": True, "msg": "; ".join(failed)}
        return {**found, "say": lines, "msg": say.joined(lines)} if lines and not args["quiet"] else found

    def _look_at(self, calls: list[Call], variables: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        with self.history(variables) as past:
            wanted = []
            for call in calls:
                check = load(call["module"])
                options = self.options(call["module"], call["options"], variables["hostvars"][call["host"]])
                wanted.append((check, past.before(call["host"], check, options)))
            results = run_here(wanted)
            for call, (check, _options), result in zip(calls, wanted, results, strict=True):
                past.keep(call["host"], check, result)
        return [{**result, "__incident_look": call} for call, result in zip(calls, results, strict=True)]

    def _is_here(self, host: str, variables: dict[str, t.Any]) -> bool:
        """As for one check (see CheckRunner), by the variables of the host that is looked at."""
        if host == variables["inventory_hostname"]:
            return self.in_process(variables)
        return self.is_here(variables["hostvars"][host], variables)
