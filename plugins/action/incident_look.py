# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one target by all of its checks. It never fails: what could not be looked at is a result too."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ..module_utils.core.findings import UNKNOWN
from ..module_utils.core.redact import clean
from ..module_utils.core.triage_looks import digest
from ..plugin_utils import triage_targets
from ..plugin_utils.check_runner import CheckRunner, preload

preload("http_health_info")
"""Most inventories have many services, and few of the rest, whose checks each worker imports while others do theirs."""


class ActionModule(CheckRunner):
    """In process where possible, as a module otherwise; with history from the store either way."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "depth": {"type": "str", "default": "quick", "choices": ["quick", "full"]},
        "log_lines": {"type": "int", "default": 100},
    }

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _validation, args = self.validate_argument_spec(argument_spec=self.SPEC)
        host = str(variables["inventory_hostname"])
        environment = self._templar.template(variables.get("incident_environment") or "production")
        found: dict[str, t.Any] = {"changed": False, "production": str(environment) == "production", "looks": []}
        try:
            calls = triage_targets.calls(
                host,
                variables,
                lambda: triage_targets.known(variables["hostvars"]).targets,
                args["log_lines"],
                args["depth"] == "full",
            )
        except AnsibleError as error:
            found["looks"] = [digest(f"host {host}", "", host, {"failed": True, "msg": str(clean(str(error)))})]
            return found
        found["looks"] = self._looks(host, calls, variables)
        return found

    def _looks(
        self, host: str, calls: list[triage_targets.Call], variables: dict[str, t.Any]
    ) -> list[dict[str, t.Any]]:
        """A host or an engine that is away costs its timeout once: what else would be asked of it is left out."""
        looks: list[dict[str, t.Any]] = []
        for call in calls:
            result = self._ask(host, call, variables)
            if call.only and "findings" in result:
                result["findings"] = [item for item in result["findings"] if item["component"] == call.only]
            looks.append(digest(call.name, call.module, host, result, call.components))
            away = call.module in triage_targets.runtimes.CHECKS.values() and not result.get("reachable")
            if result.get("unreachable") or away:
                break
        return looks

    def _ask(self, host: str, call: triage_targets.Call, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """One look; a second one in full where the first was too short to tell: a growing lag, or errors that a service
        has had since the last look and may have no more."""
        try:
            options = self.options(call.module, call.options, variables["hostvars"][host])
            result = self.run_check(call.module, {**options, **call.quick}, variables)
            if call.quick and result.get("reachable") and _too_short(call.module, result):
                result = self.run_check(call.module, options, variables)
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": str(clean(str(error)))}
        except AnsibleError as error:
            return {"failed": True, "msg": str(clean(str(error)))}
        return result


def _too_short(module: str, result: t.Mapping[str, t.Any]) -> bool:
    findings = result.get("findings") or ()
    undecided = module in triage_targets.AGAIN and any(finding["state"] == UNKNOWN for finding in findings)
    return undecided or any(finding["id"] in triage_targets.LOOKS_BACK for finding in findings)
