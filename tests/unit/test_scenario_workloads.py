# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run in Kubernetes: what the scenarios do about their workloads, and how it is carried out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import decide, gate, runtimes
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding, Remedy
from ansible_collections.incident.response.plugins.module_utils.core.plan import Action, Plan
from ansible_collections.incident.response.plugins.module_utils.core.scenarios import memory, running, service
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.base import Case, Scenario, judged
from ansible_collections.incident.response.plugins.module_utils.core.scope import (
    Observed,
    Runtime,
    Scope,
    ScopeError,
    Service,
)

RUNS = {"kind": "kubernetes", "host": "cluster-1", "namespace": "shop", "workload": "deployment/web"}
RUNTIME = Runtime("kubernetes", "cluster-1", "shop", "Deployment/web")
OWN = "container:web"


def scope(**changes: t.Any) -> Scope:
    services = {"web": Service("web", None, (), groups=("http_services",))}
    return Scope("web", {"runtime": RUNS, **changes}, services)


def finding(name: str, component: str = OWN, **details: t.Any) -> Finding:
    return Finding(name, component, component, "critical", "P2", name, remedies=(Remedy("by hand"),), details=details)


def workloads(*findings: Finding, available: int = 2, kind: str = "Deployment") -> Observed:
    row = {"kind": kind, "namespace": "shop", "name": "web", "uid": "u-1", "generation": 7, "wanted": 2}
    row |= {"available": available, "memory_limits": {"app": 64 * 2**20}}
    result = {"snapshot": {"workloads": {"shop/web": row}}, "findings": [item.to_dict() for item in findings]}
    return Observed("workloads on cluster-1", "incident.response.kubernetes_health_info", "cluster-1", result)


def page(*findings: Finding) -> Observed:
    result = {"findings": [item.to_dict() for item in findings], "snapshot": {"listed": []}}
    return Observed("service web", "incident.response.http_health_info", "web", result)


def plan(scenario: Scenario, *looks: Observed, done: tuple[gate.Done, ...] = ()) -> Plan:
    where = scope()
    verdict = decide.decide(judged(scenario, where, looks), scenario.graph(where))
    return scenario.plan(Case(where, verdict, looks, done))


def only(found: Plan) -> Action:
    (action,) = found.actions
    return action


def done(action: Action) -> gate.Done:
    return gate.Done(0.0, "web", action.verb, action.key)


@pytest.mark.parametrize("name", ["kubernetes.pod.crashloop", "kubernetes.image.pull", "kubernetes.memory.oom"])
def test_what_a_new_revision_brought_goes_back_once(name: str) -> None:
    look = workloads(finding(name, new_revision=True))
    action = only(plan(service.SCENARIO, look))
    assert (action.title, action.risk) == ("roll_back web", "disruptive")
    call = runtimes.call_of(action)
    assert (call.module, call.host) == ("incident.response.kubernetes_workload", "cluster-1")
    assert call.options == {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "web",
        "state": "rolled_back",
        "identity": {"uid": "u-1", "generation": 7},
    }
    again = plan(service.SCENARIO, look, done=(done(action),))
    assert not again.actions and "was rolled back for this before" in again.escalate


@pytest.mark.parametrize("name", ["kubernetes.pod.crashloop", "kubernetes.image.pull", "kubernetes.config.missing"])
def test_what_no_revision_brought_is_left_to_people(name: str) -> None:
    found = plan(service.SCENARIO, workloads(finding(name, new_revision=False)))
    assert not found.actions
    assert "a restart would not cure it" in found.escalate
    assert [remedy.text for remedy in found.proposals] == ["by hand"]


def test_a_silent_service_is_restarted_one_pod_after_the_other() -> None:
    silent = page(finding("http.response.silent", "web"))
    action = only(plan(service.SCENARIO, silent, workloads()))
    assert (action.title, action.risk, action.dose) == ("restart web", "low", "1 pod after the other")
    assert runtimes.call_of(action).options["state"] == "restarted"
    assert "dump" not in action.options, "only a container's process can be asked for its stacks"
    away = plan(service.SCENARIO, silent, workloads(available=0))
    assert not away.actions


def test_a_limit_that_was_met_is_raised_once() -> None:
    look = workloads(finding("kubernetes.memory.oom", container="app", new_revision=False))
    action = only(plan(memory.SCENARIO, look))
    assert (action.title, action.risk) == ("raise_memory web", "disruptive")
    assert runtimes.call_of(action).options | {"identity": None} == {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "web",
        "state": "memory_limit",
        "container": "app",
        "memory": "96Mi",
        "identity": None,
    }
    assert not plan(memory.SCENARIO, look, done=(done(action),)).actions
    unlimited = plan(memory.SCENARIO, workloads(finding("kubernetes.memory.oom", container="other")))
    assert not unlimited.actions and "the memory of its node" in unlimited.escalate


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"lived_seconds": 4.0, "confidence": "certain"}, ["a limit that is too small, rather than a leak"]),
        ({"lived_seconds": 7200.0, "confidence": "certain"}, ["ran for 120 min", "a larger one fills too"]),
        ({"confidence": "certain"}, ["is not seen from here"]),
        ({"confidence": "likely"}, ["is not seen from here", "is likely, and not certain"]),
    ],
)
def test_the_plan_says_how_sure_it_is_that_a_larger_limit_helps(details: dict[str, t.Any], said: list[str]) -> None:
    found = plan(memory.SCENARIO, workloads(finding("kubernetes.memory.oom", container="app", **details)))
    assert all(any(text in note for note in found.notes) for text in said)
    assert any("not certain" in note for note in found.notes) == (details["confidence"] == "likely")


def test_what_is_no_question_of_memory_is_handed_to_the_service_scenario() -> None:
    found = plan(memory.SCENARIO, workloads(finding("kubernetes.pod.crashloop", new_revision=True)))
    assert not found.actions
    assert any("scenario_service --limit web" in remedy.command for remedy in found.proposals)


def test_proof_of_memory_is_that_all_pods_are_available_and_nothing_is_found() -> None:
    prove = memory.SCENARIO.prove
    assert prove(scope(), [workloads()], ()).good
    assert not prove(scope(), [workloads(available=1)], ()).good
    assert not prove(scope(), [workloads(finding("kubernetes.memory.oom"))], ()).good
    assert not prove(scope(), [], ()).good


def test_healthy_pods_are_counted_so_that_the_last_one_is_not_restarted_unasked() -> None:
    assert running.healthy([workloads()], RUNTIME) == 2
    assert running.healthy([], RUNTIME) == 0
    assert running.first([workloads(kind="StatefulSet")], RUNTIME) is None, "of that name, and another kind"


def test_the_look_is_at_what_is_declared_and_nothing_else() -> None:
    (call,) = [look for look in service.SCENARIO.checks(scope()) if "kubernetes" in look.module]
    assert call.host == "cluster-1"
    assert call.options["namespaces"] == ["shop"] and call.options["names"] == ["shop/web"]
    assert call.options["components"] == {"shop/web": OWN}


@pytest.mark.parametrize(
    ("workload", "service_"),
    [("web", "Deployment/web"), ("statefulset/db", "StatefulSet/db"), ("DaemonSet/agent", "DaemonSet/agent")],
)
def test_a_workload_is_written_as_people_write_it(workload: str, service_: str) -> None:
    assert Runtime.from_vars("web", {**RUNS, "workload": workload}).service == service_


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"workload": "job/nightly"}, "job/nightly"),
        ({"workload": "deployment/"}, "workload"),
        ({"namespace": ""}, "namespace"),
    ],
)
def test_a_runtime_that_makes_no_sense_is_refused(changes: dict[str, str], word: str) -> None:
    with pytest.raises(ScopeError, match=word):
        Runtime.from_vars("web", {**RUNS, **changes})


def test_nothing_unpauses_a_workload() -> None:
    with pytest.raises(ValueError, match="known is docker"):
        runtimes.act(RUNTIME, "unpause", {})
