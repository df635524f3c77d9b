# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a check by its name, with the options that the host's variables hold: how the lifecycle looks."""

from __future__ import annotations

import typing as t

from ..plugin_utils.check_runner import CheckRunner, preload
from ..plugin_utils.likely_checks import likely
from ..plugin_utils.variables import truth

preload(*likely())


class ActionModule(CheckRunner):
    """In process where possible, as a module otherwise; with history from the store either way."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "module": {"type": "str", "required": True},
        "options": {"type": "dict", "default": {}},
        "name": {"type": "str", "required": True},
        "quiet": {"type": "bool", "default": False},
    }

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        module, name, options = self._by_name(variables)
        result = self.run_check(module, options, variables)
        if truth(self._task.args.get("quiet", False)):
            return result
        return self.said(f"{variables['inventory_hostname']}  {name}", result)

    def _by_name(self, variables: dict[str, t.Any]) -> tuple[str, str, dict[str, t.Any]]:
        _validation, args = self.validate_argument_spec(argument_spec=self.SPEC)
        host = variables["hostvars"][self._task.delegate_to or variables["inventory_hostname"]]
        return args["module"], args["name"], self.options(args["module"], args["options"], host)
