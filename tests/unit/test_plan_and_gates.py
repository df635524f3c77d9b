# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans have a hash that means something, and gates fail closed, each naming its override."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import gate
from ansible_collections.incident.response.plugins.module_utils.core.plan import Action, Plan
from ansible_collections.incident.response.plugins.module_utils.core.scope import Runtime

NOW = 1_800_000_000.0
RUNTIME = Runtime("docker", "docker-1", "shop", "mailer")


def action(**changes: t.Any) -> Action:
    base = Action(
        verb="restart",
        service="mailer",
        runtime=RUNTIME,
        dose="1 container",
        risk="low",
        reason="lag 500",
        precondition="container abc is the one that was seen",
        undo="",
        identity={"id": "abc", "started_at": "2026-01-01T00:00:00Z"},
        blames=("kafka.lag.stalled",),
    )
    return dataclasses.replace(base, **changes)


def plan(*actions: Action) -> Plan:
    return Plan("kafka", "kafka-main", actions or (action(),))


@pytest.mark.parametrize(
    "change",
    [
        {"verb": "start"},
        {"service": "other"},
        {"dose": "2 containers"},
        {"risk": "disruptive"},
        {"identity": {"id": "def", "started_at": "2026-01-01T00:00:00Z"}},
        {"runtime": dataclasses.replace(RUNTIME, host="docker-2")},
    ],
)
def test_the_hash_covers_what_would_be_done_to_whom(change: dict[str, t.Any]) -> None:
    assert plan(action(**change)).hash != plan().hash


@pytest.mark.parametrize("change", [{"reason": "lag 900"}, {"precondition": "x"}, {"blames": ("a", "b")}])
def test_the_hash_does_not_cover_what_changes_while_a_person_reads(change: dict[str, t.Any]) -> None:
    assert plan(action(**change)).hash == plan().hash


def test_a_plan_survives_its_journey_through_json() -> None:
    there_and_back = Plan.from_dict(plan().to_dict())
    assert there_and_back == plan()
    assert there_and_back.hash == plan().hash


def test_an_unknown_risk_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="risk is one of"):
        action(risk="mild")


# Approval: (mode, max_risk, plan's risk, approve, confirm, typed) -> approved

APPROVALS = [
    ("observe", "low", "low", "", "", "yes", False),
    ("observe", "low", "low", "HASH", "", "", False),
    ("propose", "low", "low", "", "", "yes", False),
    ("propose", "low", "low", "HASH", "", "", True),
    ("ask", "low", "low", "", "", "", False),
    ("ask", "low", "low", "", "", "no", False),
    ("ask", "low", "low", "", "", "kafka-main", False),
    ("ask", "low", "low", "", "", "yes", True),
    ("ask", "low", "disruptive", "", "", " Y ", True),
    ("auto", "low", "low", "", "", "", True),
    ("auto", "low", "disruptive", "", "", "", False),
    ("auto", "disruptive", "disruptive", "", "", "", True),
    ("auto", "none", "low", "", "", "", False),
    ("auto", "low", "disruptive", "HASH", "", "", True),
    ("auto", "low", "low", "ffffffffffff", "", "", False),
    ("auto", "disruptive", "destructive", "", "", "", False),
    ("auto", "disruptive", "destructive", "HASH", "", "", False),
    ("auto", "disruptive", "destructive", "", "kafka-main", "", False),
    ("auto", "disruptive", "destructive", "HASH", "kafka-other", "", False),
    ("auto", "disruptive", "destructive", "HASH", "kafka-main", "", True),
    ("ask", "low", "destructive", "", "", "yes", False),
    ("ask", "low", "destructive", "", "", "kafka-main", True),
    ("propose", "low", "destructive", "", "", "kafka-main", False),
]


@pytest.mark.parametrize(("mode", "max_risk", "risk", "approve", "confirm", "typed", "approved"), APPROVALS)
def test_approval(mode: str, max_risk: str, risk: str, approve: str, confirm: str, typed: str, approved: bool) -> None:
    wanted = plan(action(risk=risk))
    settings = gate.Settings(
        mode=mode, max_risk=max_risk, approve=approve.replace("HASH", wanted.hash), confirm=confirm
    )
    answer = gate.check_approval(settings, wanted, typed)
    assert answer.ok is approved, answer
    assert approved or answer.override, "a refusal names its override"


def test_a_hash_of_another_plan_never_approves_even_in_auto() -> None:
    old = plan(action(identity={"id": "old"})).hash
    answer = gate.check_approval(gate.Settings(mode="auto", approve=old), plan())
    assert not answer.ok
    assert plan().hash in answer.override


def window(start: str, end: str) -> dict[str, str]:
    return {"from": start, "until": end, "reason": "peak season"}


def test_freeze_refuses_inside_its_window_only_and_can_be_overridden() -> None:
    inside = gate.Settings(freeze=(window("2027-01-15T00:00:00Z", "2027-01-16T00:00:00+00:00"),))
    answer = gate.check_freeze(inside, NOW)
    assert (answer.ok, answer.override) == (False, "incident_override=freeze")
    assert "peak season" in answer.reason
    assert gate.check_freeze(dataclasses.replace(inside, override=("freeze",)), NOW).ok
    assert gate.check_freeze(inside, NOW + 86400 * 2).ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"from": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00"}, "zone"),
        ({"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "not after"),
        ({"from": "tomorrow", "until": "2026-01-01T00:00:00Z"}, "write 20"),
        ({"from": "2026-01-01T00:00:00Z"}, "until is missing"),
    ],
)
def test_a_freeze_window_that_makes_no_sense_is_an_error_not_an_open_gate(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(gate.GateError, match=said):
        gate.Settings(freeze=(wrong,))


@pytest.mark.parametrize(
    ("ages", "ok"), [([], True), ([901], True), ([899], False), ([1000, 2000], True), ([1000, 2000, 3000], False)]
)
def test_budget_one_in_15_minutes_and_three_a_day(ages: list[float], ok: bool) -> None:
    done = [gate.Done(NOW - age, "mailer", "restart") for age in ages]
    answer = gate.check_budget(gate.Settings(), plan(), done, NOW)
    assert answer.ok is ok
    others = [gate.Done(NOW - age, "other", "restart") for age in ages]
    assert gate.check_budget(gate.Settings(), plan(), others, NOW).ok
    assert gate.check_budget(gate.Settings(override=("budget",)), plan(), done, NOW).ok


@pytest.mark.parametrize(("blames", "healthy", "ok"), [((), 1, False), ((), 2, True), (("a.b",), 1, True)])
def test_floor_protects_the_last_healthy_replica_that_nothing_blames(
    blames: tuple[str, ...], healthy: int, ok: bool
) -> None:
    wanted = plan(action(blames=blames))
    assert gate.check_floor(gate.Settings(), wanted, {"mailer": healthy}).ok is ok
    assert gate.check_floor(gate.Settings(override=("floor",)), wanted, {"mailer": healthy}).ok


def test_no_evidence_no_change() -> None:
    answer = gate.check_evidence(gate.Settings(), "disk full")
    assert (answer.ok, answer.override) == (False, "incident_override=evidence")
    assert gate.check_evidence(gate.Settings(override=("evidence",)), "disk full").ok
    assert gate.check_evidence(gate.Settings(), "").ok


def test_still_failing_compares_a_fresh_plan() -> None:
    assert gate.same_plan(plan(), plan(action(reason="more lag"))).ok
    changed = gate.same_plan(plan(), plan(action(identity={"id": "new"})))
    assert not changed.ok
    assert "changed meanwhile" in changed.reason
    recovered = gate.same_plan(plan(), Plan("kafka", "kafka-main"))
    assert not recovered.ok
    assert "recovered" in recovered.reason


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"mode": "yolo"}, "incident_mode is one of"),
        ({"max_risk": "destructive"}, "never|always need"),
        ({"max_risk": "high"}, "incident_max_risk"),
        ({"override": ("approval",)}, "incident_override knows"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_what_to_write(setting: dict[str, t.Any], said: str) -> None:
    with pytest.raises(gate.GateError, match=said):
        gate.Settings(**setting)
