# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a change of a workload: each refusal with a twin that passes with only that condition changed."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import kubernetes_plan as plan
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_drain import losses
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_gates import judge, said
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_gates_owner import deployers, touched
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_gates_room import free_of, needs
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_pod import delete
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_scene import Case, Wish
from kubernetes_workload_made import (
    node,
    owned,
    pod,
    pod_raw,
    scene,
    template,
    waiting,
    with_meta,
    workload,
    workload_raw,
)

MI = 2**20
RECREATE = {"strategy": {"type": "Recreate"}}
ROLLING = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
REPLACING = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}


def restarting(found=None, around=None, **wish):
    found = found or workload()
    return Case("restarted", found, plan.restart(found, "now"), around or scene(), Wish(**wish))


def scaling(replicas=3, found=None, around=None, **wish):
    found = found or workload()
    return Case("scaled", found, plan.scale(found, replicas), around or scene(), Wish(**wish))


def rolling_back(found=None, around=None):
    found = found or workload()
    return Case("rolled_back", found, plan.Change("x", template=template(image="old")), around or scene())


def enlarging(memory="256Mi", found=None, around=None, request=None):
    found = found or workload()
    change = plan.memory_limit(found, None, memory, request)
    return Case("memory_limit", found, change, around or scene())


def deleting(found=None, around=None, gone=None):
    found = found or workload()
    return Case("deleted_pod", found, delete(gone or pod("orders-a"), found), around or scene())


def reasons(case, *override):
    return [refusal.reason for refusal in judge(case, override).refused]


def why(case):
    return said(judge(case, ()))


@pytest.mark.parametrize("case", [restarting, scaling, rolling_back, enlarging, deleting])
def test_nothing_speaks_against_a_change_of_what_is_well(case):
    assert reasons(case()) == []


def test_what_is_so_already_is_never_refused():
    hpa = [{"metadata": {"name": "h"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "orders"}}}]
    assert reasons(scaling(2, around=scene(autoscalers=hpa))) == []


def test_all_refusals_are_told_at_once_with_the_word_that_sets_them_aside():
    case = scaling(0, found=workload(paused=True))
    assert reasons(case) == ["zero", "paused"]
    assert "override=zero" in why(case) and "override=paused" in why(case)
    assert why(case).startswith("Refused, nothing was done")


def test_an_override_sets_aside_what_it_names_and_nothing_else():
    case = scaling(0, found=workload(paused=True))
    verdict = judge(case, ["zero"])
    assert [refusal.reason for refusal in verdict.refused] == ["paused"]
    assert [refusal.reason for refusal in verdict.overridden] == ["zero"]


def test_what_can_not_be_overridden_stays_refused():
    case = scaling(5, partitions=2)
    assert reasons(case, *plan.OVERRIDES) == ["partitions"]


# Its controller


@pytest.mark.parametrize("make", [restarting, rolling_back, enlarging, deleting, scaling])
def test_a_status_of_the_past_is_not_judged_by(make):
    behind = with_meta(workload(), generation=4)
    assert reasons(make(found=behind)) == ["not_observed"]
    ending = with_meta(workload(), deletionTimestamp="2026-11-29T00:00:00Z")
    assert reasons(make(found=ending)) == ["deleted"]


@pytest.mark.parametrize("make", [restarting, rolling_back, enlarging])
def test_a_template_that_would_not_reach_its_pods(make):
    assert reasons(make(found=workload(paused=True)), "paused") == ["paused"], "no word makes it roll"
    on_delete = workload("StatefulSet", replicas=3, updateStrategy={"type": "OnDelete"})
    assert reasons(make(found=on_delete)) == ["on_delete"]
    held = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    assert reasons(make(found=workload("StatefulSet", replicas=3, updateStrategy=held))) == ["partition"]
    held["rollingUpdate"]["partition"] = 0
    assert reasons(make(found=workload("StatefulSet", replicas=3, updateStrategy=held))) == []


def test_a_paused_rollout_may_be_scaled_by_who_says_so():
    assert reasons(scaling(found=workload(paused=True))) == ["paused"]
    assert reasons(scaling(found=workload(paused=True)), "paused") == []


# Owners


def autoscaler(kind="Deployment", name="orders"):
    spec = {"scaleTargetRef": {"kind": kind, "name": name}, "minReplicas": 1, "maxReplicas": 5}
    return scene(autoscalers=[{"metadata": {"name": "hpa"}, "spec": spec}])


def test_an_autoscaler_owns_the_replicas():
    assert reasons(scaling(around=autoscaler())) == ["autoscaler"]
    assert "hpa owns the replicas (1 to 5)" in why(scaling(around=autoscaler()))
    assert reasons(scaling(around=autoscaler(name="other"))) == []
    assert reasons(scaling(around=autoscaler(kind="StatefulSet"))) == []
    assert reasons(scaling(around=autoscaler()), "autoscaler") == []
    assert reasons(restarting(around=autoscaler())) == [], "it does not own the template"


def test_what_decides_and_can_not_be_seen_is_refused():
    blind = scene(autoscalers=None, unread={"autoscalers": "forbidden"})
    assert reasons(scaling(around=blind)) == ["autoscaler"]
    assert "forbidden" in why(scaling(around=blind))
    assert reasons(deleting(around=scene(budgets=None))) == ["budget"]
    assert reasons(scaling(around=scene(nodes=None, quotas=None))) == [], "there the rollout itself will tell"


OPERATED = [{"kind": "Kafka", "name": "main", "controller": True}]


def test_an_operator_owns_the_workload():
    found = with_meta(workload(), ownerReferences=OPERATED)
    for make in (scaling, rolling_back, enlarging):
        assert reasons(make(found=found)) == ["controller"]
        assert "Kafka main" in why(make(found=found))
    assert reasons(restarting(found)) == []
    found = with_meta(workload(), ownerReferences=[{**OPERATED[0], "controller": False}])
    assert reasons(scaling(found=found)) == []


REPLICAS = {"f:spec": {"f:replicas": {}}}
CONTAINER = {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}, "f:resources": {"f:limits": {}}}}}}
LIMIT = {"f:spec": {"f:template": CONTAINER}}
IMAGE = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}}}
OTHER = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {"f:image": {}}}}}}}


@pytest.mark.parametrize(
    "manager", ["argocd-controller", "argocd-application-controller", "kustomize-controller", "helm-controller", "flux"]
)
def test_a_field_that_a_gitops_manager_owns(manager):
    found = with_meta(workload(), managedFields=owned(REPLICAS, manager))
    assert reasons(scaling(found=found)) == ["gitops"]
    assert manager in why(scaling(found=found))
    assert reasons(scaling(found=found), "gitops") == []
    assert reasons(restarting(found)) == [], "another field"


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        (enlarging, LIMIT, ["gitops"]),
        (enlarging, IMAGE, []),
        (rolling_back, IMAGE, ["gitops"]),
        (rolling_back, OTHER, []),
        (rolling_back, {"f:spec": {"f:template": {}}}, ["gitops"]),
        (restarting, LIMIT, []),
        (restarting, {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {}}}}}, ["gitops"]),
        (scaling, LIMIT, []),
    ],
)
def test_only_the_fields_that_would_change_count(make, fields, expected):
    assert reasons(make(found=with_meta(workload(), managedFields=owned(fields, "argocd-controller")))) == expected


def test_owners_of_the_status_and_people_are_no_gitops():
    rows = owned(REPLICAS, "argocd-controller")
    rows[0]["subresource"] = "status"
    assert reasons(scaling(found=with_meta(workload(), managedFields=rows))) == []
    for manager in ("kubectl", "kube-controller-manager", "helm", "my-argocd-thing"):
        assert reasons(scaling(found=with_meta(workload(), managedFields=owned(REPLICAS, manager)))) == []


def test_who_deploys_with_a_tool_is_told_and_not_refused():
    found = with_meta(workload(), managedFields=owned(REPLICAS, "helm"))
    assert "helm" in deployers(scaling(found=found))[0]
    assert deployers(restarting(found)) == []


def test_what_a_change_touches():
    assert touched(scaling()) == [("spec", "replicas")]
    path = ("spec", "template", "spec", "containers", "app", "resources", "limits", "memory")
    assert touched(enlarging()) == [path]


# Outages and budgets


@pytest.mark.parametrize("make", [restarting, rolling_back, enlarging])
def test_a_rollout_that_takes_all_at_once(make):
    assert reasons(make(found=workload(**RECREATE))) == ["outage"]
    assert reasons(make(found=workload(**RECREATE)), "outage") == []
    assert reasons(make(found=workload("StatefulSet", replicas=1))) == ["outage"]
    assert reasons(make(found=workload("StatefulSet", replicas=2))) == []
    assert reasons(make(found=workload("StatefulSet", replicas=1, available=0))) == [], "nothing serves that could go"
    assert reasons(make(found=workload(replicas=1))) == [], "a new one comes first"


def test_the_only_pod_that_is_available_is_not_deleted():
    assert reasons(deleting(workload(available=1))) == ["outage"]
    assert reasons(deleting(workload(available=1), gone=pod("orders-a", ready=False))) == []
    raw = pod_raw()
    raw["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z"
    from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_target import pod_from

    assert reasons(deleting(gone=pod_from(raw))) == ["terminating"]


def guarded(healthy, needed, labels=None):
    spec = {"selector": {"matchLabels": labels or {"app": "orders"}}}
    status = {"currentHealthy": healthy, "desiredHealthy": needed}
    return scene(budgets=[{"metadata": {"name": "keep"}, "spec": spec, "status": status}])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (deleting(around=guarded(2, 2)), ["budget"]),
        (deleting(around=guarded(2, 1)), []),
        (deleting(around=guarded(2, 2, {"app": "x"})), []),
        (deleting(workload(available=1), guarded(1, 2), pod("orders-b", ready=False)), []),
        (restarting(workload(**REPLACING), guarded(2, 2)), ["budget"]),
        (restarting(workload(**ROLLING), guarded(2, 2)), []),
        (restarting(workload(available=1, **REPLACING), guarded(1, 2)), []),  # what is down is no loss
        (restarting(workload("StatefulSet", replicas=3), guarded(3, 3)), ["budget"]),
        (scaling(1, around=guarded(2, 2)), ["fewer", "budget"]),
        (scaling(3, around=guarded(2, 2)), []),
    ],
)
def test_a_budget_is_asked_though_the_server_would_not(case, expected):
    assert reasons(case) == expected


# Starts that fail


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CreateContainerConfigError", "RunContainerError"])
def test_what_can_not_start_is_not_multiplied_but_rolled_back(reason):
    ill = scene(pods=[pod("orders-a"), pod("orders-b", ready=False, containerStatuses=waiting(reason, "no such"))])
    found = workload(available=1)
    for make in (restarting, scaling, enlarging):
        assert reasons(make(found=found, around=ill)) == ["start_error"]
        assert f"{reason} (no such)" in why(make(found=found, around=ill))
        assert reasons(make(found=found, around=ill), "start_error") == []
    assert reasons(rolling_back(found, ill)) == []


def test_a_crash_loop_may_be_restarted():
    ill = scene(pods=[pod("orders-b", ready=False, containerStatuses=waiting("CrashLoopBackOff", restarts=3))])
    assert reasons(restarting(workload(available=1), ill)) == []


# Scaling


@pytest.mark.parametrize(("replicas", "expected"), [(0, ["zero"]), (1, ["fewer"]), (2, []), (3, [])])
def test_fewer_replicas_are_asked_for_by_name(replicas, expected):
    assert reasons(scaling(replicas)) == expected


def claim(*modes):
    return scene(claims=[{"metadata": {"name": "data"}, "spec": {"accessModes": list(modes)}}])


def storing(**changes):
    made = template()
    made["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    return workload(template=made, **changes)


def test_a_volume_for_one_writer():
    assert reasons(scaling(found=storing(), around=claim("ReadWriteOnce"))) == ["single_writer"]
    assert reasons(scaling(found=storing(), around=claim("ReadWriteMany"))) == []
    assert reasons(scaling(found=storing(), around=claim("ReadWriteOnce", "ReadWriteMany"))) == []
    assert reasons(scaling(found=workload(), around=claim("ReadWriteOnce"))) == []
    assert reasons(scaling(found=storing(), around=claim("ReadWriteOnce")), "single_writer") == []
    assert reasons(scaling(1, storing(), claim("ReadWriteOnce")), "fewer") == []
    assert reasons(scaling(found=storing(), around=scene(claims=None))) == ["single_writer"]


def test_a_rollout_whose_new_pod_would_wait_for_the_volume_of_the_old_one():
    assert reasons(restarting(storing(), claim("ReadWriteOncePod"))) == ["single_writer"]
    assert reasons(restarting(storing(), claim("ReadWriteOnce"))) == []
    assert reasons(restarting(storing(**REPLACING), claim("ReadWriteOncePod"))) == []


@pytest.mark.parametrize("holder", ["orders-a", "orders-a_7f3c9d"])
def test_an_elected_leader_is_alone_at_work(holder):
    leases = [{"metadata": {"name": "lead"}, "spec": {"holderIdentity": holder}}]
    assert reasons(scaling(around=scene(leases=leases))) == ["single_writer"]
    leases[0]["spec"]["holderIdentity"] = "somebody-else"
    assert reasons(scaling(around=scene(leases=leases))) == []


def test_who_recreates_wants_no_two_at_once():
    assert reasons(scaling(found=workload(**RECREATE))) == ["single_writer"]
    assert reasons(scaling(1, found=workload(**RECREATE)), "fewer") == []


@pytest.mark.parametrize(("partitions", "expected"), [(2, ["partitions"]), (3, []), (None, [])])
def test_more_consumers_than_partitions(partitions, expected):
    assert reasons(scaling(3, partitions=partitions)) == expected


@pytest.mark.parametrize(
    ("headroom", "expected"), [(9, ["postgresql_headroom"]), (10, []), (-3, ["postgresql_headroom"])]
)
def test_connections_of_the_database(headroom, expected):
    assert reasons(scaling(3, headroom=headroom, pool_size=10)) == expected
    assert reasons(restarting(workload(**ROLLING), headroom=headroom, pool_size=10)) == expected, (
        "the surge opens them too"
    )
    assert reasons(restarting(workload(**REPLACING), headroom=headroom, pool_size=10)) == []
    assert reasons(scaling(1, headroom=headroom, pool_size=10)) == ["fewer"]


# Room


def quota(**hard_used):
    hard = {name.replace("_", "."): pair[0] for name, pair in hard_used.items()}
    used = {name.replace("_", "."): pair[1] for name, pair in hard_used.items()}
    return scene(quotas=[{"metadata": {"name": "q"}, "spec": {}, "status": {"hard": hard, "used": used}}])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (scaling(3, around=quota(pods=("3", "2"))), []),
        (scaling(4, around=quota(pods=("3", "2"))), ["quota"]),
        (scaling(3, around=quota(limits_memory=("383Mi", "256Mi"))), ["quota"]),
        (scaling(3, around=quota(limits_memory=("384Mi", "256Mi"))), []),
        (scaling(3, around=quota(memory=("383Mi", "256Mi"))), ["quota"]),
        (scaling(1, around=quota(pods=("2", "2"))), ["fewer"]),
        (restarting(workload(**ROLLING), quota(pods=("2", "2"))), ["quota"]),
        (restarting(workload(**REPLACING), quota(pods=("2", "2"))), []),
        (enlarging("256Mi", workload(**REPLACING), quota(limits_memory=("511Mi", "256Mi"))), ["quota"]),
        (enlarging("256Mi", workload(**REPLACING), quota(limits_memory=("512Mi", "256Mi"))), []),
        (scaling(3, around=quota(services=("1", "1"))), []),
    ],
)
def test_a_quota(case, expected):
    assert reasons(case, "room") == expected, "no word makes a quota larger"


def test_a_quota_of_another_class_is_none():
    around = quota(pods=("2", "2"))
    around.quotas[0]["spec"]["scopes"] = ["BestEffort"]
    assert reasons(scaling(3, around=around)) == []


def test_a_limit_range():
    rules = [{"type": "Container", "max": {"memory": "200Mi"}}, {"type": "Pod", "max": {"memory": "1Mi"}}]
    around = scene(limit_ranges=[{"metadata": {"name": "r"}, "spec": {"limits": rules}}])
    assert reasons(enlarging("256Mi", around=around)) == ["limit_range"]
    assert reasons(enlarging("200Mi", around=around)) == []


def placed(free="1Gi", pods=(), **spec):
    return scene(nodes=[node(memory=free, **spec)], everywhere=list(pods))


def taken(memory="128Mi", phase="Running"):
    raw = pod_raw("other", phase=phase)
    raw["spec"]["containers"][0]["resources"] = {"requests": {"memory": memory}}
    return raw


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (placed("128Mi"), []),
        (placed("127Mi"), ["room"]),
        (placed("256Mi", [taken()]), []),
        (placed("255Mi", [taken()]), ["room"]),
        (placed("255Mi", [taken(phase="Succeeded")]), []),
        (placed(unschedulable=True), ["room"]),
        (placed(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}]), ["room"]),
        (placed(taints=[{"key": "k", "value": "v", "effect": "PreferNoSchedule"}]), []),
        (placed(pods=[taken("1Mi")] * 109), []),
        (placed(pods=[taken("1Mi")] * 110), ["room"]),
    ],
)
def test_nodes_have_to_hold_what_comes(around, expected):
    assert reasons(scaling(3, around=around)) == expected
    assert reasons(scaling(3, around=around), "room") == []


def test_a_taint_that_is_tolerated_and_a_node_that_is_not_meant():
    made = template()
    made["spec"]["tolerations"] = [{"key": "k", "operator": "Exists"}]
    taints = [{"key": "k", "value": "v", "effect": "NoSchedule"}]
    assert reasons(scaling(3, workload(template=made), placed(taints=taints))) == []
    made["spec"]["nodeSelector"] = {"disk": "hdd"}
    assert reasons(scaling(3, workload(template=made), placed(taints=taints))) == ["room"]
    made["spec"]["nodeSelector"] = {"disk": "ssd"}
    assert reasons(scaling(3, workload(template=made), placed(taints=taints))) == []


def test_a_port_of_the_node_is_for_one_pod_each():
    found = workload(template=template(ports=[{"containerPort": 1, "hostPort": 80}]))
    assert reasons(scaling(4, found, placed("4Gi"))) == ["room"]
    assert reasons(scaling(3, found, placed("4Gi"))) == []


def test_an_enlarged_pod_in_place_of_the_old_one_needs_the_difference():
    assert reasons(enlarging("256Mi", workload(**REPLACING), placed("128Mi"))) == []
    assert reasons(enlarging("256Mi", workload(**REPLACING), placed("127Mi"))) == ["room"]
    assert reasons(enlarging("256Mi", workload(**ROLLING), placed("255Mi"))) == ["room"]


def test_what_a_pod_asks_for():
    made = template(resources={"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"cpu": "250m"}})
    made["spec"]["initContainers"] = [
        {"name": "migrate", "resources": {"limits": {"memory": "2Gi"}}},
        {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "250m"}}},
    ]
    found = needs(made)
    assert found["requests.memory"] == found["limits.memory"] == 2 * 1024 * MI
    assert float(found["requests.cpu"]) == 0.5


def test_a_node_that_is_not_ready_takes_nothing():
    down = node()
    down["status"]["conditions"][0]["status"] = "Unknown"
    assert free_of(scaling(around=scene(nodes=[down]))) == []


# What a server may leave out, or send as null


@pytest.mark.parametrize("make", [restarting, rolling_back, enlarging, deleting, scaling])
def test_objects_with_nothing_in_them_speak_against_nothing(make):
    empty = [{}, {"metadata": None, "spec": None, "status": None}]
    around = scene(autoscalers=empty, budgets=empty, quotas=empty, limit_ranges=empty, claims=empty, leases=empty)
    assert reasons(make(around=around)) == []
    raw = copy.deepcopy(workload_raw())
    raw["metadata"] |= {"managedFields": [{"manager": "argocd", "fieldsV1": None}], "ownerReferences": None}
    from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_target import Workload

    assert "controller" not in reasons(make(found=Workload("Deployment", raw)))


# Without losing a request

SERVING = {
    "ports": [{"containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
}


def serving(grace=None, **changes):
    """changes: of the container; None takes something away."""
    wanted = template(**{name: value for name, value in {**SERVING, **changes}.items() if value is not None})
    wanted["spec"].update({} if grace is None else {"terminationGracePeriodSeconds": grace})
    return workload(template=wanted)


@pytest.mark.parametrize("make", [restarting, enlarging, deleting])
def test_what_loses_requests_while_pods_go_and_come_is_said_and_not_refused(make):
    assert losses(make(found=serving())) == []
    unasked, abrupt, killed = (
        make(found=serving(readinessProbe=None)),
        make(found=serving(lifecycle=None)),
        make(found=serving(grace=5)),
    )
    assert ["no readinessProbe" in note for note in losses(unasked)] == [True]
    assert ["no preStop hook" in note for note in losses(abrupt)] == [True]
    assert ["killed after 5 s" in note for note in losses(killed)] == [True]
    assert losses(make(found=serving(grace=6))) == []
    assert reasons(unasked) == reasons(abrupt) == reasons(killed) == []


def test_who_takes_no_requests_loses_none():
    assert losses(restarting()) == [], "it names no port, and nobody asks it over the network"
    assert losses(restarting(found=serving(ports=None, lifecycle=None))), "it is asked over the network"
    by_command = {"exec": {"command": ["true"]}}
    worker = serving(ports=None, lifecycle=None, readinessProbe=by_command)
    assert losses(restarting(found=worker)) == []


def test_fewer_pods_lose_requests_and_more_do_not():
    found = serving(lifecycle=None, readinessProbe=None)
    assert losses(scaling(3, found=found)) == losses(scaling(2, found=found)) == []
    assert [note.split(":")[0] for note in losses(scaling(1, found=found))] == ["Container app has no preStop hook"]
