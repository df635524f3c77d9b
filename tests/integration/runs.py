# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a playbook as a user does, and reading what it did: exit status, output, every task's result, report and
store."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from lab.faults.model import Fault

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANSIBLE = pathlib.Path(sys.executable).parent
LIMIT = 240


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run of ansible-playbook."""

    status: int
    output: str
    results: list[dict[str, t.Any]]
    state: pathlib.Path

    def last(self, action: str) -> dict[str, t.Any]:
        """The last result of a module, looped ones as a whole."""
        found = [row["result"] for row in self.results if row["action"] == action]
        assert found, f"{action} never ran:\n{self.output}"
        return found[-1]

    def ran(self, action: str) -> bool:
        return any(row["action"] == action for row in self.results)

    @property
    def decision(self) -> dict[str, t.Any]:
        """The first decision: what the run found when it started."""
        return next(row["result"] for row in self.results if row["action"] == "incident_decide")

    @property
    def finding_ids(self) -> list[str]:
        return sorted({finding["id"] for finding in self.decision["findings"]})

    @property
    def titles(self) -> list[str]:
        """What the plan of the first decision would do, in its order."""
        return [action["title"] for action in self.decision["plan"]["actions"]]

    def shows_exactly(self, fault: Fault) -> None:
        """All findings of a fault of the lab, and no others than those that it may have."""
        missing = set(fault.findings) - set(self.finding_ids)
        extra = set(self.finding_ids) - set(fault.findings) - set(fault.possible)
        assert not missing and not extra, f"missing {missing}, extra {extra}\n{self.output}"

    @property
    def looks(self) -> list[dict[str, t.Any]]:
        """What every check of the last looks gave, those in this process first, without what Ansible adds."""
        taken = list(self.last("incident_observe")["results"])
        if self.ran("incident_check"):
            taken += self.last("incident_check").get("results", [])
        added = ("_ansible", "ansible_loop_var", "__incident_look", "say", "msg", "failed")
        return [{name: value for name, value in row.items() if not name.startswith(added)} for row in taken]

    @property
    def outcome(self) -> str:
        return str(self.last("incident_close")["outcome"])

    @property
    def report(self) -> dict[str, t.Any]:
        path = pathlib.Path(self.last("incident_close")["report"])
        return t.cast("dict[str, t.Any]", json.loads(path.with_suffix(".json").read_text()))

    def acted(self) -> list[dict[str, t.Any]]:
        """Results of every action that was taken (or, in check mode, would have been)."""
        return [
            item
            for row in self.results
            if row["action"] == "incident_act"
            for item in row["result"].get("results", [row["result"]])
        ]


def planned(action: dict[str, t.Any]) -> dict[str, t.Any]:
    """An action without what changes while one reads (numbers in its reason)."""
    return {name: value for name, value in action.items() if name != "reason"}


def command(playbook: str, inventory: str, state: pathlib.Path, *arguments: str, **variables: t.Any) -> list[str]:
    values = {"incident_state_dir": str(state), **variables}
    return [
        str(ANSIBLE / "ansible-playbook"), "-i", inventory, playbook, *arguments, "-e", json.dumps(values),
    ]  # fmt: skip


def environment(state: pathlib.Path, **more: str) -> dict[str, str]:
    state.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "INCIDENT_TEST_RESULTS": str(state / "results.jsonl"),
        **more,
    }


def play(
    state: pathlib.Path,
    *arguments: str,
    playbook: str = "playbooks/scenario_kafka.yml",
    inventory: str = "inventory/lab",
    cwd: pathlib.Path = ROOT,
    env: dict[str, str] | None = None,
    **variables: t.Any,
) -> Run:
    """Run a playbook without a terminal, and wait for it. Extra variables by keyword."""
    log = state / "results.jsonl"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        command(playbook, inventory, state, *arguments, **variables),
        cwd=cwd,
        env={**environment(state), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return Run(done.returncode, done.stdout + done.stderr, rows, state)
