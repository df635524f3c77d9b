# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes into the timeline what went wrong, so that the report says it also when a play fails."""

from __future__ import annotations

import time
import typing as t

from ..plugin_utils.incident_action import IncidentAction


class ActionModule(IncidentAction):
    """One line of the timeline."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "default": ""},
        "kind": {"type": "str", "default": "failed"},
        "text": {"type": "str", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        if self.args["incident"]:
            with self.store() as store:
                store.add_event(self.args["incident"], time.time(), self.args["kind"], self.args["text"])
        return {"text": self.args["text"]}
