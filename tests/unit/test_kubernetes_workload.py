# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes_workload against a cluster in memory: what is sent, what is waited for, and what is taken back."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import kubernetes_workload
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_errors import Silent, Unreachable
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_workload import apply
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_workload_options import SPEC
from kubernetes_workload_made import node, owned, pod_raw, template, waiting
from kubernetes_workload_stub import APPS, CORE, DEPLOYMENT, StubCluster, ill, well

DEFAULTS = {name: option.get("default") for name, option in SPEC.options.items()}
DEFAULTS |= {"namespace": "shop", "wait_timeout": 0.3}
STATES = [
    {"state": "restarted"},
    {"state": "scaled", "replicas": 3},
    {"state": "rolled_back"},
    {"state": "memory_limit", "memory": "256Mi"},
]
PULL = waiting("ImagePullBackOff", "no such image")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(kubernetes_workload, "_POLL", 0.01)
    core = "ansible_collections.incident.response.plugins.module_utils.core.kubernetes_rollout"
    monkeypatch.setattr(f"{core}.STEADY", 0.03)


def go(cluster, check=False, **options):
    named = {} if options.get("pod") else {"name": "orders"}
    return apply({**DEFAULTS, **named, **options}, check, cluster.join)


def refused(cluster, check=False, **options):
    with pytest.raises(Failed) as caught:
        go(cluster, check, **options)
    return caught.value.result


def rolling(**spec):
    """A cluster whose controllers do what they are told."""
    cluster = StubCluster(**spec)
    cluster.on_patch = [well, well]
    return cluster


def value_of(cluster, path):
    return next(row["value"] for row in cluster.calls[-1][3] if row["path"] == path)


@pytest.mark.parametrize("options", STATES, ids=lambda options: options["state"])
def test_a_change_is_made_seen_and_told(options):
    cluster = rolling()
    result = go(cluster, **options)
    assert (result["changed"], result["undone"], len(cluster.calls)) == (True, False, 1)
    assert result["msg"].startswith("did ") and "available" in result["msg"]
    assert (result["before"]["generation"], result["after"]["generation"]) == (3, 4)
    assert result["workload"]["generation"] == 4, "the identity of a later call"
    assert result["diff"]["before"] != result["diff"]["after"]


@pytest.mark.parametrize("options", STATES, ids=lambda options: options["state"])
def test_check_mode_asks_the_server_and_changes_nothing(options):
    cluster = rolling()
    result = go(cluster, True, **options)
    assert (result["changed"], cluster.calls, cluster.deployment["metadata"]["generation"]) == (True, [], 3)
    assert result["msg"].startswith("would ")
    assert result["diff"]["before"] != result["diff"]["after"]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize(
    "options",
    [
        {"state": "scaled", "replicas": 2},
        {"state": "memory_limit", "memory": "128Mi"},
        {"state": "rolled_back", "revision": 3},
    ],
    ids=lambda options: options["state"],
)
def test_what_is_so_already_is_no_change(options, check):
    cluster = rolling()
    result = go(cluster, check, **options)
    assert (result["changed"], cluster.calls) == (False, [])
    assert "already" in result["msg"]
    assert result["diff"] == {"before": {}, "after": {}}


def test_what_is_sent():
    cluster = rolling()
    go(cluster, state="scaled", replicas=3)
    assert value_of(cluster, "/spec/replicas") == 3
    assert cluster.calls[0][2] == {"fieldManager": "incident.response"}
    cluster = rolling()
    go(cluster, state="rolled_back")
    assert value_of(cluster, "/spec/template") == template(image="lab/app:0")
    cluster = rolling()
    go(cluster, state="restarted")
    assert list(value_of(cluster, "/spec/template")["metadata"]["annotations"]) == ["kubectl.kubernetes.io/restartedAt"]


# Refusals and identity


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_a_refusal_is_the_same_in_check_mode_and_nothing_is_done(check):
    cluster = rolling(paused=True)
    result = refused(cluster, check, state="restarted")
    assert (result["changed"], cluster.calls) == (False, [])
    assert [row["reason"] for row in result["refused"]] == ["paused"]
    assert result["by_hand"] == "kubectl -n shop rollout restart deployment/orders"
    assert result["diff"] == {"before": {}, "after": {}}


def test_what_is_overridden_is_told():
    cluster = rolling()
    result = go(cluster, state="scaled", replicas=1, override=["fewer"])
    assert (result["changed"], [row["reason"] for row in result["overridden"]]) == (True, ["fewer"])
    assert any("override=fewer" in note for note in result["notes"])


def test_another_than_was_seen_is_refused():
    cluster = rolling()
    result = refused(cluster, state="restarted", identity={"uid": "u-0", "generation": None, "resource_version": None})
    assert "uid was u-0, is u-1" in result["msg"]
    assert (result["changed"], cluster.calls) == (False, [])


def test_a_status_written_meanwhile_is_looked_at_anew():
    cluster = rolling()
    cluster.conflicts = 2
    assert go(cluster, state="restarted", identity={"uid": "u-1", "generation": 3})["changed"] is True


def test_a_wish_written_meanwhile_is_refused():
    cluster = rolling()
    cluster.conflicts = 1
    cluster.on_conflict = lambda c: (
        c.deployment["metadata"].update(generation=4) or c.deployment["status"].update(observedGeneration=4)
    )
    result = refused(cluster, state="restarted")
    assert "generation was 3, is 4" in result["msg"]
    assert cluster.calls == []


def test_what_speaks_against_it_meanwhile_counts():
    cluster = rolling()
    cluster.conflicts = 1
    cluster.on_conflict = lambda c: c.pods.append(pod_raw("orders-x", ready=False, containerStatuses=PULL))
    assert [row["reason"] for row in refused(cluster, state="restarted")["refused"]] == ["start_error"]


def test_a_version_that_was_asked_for_is_not_forgotten():
    cluster = rolling()
    cluster.conflicts = 1
    result = refused(cluster, state="restarted", identity={"resource_version": "10"})
    assert "changed between look and change" in result["msg"]
    assert cluster.calls == []


def test_it_does_not_try_for_ever():
    cluster = rolling()
    cluster.conflicts = 99
    assert "nothing was done" in refused(cluster, state="restarted")["msg"]


def test_a_workload_that_is_not_there():
    result = refused(rolling(), state="restarted", name="nothing")
    assert "not found" in result["msg"] and result["changed"] is False


def test_what_may_not_be_read_is_told_or_refused():
    cluster = rolling()
    cluster.forbidden = {"/api/v1/nodes", f"{CORE}/resourcequotas"}
    notes = go(cluster, state="restarted")["notes"]
    assert len([note for note in notes if note.startswith("Not looked at")]) == 2
    cluster = rolling()
    cluster.forbidden = {"/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"}
    assert [row["reason"] for row in refused(cluster, state="scaled", replicas=3)["refused"]] == ["autoscaler"]


def crowd(cluster, nodes, full):
    """Nodes of 1 GiB, the first of them full: what is on each asks for that much."""
    for number in range(nodes):
        one = node("1Gi", "4")
        one["metadata"]["name"] = f"node-{number}"
        cluster.many["/api/v1/nodes"].append(one)
        if number < full:
            guest = pod_raw(f"guest-{number}")
            guest["spec"]["nodeName"] = f"node-{number}"
            guest["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1Gi"}}
            cluster.many["/api/v1/pods"].append(guest)


@pytest.mark.parametrize(("full", "asked", "whole"), [(0, 1, False), (3, 4, False), (20, 20, True), (30, 20, True)])
def test_pods_are_asked_for_node_by_node_until_there_is_room(full, asked, whole):
    cluster = rolling()
    cluster.many["/api/v1/nodes"], cluster.many["/api/v1/pods"] = [], []
    crowd(cluster, 30, full)
    options = {"state": "scaled", "replicas": 3}
    if full < 30:
        assert go(cluster, **options)["changed"] is True
    else:
        assert [row["reason"] for row in refused(cluster, **options)["refused"]] == ["room"]
    selectors = [selector for path, selector in cluster.lists if path == "/api/v1/pods"]
    assert [bool(selector) for selector in selectors] == [True] * asked + [False] * whole


def test_a_change_that_brings_no_pod_asks_for_no_node():
    cluster = rolling(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
    assert go(cluster, state="restarted")["changed"] is True
    assert not {"/api/v1/nodes", "/api/v1/pods"} & {path for path, _selector in cluster.lists}


def test_no_secret_gets_out():
    env = [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]
    cluster = rolling(template=template(env=env))
    result = go(cluster, state="rolled_back")
    assert "DB_PASSWORD" in str(result["diff"]) and "hunter2" not in str(result)


def test_who_deploys_it_is_told():
    cluster = rolling()
    cluster.deployment["metadata"]["managedFields"] = owned({"f:spec": {"f:replicas": {}}}, "helm")
    assert "helm" in go(cluster, state="scaled", replicas=3)["notes"][0]


# Waiting, failing, taking back


def test_without_waiting_it_is_sent_and_that_is_all():
    cluster = StubCluster()
    result = go(cluster, state="restarted", wait=False)
    assert (result["changed"], result["after"]["generation"]) == (True, 4)


def test_worse_than_before_is_taken_back():
    cluster = StubCluster()
    cluster.on_patch = [ill(1, PULL), well]
    result = refused(cluster, state="rolled_back")
    assert (result["undone"], result["changed"]) == (True, True)
    assert "ImagePullBackOff (no such image)" in result["msg"]
    assert "It was undone" in result["msg"] and "as before" in result["msg"]
    assert cluster.deployment["spec"]["template"] == template(), "what was"
    assert result["diff"] == {"before": {}, "after": {}}, "in the end nothing is different"


def test_replicas_are_put_back():
    cluster = StubCluster()
    cluster.on_patch = [ill(1, PULL), well]
    assert refused(cluster, state="scaled", replicas=3)["undone"] is True
    assert cluster.deployment["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("undo", "available", "expected"),
    [("worse", 2, False), ("worse", 1, True), ("failed", 2, True), ("never", 0, False)],
)
def test_when_it_is_taken_back(undo, available, expected):
    cluster = StubCluster()
    cluster.on_patch = [ill(available, PULL), well]
    result = refused(cluster, state="restarted", undo=undo)
    assert result["undone"] is expected
    assert ("kubectl -n shop rollout undo deployment/orders" in result["msg"]) is not expected
    assert result["changed"] is True


def test_slow_is_a_failure_that_is_not_taken_back():
    cluster = StubCluster()
    starting = [{"name": "app", "restartCount": 0, "state": {"running": {}}}]
    cluster.on_patch = [ill(1, starting)]
    result = refused(cluster, state="restarted")
    assert "not well after 0.3 s" in result["msg"] and "1 available (2 before)" in result["msg"]
    assert result["undone"] is False


def test_an_undo_that_is_not_well_either_says_so():
    cluster = StubCluster()
    cluster.on_patch = [ill(1, PULL), ill(1, PULL)]
    assert "not well yet" in refused(cluster, state="restarted")["msg"]


def test_nothing_is_taken_back_that_somebody_else_has_changed():
    cluster = StubCluster()

    def meddled(found):
        ill(1, PULL)(found)
        found.deployment["metadata"]["generation"] += 1

    cluster.on_patch = [meddled]
    result = refused(cluster, state="restarted")
    assert "somebody else changed" in result["msg"] and "nothing was undone" in result["msg"]
    assert len(cluster.calls) == 1


def test_an_undo_does_not_undo_what_came_after():
    """Somebody changes it between the look that says it fails and the undo."""
    cluster = StubCluster()
    cluster.on_patch = [ill(1, PULL)]
    pages = cluster.pages

    def meddling(path, query=None, limit=500):
        yield from pages(path, query, limit)
        if path == f"{CORE}/pods" and cluster.calls:
            cluster.deployment["metadata"]["generation"] = 9

    cluster.pages = meddling
    result = refused(cluster, state="restarted")
    assert "not undone, as somebody else changed it" in result["msg"]
    assert (len(cluster.calls), result["undone"]) == (1, False)


def test_pods_that_only_look_alike_are_not_its_own():
    cluster = rolling()
    cluster.pods.append(pod_raw("stranger", owner="rs-9", ready=False, containerStatuses=PULL))
    assert go(cluster, True, state="restarted")["changed"] is True


def test_a_workload_deleted_meanwhile_is_told_at_once():
    cluster = StubCluster()
    cluster.on_patch = [lambda c: c.one.pop(DEPLOYMENT)]
    assert "was deleted meanwhile" in refused(cluster, state="restarted", wait_timeout=60)["msg"]


@pytest.mark.parametrize(("arrives", "words"), [(True, "done all the same"), (False, "was not done so far")])
def test_a_lost_answer_is_no_proof_that_nothing_was_done(arrives, words):
    cluster = StubCluster()
    patch = cluster.patch

    def losing(*arguments):
        if arrives:
            patch(*arguments)
        raise Silent("timeout", "no whole answer in time")

    cluster.patch = losing
    result = refused(cluster, state="restarted")
    assert words in result["msg"]
    assert result["changed"] is arrives
    assert refused(cluster, True, state="restarted")["changed"] is False


def test_a_pod_whose_delete_was_not_answered():
    cluster = StubCluster()
    delete = cluster.delete

    def losing(*arguments):
        delete(*arguments)
        raise Silent("timeout", "no whole answer in time")

    cluster.delete = losing
    assert refused(cluster, state="deleted_pod", pod="orders-a")["changed"] is True


def test_an_api_that_is_away_for_a_moment_is_no_verdict():
    cluster = rolling()
    cluster.broken = [Unreachable("refused", "nothing listens there")] * 3
    assert go(cluster, state="restarted")["changed"] is True
    cluster = rolling()
    cluster.broken = [Unreachable("refused", "nothing listens there")] * 10_000
    result = refused(cluster, state="restarted")
    assert "could not be seen: nothing listens there" in result["msg"] and result["undone"] is False


def test_well_for_a_moment_only_is_not_well():
    """Without a readiness probe a pod counts at once, and crashes a second later."""
    cluster = StubCluster()
    cluster.on_patch = [well]
    looks = iter(range(1000))
    pages = cluster.pages

    def crashing(path, query=None, limit=500):
        if path == f"{CORE}/pods" and cluster.calls and next(looks) == 1:
            ill(1, waiting("CrashLoopBackOff", restarts=1))(cluster)
        yield from pages(path, query, limit)

    cluster.pages = crashing
    assert "crashed and was restarted" in refused(cluster, state="restarted")["msg"]


# One pod


def replacing(cluster):
    cluster.pods.append(pod_raw("orders-z"))


def test_a_pod_is_deleted_and_replaced():
    cluster = StubCluster()
    cluster.on_patch = [replacing]
    result = go(cluster, state="deleted_pod", pod="orders-a", identity={"uid": "uid-orders-a"})
    assert (result["changed"], result["diff"]) == (True, {"before": {"pod": "orders-a"}, "after": {}})
    assert cluster.calls[0][3]["preconditions"]["uid"] == "uid-orders-a"
    assert "Deployment orders replaces" in result["msg"]


def test_a_pod_in_check_mode():
    cluster = StubCluster()
    result = go(cluster, True, state="deleted_pod", pod="orders-a")
    assert (result["changed"], cluster.calls, len(cluster.pods)) == (True, [], 2)


def test_a_pod_that_is_not_replaced_is_a_failure():
    cluster = StubCluster()
    result = refused(cluster, state="deleted_pod", pod="orders-a")
    assert "can't be put back" in result["msg"]
    assert result["changed"] is True, "it is gone"


def test_a_pod_that_came_in_its_place_is_not_deleted():
    cluster = StubCluster()
    result = refused(cluster, state="deleted_pod", pod="orders-a", identity={"uid": "older"})
    assert "is not the one that was seen" in result["msg"]
    assert (cluster.calls, result["changed"]) == ([], False)


def test_a_pod_of_a_set_that_nothing_owns():
    cluster = StubCluster()
    cluster.one[f"{APPS}/replicasets/orders-1"]["metadata"]["ownerReferences"] = None
    assert "no Deployment owns" in refused(cluster, state="deleted_pod", pod="orders-a")["msg"]
