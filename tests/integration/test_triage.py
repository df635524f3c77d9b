# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Triage against the real lab: healthy is one line; what follows from a fault is suppressed.

That each fault is named with its scenario, and nothing else is, the tests of the scenarios ask while it is in."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from runs import play
from triage_names import NOT_KNOWN, TABLE, triage, triage_names, verdict_of

from lab import faults


def test_healthy_is_one_line_with_nothing_found(tmp_path: pathlib.Path) -> None:
    for arguments in ((), ("--check",)):
        run = triage(tmp_path, *arguments)
        lines = run.output.strip().splitlines()
        verdict = verdict_of(run)
        assert (run.status, len(lines)) == (0, 1), run.output
        assert lines[0].startswith("Healthy: nothing found on ")
        assert not (verdict["roots"] or verdict["unknown"] or verdict["hygiene"]), run.output
        assert set(verdict["services"].values()) == {"up"}
        assert not verdict["not_looked_at"]


def test_what_follows_from_a_locked_database_is_suppressed(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("postgres_chain"):
        verdict = triage_names("postgres_chain", tmp_path)
    assert {item["by"] for item in verdict["suppressed"]} <= {"postgres-main"}
    assert verdict["contact"] == "Database Admin"


def test_a_cache_that_is_gone_is_the_one_root(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("redis_stopped"):
        verdict = triage_names("redis_stopped", tmp_path)
    assert "redis-main" in {item["finding"]["component"] for item in verdict["suppressed"]}
    assert {item["by"] for item in verdict["suppressed"]} == {"container:redis-main"}


def test_one_service_that_is_down_comes_with_its_log_and_the_clock(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("service_stopped"):
        run = triage(tmp_path)
        verdict = verdict_of(run)
    assert (verdict["rule"]["id"], verdict["severity"], verdict["respond_within"]) == ("one_down", "P2", 900), (
        run.output
    )
    (log,) = [row for row in verdict["logs"] if row["component"] == "container:auth"]
    assert log["lines"], "its last lines"
    assert all(line["at"] for line in log["lines"])
    assert log["follow"].endswith("logs -f auth")
    assert log["follow"] in run.output
    file = pathlib.Path(run.last("incident_triage")["file"])
    assert json.loads(file.read_text())["component"] == "container:auth"


def test_the_container_engine_that_is_away_takes_all_down(tmp_path: pathlib.Path) -> None:
    """The engine is asked where nobody listens; the services of the lab go on, so only the engine is named."""
    run = triage(tmp_path, docker_docker_host="tcp://127.0.0.1:1")
    verdict = verdict_of(run)
    assert (verdict["component"], verdict["rule"]["id"]) == ("docker-local", ""), run.output
    assert verdict["roots"][0]["id"] == "docker.daemon.unreachable"


def test_a_network_that_is_gone_is_the_one_cause_of_all_that_are_down(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("all_dropped"):
        verdict = triage_names("all_dropped", tmp_path)
    assert verdict["rule"]["cause"] == "triage.all_down.network"
    assert verdict["severity"] == "P1"
    assert set(verdict["services"].values()) == {"down"}


def test_services_that_are_down_each_for_its_own_reason_have_each_its_command(
    fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault("all_stopped"):
        run = triage(tmp_path, incident_triage_depth="full")
    verdict = verdict_of(run)
    assert verdict["rule"]["cause"] == "triage.all_down.own_reasons", run.output
    assert verdict["severity"] == "P1"
    assert {item["target"] for item in verdict["treatments"]} >= {"gateway", "auth", "orders", "notification"}
    assert {item["scenario"] for item in verdict["treatments"]} <= {"service", "kafka"}


@pytest.mark.parametrize(
    ("name", "finding"), [("host_disk_full", "docker.disk.high"), ("host_memory_short", "docker.host.memory")]
)
def test_a_host_that_lacks_disk_or_memory_is_the_one_cause_of_all_that_fails(
    fault: t.Any, tmp_path: pathlib.Path, name: str, finding: str
) -> None:
    with fault(name):
        verdict = triage_names(name, tmp_path)
    assert [item["id"] for item in verdict["roots"]] == [finding]
    assert {item["by"] for item in verdict["suppressed"]} == {"docker-local"}
    assert verdict["severity"] == "P1"
    shown = {item["finding"]["id"] for item in verdict["suppressed"]} | {finding}
    assert shown >= set(faults.ALL[name].findings)
    assert {item["finding"]["component"] for item in verdict["suppressed"]} >= set(verdict["services"])
    if name == "host_memory_short":  # with a full disk they answer, and a first 503 is not down yet
        assert verdict["rule"]["cause"] == "triage.all_down.resources"


def test_a_full_disk_that_nobody_uses_and_memory_that_holds_files_are_no_fault(
    fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault("host_disk_elsewhere"), fault("host_memory_cached"):
        triage_names("host_memory_cached", tmp_path)


def test_respond_cures_what_triage_names(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("service_paused"):
        run = play(tmp_path, playbook="playbooks/respond.yml", incident_mode="auto")
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        assert [(item["verb"], item["service"]) for item in run.acted()] == [("unpause", "auth")]
    again = play(tmp_path, playbook="incident.response.respond", incident_mode="auto")
    assert again.status == 0, again.output
    assert again.output.startswith("Healthy: "), again.output


def test_a_run_limited_to_one_target_says_what_it_left_out(tmp_path: pathlib.Path) -> None:
    run = triage(tmp_path, "--limit", "auth")
    assert run.status == 0, run.output
    assert "(not looked at: " in run.output
    assert set(verdict_of(run)["looked_at"]) == {"auth"}


def test_every_fault_has_a_row() -> None:
    own = {name: fault for name, fault in faults.ALL.items() if fault.profile != "kubernetes"}
    assert set(TABLE) == set(own)
    shows = {name for name, fault in own.items() if fault.findings and not fault.twin}
    assert {name for name, row in TABLE.items() if row[0]} == shows - set(NOT_KNOWN)
