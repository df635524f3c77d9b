# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the evidence bundle, before anything is changed: no manifest, no mutation."""

from __future__ import annotations

import time
import typing as t

from ..module_utils.core import gate
from ..plugin_utils import evidence, say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import utc


class ActionModule(IncidentAction):
    """Fails through its gate where the bundle can't be written, unless incident_override=evidence."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "required": True},
        "observed": {"type": "list", "elements": "dict", "required": True},
        "decision": {"type": "dict", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        now = time.time()
        looks = [{"name": look.name, "result": look.result} for look in self.observed()]
        files = evidence.bundle(
            looks, {"decision": {name: self.args["decision"].get(name) for name in ("verdict", "plan")}}
        )
        directory = self.settings.state_dir / "incidents" / self.args["incident"] / f"evidence-{int(now)}"
        problem = ""
        manifest: dict[str, t.Any] = {"files": []}
        try:
            manifest = evidence.write(directory, files, utc(now))
        except evidence.EvidenceError as error:
            problem = str(error)
        answer = gate.check_evidence(self.settings.gates, problem)
        with self.store() as store:
            self.keep_lease(store)
            data = {"directory": str(directory), "count": len(manifest["files"])}
            store.add_event(
                self.args["incident"], now, "evidence", problem or f"{data['count']} files in {directory}", data
            )
            store.update_incident(self.args["incident"], data={"evidence": None if problem else data})
        result: dict[str, t.Any] = {"changed": not problem, "written": not problem, **data, "say": say.gates([answer])}
        if not answer.ok:
            result.update(failed=True, msg=say.joined(result["say"]))
        return result
