# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_redis against the real lab: every fault gives exactly its findings, its plan, and its cure where safe.

What became of the clients and the data is asked from the server itself, through redis-cli in its container.
"""

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
from lab.faults import redis_crowd
from lab.faults.model import Lab

PLAYBOOK = "playbooks/scenario_redis.yml"
play = functools.partial(play_any, playbook=PLAYBOOK)
TARGET = "redis-main"

REDIS = [fault for fault in faults.ALL.values() if fault.scenario == "redis" and not fault.profile]
KILL = f"kill idle clients of {TARGET}"
PLANS = {
    "redis_stopped": ["start redis"],
    "redis_frozen": ["continue redis"],
    "redis_container_paused": ["unpause redis"],
    "redis_busy": [f"stop the script in {TARGET}"],
    "redis_crowded": [KILL],
    "redis_shut": [KILL],
    "redis_loading": [f"wait for {TARGET}"],
    "redis_held_up": ["restart redis"],
}
"""What a plan does about a fault. Where a fault is not listed, nothing is done on purpose."""

CURED = ("redis_stopped", "redis_frozen", "redis_container_paused", "redis_busy", "redis_crowded", "redis_loading")
DOSE = 25


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(docker.from_env(), config.load(), 0)


@pytest.mark.parametrize("fault_", REDIS, ids=lambda fault: str(fault.id))
def test_every_fault_gives_exactly_its_findings_its_plan_and_its_cure(
    fault_: t.Any, fault: t.Any, lab: Lab, tmp_path: pathlib.Path
) -> None:
    with fault(fault_.id):
        before = held(lab, fault_.id)
        triage_names(fault_.id, tmp_path / "triage")
        checked = play(tmp_path, "--check", incident_mode="auto", incident_max_risk="disruptive")
        checked.shows_exactly(fault_)
        assert checked.titles == PLANS.get(fault_.id, [])
        assert held(lab, fault_.id) == before, "check mode kills nobody"
        if fault_.id in CURED:
            cure(fault_.id, checked, tmp_path)
            if fault_.id == "redis_crowded":
                nobody_protected_was_killed(lab, before)
        elif fault_.id == "redis_shut":
            nobody_got_in(tmp_path)
        elif fault_.id == "redis_held_up":
            restarted_only_with_name_and_hash(checked, tmp_path)
        elif fault_.twin:
            assert (checked.outcome, checked.status) == ("healthy", 0), checked.output
        elif checked.decision["verdict"]["roots"]:
            left_to_people(tmp_path)
        else:
            run = play(tmp_path, incident_mode="auto")
            # By now the server may have counted what it refused to the first look.
            assert run.outcome == ("escalated" if run.decision["verdict"]["roots"] else "unknown")
            assert not run.ran("incident_act")


def held(lab: Lab, fault: str) -> dict[str, set[str]]:
    """Ids of the clients that a fault holds, by what they are called without their number."""
    if fault not in ("redis_crowded", "redis_workers"):
        return {}
    found: dict[str, set[str]] = {}
    for line in redis_crowd.cli(lab, "CLIENT", "LIST").splitlines():
        fields = dict(part.partition("=")[::2] for part in line.split())
        if fields["name"].startswith(("lab-", "sentinel-")):
            found.setdefault(fields["name"].rpartition("-")[0], set()).add(fields["id"])
    return found


def nobody_protected_was_killed(lab: Lab, before: dict[str, set[str]]) -> None:
    after = held(lab, "redis_crowded")
    gone = before["lab-leak"] - after.get("lab-leak", set())
    assert 0 < len(gone) <= DOSE
    assert len(before) == 5
    for name, ids in before.items():
        if name != "lab-leak":
            assert ids == after.get(name), f"{name} was killed"


def cure(name: str, checked: Run, state: pathlib.Path) -> None:
    assert (checked.outcome, checked.status) == ("checked", 0), checked.output
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert [planned(action) for action in run.decision["plan"]["actions"]] == [
        planned(action) for action in checked.decision["plan"]["actions"]
    ], "check mode shows what the real run then does"
    assert {(item["verb"], item["service"]) for item in run.acted()} == {
        (action["verb"], action["service"]) for action in run.decision["plan"]["actions"]
    }
    assert (run.outcome, run.status) == ("fixed", 0), run.output
    assert run.report["samples"][-1]["good"]
    assert run.report["evidence"]["count"] >= 3


def nobody_got_in(state: pathlib.Path) -> None:
    """No place comes free, so nothing is done, and that is said."""
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert run.status == 2
    assert "No place came free" in run.output


def restarted_only_with_name_and_hash(checked: Run, state: pathlib.Path) -> None:
    plan = checked.decision["plan"]
    refused = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert not refused.ran("incident_act")
    assert refused.status == 2
    unnamed = play(state, incident_mode="ask", incident_approve=plan["hash"])
    assert not unnamed.ran("incident_act")
    run = play(state, incident_mode="ask", incident_approve=plan["hash"], incident_confirm=TARGET)
    assert run.titles == ["restart redis"]
    assert (run.outcome, run.status) == ("fixed", 0), run.output


def left_to_people(state: pathlib.Path) -> None:
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert not run.ran("incident_act"), run.output
    assert (run.outcome, run.status) == ("escalated", 2), run.output
    assert run.report["proposals"], "what a person may do is said"


def test_propose_prints_what_applies_it_and_changes_nothing(fault: t.Any, lab: Lab, tmp_path: pathlib.Path) -> None:
    with fault("redis_crowded"):
        before = held(lab, "redis_crowded")
        run = play(tmp_path, incident_mode="propose")
        assert (run.outcome, run.status) == ("proposed", 0), run.output
        assert f"incident_approve={run.decision['plan']['hash']}" in run.output
        assert held(lab, "redis_crowded") == before


@pytest.mark.core
def test_by_its_full_name(tmp_path: pathlib.Path) -> None:
    run = play_any(tmp_path, playbook="incident.response.scenario_redis", incident_mode="observe")
    assert (run.outcome, run.status) == ("healthy", 0), run.output


def test_no_target_is_an_error(tmp_path: pathlib.Path) -> None:
    assert play(tmp_path, "--limit", "docker-local").status != 0


@pytest.mark.cluster
@pytest.mark.parametrize("name", [f.id for f in faults.ALL.values() if f.scenario == "redis" and f.profile])
def test_a_replica_without_its_primary_is_left_alone(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    run_ = functools.partial(play, inventory="inventory/lab_cluster")
    assert run_(tmp_path, "--limit", "redis-replica", incident_mode="observe").outcome == "healthy"
    with fault(name):
        run = run_(tmp_path, "--limit", "redis-replica", incident_mode="auto", incident_max_risk="disruptive")
        assert run.finding_ids == list(faults.ALL[name].findings)
        assert not run.ran("incident_act")
        assert run.outcome == "escalated"
        primary = run_(tmp_path / "p", "--limit", "redis-main", incident_mode="observe")
        assert primary.finding_ids == ["redis.replication.missing"]
