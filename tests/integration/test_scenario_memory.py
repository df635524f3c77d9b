# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_memory against the real lab: a leak ends as mitigated, a limit that is too small is raised, and what only
looks like high memory is left alone."""

from __future__ import annotations

import functools
import pathlib
import typing as t

import docker
import pytest
from runs import Run
from runs import play as play_any
from triage_names import triage_names

from lab import config, faults
from lab.faults.model import Lab

play = functools.partial(play_any, playbook="playbooks/scenario_memory.yml")

MEMORY = [fault for fault in faults.ALL.values() if fault.scenario == "memory" and not fault.profile]
LEAKS = ("memory_leak",)
RAISED = ("memory_undersized", "memory_oom", "memory_oom_loop")
LEFT = ("memory_database",)
BESIDE = ("memory_oom_beside",)
BLIND = tuple(fault.id for fault in MEMORY if fault.id.startswith("pprof_"))
EITHER = ("goroutine_leak",)
"""Restarted where the heap rises with the goroutines, else left to a person."""
OWN = ("auth", "container:auth")


def of(fault_ids: tuple[str, ...]) -> t.Any:
    return pytest.mark.parametrize("name", fault_ids)


def lab() -> Lab:
    return Lab(docker.from_env(), config.load(), 0)


def starts() -> dict[str, str]:
    """When each container of the lab was started, by service."""
    names = ("gateway", "auth", "orders", "redis", "postgres", "pgbouncer")
    here = lab()
    return {name: str(here.container(name).attrs["State"]["StartedAt"]) for name in names}


def limit() -> int:
    return int(lab().container("auth").attrs["HostConfig"]["Memory"])


def seen(run: Run, name: str) -> None:
    """Exactly the findings of the fault, about the service and its container. P4 is hygiene."""
    found = {f["id"] for f in run.decision["findings"] if f["component"] in OWN and f["severity"] != "P4"}
    fault = faults.ALL[name]
    missing, extra = set(fault.findings) - found, found - set(fault.findings) - set(fault.possible)
    assert not missing and not extra, f"missing {missing}, extra {extra}\n{run.output}"


def go(state: pathlib.Path, *arguments: str, **variables: t.Any) -> Run:
    return play(state, "--limit", "auth", *arguments, incident_mode="auto", **variables)


def only_auth(before: dict[str, str]) -> None:
    touched = {name for name, at in starts().items() if at != before[name]}
    assert touched <= {"auth"}, "nothing else was restarted"


def test_every_fault_is_in_one_of_the_tests_below() -> None:
    twins = {fault.id for fault in MEMORY if fault.twin}
    assert {fault.id for fault in MEMORY} - twins == {*LEAKS, *RAISED, *LEFT, *BESIDE, *BLIND, *EITHER}
    assert twins, "what only looks like high memory"


@of(LEAKS)
def test_a_leak_is_restarted_once_and_called_mitigated(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        # With the same store, as it is for people: on a busy machine a look alone has too few collections to tell.
        triage_names(name, tmp_path)
        before = starts()
        run = go(tmp_path)
        seen(run, name)
        assert run.titles == ["restart auth"]
        mitigated(run)
        only_auth(before)
        assert starts()["auth"] != before["auth"]
        kept = [path for path in tmp_path.rglob("*heap*") if path.read_bytes()[:2] == b"\x1f\x8b"]
        assert kept, "the profile of before the restart is kept as it is"
        later_looks(run, tmp_path)


def mitigated(run: Run) -> None:
    (action,) = run.decision["plan"]["actions"]
    assert (run.outcome, run.status) == ("mitigated", 2), run.output
    assert action["mitigates"] in run.output.replace("\n", " ")
    assert run.report["mitigated"]["leaves"] == action["leaves"]
    assert run.report["closed"] is None
    assert run.report["samples"][-1]["good"]
    text = pathlib.Path(run.last("incident_close")["report"]).read_text()
    assert "Find and mend the leak in" in text


def later_looks(first: Run, state: pathlib.Path) -> None:
    """The same incident goes on, healthy as it is, until somebody says that it is mended."""
    again = go(state)
    assert again.last("incident_open")["incident"] == first.last("incident_open")["incident"]
    assert again.last("incident_open")["adopted"]
    assert "only mitigated" in again.output
    assert (again.outcome, again.status) == ("mitigated", 2), again.output
    assert "healthy now; mitigated at" in again.output
    assert not again.ran("incident_act")
    told = go(state, incident_mended=True)
    assert (told.outcome, told.status) == ("restored", 0), told.output


@of(RAISED)
def test_a_limit_that_is_too_small_is_raised_while_it_runs(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        triage_names(name, tmp_path / "triage")
        before, small = starts(), limit()
        shown = go(tmp_path / "c", "--check", incident_max_risk="disruptive")
        seen(shown, name)
        assert shown.titles == ["raise_memory auth"]
        assert limit() == small, "check mode touches nothing"
        refused = go(tmp_path / "r")
        assert (refused.outcome, refused.status) == ("refused", 2), "mode auto takes low risk only"
        assert limit() == small
        run = go(tmp_path / "r", incident_max_risk="disruptive")
        assert run.titles == shown.titles, run.output
        (action,) = run.decision["plan"]["actions"]
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        assert limit() == int(action["options"]["memory"].removesuffix("m")) * 2**20 > small
        assert "persist=true" in run.output, "what writes it down is for a person"
        if name != "memory_oom_loop":
            assert starts() == before, "its limit is raised while it runs"


@of(LEFT)
def test_who_waits_for_the_database_is_left_alone(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        triage_names(name, tmp_path / "triage")
        before = starts()
        run = go(tmp_path)
        seen(run, name)
        assert not run.ran("incident_act"), run.output
        assert (run.outcome, run.status) == ("escalated", 2), run.output
        assert "scenario_database --limit postgres-main" in run.output
        assert run.decision["plan"]["waits_for"] == ["postgres-main"]
        assert starts() == before


@of(BESIDE)
def test_a_process_beside_the_service_is_for_a_person(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        triage_names(name, tmp_path / "triage")
        before = starts()
        run = go(tmp_path, incident_max_risk="disruptive")
        seen(run, name)
        assert not run.ran("incident_act"), run.output
        assert (run.outcome, run.status) == ("escalated", 2), run.output
        assert "another process in its container" in run.output
        assert starts() == before


@of(EITHER)
def test_goroutines_that_leak_are_named_where_they_wait(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        # With the same store, as it is for people: on a busy machine a look alone has too few collections to tell.
        triage_names(name, tmp_path)
        run = go(tmp_path)
        seen(run, name)
        if run.titles:
            assert run.titles == ["restart auth"]
            mitigated(run)
        else:
            assert (run.outcome, run.status) == ("escalated", 2), run.output
        assert "leakGoroutine" in run.output


@of(BLIND)
def test_profiles_that_cannot_be_read_are_unknown_and_never_healthy(
    name: str, fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault(name):
        triage_names(name, tmp_path / "triage")
        run = go(tmp_path)
        seen(run, name)
        assert not run.ran("incident_act"), run.output
        assert (run.outcome, run.status) == ("unknown", 2), run.output


@pytest.mark.parametrize("name", [fault.id for fault in MEMORY if fault.twin])
def test_what_only_looks_like_high_memory_is_healthy(name: str, fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault(name):
        triage_names(name, tmp_path / "triage")
        before = starts()
        run = go(tmp_path)
        assert (run.outcome, run.status) == ("healthy", 0), run.output
        assert starts() == before


def test_healthy_services_in_one_play_by_path_and_by_name(tmp_path: pathlib.Path) -> None:
    for playbook in ("playbooks/scenario_memory.yml", "incident.response.scenario_memory"):
        run = play_any(tmp_path, playbook=playbook, incident_mode="auto")
        assert (run.outcome, run.status) == ("healthy", 0), run.output
        assert not run.ran("incident_act")
