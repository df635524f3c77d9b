# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what earlier triages saw by the rules of today. It reads files, and contacts nothing."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ..module_utils.core import replay
from ..module_utils.core.triage import triage
from ..plugin_utils import looks_file, say
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import utc


class ActionModule(IncidentAction):
    """Runs once, on the controller; fails where something would be decided otherwise, or could not be read."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "files": {"type": "list", "elements": "str", "default": []},
    }

    def act(self) -> dict[str, t.Any]:
        rows = [_judged(file) for file in self._files()]
        differ = [row for row in rows if row["differences"]]
        errors = [row for row in rows if row["error"]]
        lines: list[say.Line] = []
        for row in differ:
            lines.append(say.line(f"differs  {row['at']}  {row['file']}", "warn"))
            for item in row["differences"]:
                lines.append(say.line(f"    {item['what']:<11} then {item['then']}; now {item['now']}"))
        lines += [say.line(f"error    {row['file']}: {row['error']}", "bad") for row in errors]
        equal = len(rows) - len(differ) - len(errors)
        text = f"{equal} of {len(rows)} verdicts would be the same today"
        lines.append(say.line(text, "good" if equal == len(rows) else "warn"))
        return {"replayed": [*differ, *errors, *(row for row in rows if row not in differ + errors)],
                "say": lines, "failed": equal != len(rows)}  # fmt: skip

    def _files(self) -> list[pathlib.Path]:
        """The files that are asked for; all that triage has kept where nobody says."""
        asked = [name for name in self.args["files"] if name] or [str(self.settings.state_dir / "triage")]
        found: list[pathlib.Path] = []
        for name in asked:
            files = looks_file.find(name)
            if not files:
                raise AnsibleActionFail(
                    f"incident_replay: {name} has nothing that a triage saved (*{looks_file.SUFFIX}). Name such a file,"
                    " a directory that has some, or a glob"
                )
            found += [file for file in files if file not in found]
        return found


def _judged(file: pathlib.Path) -> dict[str, t.Any]:
    row: dict[str, t.Any] = {"file": str(file), "at": "", "differences": [], "then": {}, "now": {}, "error": ""}
    try:
        data = looks_file.read(file)
        situation = replay.situation_of(data)
        then = data.get("decided")
        if not isinstance(then, dict):
            raise replay.ReplayError("it does not say what was decided")
        now = replay.facts(triage(situation).to_dict())
        found = replay.compare(then, now)
    except replay.ReplayError as error:
        return {**row, "error": str(error)}
    return {
        **row,
        "at": utc(situation.now),
        "differences": [item.to_dict() for item in found],
        "then": then,
        "now": now,
    }
