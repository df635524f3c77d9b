# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubernetes_workload changes: options, identity, templates, revisions, patches, and how far a rollout is."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import kubernetes_plan as plan
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_amount import amount, human, share
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_diff import differing, wish_of
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_plan import Refused
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_pod import (
    check_pod,
    delete_options,
    owner_of,
)
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_revisions import history, roll_back
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_rollout import (
    Baseline,
    progress,
    replaced,
)
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_scene import selector_text, selects
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_target import (
    Workload,
    memory_of,
    pod_from,
)
from ansible_collections.incident.response.plugins.module_utils.core.redact import clean
from kubernetes_workload_made import pod, pod_raw, set_raw, template, waiting, with_meta, workload, workload_raw

# Amounts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("128Mi", 128 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("1Ki", 1024),
        ("500m", Decimal("0.5")),
        ("1k", 1000),
        ("129e6", 129_000_000),
        ("1E", 10**18),
        (134217728, 134217728),
        ("128974848000m", Decimal(128974848)),
    ],
)
def test_amounts(text, number):
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "Mi", "1.5 Gi", "128MB", "mi", None, True, "1ki", "1mi", "0x10"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="no amount"):
        amount(text)


def test_percentages_round_as_the_controllers_do():
    assert [share("25%", 3, True), share("25%", 3, False), share(2, 3, True)] == [1, 0, 2]


@pytest.mark.parametrize(("size", "text"), [(2**30, "1Gi"), (3 * 2**29, "1.5Gi"), (96 * 2**20, "96Mi"), (12, "12")])
def test_bytes_for_people(size, text):
    assert human(size) == text


# Options and identity

OPTIONS = {"state": "restarted", "kind": "Deployment", "name": "orders", "namespace": "shop", "wait_timeout": 60.0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicas": 2}, "replicas goes with state=scaled"),
        ({"memory": "1Gi"}, "memory goes with state=memory_limit"),
        ({"state": "scaled", "replicas": -1}, "below 0"),
        ({"state": "rolled_back", "revision": 0}, "below 1"),
        ({"wait_timeout": 0}, "no time"),
        ({"kind": "CronJob"}, "suspend it"),
        ({"kind": "ReplicaSet"}, "the Deployment that owns it"),
        ({"kind": "Rollout"}, "what is known are Deployment"),
        ({"kind": "DaemonSet", "state": "scaled", "replicas": 2}, "one pod on each node"),
        ({"name": None}, "goes with name"),
        ({"state": "deleted_pod"}, "goes with pod"),
        ({"pod": "orders-a"}, "pod goes with state=deleted_pod"),
    ],
)
def test_options_that_can_not_be(options, words):
    with pytest.raises(Refused, match=words):
        plan.check_options({**OPTIONS, **options})


@pytest.mark.parametrize(
    "options", [{}, {"state": "scaled", "replicas": 0}, {"kind": "DaemonSet"}, {"state": "deleted_pod", "pod": "a"}]
)
def test_options_that_can_be(options):
    plan.check_options({**OPTIONS, **options})


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"uid": "u-0"}, "uid was u-0, is u-1 .*made anew"),
        ({"uid": "u-1", "generation": 2}, "generation was 2, is 3 .*what it should be"),
        ({"generation": 3, "resource_version": "9"}, "resource_version was 9, is 10"),
    ],
)
def test_another_than_was_seen_is_refused_and_what_changed_is_named(identity, words):
    with pytest.raises(Refused, match=words):
        plan.check_identity(workload(), identity)


@pytest.mark.parametrize("identity", [None, {}, {"uid": "u-1", "resource_version": "10", "generation": 3}])
def test_the_same_as_was_seen(identity):
    plan.check_identity(workload(), identity)


def test_a_pod_of_the_same_name_is_another_pod():
    check_pod(pod(), {"uid": "uid-orders-a", "resource_version": "5"}, "shop")
    for identity in ({"uid": "older"}, {"resource_version": "4"}):
        with pytest.raises(Refused, match="is not the one that was seen"):
            check_pod(pod(), identity, "shop")


def test_only_a_pod_that_is_replaced_is_deleted():
    assert owner_of(pod(), "shop") == ("ReplicaSet", "orders-1")
    for kind, words in (("Job", "failed try"), ("Cluster", "not known here")):
        raw = pod_raw()
        raw["metadata"]["ownerReferences"][0]["kind"] = kind
        with pytest.raises(Refused, match=words):
            owner_of(pod_from(raw), "shop")
    raw = pod_raw()
    raw["metadata"]["ownerReferences"] = None
    with pytest.raises(Refused, match="nothing that would replace it"):
        owner_of(pod_from(raw), "shop")
    raw["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    with pytest.raises(Refused, match="static pod.*node-1"):
        owner_of(pod_from(raw), "shop")


def test_a_delete_is_of_this_very_pod():
    assert delete_options(pod(), False)["preconditions"] == {"uid": "uid-orders-a", "resourceVersion": "5"}
    assert (delete_options(pod(), True)["dryRun"], "dryRun" in delete_options(pod(), False)) == (["All"], False)


# Changes


def test_a_restart_changes_the_annotation_and_nothing_else():
    before = workload()
    kept = copy.deepcopy(before.raw)
    change = plan.restart(before, "2026-11-29T00:00:00Z")
    left, right = differing(before.template, change.template)
    assert (left, right) == (
        {"metadata": {}},
        {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-29T00:00:00Z"}}},
    )
    assert before.raw == kept, "what was read is not written to"


def test_a_restart_that_pulls_says_that_it_is_a_deploy():
    change = plan.restart(workload(template=template(imagePullPolicy="Always")), "now")
    assert "deploy" in change.notes[0]
    assert not plan.restart(workload(), "now").notes


def test_scaling_to_what_is_so_changes_nothing():
    assert not plan.scale(workload(replicas=2), 2).needed
    assert plan.scale(workload(replicas=2), 0).needed, "0 is a number of replicas"


def sized(limit, request=None):
    resources = {"limits": {"memory": limit}} if limit else {}
    resources |= {"requests": {"memory": request}} if request else {}
    return workload(template=template(resources=resources))


def resources_of(change):
    row = change.template["spec"]["containers"][0]
    return memory_of(row, "limits"), memory_of(row, "requests")


MI = 2**20


def test_a_limit_is_raised_and_the_request_stays():
    change = plan.memory_limit(sized("128Mi", "64Mi"), None, "256Mi")
    assert resources_of(change) == (256 * MI, 64 * MI)
    assert "from 128Mi to 256Mi" in change.text


def test_a_request_is_raised_up_to_the_limit_never_above():
    assert resources_of(plan.memory_limit(sized("128Mi", "64Mi"), "app", "256Mi", "256Mi")) == (256 * MI, 256 * MI)
    with pytest.raises(Refused, match="above the limit"):
        plan.memory_limit(sized("128Mi", "64Mi"), "app", "256Mi", "257Mi")
    with pytest.raises(Refused, match="would be less"):
        plan.memory_limit(sized("128Mi", "64Mi"), "app", "256Mi", "32Mi")


@pytest.mark.parametrize(
    ("limit", "memory", "words"),
    [
        ("128Mi", "64Mi", "only raised"),
        (None, "64Mi", "less than now"),
        ("128Mi", "256", "was 256Mi meant"),
        ("128Mi", "256MB", "no amount"),
    ],
)
def test_limits_that_are_refused(limit, memory, words):
    with pytest.raises(Refused, match=words):
        plan.memory_limit(sized(limit), None, memory)


def test_the_same_limit_in_other_words_is_no_change():
    assert not plan.memory_limit(sized("1Gi"), None, "1024Mi").needed


def test_what_a_higher_limit_does_to_the_quality_of_service_is_said():
    assert "Guaranteed" in plan.memory_limit(sized("128Mi", "128Mi"), None, "256Mi").notes[0]
    assert not plan.memory_limit(sized("128Mi", "128Mi"), None, "256Mi", "256Mi").notes
    assert "request too" in plan.memory_limit(sized("128Mi"), None, "256Mi").notes[0]


def test_the_container_has_to_be_named_where_there_are_several():
    two = template()
    two["spec"]["containers"].append({"name": "proxy"})
    with pytest.raises(Refused, match="app, proxy"):
        plan.memory_limit(workload(template=two), None, "256Mi")
    with pytest.raises(Refused, match="no container sidecar.*app"):
        plan.memory_limit(workload(), "sidecar", "256Mi")


def test_a_patch_holds_for_this_version_of_this_object_only():
    made = plan.operations(workload(), plan.scale(workload(), 3))
    assert {"op": "replace", "path": "/metadata/uid", "value": "u-1"} in made
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": "10"} in made
    assert made[-1] == {"op": "replace", "path": "/spec/replicas", "value": 3}


def test_undo_puts_back_what_was_with_its_cause():
    before = with_meta(workload(), annotations={"kubernetes.io/change-cause": "1.4"})
    change = plan.Change("x", template=template(image="new"), annotations={"kubernetes.io/change-cause": None})
    back = plan.undo(before, workload(), change)
    assert (back.template, back.annotations) == (before.template, {"kubernetes.io/change-cause": "1.4"})
    assert plan.undo(before, workload(replicas=9), plan.scale(before, 9)).replicas == 2


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"state": "restarted"}, "kubectl -n shop rollout restart deployment/orders"),
        ({"state": "scaled", "replicas": 3}, "kubectl -n shop scale deployment/orders --replicas=3"),
        ({"state": "rolled_back", "revision": 4}, "kubectl -n shop rollout undo deployment/orders --to-revision=4"),
        (
            {"state": "memory_limit", "memory": "1Gi", "container": "app"},
            "kubectl -n shop set resources deployment/orders -c app --limits=memory=1Gi",
        ),
        ({"state": "deleted_pod", "pod": "a;b"}, "kubectl -n shop delete pod 'a;b'"),
    ],
)
def test_what_a_person_would_type(options, command):
    assert plan.by_hand({**OPTIONS, **options}) == command


# Differences


def test_only_what_differs_is_shown_and_no_secret_of_it():
    env = [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}, {"name": "MODE", "value": "a"}]
    new = [{"name": "DB_PASSWORD", "value": "correct-horse"}, {"name": "MODE", "value": "b"}]
    before, after = workload(template=template(env=env)), workload(template=template(env=new))
    left, right = (clean(side) for side in differing(wish_of(before), wish_of(after)))
    assert set(left) == {"template"} and "image" not in str(left)
    assert "hunter2" not in str(left) and "horse" not in str(right)
    assert "'MODE', 'value': 'b'" in str(right)


def test_a_row_that_came_or_went_is_shown_whole():
    assert differing([{"name": "a", "x": 1}], [{"name": "b", "x": 1}]) == (
        [{"name": "a", "x": 1}],
        [{"name": "b", "x": 1}],
    )
    assert differing({"a": 1, "b": None}, {"a": 1}) == ({"b": None}, {})


# Revisions


def test_the_revision_before_is_the_newest_other_template():
    revisions = history(workload(), [set_raw(1, image="old"), set_raw(3), set_raw(2, image="older")])
    assert [revision.number for revision in revisions] == [3, 2, 1]
    change = roll_back(workload(), revisions, None)
    assert "revision 2" in change.text
    assert change.template == template(image="older"), "without the label of the ReplicaSet"


def test_after_a_rollback_back_is_still_back():
    """The current template is revision 2 while 3 failed: the next one back is 1, not the one that failed."""
    sets = [set_raw(3, image="bad"), set_raw(2), set_raw(1, image="first")]
    assert "revision 1" in roll_back(workload(), history(workload(), sets), None).text


def test_a_named_revision():
    sets = [set_raw(3), set_raw(2, image="b"), set_raw(1, image="a", cause="deploy 1.0")]
    revisions = history(workload(), sets)
    found = roll_back(with_meta(workload(), annotations={"x": "y"}), revisions, 1)
    assert ("lab" in found.text, found.annotations) == (False, {"kubernetes.io/change-cause": "deploy 1.0"})
    assert not roll_back(workload(), revisions, 3).needed
    with pytest.raises(Refused, match="no revision 9: kept are 3, 2, 1"):
        roll_back(workload(), revisions, 9)


def test_revisions_of_others_and_no_revision_at_all():
    sets = [set_raw(1), set_raw(7, owner="somebody", image="x")]
    assert [revision.number for revision in history(workload(), sets)] == [1]
    with pytest.raises(Refused, match="no revision to go back to"):
        roll_back(workload(), history(workload(), sets), None)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_revisions_of_the_other_kinds(kind):
    def kept(number, image):
        owners = [{"uid": "u-1", "controller": True}]
        made = {**template(image=image), "$patch": "replace"}
        return {"metadata": {"ownerReferences": owners}, "revision": number, "data": {"spec": {"template": made}}}

    found = workload(kind, template=template(image="b"))
    change = roll_back(found, history(found, [kept(2, "b"), kept(1, "a")]), None)
    assert change.template == template(image="a")


# Rollouts

ERRORS = ("ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName", "ErrImageNeverPull")


def base():
    return Baseline.of(workload(), [pod("orders-a"), pod("orders-b")])


def seen(pods, available=2, **changes):
    found = workload(available=available)
    raw = copy.deepcopy(dict(found.raw))
    raw["status"].update(changes)
    return progress(base(), Workload("Deployment", raw), pods)


def test_done_when_all_are_new_available_and_unharmed():
    assert seen([pod("orders-c"), pod("orders-d")]).done
    for change in ({"observedGeneration": 2}, {"updatedReplicas": 1}, {"replicas": 3}, {"availableReplicas": 1}):
        assert not seen([pod("orders-c")], **change).done, change


def test_a_statefulset_is_done_when_it_is_what_it_should_be():
    raw = workload_raw("StatefulSet")
    assert progress(base(), Workload("StatefulSet", raw), []).done
    raw["status"]["updateRevision"] = "orders-2"
    assert not progress(base(), Workload("StatefulSet", raw), []).done


@pytest.mark.parametrize("reason", ERRORS)
def test_new_pods_that_can_not_start_are_a_failure_at_once(reason):
    found = seen([pod("orders-c", ready=False, containerStatuses=waiting(reason, "no such image"))], available=1)
    assert (found.done, found.failed, found.worse) == (False, True, True)
    assert f"{reason} (no such image)" in found.reasons


def test_a_failure_with_nothing_lost_is_not_worse():
    found = seen([pod("orders-c", ready=False, containerStatuses=waiting("ImagePullBackOff"))], available=2)
    assert (found.failed, found.worse) == (True, False)


def test_fewer_pods_without_a_failure_are_a_rollout_that_goes_on():
    found = seen([pod("orders-c", ready=False)], available=1)
    assert (found.failed, found.worse, found.done) == (False, False, False)


def test_a_first_error_of_a_pull_may_pass():
    found = seen([pod("orders-c", ready=False, containerStatuses=waiting("ErrImagePull"))], available=1)
    assert (found.failed, found.worse) == (False, True)


def test_a_crash_counts_above_the_baseline_only():
    old = [{"name": "app", "restartCount": 7, "state": {"running": {}}}]
    before = Baseline.of(workload(), [pod("orders-a", containerStatuses=old)])
    assert progress(before, workload(), [pod("orders-a", containerStatuses=old)]).done
    once = [{"name": "app", "restartCount": 8, "state": {"running": {}}}]
    found = progress(before, workload(), [pod("orders-a", containerStatuses=once)])
    assert (found.done, found.failed) == (False, False)
    assert "crashed" in found.reasons
    assert not found.worse, "it is no new pod"


def test_a_crash_loop_of_a_new_pod_is_a_failure_with_its_ending():
    rows = waiting("CrashLoopBackOff", restarts=2)
    rows[0]["lastState"] = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    found = seen([pod("orders-c", ready=False, containerStatuses=rows)], available=0)
    assert (found.failed, found.worse) == (True, True)
    assert "OOMKilled, exit code 137" in found.reasons


def test_an_old_crash_loop_that_goes_on_is_no_failure_of_the_change():
    rows = waiting("CrashLoopBackOff", restarts=4)
    before = Baseline.of(workload(), [pod("orders-a", containerStatuses=rows)])
    assert not progress(before, workload(available=0), [pod("orders-a", containerStatuses=rows)]).failed


def test_an_old_pod_that_could_not_start_before_is_no_failure_of_the_change():
    old = pod("orders-a", ready=False, containerStatuses=waiting("ImagePullBackOff"))
    before = Baseline.of(workload(available=1), [old, pod("orders-b")])
    assert not progress(before, workload(available=1), [old, pod("orders-b")]).troubles


def test_a_pod_that_ends_is_of_no_concern():
    raw = pod_raw("orders-c", containerStatuses=waiting("ImagePullBackOff"))
    raw["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z"
    assert seen([pod_from(raw)]).done


def test_what_the_controller_can_not_do_is_said():
    failure = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]
    found = seen([], available=1, conditions=failure)
    assert "exceeded quota" in found.reasons and found.worse
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]
    assert "gave up: timed out" in seen([], conditions=late).reasons


def test_an_unschedulable_pod_may_still_get_a_node():
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]
    found = seen([pod("orders-c", conditions=conditions)], available=2)
    assert (found.done, found.failed) == (False, False)
    assert "0/1 nodes" in found.reasons


def test_fewer_pods_are_not_worse_where_fewer_were_asked_for():
    found = progress(base(), workload(replicas=1), [pod("orders-c", containerStatuses=waiting("ImagePullBackOff"))])
    assert not found.worse


def test_a_pod_is_replaced_when_it_is_gone_and_all_are_ready():
    found = workload()
    assert replaced("uid-orders-a", found, [pod("orders-b"), pod("orders-c")])
    assert not replaced("uid-orders-a", found, [pod("orders-a"), pod("orders-b")])
    assert not replaced("uid-orders-a", found, [pod("orders-b")])
    assert not replaced("uid-orders-a", found, [pod("orders-b"), pod("orders-c", ready=False)])


# What a server may leave out, or send as null


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize("raw", [{}, {"metadata": None, "spec": None, "status": None}, {"spec": {"template": None}}])
def test_nothing_is_missing_in_what_is_empty(kind, raw):
    empty = Workload(kind, raw)
    assert empty.counts.available == 0
    assert not progress(Baseline.of(empty, []), with_meta(workload(kind), generation=99), []).done
    assert pod_from(raw).restarts == {}


def test_null_statuses_of_a_pending_pod():
    assert pod_from({"status": {"containerStatuses": None, "conditions": None}}).ready is False


# Selectors


def test_selectors():
    labels = {"app": "orders", "tier": "back"}
    rows = [{"key": "tier", "operator": "In", "values": ["back", "mid"]}, {"key": "old", "operator": "DoesNotExist"}]
    selector = {"matchLabels": {"app": "orders"}, "matchExpressions": rows}
    assert selects(selector, labels)
    assert not selects(selector, {**labels, "old": "1"})
    assert not selects(selector, {**labels, "app": "other"})
    assert (selects({}, labels), selects(None, labels)) == (True, False)
    assert selector_text(selector) == "app=orders,tier in (back,mid),!old"


def test_pods_of_before_decide_nothing_until_the_controller_has_seen_the_change():
    """After an undo the pods that failed are still there for a moment."""
    bad = pod("orders-new", ready=False, containerStatuses=waiting("ErrImageNeverPull"))
    seen, unseen = workload(available=1), workload(available=1)
    unseen.raw["status"]["observedGeneration"] = unseen.generation - 1
    assert progress(base(), seen, [bad]).failed
    assert not progress(base(), unseen, [bad]).failed
