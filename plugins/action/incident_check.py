# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs any check of the collection by name: what a scenario looks with, before its action and after it."""

from __future__ import annotations

import typing as t

from ..plugin_utils.check_runner import GROUPS, PREFIX, CheckRunner, defaults_of, preload, secret_options

preload()


class ActionModule(CheckRunner):
    """Merges the module's defaults (module_defaults, also of its group) under the options, as its own task would."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "module": {"type": "str", "required": True},
                "options": {"type": "dict", "default": {}},
                "name": {"type": "str", "required": True},
            }
        )
        variables = task_vars or {}
        options = {
            **defaults_of(self, args["module"], GROUPS.get(args["module"].removeprefix(PREFIX), "")),
            **self._secrets(args["module"], variables),
            **args["options"],
        }
        result = self.run_check(args["module"], options, variables)
        return self.said(f"{variables['inventory_hostname']}  {args['name']}", result)

    def _secrets(self, module: str, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Passwords of the host that is looked at, from its variables: a look that travels through the play carries none."""
        group = GROUPS.get(module.removeprefix(PREFIX), "")
        names = {f"{group}_{option}": option for option in secret_options(module)}
        other = str(self._task.delegate_to or "")
        if other and other != variables["inventory_hostname"]:
            variables = variables["hostvars"].get(other) or {}
        return {option: self._templar.template(variables[name]) for name, option in names.items() if name in variables}
