"""Faults of Kubernetes' own objects: pods that find no place, limits on how many there may be, and jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lab import kubernetes, workloads
from lab.faults import pods
from lab.faults.kubernetes import IDLE, faults
from lab.faults.model import Fault, Lab
from lab.faults.pods import Object, Recipe
from lab.kubernetes_api import Api

HOURS_LATE = 3
TAINT = {"key": "lab/maintenance", "effect": "NoSchedule"}
CRON_JOBS = "batch/v1/cronjobs"
UNSCHEDULABLE = pods.pod_condition("PodScheduled", "False", "Unschedulable")
SHORT = ("kubernetes.replicas.short", "kubernetes.rollout.stuck")


def _greedy(name: str, image: str) -> list[Object]:
    room = {"requests": {"memory": "1Ti"}, "limits": {"memory": "1Ti"}}
    return [pods.workload(name, [pods.container(image, IDLE, resources=room)])]


def _choosy(name: str, image: str) -> list[Object]:
    return [pods.workload(name, [pods.container(image, IDLE)], nodeSelector={"lab/disk": "ssd"})]


def _claiming(name: str, image: str) -> list[Object]:
    """Nothing here makes volumes, so nothing ever fulfils the claim."""
    room = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    claim = workloads.made("v1", "PersistentVolumeClaim", name, pods.labels(name), spec=room)
    keeper = pods.container(image, IDLE, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    return [claim, pods.workload(name, [keeper], volumes=[volume])]


def _rationed(name: str, image: str) -> list[Object]:
    quota = workloads.made("v1", "ResourceQuota", name, pods.labels(name), spec={"hard": {"pods": "1"}})
    return [quota, pods.workload(name, [pods.container(image, IDLE)], 2)]


def _full(api: Api, name: str) -> str | None:
    status = api.get(f"/api/v1/namespaces/{workloads.FAULTS}/resourcequotas/{name}").get("status", {})
    used = status.get("used", {}).get("pods", "nothing")
    return None if used == "1" else f"{used} of its one pod is used"


def _scaled(name: str, image: str) -> list[Object]:
    """Nothing here measures pods, so the autoscaler knows nothing of them."""
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    scaler = workloads.made("autoscaling/v2", "HorizontalPodAutoscaler", name, pods.labels(name), spec=spec)
    return [pods.workload(name, [pods.container(image, IDLE)]), scaler]


def _protected(name: str, image: str) -> list[Object]:
    """More must stay than there are, so no node can ever be drained."""
    spec = {"minAvailable": 2, "selector": {"matchLabels": pods.labels(name)}}
    budget = workloads.made("policy/v1", "PodDisruptionBudget", name, pods.labels(name), spec=spec)
    return [pods.workload(name, [pods.container(image, IDLE)]), budget]


def _blocked(api: Api, name: str) -> str | None:
    status = api.get(pods.own_path("policy/v1/poddisruptionbudgets", name)).get("status", {})
    healthy, allowed = status.get("currentHealthy", 0), status.get("disruptionsAllowed", 0)
    return None if healthy == 1 and allowed == 0 else f"{healthy} pods are healthy and {allowed} may go"


def _unserved(name: str, image: str) -> list[Object]:
    """The pods are well, and the Service looks for others."""
    spec = {"selector": {"fault": f"{name}-v2"}, "ports": [{"port": 80}]}
    service = workloads.made("v1", "Service", name, pods.labels(name), spec=spec)
    return [pods.workload(name, [pods.container(image, IDLE)]), service]


def _unserved_shows(api: Api, name: str) -> str | None:
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{workloads.FAULTS}/endpointslices"
    found = api.get(f"{slices}?labelSelector=kubernetes.io/service-name%3D{name}")["items"]
    return pods.available(api, name) if found else "its endpoints have not been looked for"


def _filling(name: str, image: str) -> list[Object]:
    """A pod alone, which writes more than its volume may hold."""
    script = f"head -c 8m /dev/zero > /scratch/full; {IDLE}"
    writer = pods.container(image, script, volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}])
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}
    spec = workloads.pod_spec([writer], volumes=[volume], restartPolicy="Never")
    return [workloads.made("v1", "Pod", name, pods.labels(name), spec=spec)]


def _evicted(api: Api, name: str) -> str | None:
    said = [pod["status"].get("reason", pod["status"].get("phase", "?")) for pod in pods.running(api, name)]
    return None if "Evicted" in said else f"its pod is {', '.join(said) or 'not there'}"


def job(name: str, image: str, script: str) -> Object:
    template = {
        "metadata": {"labels": pods.labels(name)},
        "spec": workloads.pod_spec([pods.container(image, script)], restartPolicy="Never"),
    }
    return workloads.made("batch/v1", "Job", name, pods.labels(name), spec={"backoffLimit": 1, "template": template})


def cron_job(name: str, image: str, suspend: bool) -> Object:
    spec = {
        "schedule": "0 * * * *",
        "concurrencyPolicy": "Forbid",
        "suspend": suspend,
        "jobTemplate": {"spec": job(name, image, IDLE)["spec"]},
    }
    return workloads.made("batch/v1", "CronJob", name, pods.labels(name), spec=spec)


def _hold_up(lab: Lab) -> None:
    """Its last job has not ended for hours, and the next may not start beside it."""
    image = kubernetes.service_image(lab.config)
    api = lab.kubernetes
    owner = api.apply(cron_job(LATE, image, suspend=True))
    last = job(f"{LATE}-1", image, IDLE)
    last["spec"]["template"]["metadata"]["labels"] = last["metadata"]["labels"] = pods.labels(LATE)
    last["metadata"]["ownerReferences"] = [{**_reference(owner), "controller": True}]
    started = api.apply(last)
    fired_at(api, LATE, HOURS_LATE, active=[{**_reference(started), "namespace": workloads.FAULTS}])
    api.apply(cron_job(LATE, image, suspend=False))
    pods.await_shown(lab, LATE, pods.running_all)


def _reference(found: Object) -> Object:
    own = found["metadata"]
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "name": own["name"], "uid": own["uid"]}


def _let_go(lab: Lab) -> None:
    lab.kubernetes.remove(pods.own_path(CRON_JOBS, LATE))
    lab.kubernetes.remove(pods.own_path("batch/v1/jobs", f"{LATE}-1"))
    pods.await_gone(lab, LATE)


def fired_at(api: Api, name: str, hours: float, **more: object) -> None:
    """Say of a CronJob that it last fired so long ago: status is what its controller says, and it believes itself."""
    then = (datetime.now(UTC) - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
    status = {"lastScheduleTime": then.strftime("%Y-%m-%dT%H:%M:%SZ"), **more}
    api.merge(f"{pods.own_path(CRON_JOBS, name)}/status", {"status": status})


def _taint(lab: Lab) -> None:
    """The node takes no new pods, and one wants to be there."""
    _set_taints(lab.kubernetes, [TAINT])
    PLACELESS.inject(lab)


def _untaint(lab: Lab) -> None:
    _set_taints(lab.kubernetes, [])
    PLACELESS.clear(lab)


def _set_taints(api: Api, wanted: list[Object]) -> None:
    """Beside those that the node's controller keeps there."""
    node = kubernetes.node(api)
    others = [taint for taint in node["spec"].get("taints") or () if taint["key"] != TAINT["key"]]
    api.merge(f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"taints": [*others, *wanted]}})


LATE = "cron-late"
PLACELESS = Recipe("taint", lambda name, image: [pods.workload(name, [pods.container(image, IDLE)])], UNSCHEDULABLE)

TABLE = (
    (
        Recipe("pending-memory", _greedy, UNSCHEDULABLE),
        "a pod asks for more memory than the node has",
        ("kubernetes.pod.unschedulable",),
        SHORT,
        "service",
    ),
    (
        Recipe("pending-selector", _choosy, UNSCHEDULABLE),
        "a pod wants a node with a label that none has",
        ("kubernetes.pod.unschedulable",),
        SHORT,
        "service",
    ),
    (
        Recipe("pending-volume", _claiming, UNSCHEDULABLE),
        "a pod waits for a volume that nothing makes",
        ("kubernetes.volume.pending",),
        ("kubernetes.pod.unschedulable", *SHORT),
        "service",
    ),
    (
        Recipe(
            "quota",
            _rationed,
            pods.both(_full, pods.condition("apps/v1/deployments", "ReplicaFailure", "True", "FailedCreate")),
        ),
        "a quota allows one pod, and two are wanted",
        ("kubernetes.replicas.refused",),
        ("kubernetes.quota.full", *SHORT),
        "service",
    ),
    (
        Recipe(
            "hpa-blind",
            _scaled,
            pods.condition("autoscaling/v2/horizontalpodautoscalers", "ScalingActive", "False"),
        ),
        "an autoscaler gets no metrics",
        ("kubernetes.hpa.blind",),
        (),
        "service",
    ),
    (
        Recipe("pdb", _protected, _blocked),
        "a disruption budget wants more pods to stay than there are",
        ("kubernetes.pdb.blocked",),
        (),
        "service",
    ),
    (
        Recipe("selector", _unserved, _unserved_shows),
        "the selector of a Service matches no pod",
        ("kubernetes.endpoints.none",),
        (),
        "service",
    ),
    (
        Recipe("evicted", _filling, _evicted),
        "a pod was evicted, having written more than its volume may hold",
        ("kubernetes.pod.evicted",),
        (),
        "service",
    ),
    (
        Recipe(
            "job",
            lambda name, image: [job(name, image, "echo 'cannot reach the bank' >&2; exit 1")],
            pods.condition("batch/v1/jobs", "Failed", "True", "BackoffLimitExceeded"),
        ),
        "a Job has failed as often as it may",
        ("kubernetes.job.failed",),
        (),
        "service",
    ),
)

FAULTS = (
    *faults(TABLE),
    Fault(
        "kubernetes_taint",
        "the node takes no new pods, and one wants to be there",
        _taint,
        _untaint,
        ("kubernetes.pod.unschedulable",),
        SHORT,
        scenario="service",
        profile="kubernetes",
    ),
    Fault(
        "kubernetes_cron_late",
        f"a CronJob has not fired for {HOURS_LATE} hours: its last job hangs",
        _hold_up,
        _let_go,
        ("kubernetes.cronjob.late",),
        scenario="service",
        profile="kubernetes",
    ),
)
