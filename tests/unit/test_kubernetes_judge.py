# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes_health_info over a small API with real sockets: every finding, and next to it what must be silent."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_made as made
import pytest
from kubernetes_made import (
    READY,
    cluster,
    condition,
    container,
    deployment,
    ended,
    endpoints,
    event,
    ids,
    looked,
    meta,
    node,
    only,
    pod,
    replicaset,
    service,
)

OFF = condition("Available", "False", 3600, "MinimumReplicasUnavailable")
LOOP = container("CrashLoopBackOff", 7, ended(1), message="back-off 5m0s restarting failed container")
SICK = {"deployments": [deployment(2, 0, OFF)], "endpointslices": [endpoints(0, unready=2)]}
"""What follows from pods that do not serve: replicas short, a service with nobody behind it."""


def sick(*statuses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Both pods of app fail in the same way, with all that follows from it."""
    pods = [pod(f"app-a1-{letter}", *statuses, **more) for letter in "xy"]
    return cluster(*pods, **SICK)


def test_a_healthy_cluster_is_silent() -> None:
    result = looked(cluster())
    assert (ids(result), result["status"], result["reachable"]) == ([], "ok", True)
    assert result["snapshot"]["workloads"]["shop/app"]["ready"] == 2
    assert "2 pods, 0 of them looked at closely" in result["measured"]


# One cause, one finding, with what follows inside


@pytest.mark.parametrize(
    ("name", "statuses", "more"),
    [
        ("pod.crashloop", [LOOP], {}),
        ("memory.oom", [container("CrashLoopBackOff", 7, ended(137, "OOMKilled"))], {"limit": "64Mi"}),
        ("image.pull", [container("ImagePullBackOff", message='Back-off pulling "shop/app:nope": not found')], {}),
        ("image.pull", [container("InvalidImageName")], {}),
        ("config.missing", [container("CreateContainerConfigError", message='configmap "app" not found')], {}),
        ("command.bad", [container("RunContainerError", message='exec: "/nope": no such file or directory')], {}),
        ("command.bad", [container("CrashLoopBackOff", 4, ended(128, "StartError"))], {}),
        ("command.bad", [container("CrashLoopBackOff", 4, ended(127))], {}),
    ],
)
def test_pods_that_fail_are_one_finding(name: str, statuses: list[Any], more: dict[str, Any]) -> None:
    finding = only(looked(sick(*statuses, phase="Running", **more)), name)
    assert finding["component"] == "workload:shop/app"
    assert finding["subject"] == "Deployment shop/app"
    assert (finding["state"], finding["severity"]) == ("critical", "P1")
    assert sorted(finding["details"]["pods"]) == ["app-a1-x", "app-a1-y"]
    told = " ".join(finding["details"]["consequences"])
    assert "0 of 2 replicas available" in told
    assert "no endpoint that is ready" in told


def test_forty_pods_are_one_finding() -> None:
    pods = [pod(f"app-a1-{number}", LOOP) for number in range(40)]
    finding = only(looked(cluster(*pods, deployments=[deployment(40, 0, OFF)])), "pod.crashloop")
    assert finding["observed"]["pods"] == 40
    assert len(finding["details"]["pods"]) == 40
    assert "and 35 more" in finding["evidence"][0]


def test_a_workload_can_be_what_an_inventory_host_runs_on() -> None:
    for name in ("app", "shop/app"):
        result = looked(sick(LOOP), components={name: "orders-api"})
        assert only(result, "pod.crashloop")["component"] == "orders-api"


def test_one_restart_and_restarts_of_days_ago_are_silent() -> None:
    once = pod("app-a1-x", container("", 1, ended(1, ago=60)))
    long_ago = pod("app-a1-y", container("", 50, ended(1, ago=3 * 86400)))
    once_more = pod("app-a1-w", container("", 51, ended(255, "Unknown", ago=60, lived=5 * 86400)))
    oom_long_ago = pod("app-a1-z", container("", 1, ended(137, "OOMKilled", ago=3 * 86400)))
    assert ids(looked(cluster(once, long_ago, once_more, oom_long_ago))) == []


def test_a_crash_that_runs_again_right_now_is_still_seen() -> None:
    between = pod("app-a1-x", container("", 3, ended(1, ago=5)))
    assert only(looked(cluster(between, pod("app-a1-y"))), "pod.crashloop")["state"] == "warning"


def test_a_process_that_ends_well_all_the_time_is_no_service() -> None:
    finding = only(looked(sick(container("CrashLoopBackOff", 5, ended(0, "Completed")))), "pod.crashloop")
    assert any("ends by itself" in cause for cause in finding["causes"])


# Out of memory, or only killed


def test_one_oom_kill_is_told_even_where_it_runs_again() -> None:
    pods = [pod("app-a1-x", container("", 1, ended(137, "OOMKilled")), limit="64Mi"), pod("app-a1-y")]
    finding = only(looked(cluster(*pods)), "memory.oom")
    assert "its limit is 64 MiB" in finding["causes"][0]


@pytest.mark.parametrize(
    ("seconds", "first", "fact"),
    [
        (3, "its limit is too small", "after its start"),
        (300, "it grows", ""),
        (7200, "it grows", "before it was killed"),
    ],
)
def test_how_long_it_took_to_fill_a_limit_tells_a_leak_from_a_limit_that_is_too_small(
    seconds: float, first: str, fact: str
) -> None:
    pods = [pod("app-a1-x", container("", 1, ended(137, "OOMKilled", lived=seconds)), limit="64Mi"), pod("app-a1-y")]
    finding = only(looked(cluster(*pods)), "memory.oom")
    assert finding["causes"][1].startswith(first) and fact in finding["causes"][1]
    assert finding["details"]["lived_seconds"] == seconds


def test_137_called_error_is_memory_only_where_something_says_so() -> None:
    killed = container("CrashLoopBackOff", 3, ended(137))
    assert only(looked(sick(killed, limit="64Mi")), "pod.crashloop")["observed"]["exit_codes"] == [137]
    node_says = event("Node/node1", "SystemOOM", "System OOM encountered, victim process: app, pid: 7", 1)
    finding = only(looked({**sick(killed, limit="64Mi"), "events": [node_says]}), "memory.oom")
    assert "SystemOOM" in finding["causes"][0]
    assert (finding["details"]["confidence"], "as it seems" in finding["summary"]) == ("likely", True)
    certain = only(looked(sick(container("CrashLoopBackOff", 3, ended(137, "OOMKilled")))), "memory.oom")
    assert (certain["details"]["confidence"], "as it seems" in certain["summary"]) == ("certain", False)

    def metrics(path: str, _query: dict[str, str], _visit: int) -> tuple[int, bytes] | None:
        if "metrics.k8s.io" not in path:
            return None
        return 200, json.dumps({"containers": [{"name": "app", "usage": {"memory": "62Mi"}}]}).encode()

    assert "97% of its limit" in only(looked(sick(killed, limit="64Mi"), metrics), "memory.oom")["causes"][0]


KERNEL = "Memory cgroup out of memory: Killed process 4242 ({}) total-vm:70000kB, anon-rss:65536kB"
CGROUP = "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/kubepods/burstable/pod{}/0c1,task=tail,pid=4242,uid=0"


def ran(command: str, cluster: dict[str, Any]) -> dict[str, Any]:
    """The same, with what its containers run."""
    for found in cluster["pods"]:
        found["spec"]["containers"][0]["command"] = ["sh", "-c", command]
    return cluster


@pytest.mark.parametrize(
    ("message", "command", "confidence"),
    [
        (KERNEL.format("tail"), "exec /usr/bin/tail /dev/zero", "likely"),
        (KERNEL.format("java"), "exec /usr/bin/tail /dev/zero", None),
        ("System OOM encountered, victim process: java, pid: 7", "exec tail /dev/zero", None),
        (CGROUP.format("uid-app-a1-x"), "exec gateway", "certain"),
        (CGROUP.format("uid_app_a1_x"), "exec gateway", "certain"),
        (CGROUP.format("uid-other-b2-y"), "exec tail /dev/zero", None),
    ],
)
def test_what_a_node_says_of_memory_is_about_one_pod(message: str, command: str, confidence: str | None) -> None:
    killed = ran(command, sick(container("CrashLoopBackOff", 3, ended(137)), limit="64Mi"))
    result = looked({**killed, "events": [event("Node/node1", "OOMKilling", message)]})
    if confidence:
        assert result["findings"][0]["details"]["confidence"] == confidence
        assert ids(result)[0] == "memory.oom"
    else:
        finding = only(result, "pod.crashloop")
        assert any(cause.startswith("perhaps memory") for cause in finding["causes"]), "it is not hidden either"


def test_who_else_was_killed_at_that_time_makes_it_unknown_whom_a_node_means() -> None:
    killed = container("CrashLoopBackOff", 3, ended(137))
    other = pod("other-b2-z", killed, owner="ReplicaSet/other-b2", revision="b2")
    says = [event("Node/node1", "SystemOOM", "System OOM encountered", 1)]
    both = sick(killed, limit="64Mi")
    assert "memory.oom" in ids(looked({**both, "events": says}))
    both["pods"].append(other)
    assert "memory.oom" not in ids(looked({**both, "events": says}))
    other["status"]["containerStatuses"] = [container("CrashLoopBackOff", 3, ended(137, ago=400))]
    assert "memory.oom" in ids(looked({**both, "events": says}))


def test_what_a_node_said_of_memory_at_another_time_explains_nothing() -> None:
    killed = sick(container("CrashLoopBackOff", 3, ended(137, ago=200)), limit="64Mi")
    says = event("Node/node1", "SystemOOM", "System OOM encountered, victim process: app", 1)
    del says["firstTimestamp"]
    assert only(looked({**killed, "events": [says]}), "pod.crashloop")


def test_137_after_a_failed_probe_is_the_probe() -> None:
    killed = container("CrashLoopBackOff", 3, ended(137))
    probe = [
        event(f"Pod/app-a1-{letter}", "Unhealthy", "Liveness probe failed: Get http://10.0.0.1: timeout")
        for letter in "xy"
    ]
    finding = only(looked({**sick(killed, limit="64Mi"), "events": probe}), "liveness.killing")
    assert any("Liveness probe failed" in line for line in finding["evidence"])


def test_a_liveness_probe_that_failed_and_killed_nobody_is_silent() -> None:
    probe = [event("Pod/app-a1-x", "Unhealthy", "Liveness probe failed: timeout")]
    assert ids(looked({**cluster(), "events": probe})) == []


# Init containers and sidecars


def test_an_init_container_that_fails() -> None:
    init = container("CrashLoopBackOff", 4, ended(1), name="migrate", ready=False)
    waits = container("PodInitializing", ready=False)
    finding = only(looked(sick(waits, init=init, phase="Pending")), "init.failing")
    assert "migrate" in finding["summary"]


def test_an_init_container_that_is_done_or_at_work_is_silent() -> None:
    done = container(terminated=ended(0, "Completed"), name="migrate", ready=True)
    at_work = container(name="migrate", ready=False)
    waits = container("PodInitializing", ready=False)
    young = pod("app-a1-x", waits, init=at_work, phase="Pending", ago=60, since=60)
    assert ids(looked(cluster(pod("app-a1-y", init=done), young))) == []


# New revisions


def rollout(ago: float, old_ready: bool = True) -> dict[str, Any]:
    old = [pod(f"app-a1-{letter}", container(ready=old_ready)) for letter in "xy"] if old_ready else []
    new = pod("app-b2-x", LOOP, owner="ReplicaSet/app-b2", revision="b2", ago=ago, since=ago)
    sets = [replicaset(), replicaset("app-b2", "b2", 2, ago)]
    progress = condition("Progressing", "False", 60, "ProgressDeadlineExceeded", "has timed out progressing.")
    ready = 2 if old_ready else 0
    return cluster(
        *old,
        new,
        replicasets=sets,
        deployments=[deployment(2, ready, progress, updated=1)],
        endpointslices=[endpoints(2)],
    )


def test_a_crash_that_began_with_a_revision_says_so_and_offers_the_way_back() -> None:
    finding = only(looked(rollout(240)), "pod.crashloop")
    assert "it began with revision 2" in finding["causes"][0]
    assert "2 of the revision before are ready" in finding["summary"]
    assert "kubectl -n shop rollout undo deployment/app" in [remedy["command"] for remedy in finding["remedies"]]
    assert any("rollout" in text for text in finding["details"]["consequences"])
    assert finding["severity"] == "P2", "the revision before serves"


def test_a_crash_long_after_its_rollout_is_not_blamed_on_it() -> None:
    crashed = pod("app-b2-x", LOOP, owner="ReplicaSet/app-b2", revision="b2", ago=90_000, since=30)
    sets = [replicaset(ago=200_000), replicaset("app-b2", "b2", 2, 90_000)]
    finding = only(looked(cluster(crashed, replicasets=sets)), "pod.crashloop")
    assert not finding["details"]["new_revision"]
    assert not [remedy for remedy in finding["remedies"] if "undo" in remedy["command"]]


def test_the_first_revision_has_no_way_back() -> None:
    finding = only(
        looked(cluster(pod("app-a1-x", LOOP, ago=60, since=60), replicasets=[replicaset(ago=60)])), "pod.crashloop"
    )
    assert not finding["details"]["new_revision"]


def test_a_rolling_update_that_goes_on_is_silent() -> None:
    young = pod("app-b2-x", container(ready=False), owner="ReplicaSet/app-b2", revision="b2", ago=20, since=20)
    progress = condition("Progressing", "True", 20, "ReplicaSetUpdated")
    updating = deployment(2, 1, progress, OFF, updated=1, total=3)
    assert ids(looked(cluster(pod("app-a1-x"), young, deployments=[updating]))) == []


def test_a_rollout_that_is_stuck_for_no_reason_that_pods_tell() -> None:
    progress = condition("Progressing", "False", 60, "ProgressDeadlineExceeded", "has timed out progressing.")
    finding = only(looked(cluster(deployments=[deployment(2, 1, progress)])), "rollout.stuck")
    assert "timed out progressing" in finding["evidence"][0]


def test_a_status_that_is_behind_is_all_that_is_told() -> None:
    behind = deployment(9, 0, OFF, generation=4, observed=3)
    assert only(looked(cluster(deployments=[behind], pods=[pod("app-a1-x", LOOP)])), "status.stale")["severity"] == "P3"
    fresh = deployment(9, 0, OFF, generation=4, observed=3, managedFields=[{"time": made.stamp(2)}])
    assert ids(looked(cluster(deployments=[fresh]))) == []


# Numbers


def test_replicas_that_are_short_for_no_reason_that_pods_tell() -> None:
    few = cluster(pod("app-a1-x"), deployments=[deployment(2, 0, OFF, total=0)])
    assert only(looked(few), "replicas.short")["severity"] == "P1"
    just_now = condition("Available", "False", 10)
    assert ids(looked(cluster(deployments=[deployment(2, 1, just_now)]))) == []


def test_scaled_to_zero_on_purpose_is_silent() -> None:
    nobody: dict[str, Any] = {"pods": [], "endpointslices": [endpoints(0)]}
    assert ids(looked(cluster(deployments=[deployment(0, 0)], **nobody))) == []
    assert ids(looked(cluster(deployments=[deployment(2, 0, OFF, spec={"paused": True})], pods=[]))) == []


def test_a_quota_that_refuses_pods_is_one_finding() -> None:
    message = 'pods "app-a1-z" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
    failure = condition("ReplicaFailure", "True", 60, "FailedCreate", message)
    quota = {"metadata": meta("small"), "status": {"hard": {"pods": "1"}, "used": {"pods": "1"}}}
    objects = cluster(pod("app-a1-x"), deployments=[deployment(2, 1, failure, total=1)], quotas=[quota])
    finding = only(looked(objects), "replicas.refused")
    assert finding["causes"][0] == "a ResourceQuota has nothing left"
    assert only(looked(cluster(quotas=[quota])), "quota.full")["observed"]["pods"] == {"used": 1.0, "hard": 1.0}
    half = {"metadata": meta("small"), "status": {"hard": {"pods": "2"}, "used": {"pods": "1"}}}
    assert ids(looked(cluster(quotas=[half]))) == []


# Scheduling, readiness, volumes


def unscheduled(message: str, ago: float = 300, **more: Any) -> dict[str, Any]:
    waits = condition("PodScheduled", "False", ago, "Unschedulable", message)
    return pod("app-a1-x", container("", ready=False), phase="Pending", node="", scheduled=waits, ago=ago, **more)


def test_a_pod_that_finds_no_node() -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu. preemption: not helpful"
    finding = only(looked(cluster(unscheduled(message), pod("app-a1-y"))), "pod.unschedulable")
    assert "more replicas make it worse" in finding["causes"][0]
    assert finding["severity"] == "P2"
    assert ids(looked(cluster(unscheduled(message, 30), pod("app-a1-y")))) == []


def test_null_statuses_of_a_pending_pod() -> None:
    waiting = unscheduled("0/1 nodes are available: 1 Insufficient memory")
    waiting["status"]["containerStatuses"] = None
    waiting["metadata"]["labels"] = None
    assert only(looked(cluster(waiting)), "pod.unschedulable")


def test_a_volume_that_is_never_made_is_the_cause() -> None:
    claim = {"metadata": meta("data", 600), "spec": {"storageClassName": "nope"}, "status": {"phase": "Pending"}}
    failed = event("PersistentVolumeClaim/data", "ProvisioningFailed", 'storageclass "nope" not found')
    waits = unscheduled("pod has unbound immediate PersistentVolumeClaims", claim="data")
    objects = {**cluster(waits, **SICK), "pvcs": [claim], "events": [failed]}
    finding = only(looked(objects), "volume.pending")
    assert finding["causes"][0] == "its storage class does not exist"
    assert finding["component"] == "workload:shop/app"
    assert ids(looked(cluster(pvcs=[claim]))) == [], "a claim that nobody waits for is made for its first pod"


def test_a_pod_that_runs_and_is_not_ready() -> None:
    unready = container(ready=False)
    probe = event("Pod/app-a1-x", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    finding = only(looked({**sick(unready, since=1000), "events": [probe]}), "readiness.failing")
    assert finding["state"] == "critical"
    assert any("statuscode: 503" in line for line in finding["evidence"])
    assert ids(looked(cluster(pod("app-a1-x", unready, since=30), pod("app-a1-y")))) == []


def test_a_pod_that_is_deleted_may_be_unready() -> None:
    going = pod("app-a1-x", container(ready=False), since=1000)
    going["metadata"]["deletionTimestamp"] = made.stamp(10)
    assert ids(looked(cluster(going, pod("app-a1-y")))) == []


@pytest.mark.parametrize(
    "odd",
    [
        pod("app-a1-x", container("FluxCapacitorEmpty", ready=False), since=600),
        pod("app-a1-x", phase="Quantum", ready=False, since=600),
        pod("app-a1-x", {**container(ready=False), "state": {"entangled": {}}}, since=600),
    ],
)
def test_words_that_nobody_knows_are_unknown(odd: dict[str, Any]) -> None:
    finding = only(looked(cluster(odd, pod("app-a1-y"))), "readiness.failing")
    assert finding["state"] == "unknown"
    assert "does not know" in " ".join(finding["evidence"])


def test_a_secret_that_can_not_be_mounted() -> None:
    waits = container("ContainerCreating", ready=False)
    mount = event("Pod/app-a1-x", "FailedMount", 'MountVolume.SetUp failed for volume "v": secret "tls" not found')
    objects = {**cluster(pod("app-a1-x", waits, phase="Pending"), pod("app-a1-y")), "events": [mount]}
    assert "a Secret that the pod refers to" in only(looked(objects), "config.missing")["causes"][0]


@pytest.mark.parametrize(
    ("name", "message"),
    [("image.pull", 'Failed to pull image "shop/app:1": not found'), ("config.missing", 'Error: secret "x" not found')],
)
def test_what_a_kubelet_has_forgotten_events_still_know(name: str, message: str) -> None:
    """After a restart of the kubelet its pods wait for ContainerCreating again, whatever kept them before."""
    waits = container("ContainerCreating", ready=False)
    objects = cluster(pod("app-a1-x", waits, phase="Pending"), pod("app-a1-y"))
    assert only(looked({**objects, "events": [event("Pod/app-a1-x", "Failed", message)]}), name)
    assert ids(looked({**objects, "pods": [pod("app-a1-x", waits, phase="Pending", ago=20), pod("app-a1-y")]})) == []


def test_two_deaths_are_a_loop_while_it_is_dead() -> None:
    dead = container(restarts=1, last=ended(1, ago=60), terminated=ended(1, ago=5))
    assert only(looked(cluster(pod("app-a1-x", dead), pod("app-a1-y"))), "pod.crashloop")
    assert ids(looked(cluster(pod("app-a1-x", container(terminated=ended(1, ago=5)), since=5), pod("app-a1-y")))) == []


# Nodes


def test_a_node_that_is_away_explains_its_pods() -> None:
    away = node(
        "node1", condition("Ready", "Unknown", 700, "NodeStatusUnknown", "Kubelet stopped posting node status.")
    )
    objects = {**sick(container(ready=False), since=650), "nodes": [away]}
    finding = only(looked(objects), "node.notready")
    assert finding["component"] == "node:node1"
    assert any("Deployment shop/app" in text for text in finding["details"]["consequences"])
    blink = node("node1", condition("Ready", "False", 10))
    assert ids(looked(cluster(nodes=[blink]))) == []


def test_pressure_on_a_node_and_who_was_thrown_off() -> None:
    pressed = node("node1", READY, condition("DiskPressure", "True", 300, "KubeletHasDiskPressure"))
    thrown = pod(
        "app-a1-z", phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage"
    )
    thrown["status"]["conditions"] = [condition("DisruptionTarget", "True", 100, "TerminationByKubelet")]
    two = [pod("app-a1-x"), pod("app-a1-y")]
    finding = only(looked(cluster(thrown, *two, nodes=[pressed])), "node.pressure")
    assert any("thrown off" in text for text in finding["details"]["consequences"])
    assert only(looked(cluster(thrown, *two)), "pod.evicted")["severity"] == "P3"
    thrown["status"]["conditions"] = [condition("DisruptionTarget", "True", 90_000)]
    assert ids(looked(cluster(thrown, *two))) == [], "the record of an eviction stays for days"


# Services


def test_a_service_whose_selector_takes_nobody() -> None:
    objects = cluster(services=[service(), service("web", app="wbe")], endpointslices=[endpoints(2)])
    finding = only(looked(objects), "endpoints.none")
    assert "takes no pod" in finding["causes"][0]
    assert finding["component"] == "service:shop/web"
    external = service("out", app="x")
    external["spec"]["type"] = "ExternalName"
    bare = service("manual")
    bare["spec"]["selector"] = None
    assert ids(looked(cluster(services=[service(), external, bare]))) == []


# Autoscalers and budgets


def hpa(current: int, *conditions: dict[str, Any], most: int = 4) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": "app"}
    status = {"currentReplicas": current, "desiredReplicas": current, "conditions": list(conditions)}
    return {"metadata": meta("app"), "spec": {"scaleTargetRef": target, "maxReplicas": most}, "status": status}


def test_an_autoscaler_without_metrics() -> None:
    blind = hpa(2, condition("ScalingActive", "False", 600, "FailedGetResourceMetric", "no metrics returned"))
    assert "metrics" in only(looked(cluster(hpas=[blind])), "hpa.blind")["causes"][0]
    off = hpa(0, condition("ScalingActive", "False", 600, "ScalingDisabled"))
    assert ids(looked(cluster(hpas=[off]))) == []
    finding = only(looked({**sick(LOOP), "hpas": [blind]}), "pod.crashloop")
    assert any("is blind" in text for text in finding["details"]["consequences"])


def test_an_autoscaler_at_its_end() -> None:
    limited = condition("ScalingLimited", "True", 1000, "TooManyReplicas")
    assert only(looked(cluster(hpas=[hpa(4, limited)])), "hpa.max")["severity"] == "P3"
    short = condition("ScalingLimited", "True", 60, "TooManyReplicas")
    calm = condition("ScalingLimited", "False", 1000, "DesiredWithinRange")
    assert ids(looked(cluster(hpas=[hpa(4, short), hpa(4, calm)]))) == []


def pdb(healthy: int, needed: int, ago: float = 1000) -> dict[str, Any]:
    told = {"currentHealthy": healthy, "desiredHealthy": needed, "expectedPods": 2}
    told["conditions"] = [condition("DisruptionAllowed", "False", ago)]
    return {"metadata": meta("app"), "spec": {"selector": {"matchLabels": {"app": "app"}}}, "status": told}


def test_a_budget_that_allows_nothing() -> None:
    assert only(looked(cluster(pdbs=[pdb(1, 2)])), "pdb.blocked")["observed"]["healthy"] == 1
    assert ids(looked(cluster(pdbs=[pdb(2, 2)]))) == []
    finding = only(looked({**sick(LOOP), "pdbs": [pdb(0, 1)]}), "pod.crashloop")
    assert any("allows no eviction" in text for text in finding["details"]["consequences"])


# Jobs


def job(name: str, *conditions: dict[str, Any], owner: str = "", ago: float = 600) -> dict[str, Any]:
    return {"metadata": meta(name, ago, owner), "spec": {}, "status": {"failed": 3, "conditions": list(conditions)}}


FAILED = condition("Failed", "True", 60, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
DONE = condition("Complete", "True", 60)


def test_a_job_that_failed_and_one_that_is_done() -> None:
    crashed = pod("once-x", container(terminated=ended(3)), owner="Job/once", phase="Failed", revision="")
    finding = only(
        looked({**cluster(), "pods": [pod("app-a1-x"), crashed], "jobs": [job("once", FAILED)]}), "job.failed"
    )
    assert any("exit code 3" in line for line in finding["evidence"])
    assert ids(looked(cluster(jobs=[job("once", DONE)]))) == []
    old = job("once", condition("Failed", "True", 3 * 86400, "BackoffLimitExceeded"))
    assert ids(looked(cluster(jobs=[old]))) == []


def test_a_job_that_failed_before_one_that_did_not() -> None:
    runs = [
        job("night-1", FAILED, owner="CronJob/night", ago=7000),
        job("night-2", DONE, owner="CronJob/night", ago=600),
    ]
    assert ids(looked(cluster(jobs=runs))) == []


def cronjob(last: float | None, **spec: Any) -> dict[str, Any]:
    status = {"lastScheduleTime": made.stamp(last)} if last is not None else {}
    return {"metadata": meta("night", 10 * 86400), "spec": {"schedule": "*/5 * * * *", **spec}, "status": status}


def test_a_cronjob_that_did_not_run() -> None:
    finding = only(looked(cluster(cronjobs=[cronjob(3000)])), "cronjob.late")
    assert finding["component"] == "workload:shop/night"
    assert (finding["state"], finding["severity"]) == ("warning", "P3")
    assert ids(looked(cluster(cronjobs=[cronjob(200)]))) == []
    assert ids(looked(cluster(cronjobs=[cronjob(90_000, suspend=True)]))) == []
    assert ids(looked(cluster(cronjobs=[cronjob(90_000, schedule="a b c d e")]))) == []


# CPU, against the past


def cadvisor(periods: int, held: int) -> bytes:
    labels = '{container="app",namespace="shop",pod="app-a1-x"}'
    lines = (
        f"container_cpu_cfs_periods_total{labels} {periods}",
        f"container_cpu_cfs_throttled_periods_total{labels} {held}",
    )
    return "\n".join(lines).encode()


def test_cpu_is_judged_between_two_looks() -> None:
    def at(periods: int, held: int) -> made.Special:
        return lambda path, _query, _visit: (200, cadvisor(periods, held)) if path.endswith("/cadvisor") else None

    first = looked(cluster(), at(1000, 900), depth="full")
    assert ids(first) == []
    second = looked(cluster(), at(2000, 1400), depth="full", history=first["samples"])
    assert only(second, "cpu.throttled")["observed"]["throttled_percent"] == 50.0
    assert ids(looked(cluster(), at(2000, 950), depth="full", history=first["samples"])) == []


# Selection


def test_only_what_was_named() -> None:
    other = deployment(2, 0, OFF)
    other["metadata"] |= {"name": "other", "uid": "uid-other"}
    objects = {**sick(LOOP), "deployments": [deployment(2, 0, OFF), other]}
    assert sorted(ids(looked(objects))) == ["pod.crashloop", "replicas.short"]
    assert ids(looked(objects, names=["app"])) == ["pod.crashloop"]
    assert ids(looked(objects, names=["shop/other"])) == ["replicas.short"]


def test_a_name_that_is_nowhere_is_no_health() -> None:
    finding = only(looked(cluster(), names=["ordrs"]), "replicas.short")
    assert "no workload ordrs" in finding["summary"]


def test_the_namespaces_and_labels_are_asked_for() -> None:
    with made.serving_api() as api:
        made.look(api.url, namespaces=["shop", "pay"], label_selector="app=app")
    assert any(path.startswith("/api/v1/namespaces/pay/pods?labelSelector=app%3Dapp") for path in api.requests)
    assert any(path.startswith("/api/v1/nodes?limit") for path in api.requests)
