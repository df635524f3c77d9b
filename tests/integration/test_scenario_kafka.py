# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_kafka against the real lab: every fault gives exactly its findings, and every remedy is taken once and
proven."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from runs import Run, planned, play
from triage_names import triage, triage_names

from lab.faults import ALL

KAFKA = [fault for fault in ALL.values() if fault.scenario == "kafka" and not fault.profile]

CURES = {
    "consumer_stopped": ["start notification"],
    "consumer_frozen": ["restart notification"],
    "poison_message": ["restart notification"],
    "broker_stopped": ["start kafka"],
    "broker_paused": ["unpause kafka"],
}
"""What a plan does about a fault. Where a fault is not listed, nothing is done on purpose."""

CURED = {"consumer_stopped", "consumer_frozen", "broker_stopped", "broker_paused"}
"""Faults that their remedy cures; a poison record survives its one restart."""


def ids(fault: t.Any) -> str:
    return str(fault.id)


@pytest.mark.parametrize("fault_", KAFKA, ids=ids)
def test_every_fault_gives_exactly_its_findings_its_plan_and_its_cure(
    fault_: t.Any, fault: t.Any, tmp_path: pathlib.Path
) -> None:
    """One inject, one look in check mode; for the faults with a remedy the whole cure with its proof."""
    if fault_.needs_history:
        assert play(tmp_path, incident_mode="observe").outcome == "healthy"
        assert triage(tmp_path / "triage").status == 0
    with fault(fault_.id):
        triage_names(fault_.id, tmp_path / "triage")
        seen = play(tmp_path, "--check", incident_mode="auto", incident_max_risk="disruptive")
        seen.shows_exactly(fault_)
        assert seen.titles == CURES.get(fault_.id, [])
        if fault_.id in CURES:
            _cure(fault_, seen, tmp_path)
        elif fault_.twin:
            assert (seen.outcome, seen.status) == ("healthy", 0)
        else:
            _left_to_people(fault_, tmp_path)


def _cure(fault: t.Any, checked: Run, state: pathlib.Path) -> None:
    assert checked.outcome == "checked"
    # What no restart cures need not be watched for as long as what one does.
    patience = {} if fault.id in CURED else {"incident_watch_deadline": 15}
    run = play(state, incident_mode="auto", incident_max_risk="disruptive", **patience)
    assert [planned(action) for action in run.decision["plan"]["actions"]] == [
        planned(action) for action in checked.decision["plan"]["actions"]
    ], "check mode shows what the real run then does"
    assert [(item["verb"], item["service"]) for item in run.acted()] == [
        (action["verb"], action["service"]) for action in run.decision["plan"]["actions"]
    ]
    if fault.id in CURED:
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        assert run.report["samples"][-1]["good"]
        assert run.report["broken_at"] is None
        assert run.report["evidence"]["count"] >= 3
    else:
        assert (run.outcome, run.status) == ("unchanged", 2), run.output
        again = play(state, incident_mode="auto", incident_max_risk="disruptive")
        assert again.titles == [], "never a second restart for the same record"
        assert (again.outcome, again.status) == ("escalated", 2)


def _left_to_people(fault: t.Any, state: pathlib.Path) -> None:
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert not run.ran("incident_act"), run.output
    assert (run.outcome, run.status) == ("escalated", 2)
    assert run.report["proposals"], "what a person may do is said"
