# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root cause: a failing component none of whose dependencies fails; everything downstream is suppressed."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import decide, severity
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding

GRAPH = {
    "kafka-main": ["container:kafka"],
    "group:mail": ["container:mailer", "kafka-main"],
    "container:mailer": ["kafka-main"],
    "gateway": ["auth", "orders"],
    "auth": ["db"],
    "orders": ["db", "kafka-main"],
}


def finding(name: str, component: str, severity: str = "P2", state: str = "critical", **more: object) -> Finding:
    return Finding(name, component, component, state, severity, f"{component} has {name}", **more)  # type: ignore[arg-type]


def roots(*findings: Finding) -> list[str]:
    return [item.component for item in decide.decide(findings, GRAPH).roots]


def test_no_findings_is_healthy() -> None:
    verdict = decide.decide([], GRAPH)
    assert (verdict.status, verdict.severity, verdict.root) == ("ok", None, None)


def test_a_stopped_consumer_is_the_cause_and_its_lag_follows() -> None:
    down = finding("docker.container.not_running", "container:mailer", details={"exit_code": 143})
    lag = finding("kafka.lag.stopped", "group:mail")
    verdict = decide.decide([lag, down], GRAPH)
    assert [item.id for item in verdict.roots] == ["docker.container.not_running"]
    assert [(item.finding.id, item.by) for item in verdict.suppressed] == [("kafka.lag.stopped", "container:mailer")]


def test_a_broker_that_is_down_explains_the_sick_consumer_and_the_lag() -> None:
    broker = finding("docker.container.not_running", "container:kafka", details={"exit_code": 137})
    refused = finding("kafka.broker.unreachable", "kafka-main", "P1")
    sick = finding("docker.container.unhealthy", "container:mailer")
    verdict = decide.decide([refused, sick, broker], GRAPH)
    assert [item.component for item in verdict.roots] == ["container:kafka"]
    assert {item.by for item in verdict.suppressed} == {"container:kafka"}
    assert verdict.severity == "P1", "a symptom's severity beats its cause's"


@pytest.mark.parametrize(("exit_code", "own_fault"), [(0, True), (143, True), (137, True), (1, False), (2, False)])
def test_a_consumer_that_somebody_stopped_is_not_explained_by_the_broker(exit_code: int, own_fault: bool) -> None:
    broker = finding("docker.container.not_running", "container:kafka", details={"exit_code": 137})
    consumer = finding("docker.container.not_running", "container:mailer", details={"exit_code": exit_code})
    assert ("container:mailer" in roots(broker, consumer)) is own_fault


@pytest.mark.parametrize("name", sorted(decide.STANDS_ALONE))
def test_what_was_done_to_a_container_itself_is_never_suppressed(name: str) -> None:
    assert "container:mailer" in roots(finding("kafka.broker.silent", "kafka-main"), finding(name, "container:mailer"))


def test_two_faults_that_share_nothing_are_two_roots() -> None:
    assert set(roots(finding("x.down", "auth"), finding("y.down", "container:kafka"))) == {"auth", "container:kafka"}


def test_the_widest_damage_is_named_first() -> None:
    db, other = finding("z.locked", "db"), finding("a.slow", "container:kafka")
    hurt = [finding("s.errors", name) for name in ("auth", "orders", "gateway")]
    verdict = decide.decide([other, db, *hurt], {**GRAPH, "orders": ["db"]})
    assert verdict.root is db


def test_between_equals_the_earliest_onset_comes_first() -> None:
    late, early = finding("a.late", "x", since=200.0), finding("b.early", "y", since=100.0)
    assert roots(late, early) == ["y", "x"]


def test_hygiene_explains_nothing_and_is_no_root() -> None:
    verdict = decide.decide([finding("h.limit", "db", "P4", "warning"), finding("s.errors", "auth")], GRAPH)
    assert [item.component for item in verdict.roots] == ["auth"]
    assert [item.id for item in verdict.hygiene] == ["h.limit"]


def test_unknown_is_never_ok_and_never_a_cause() -> None:
    verdict = decide.decide([finding("kafka.unmeasured", "kafka-main", "P3", "unknown")], GRAPH)
    assert (verdict.status, verdict.root, len(verdict.unknown)) == ("unknown", None, 1)
    both = decide.decide([finding("u", "db", "P3", "unknown"), finding("s.errors", "auth")], GRAPH)
    assert [item.component for item in both.roots] == ["auth"]


def test_a_cycle_of_dependencies_still_ends_with_a_verdict() -> None:
    graph = {"a": ["b"], "b": ["a"]}
    assert decide.dependencies(graph, "a") == {"b"}
    verdict = decide.decide([finding("x", "a"), finding("y", "b")], graph)
    assert len(verdict.roots) + len(verdict.suppressed) == 2


def test_the_severity_table_can_be_changed_but_not_broken() -> None:
    assert severity.levels({"P2": {"response": 600}})["P2"].response == 600
    assert severity.levels()["P1"].response == 300
    for wrong in ({"P5": {}}, {"P1": {"respond": 1}}, {"P1": {"response": 0}}, {"P1": {"response": True}}):
        with pytest.raises(ValueError, match="severity"):
            severity.levels(wrong)


@pytest.mark.parametrize(
    ("given", "production", "capped"), [("P1", True, "P1"), ("P1", False, "P3"), ("P4", False, "P4")]
)
def test_outside_of_production_nobody_is_woken_up(given: str, production: bool, capped: str) -> None:
    assert severity.cap(given, production) == capped
