# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes_workload on a real cluster: each state, each refusal that it can show, and what is taken back.

All is in one namespace of its own, which is removed in the end.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_apps import Apps
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_errors import Conflict, NotFound
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_link import Link, connect
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_options import KubernetesOptions
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_workload import apply
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_target import KINDS, Workload
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_workload_options import SPEC

from lab import config

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = "dev-workload"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
IMAGE = "lab/pause:1"
MISSING = "lab/nothing:1"
MERGE = "application/merge-patch+json"
LIMIT = 180.0
ONE_AWAY = {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}
PATIENCE = {"connect_timeout": 20.0, "timeout": 40.0}
"""The machine that the cluster runs on may be busy with other tests."""
DEFAULTS = {name: option.get("default") for name, option in SPEC.options.items()}
Raw = dict[str, t.Any]


def until(what: str, condition: t.Callable[[], t.Any], seconds: float = LIMIT) -> t.Any:
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not after {seconds:g} s: {what}"
        time.sleep(0.3)


class Namespace:
    """What a test makes in the namespace, and how it calls what is tested."""

    def __init__(self, link: Link, kubeconfig: str) -> None:
        self.link = link
        self.kubeconfig = kubeconfig
        self.apps = Apps(link, NAMESPACE)

    def go(self, check: bool = False, **options: t.Any) -> Raw:
        params = {
            **DEFAULTS,
            **PATIENCE,
            "kubeconfig": self.kubeconfig,
            "namespace": NAMESPACE,
            "wait_timeout": LIMIT,
            **options,
        }
        return apply(params, check)

    def refused(self, check: bool = False, **options: t.Any) -> Raw:
        with pytest.raises(Failed) as caught:
            self.go(check, **options)
        return caught.value.result

    def reasons(self, **options: t.Any) -> list[str]:
        """Of a refusal, which check mode tells the same."""
        real, checked = self.refused(**options), self.refused(True, **options)
        assert (real["changed"], checked["changed"]) == (False, False)
        assert real["refused"] == checked["refused"]
        return [row["reason"] for row in real["refused"]]

    def deployment(
        self, name: str, replicas: int = 1, kind: str = "Deployment", well: bool = True, **spec: t.Any
    ) -> Workload:
        """image, memory, pod and resources say what its pods are, the rest is its own spec."""
        image = spec.pop("image", IMAGE)
        resources = spec.pop(
            "resources", {"limits": {"memory": spec.pop("memory", "32Mi")}, "requests": {"memory": "16Mi"}}
        )
        container = {"name": "app", "image": image, "imagePullPolicy": "Never", "resources": resources}
        pod = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0, "containers": [container]}
        template = {"metadata": {"labels": {"app": name}}, "spec": {**pod, **spec.pop("pod", {})}}
        wanted: Raw = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
        wanted |= {} if kind == "DaemonSet" else {"replicas": replicas}
        wanted |= {"serviceName": name} if kind == "StatefulSet" else {}
        body = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": wanted}
        self.link.post(f"{APPS}/{KINDS[kind]}", body)
        return self.well(name, kind) if well else self.apps.workload(kind, name)

    def well(self, name: str, kind: str = "Deployment") -> Workload:
        def look() -> Workload | None:
            found = self.apps.workload(kind, name)
            done = found.observed >= found.generation and found.counts.complete and found.counts.desired
            return found if done else None

        return until(f"{kind} {name} is well", look)

    def deploy(self, name: str, kind: str = "Deployment", **container: t.Any) -> None:
        """A new template, whether it becomes well or not."""
        rows = [{"name": "app", **container}]
        body = {"spec": {"template": {"spec": {"containers": rows}}}}
        self.link.patch(f"{APPS}/{KINDS[kind]}/{name}", body)

    def pods(self, name: str, kind: str = "Deployment") -> list[t.Any]:
        return [pod for pod in self.apps.pods(self.apps.workload(kind, name)) if not pod.terminating]

    @contextlib.contextmanager
    def made(self, path: str, body: Raw) -> t.Iterator[Raw]:
        """An object for a block."""
        made = self.link.post(path, body)
        try:
            yield made
        finally:
            with contextlib.suppress(NotFound):
                self.link.delete(f"{path}/{made['metadata']['name']}")


@pytest.fixture(scope="module")
def space() -> t.Iterator[Namespace]:
    kubeconfig = str(config.load().kubeconfig)
    link = connect(KubernetesOptions(kubeconfig=kubeconfig, **PATIENCE), Deadline(3600))
    remove(link)
    link.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    until("its service account", lambda: list(link.pages(f"{CORE}/serviceaccounts")))
    yield Namespace(link, kubeconfig)
    remove(link)


def remove(link: Link) -> None:
    """The namespace with all that is in it."""

    def gone() -> bool:
        try:
            link.delete(f"/api/v1/namespaces/{NAMESPACE}")
        except NotFound:
            return True
        except Conflict:
            pass
        return False

    until("the namespace is gone", gone)


@pytest.fixture(autouse=True)
def empty(request: pytest.FixtureRequest, space: Namespace) -> t.Iterator[None]:
    """Nothing of a test is left for the next one."""
    yield
    for plural in KINDS.values():
        for raw in list(space.link.pages(f"{APPS}/{plural}")):
            space.link.delete(f"{APPS}/{plural}/{raw['metadata']['name']}", {"propagationPolicy": "Background"})
    until("no pod is left", lambda: not list(space.link.pages(f"{CORE}/pods")))


# Each state


@pytest.mark.parametrize("kind", list(KINDS))
def test_restart(space: Namespace, kind: str) -> None:
    replicas = 1 if kind == "DaemonSet" else 2
    space.deployment("orders", replicas, kind)
    before = {pod.uid for pod in space.pods("orders", kind)}
    # One node has one pod of a DaemonSet: it goes before the new one comes.
    options = {"state": "restarted", "kind": kind, "name": "orders", "override": ["outage"]}
    checked = space.go(True, **options)
    seen = space.apps.workload(kind, "orders")
    assert (checked["changed"], seen.generation) == (True, 1), "check mode changes nothing"
    assert "restartedAt" in str(checked["diff"]["after"]) and "restartedAt" not in str(seen.raw)
    result = space.go(**options)
    after = space.pods("orders", kind)
    assert (result["changed"], result["undone"]) == (True, False)
    assert len(after) == replicas and not before & {pod.uid for pod in after}
    assert result["diff"]["before"] == {"template": {"metadata": {}}}
    assert "kubectl" in result["by_hand"]


def test_scale_up_and_down(space: Namespace) -> None:
    space.deployment("orders")
    options = {"state": "scaled", "name": "orders"}
    assert space.go(True, replicas=3, **options)["diff"] == {"before": {"replicas": 1}, "after": {"replicas": 3}}
    assert len(space.pods("orders")) == 1
    assert space.go(replicas=3, **options)["changed"] is True
    assert len(space.pods("orders")) == 3
    assert space.go(replicas=3, **options)["changed"] is False
    assert space.reasons(replicas=1, **options) == ["fewer"]
    assert space.reasons(replicas=0, **options) == ["zero"]
    assert space.go(replicas=1, override=["fewer"], **options)["changed"] is True
    assert len(space.pods("orders")) == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_roll_back(space: Namespace, kind: str) -> None:
    space.deployment("orders", 1 if kind == "DaemonSet" else 2, kind)
    for value in ("two", "three"):
        space.deploy("orders", kind, env=[{"name": "VERSION", "value": value}])
        space.well("orders", kind)
    options = {"state": "rolled_back", "kind": kind, "name": "orders", "override": ["outage"]}
    checked = space.go(True, **options)
    assert (checked["changed"], "two" in str(checked["diff"]["after"])) == (True, True)
    assert space.go(**options)["changed"] is True
    assert "two" in json.dumps(space.apps.workload(kind, "orders").template)
    result = space.go(revision=1, **options)
    assert (result["changed"], "VERSION" in str(result["diff"]["after"])) == (True, False)
    assert "no revision 99" in space.refused(revision=99, **options)["msg"]


def test_memory_limit(space: Namespace) -> None:
    space.deployment("orders", 2)
    options = {"state": "memory_limit", "name": "orders"}
    result = space.go(memory="48Mi", **options)
    assert result["after"]["memory_limits"] == {"app": 48 * 2**20}
    assert result["after"]["memory_requests"] == {"app": 16 * 2**20}, "the request stays"
    limits = {pod.raw["spec"]["containers"][0]["resources"]["limits"]["memory"] for pod in space.pods("orders")}
    assert limits == {"48Mi"}
    assert space.go(memory="49152Ki", **options)["changed"] is False, "the same in other words"
    assert "only raised" in space.refused(memory="24Mi", **options)["msg"]
    result = space.go(memory="64Mi", memory_request="64Mi", **options)
    assert result["after"]["memory_requests"] == {"app": 64 * 2**20}


@pytest.mark.parametrize("kind", list(KINDS))
def test_delete_a_pod(space: Namespace, kind: str) -> None:
    space.deployment("orders", 1 if kind == "DaemonSet" else 2, kind)
    gone = space.pods("orders", kind)[0]
    options = {"state": "deleted_pod", "pod": gone.name, "identity": {"uid": gone.uid}, "override": ["outage"]}
    assert space.go(True, **options)["changed"] is True
    assert gone.uid in {pod.uid for pod in space.pods("orders", kind)}
    assert space.go(**options)["changed"] is True
    left = space.pods("orders", kind)
    assert gone.uid not in {pod.uid for pod in left} and all(pod.ready for pod in left)
    if kind == "StatefulSet":
        assert "is not the one that was seen" in space.refused(**options)["msg"], "another of the same name"


def test_a_pod_that_nothing_replaces(space: Namespace) -> None:
    spec = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0}
    spec |= {"containers": [{"name": "app", "image": IMAGE, "imagePullPolicy": "Never"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}, "spec": spec}
    with space.made(f"{CORE}/pods", body):
        assert "nothing that would replace it" in space.refused(state="deleted_pod", pod="alone")["msg"]


# Identity


def test_another_than_was_seen(space: Namespace) -> None:
    found = space.deployment("orders")
    seen = {"uid": found.uid, "generation": found.generation, "resource_version": None}
    assert space.go(state="restarted", name="orders", identity=seen)["changed"] is True
    result = space.refused(state="restarted", name="orders", identity=seen)
    assert "generation was 1, is 2" in result["msg"] and result["changed"] is False


def test_the_server_itself_refuses_another_version(space: Namespace) -> None:
    """Between look and change somebody else writes: the patch that was made before is a conflict."""
    from ansible_collections.incident.response.plugins.module_utils.core import kubernetes_plan as plan

    stale = space.deployment("orders")
    space.link.patch(f"{APPS}/deployments/orders", {"metadata": {"labels": {"touched": "yes"}}}, MERGE)
    with pytest.raises(Conflict):
        space.apps.patch(stale, plan.scale(stale, 3), dry_run=False)
    with pytest.raises(Conflict):
        space.apps.patch(stale, plan.scale(stale, 3), dry_run=True)
    pod = space.pods("orders")[0]
    space.link.patch(f"{CORE}/pods/{pod.name}", {"metadata": {"labels": {"touched": "yes"}}}, MERGE)
    with pytest.raises(Conflict):
        space.apps.delete(pod, dry_run=False)
    assert len(space.pods("orders")) == 1
    space.link.delete(f"{APPS}/deployments/orders", {"propagationPolicy": "Foreground"})
    until("it is gone", lambda: not list(space.link.pages(f"{APPS}/deployments")))
    space.deployment("orders")
    with pytest.raises(Conflict):
        space.apps.patch(stale, plan.scale(stale, 3), dry_run=False)


# What is taken back


def test_worse_is_taken_back(space: Namespace) -> None:
    """The revision before can't start. One pod less than before and the new one fails: what was comes back."""
    space.deployment("orders", 2, image=MISSING, well=False, **ONE_AWAY)
    space.deploy("orders", image=IMAGE)
    space.well("orders")
    result = space.refused(state="rolled_back", name="orders")
    assert (result["undone"], result["changed"]) == (True, True)
    assert "ErrImageNeverPull" in result["msg"] and "as before" in result["msg"]
    found = space.well("orders")
    assert found.containers[0]["image"] == IMAGE and found.counts.available == 2


def test_failed_but_not_worse_stays_unless_wanted(space: Namespace) -> None:
    """With a surge nothing that served goes, so that a person may decide; undo=failed does not wait for one."""
    space.deployment("orders", image=MISSING, well=False)
    space.deploy("orders", image=IMAGE)
    space.well("orders")
    result = space.refused(state="rolled_back", name="orders")
    assert result["undone"] is False and "kubectl -n dev-workload rollout undo" in result["msg"]
    assert space.apps.workload("Deployment", "orders").containers[0]["image"] == MISSING
    assert space.go(state="rolled_back", name="orders", revision=2)["changed"] is True, "and it is the way out"
    assert space.refused(state="rolled_back", name="orders", revision=3, undo="failed")["undone"] is True
    assert space.well("orders").containers[0]["image"] == IMAGE


def test_a_crash_is_seen(space: Namespace) -> None:
    space.deployment("orders", pod={}, well=False)
    space.well("orders")
    space.deploy("orders", command=["/does/not/exist"])
    until("the new pod fails", lambda: any(pod.waiting for pod in space.pods("orders")))
    space.go(state="rolled_back", name="orders")
    result = space.refused(state="rolled_back", name="orders", revision=2)
    assert "fails" in result["msg"] or "not well" in result["msg"]


# What speaks against it


def test_rollouts_that_would_not_roll_or_take_all(space: Namespace) -> None:
    space.deployment("orders", 2)
    # One that is paused from its beginning never gets a pod.
    space.link.patch(f"{APPS}/deployments/orders", {"spec": {"paused": True}}, MERGE)
    space.well("orders")
    assert space.reasons(state="restarted", name="orders") == ["paused"]
    assert space.reasons(state="scaled", name="orders", replicas=3) == ["paused"]
    space.deployment("batch", strategy={"type": "Recreate"})
    assert space.reasons(state="restarted", name="batch") == ["outage"]
    assert space.reasons(state="scaled", name="batch", replicas=2) == ["single_writer"]
    space.deployment("cache", kind="StatefulSet", updateStrategy={"type": "OnDelete"})
    assert space.reasons(state="restarted", kind="StatefulSet", name="cache") == ["on_delete"]
    pod = space.pods("batch")[0]
    assert space.reasons(state="deleted_pod", pod=pod.name) == ["outage"]


def test_an_autoscaler(space: Namespace) -> None:
    space.deployment("orders")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    body = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "orders"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4, "metrics": [metric]},
    }
    with space.made(f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers", body):
        assert space.reasons(state="scaled", name="orders", replicas=2) == ["autoscaler"]
        assert space.go(True, state="scaled", name="orders", replicas=2, override=["autoscaler"])["changed"] is True


def test_a_field_of_a_gitops_manager(space: Namespace) -> None:
    space.deployment("orders")
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"}, "spec": {"replicas": 1}}
    query = {"fieldManager": "argocd-controller", "force": "true"}
    space.link.patch(f"{APPS}/deployments/orders", body, "application/apply-patch+yaml", query)
    assert space.reasons(state="scaled", name="orders", replicas=2) == ["gitops"]
    assert space.go(state="restarted", name="orders")["changed"] is True, "that is no field of it"


def test_a_budget(space: Namespace) -> None:
    space.deployment("orders", 2, **ONE_AWAY)
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "orders"}}}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep"}, "spec": spec}
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
    with space.made(path, body):
        until("its status", lambda: space.link.get(f"{path}/keep").get("status", {}).get("currentHealthy") == 2)
        assert space.reasons(state="deleted_pod", pod=space.pods("orders")[0].name) == ["budget"]
        assert space.reasons(state="restarted", name="orders") == ["budget"]


def test_pods_that_can_not_start(space: Namespace) -> None:
    space.deployment("orders")
    space.deploy("orders", image=MISSING)
    until("the error is seen", lambda: any(pod.start_error for pod in space.pods("orders")))
    assert space.reasons(state="restarted", name="orders") == ["start_error"]
    assert space.reasons(state="scaled", name="orders", replicas=2) == ["start_error"]
    assert space.go(state="rolled_back", name="orders")["changed"] is True, "the remedy"
    space.deploy("orders", env=[{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "x"}}}])
    until("the error is seen", lambda: any("ConfigError" in pod.start_error for pod in space.pods("orders")))
    assert space.reasons(state="restarted", name="orders") == ["start_error"]


def test_a_quota_and_a_limit_range(space: Namespace) -> None:
    space.deployment("orders")
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    with space.made(f"{CORE}/resourcequotas", body):
        path = f"{CORE}/resourcequotas/q"
        until("its status", lambda: space.link.get(path).get("status", {}).get("used", {}).get("pods") == "1")
        assert space.reasons(state="scaled", name="orders", replicas=2) == ["quota"]
        assert space.reasons(state="restarted", name="orders") == ["quota"], "the surge is a pod too"
    rule = {"type": "Container", "max": {"memory": "64Mi"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "r"}, "spec": {"limits": [rule]}}
    with space.made(f"{CORE}/limitranges", body):
        assert space.reasons(state="memory_limit", name="orders", memory="65Mi") == ["limit_range"]
        assert space.go(True, state="memory_limit", name="orders", memory="64Mi")["changed"] is True


def test_nodes_that_can_not_hold_it(space: Namespace) -> None:
    space.deployment("orders")
    assert space.reasons(state="memory_limit", name="orders", memory="9Ti", memory_request="9Ti") == ["room"]
    assert space.go(True, state="memory_limit", name="orders", memory="9Ti")["changed"] is True, "a limit is no request"


def test_volumes_leases_partitions_and_connections(space: Namespace) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, "storageClassName": "none"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    volume = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
    with space.made(f"{CORE}/persistentvolumeclaims", claim):
        found = space.deployment("store", pod=volume, well=False)
        until("it is seen", lambda: space.apps.workload("Deployment", "store").observed >= found.generation)
        assert space.reasons(state="scaled", name="store", replicas=2) == ["single_writer"]
        space.link.delete(f"{APPS}/deployments/store", {"propagationPolicy": "Foreground"})
    space.deployment("orders")
    scaled = {"state": "scaled", "name": "orders", "replicas": 3}
    assert space.reasons(partitions=2, **scaled) == ["partitions"]
    assert space.reasons(postgresql_headroom=19, pool_size=10, **scaled) == ["postgresql_headroom"]
    held = {"holderIdentity": space.pods("orders")[0].name, "leaseDurationSeconds": 15}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lead"}, "spec": held}
    with space.made(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases", lease):
        assert space.reasons(**scaled) == ["single_writer"]
    assert space.go(True, partitions=3, postgresql_headroom=20, pool_size=10, **scaled)["changed"] is True


def test_who_may_nothing_is_told_what_is_missing(space: Namespace) -> None:
    space.deployment("orders")
    result = space.refused(state="restarted", name="orders", impersonate_user="nobody-of-note")
    assert "deployments" in result["msg"] and "nobody-of-note" in result["msg"]


# Through Ansible


def test_as_a_task(space: Namespace) -> None:
    space.deployment("orders")
    options = {
        **PATIENCE,
        "kubeconfig": space.kubeconfig,
        "namespace": NAMESPACE,
        "name": "orders",
        "state": "scaled",
        "replicas": 2,
    }
    done = ansible(options, "--check", "--diff")
    assert done.returncode == 0 and '"replicas": 2' in done.stdout, done.stdout + done.stderr
    assert len(space.pods("orders")) == 1
    done = ansible(options)
    assert done.returncode == 0 and "CHANGED" in done.stdout, done.stdout + done.stderr
    assert len(space.pods("orders")) == 2
    done = ansible({**options, "replicas": 0})
    assert done.returncode != 0 and "override=zero" in done.stdout, done.stdout + done.stderr


def ansible(options: Raw, *more: str) -> subprocess.CompletedProcess[str]:
    program = str(pathlib.Path(sys.executable).with_name("ansible"))
    task = ["-m", "incident.response.kubernetes_workload", "-a", json.dumps(options)]
    python = f"ansible_python_interpreter={sys.executable}"
    command = [program, "localhost", "-i", "localhost,", "-c", "local", "-e", python, *task, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
