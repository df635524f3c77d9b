# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_database against the real lab: every fault gives exactly its findings, its plan, and its cure where safe.

What became of the sessions is asked from the server itself, through psql in its container.
"""

from __future__ import annotations

import functools
import pathlib
import re
import threading
import typing as t

import docker
import pytest
from runs import ROOT, Run, planned
from runs import play as play_any
from triage_names import triage_names

from lab import config, faults
from lab.faults import sessions
from lab.faults.model import Lab

PLAYBOOK = "playbooks/scenario_database.yml"
play = functools.partial(play_any, playbook=PLAYBOOK)

DATABASE = [fault for fault in faults.ALL.values() if fault.scenario == "database"]

IDLE = "terminate idle sessions of postgres-main"
PLANS = {
    "postgres_idle": [IDLE],
    "postgres_traps": [IDLE],
    "postgres_transaction": ["terminate the session of pid N on postgres-main"],
    "postgres_chain": ["cancel the statement of pid N on postgres-main"],
    "postgres_stopped": ["start postgres"],
    "postgres_frozen": ["continue postgres"],
    "postgres_recovering": ["wait for postgres-main"],
    "postgres_recovering_german": ["wait for postgres-main"],
    "postgres_full": ["restart postgres"],
}
"""What a plan does about a fault. Where a fault is not listed, nothing is done on purpose."""

CURED = (
    "postgres_idle",
    "postgres_traps",
    "postgres_transaction",
    "postgres_chain",
    "postgres_stopped",
    "postgres_frozen",
)
SECRETS = ("lab-Rk4v-", "lab-secret-Zx81")
"""What every password of the lab begins with, and a literal in a statement."""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(docker.from_env(), config.load(), 0)


def titles(plan: dict[str, t.Any]) -> list[str]:
    return [re.sub(r"pid \d+", "pid N", action["title"]) for action in plan["actions"]]


def leaks(run: Run) -> list[str]:
    """Where a secret stands: the output, the results, the evidence, the report, the store."""
    texts = {"output": run.output.encode()}
    texts.update({str(path): path.read_bytes() for path in run.state.rglob("*") if path.is_file()})
    return [name for name, text in texts.items() if any(secret.encode() in text for secret in SECRETS)]


@pytest.mark.parametrize("fault_", DATABASE, ids=lambda fault: str(fault.id))
def test_every_fault_gives_exactly_its_findings_and_its_plan(
    fault_: t.Any, fault: t.Any, lab: Lab, tmp_path: pathlib.Path
) -> None:
    with fault(fault_.id):
        before = backends(lab, fault_.id)
        poolers = pooled(lab) if fault_.id == "postgres_traps" else set()
        triage_names(fault_.id, tmp_path / "triage")
        checked = play(tmp_path, "--check", incident_mode="auto", incident_max_risk="disruptive")
        checked.shows_exactly(fault_)
        assert titles(checked.decision["plan"]) == PLANS.get(fault_.id, [])
        assert backends(lab, fault_.id) == before, "check mode ends nobody"
        if fault_.id in CURED:
            run = cure(checked, tmp_path)
            if fault_.id == "postgres_traps":
                nobody_protected_was_ended(lab, before, poolers)
            if "lab-pile" in before:
                gone = set(before["lab-pile"]) - alive(lab)
                assert 0 < len(gone) <= 25, "no more than the dose"
        elif fault_.twin:
            assert (checked.outcome, checked.status) == ("healthy", 0), checked.output
            run = checked
        elif fault_.id not in PLANS:
            run = left_to_people(tmp_path)
        else:
            run = checked
        assert leaks(run) == [] and leaks(checked) == []


def backends(lab: Lab, fault: str) -> dict[str, list[int]]:
    """The sessions of a fault that are still there, by name. Through the pooler they have numbers of its own."""
    try:
        held = sessions.pids(lab, fault)
    except OSError:
        return {}
    if fault == "postgres_full":
        return held
    there = alive(lab)
    return {name: [pid for pid in pids if pid in there] for name, pids in held.items() if name != "lab-pooled"}


def alive(lab: Lab) -> set[int]:
    return {int(pid) for pid in sessions.sql(lab, "SELECT pid FROM pg_stat_activity").split()}


def pooled(lab: Lab) -> set[int]:
    """The sessions that PgBouncer holds on the server, by address: it names them after the client that it serves."""
    networks = lab.container("pgbouncer").attrs["NetworkSettings"]["Networks"].values()
    address = next(network["IPAddress"] for network in networks)
    query = f"SELECT pid FROM pg_stat_activity WHERE host(client_addr) = '{address}'"
    return {int(pid) for pid in sessions.sql(lab, query).split()}


def nobody_protected_was_ended(lab: Lab, before: dict[str, list[int]], poolers: set[int]) -> None:
    there = alive(lab)
    for name, pids in before.items():
        if name != "lab-pile":
            assert pids and set(pids) <= there, f"{name} was ended"
    assert poolers and poolers <= pooled(lab), "the pooler's own connection was ended"


def cure(checked: Run, state: pathlib.Path) -> Run:
    assert (checked.outcome, checked.status) == ("checked", 0), checked.output
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert [planned(action) for action in run.decision["plan"]["actions"]] == [
        planned(action) for action in checked.decision["plan"]["actions"]
    ], "check mode shows what the real run then does"
    assert [(item["verb"], item["service"]) for item in run.acted()] == [
        (action["verb"], action["service"]) for action in run.decision["plan"]["actions"]
    ]
    assert (run.outcome, run.status) == ("fixed", 0), run.output
    assert run.report["samples"][-1]["good"]
    assert run.report["evidence"]["count"] >= 3
    return run


def left_to_people(state: pathlib.Path) -> Run:
    run = play(state, incident_mode="auto", incident_max_risk="disruptive")
    assert not run.ran("incident_act"), run.output
    assert (run.outcome, run.status) == ("escalated", 2), run.output
    assert run.report["proposals"], "what a person may do is said"
    return run


def test_a_recovery_is_waited_for_with_its_progress_and_never_restarted(
    fault: t.Any, lab: Lab, tmp_path: pathlib.Path
) -> None:
    """The recovery goes on once the watch has seen it twice; then it is proven."""
    with fault("postgres_recovering"):
        before = lab.container("postgres").attrs["State"]["StartedAt"]
        log = tmp_path / "results.jsonl"
        looked = threading.Event()

        def go_on() -> None:
            while not looked.wait(0.2):
                if log.exists() and log.read_text().count('"incident_watch"') >= 2:
                    faults.get("postgres_recovering").clear(lab)
                    return

        helper = threading.Thread(target=go_on)
        helper.start()
        try:
            run = play(tmp_path, incident_mode="auto")
        finally:
            looked.set()
            helper.join()
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        assert "is recovering" in run.output and "restart" not in [item["verb"] for item in run.acted()]
        assert lab.container("postgres").attrs["State"]["StartedAt"] == before


def test_a_restart_needs_the_name_and_the_hash(fault: t.Any, lab: Lab, tmp_path: pathlib.Path) -> None:
    with fault("postgres_full"):
        refused = play(tmp_path, incident_mode="auto", incident_max_risk="disruptive")
        assert (refused.outcome, refused.status) == ("refused", 2), refused.output
        plan = refused.decision["plan"]
        assert plan["risk"] == "destructive"
        assert f"incident_confirm=postgres-main incident_approve={plan['hash']}" in refused.output.replace("-e ", "")
        half = play(tmp_path, incident_mode="ask", incident_approve=plan["hash"])
        assert half.outcome == "refused" and not half.ran("incident_act")
        both = play(tmp_path, incident_mode="ask", incident_approve=plan["hash"], incident_confirm="postgres-main")
        assert (both.outcome, both.status) == ("fixed", 0), both.output
        log = lab.container("postgres").logs(tail=200).decode(errors="replace")
        assert "was not properly shut down" not in log.rpartition("received fast shutdown request")[2]


def test_healthy_in_every_mode_by_path_and_by_name(tmp_path: pathlib.Path) -> None:
    for mode in ("observe", "propose", "auto"):
        run = play(tmp_path / mode, incident_mode=mode)
        assert (run.outcome, run.status, run.finding_ids) == ("healthy", 0, []), run.output
    by_name = play_any(
        tmp_path / "name", playbook="incident.response.scenario_database", inventory=str(ROOT / "inventory/lab")
    )
    assert by_name.outcome == "healthy", by_name.output


def test_propose_prints_the_command_and_changes_nothing(fault: t.Any, lab: Lab, tmp_path: pathlib.Path) -> None:
    with fault("postgres_transaction"):
        before = backends(lab, "postgres_transaction")
        run = play(tmp_path, incident_mode="propose")
        assert (run.outcome, run.status) == ("proposed", 0)
        plan = run.decision["plan"]
        assert f"incident_approve={plan['hash']}" in run.output
        assert backends(lab, "postgres_transaction") == before
        applied = play(tmp_path, incident_mode="ask", incident_approve=plan["hash"])
        assert (applied.outcome, applied.status) == ("fixed", 0), applied.output
        assert alive(lab).isdisjoint(before["lab-forgetful"])


@pytest.mark.core
def test_both_paths_of_the_check_give_the_same(tmp_path: pathlib.Path) -> None:
    runs = [play(tmp_path / name, incident_mode="observe", incident_in_process=name == "in") for name in ("in", "out")]
    here, there = (run.looks[0] for run in runs)
    assert set(here) == set(there)
    assert here["findings"] == there["findings"] == []
    assert here["thresholds"] == there["thresholds"] and here["snapshot"].keys() == there["snapshot"].keys()
