# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs any check of the collection by name: what a scenario looks with, before its action and after it."""

from __future__ import annotations

import typing as t

from ..plugin_utils.check_runner import GROUPS, PREFIX, CheckRunner, preload

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
        options = {**self._defaults(args["module"]), **args["options"]}
        variables = task_vars or {}
        result = self.run_check(args["module"], options, variables)
        return self.said(f"{variables['inventory_hostname']}  {args['name']}", result)

    def _defaults(self, module: str) -> dict[str, t.Any]:
        name = module.removeprefix(PREFIX)
        keys = (f"group/{PREFIX}{GROUPS.get(name, '')}", PREFIX + name)
        found: dict[str, t.Any] = {}
        for defaults in self._task.module_defaults or ():
            for key in keys:
                found.update(self._templar.template(defaults.get(key) or {}))
        return found
