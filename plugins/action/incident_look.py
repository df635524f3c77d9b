# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one target by all of its checks. It never fails: what could not be looked at is a result too."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ..plugin_utils import triage_looking, triage_targets
from ..plugin_utils.check_runner import CheckRunner


class ActionModule(CheckRunner):
    """In process where possible, as a module otherwise; with history from the store either way."""

    SPEC = triage_looking.SPEC

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
            found["looks"] = triage_looking.lost(host, error)
            return found
        found["looks"] = self._looks(host, calls, variables)
        return found

    def _looks(
        self, host: str, calls: list[triage_targets.Call], variables: dict[str, t.Any]
    ) -> list[dict[str, t.Any]]:
        looking = triage_looking.looks(host, calls)
        try:
            module, own = next(looking)
            while True:
                module, own = looking.send(self._ask(host, module, own, variables))
        except StopIteration as end:
            return list(end.value)

    def _ask(self, host: str, module: str, own: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        try:
            return self.run_check(module, self.options(module, own, variables["hostvars"][host]), variables)
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, **triage_looking.failed(error), "failed": False}
        except AnsibleError as error:
            return triage_looking.failed(error)
