# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_service against the real lab: every fault gives exactly its findings, its plan, and its cure where safe."""

from __future__ import annotations

import functools
import pathlib
import typing as t

import docker
import pytest
from runs import Run, planned
from runs import play as play_any
from triage_names import triage_names

from lab import config, faults
from lab.faults.model import Lab

play = functools.partial(play_any, playbook="playbooks/scenario_service.yml")

SERVICE = [fault for fault in faults.ALL.values() if fault.scenario == "service" and not fault.profile]
CURES = {
    "service_stopped": ["start auth"],
    "service_paused": ["unpause auth"],
    "service_frozen": ["continue auth"],
    "service_hanging": ["restart auth"],
    "service_killed": ["start auth"],
}
"""What a plan does about a fault. Where a fault is not listed, nothing is done on purpose."""
PROVEN = CURES.keys() - {"service_killed"}
"""Whose cure is carried out and watched: one for each remedy."""


def starts() -> dict[str, str]:
    """When each container of the lab was started, by service."""
    lab = Lab(docker.from_env(), config.load(), 0)
    names = ("gateway", "auth", "orders", "redis", "postgres", "pgbouncer")
    return {name: str(lab.container(name).attrs["State"]["StartedAt"]) for name in names}


@pytest.mark.parametrize("fault_", SERVICE, ids=lambda fault: str(fault.id))
def test_every_fault_gives_exactly_its_findings_its_plan_and_its_cure(
    fault_: t.Any, fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault(fault_.id):
        before = starts()
        triage_names(fault_.id, tmp_path / "triage")
        # Where nothing is to be done, the real run shows that; else check mode shows what would be.
        arguments = ["--check"] if fault_.id in CURES else []
        seen = play(tmp_path / "seen", *arguments, "--limit", "auth", incident_mode="auto")
        seen.shows_exactly(fault_)
        assert seen.titles == CURES.get(fault_.id, [])
        assert "\x1b" not in seen.output and "hostile-canary" not in seen.output
        if fault_.id in PROVEN:
            assert starts() == before, "check mode touches nothing"
            cured(seen, play(tmp_path / "run", "--limit", "auth", incident_mode="auto"))
            touched = {name for name, at in starts().items() if at != before[name]}
            assert touched <= {"auth"}, "nothing else was restarted"
        elif fault_.id not in CURES:
            left_alone(fault_, seen)
            touched = {name for name, at in starts().items() if at != before[name]}
            assert touched <= ({"auth"} if "crashing" in fault_.id else set())


def cured(seen: Run, run: Run) -> None:
    assert [planned(action) for action in run.decision["plan"]["actions"]] == [
        planned(action) for action in seen.decision["plan"]["actions"]
    ], "check mode shows what the real run then does"
    assert (run.outcome, run.status) == ("fixed", 0), run.output
    assert run.report["samples"][-1]["good"]


def left_alone(fault_: t.Any, run: Run) -> None:
    assert not run.ran("incident_act"), run.output
    assert (run.outcome, run.status) == (("healthy", 0) if fault_.twin else ("escalated", 2)), run.output
    if fault_.id == "service_dependency":
        assert "scenario_redis --limit redis-main" in run.output
        assert run.decision["verdict"]["root_cause"]["component"] == "container:redis-main"
    if fault_.id == "service_rejected":
        assert "on the way to it" in run.output
    if fault_.id == "log_hostile":
        assert not pathlib.Path("/tmp/hostile").exists(), "a log line was taken for a template"


def test_healthy_services_in_one_play_by_path_and_by_name(tmp_path: pathlib.Path) -> None:
    for playbook in ("playbooks/scenario_service.yml", "incident.response.scenario_service"):
        run = play_any(tmp_path, playbook=playbook, incident_mode="auto")
        assert (run.outcome, run.status) == ("healthy", 0), run.output
        assert not run.ran("incident_act")


def test_who_only_suffers_from_another_target_is_restored_with_it(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("service_stopped"):
        run = play(tmp_path, incident_mode="auto")
        ends = {row["host"]: row["result"]["outcome"] for row in run.results if row["action"] == "incident_close"}
        assert ends == {"auth": "fixed", "gateway": "restored", "orders": "healthy", "notification": "healthy"}
        assert run.status == 0, run.output
        assert [item["service"] for item in run.acted()] == ["auth"]


def test_what_its_dependencies_depend_on_is_looked_at_too(tmp_path: pathlib.Path) -> None:
    run = play(tmp_path, "--limit", "gateway", incident_mode="observe")
    assert run.outcome == "healthy", run.output
    looks = {call["name"] for call in run.last("incident_open")["checks"]}
    assert looks >= {"service gateway", "service auth", "service orders"}
    assert looks >= {"kafka kafka-main", "postgresql postgres-main", "redis redis-main"}
