# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind every check module (see plugin_routing in meta/runtime.yml): in process where possible."""

from __future__ import annotations

import typing as t

from ..plugin_utils.check_runner import CheckRunner, preload

preload()


class ActionModule(CheckRunner):
    """Runs the check that the task names."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        found = self.run_check(self._task.action, self._task.args, variables)
        host = self._task.delegate_to or variables["inventory_hostname"]
        return self.said(f"{host}  {self._task.action.rpartition('.')[2].removesuffix('_health_info')}", found)
