# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_kafka against three real brokers: one gone, two gone."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from runs import Run, play
from triage_names import triage_names

from lab.faults import ALL

pytestmark = pytest.mark.cluster

CLUSTER = [fault for fault in ALL.values() if fault.scenario == "kafka" and fault.profile == "cluster"]
CURES = {"cluster_broker_gone": ["start kafka-3"], "cluster_no_quorum": ["start kafka-2", "start kafka-3"]}


def look(state: pathlib.Path, *arguments: str, **variables: t.Any) -> Run:
    return play(state, *arguments, inventory="inventory/lab_cluster", incident_mode="auto", **variables)


def test_three_healthy_brokers_have_nothing_to_find(tmp_path: pathlib.Path) -> None:
    run = look(tmp_path)
    assert (run.outcome, run.status, run.finding_ids) == ("healthy", 0, []), run.output


@pytest.mark.parametrize("fault_", CLUSTER, ids=lambda fault: str(fault.id))
def test_brokers_that_are_gone_are_the_cause_and_are_started(
    fault_: t.Any, fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault(fault_.id):
        triage_names(fault_.id, tmp_path / "triage")
        seen = look(tmp_path, "--check", incident_max_risk="disruptive")
        assert set(fault_.findings) <= set(seen.finding_ids) <= {*fault_.findings, *fault_.possible}, seen.output
        assert [action["title"] for action in seen.decision["plan"]["actions"]] == CURES[fault_.id]
        assert {root["id"] for root in seen.decision["verdict"]["roots"]} == {"docker.container.not_running"}

        careful = look(tmp_path)
        assert (careful.outcome, careful.status) == ("refused", 2), "starting a broker is more than the default risk"

        run = look(tmp_path, incident_max_risk="disruptive", incident_watch_deadline=120)
        assert (run.outcome, run.status) == ("fixed", 0), run.output
