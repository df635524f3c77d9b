# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health against the real lab: one fault is told once when it came and once when it went, and can be replayed."""

from __future__ import annotations

import json
import pathlib
import typing as t

from runs import Run, play


def health(where: pathlib.Path, **variables: t.Any) -> Run:
    hook = ["sh", "-c", f"cat >> {where}/told.jsonl; echo >> {where}/told.jsonl"]
    (where / "state").mkdir(exist_ok=True)
    files = {"incident_health_textfile": str(where / "h.prom"), "incident_notify_command": hook}
    return play(where / "state", playbook="playbooks/health.yml", inventory="inventory/lab", **files, **variables)


def told(where: pathlib.Path) -> list[tuple[str, str]]:
    """(kind, component) of all changes that the hook was told since the last time somebody asked."""
    file = where / "told.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [(change["kind"], change["component"]) for line in lines for change in json.loads(line)["changes"]]


def test_a_fault_is_told_once_when_it_came_and_once_when_it_went(fault: t.Any, tmp_path: pathlib.Path) -> None:
    assert health(tmp_path).status == 0
    with fault("service_stopped"):
        statuses = [health(tmp_path).status for _run in range(3)]
        assert statuses == [2, 2, 2]
        came = told(tmp_path)
        assert ("new", "container:auth") in came
        assert {kind for kind, _component in came} == {"new"}
        assert 'incident_health_status{target="auth",component="container:auth"} 3' in (tmp_path / "h.prom").read_text()
    runs = [health(tmp_path) for _run in range(3)]
    assert runs[-1].status == 0, runs[-1].output
    went = told(tmp_path)
    assert ("solved", "container:auth") in went
    both = came + went
    for kind in ("new", "solved"):
        told_so = [component for said, component in both if said == kind]
        assert len(told_so) == len(set(told_so)), "once each"
    assert {name for kind, name in both if kind == "new"} == {name for kind, name in both if kind == "solved"}
    again = play(tmp_path / "state", playbook="playbooks/replay.yml", inventory="inventory/lab")
    assert again.status == 0, again.output
    assert "7 of 7 verdicts would be the same today" in again.output
