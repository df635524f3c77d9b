# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checks a run of the scenarios' playbooks will need. Apart from check_runner: a task with one check has no need
of all scenarios, and Ansible compiles what it imports anew in every run."""

from __future__ import annotations

import typing as t

from ansible import context

from ..module_utils.core.scenarios.registry import SCENARIOS
from ..module_utils.core.scenarios.service_scope import CHECK_OF
from .check_runner import GROUPS


def likely() -> list[str]:
    """The checks that a run of these playbooks will need, by the names of the scenarios in them. A wrong guess costs
    time only: a check that was not preloaded is imported by each task that runs it."""
    playbooks = " ".join(context.CLIARGS.get("args") or ())
    found = [scenario for name, scenario in SCENARIOS.items() if f"scenario_{name}" in playbooks]
    names = [name for scenario in found for name in (CHECK_OF[scenario.group], *_read_by(scenario.target_vars))]
    return list(dict.fromkeys([*names, "docker_health_info"])) if names else []


def _read_by(variables: t.Iterable[str]) -> list[str]:
    """The checks that these variables are options of: a scenario that reads a check's options runs it."""
    return [check for check, group in GROUPS.items() if any(name.startswith(f"{group}_") for name in variables)]
