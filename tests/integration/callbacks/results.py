# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests: every task result of a run as a line of JSON, in the file that INCIDENT_TEST_RESULTS names."""

from __future__ import annotations

DOCUMENTATION = r"""
name: results
type: notification
short_description: Task results as lines of JSON, for tests
description: Task results as lines of JSON, for tests.
"""

import json  # noqa: E402 - a plugin's documentation comes first
import os  # noqa: E402

from ansible.plugins.callback import CallbackBase  # noqa: E402


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"

    def _keep(self, result, ending: str) -> None:
        path = os.environ.get("INCIDENT_TEST_RESULTS")
        if path:
            row = {"action": result.task.action.rpartition(".")[2], "host": result.host.get_name(), "ending": ending}
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(json.dumps({**row, "result": result.result}, default=str) + "\n")

    def v2_runner_on_ok(self, result) -> None:
        self._keep(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        self._keep(result, "failed")

    def v2_runner_on_unreachable(self, result) -> None:
        self._keep(result, "unreachable")
