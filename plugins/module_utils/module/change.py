# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""main() of the modules that act: read options, act, exit."""

from __future__ import annotations

import typing as t

from .argspec import ArgumentSpec
from .check import Misuse, missing_library


def run_change(
    spec: ArgumentSpec,
    requirements: t.Iterable[tuple[str, str, str]],
    perform: t.Callable[..., dict[str, t.Any]],
    cannot: type[Exception],
    tools: bool = False,
) -> t.NoReturn:
    """Act and exit. A result whose key problem says something is a failure with that message.

    perform: takes the options and check mode, and with tools also run_command, for programs of the host.
    cannot: what perform raises where the system can't be reached or refuses.
    """
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(supports_check_mode=True, **spec.module_kwargs())
    problem = missing_library(requirements)
    if problem:
        module.fail_json(msg=problem)
    try:
        result = perform(module.params, module.check_mode, *([module.run_command] if tools else []))
    except (Misuse, cannot) as error:
        module.fail_json(msg=str(error))
    if result.get("problem"):
        result["msg"] = result.pop("problem")
        module.fail_json(**result)
    module.exit_json(**result)
    raise AssertionError("exit_json returns never")
