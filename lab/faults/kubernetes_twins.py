"""Twins in Kubernetes: what looks like a fault and is none."""

from __future__ import annotations

from lab import kubernetes
from lab.faults import pods
from lab.faults.kubernetes import IDLE, faults
from lab.faults.kubernetes_room import cron_job, fired_at, job
from lab.faults.model import Fault, Lab
from lab.faults.pods import Object, Recipe
from lab.kubernetes_api import Api, path

SUSPENDED = "cron-suspended"
SLOW_START = 60
"""Seconds of each new pod: long enough for a look while the update goes on."""


def _replaced(name: str, image: str) -> list[Object]:
    return [pods.workload(name, [pods.container(image, IDLE)], 3)]


def _replacing(name: str, image: str) -> list[Object]:
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": SLOW_START, "periodSeconds": 2}
    return [pods.workload(name, [pods.container(image, IDLE, readinessProbe=probe)], 3)]


def _under_way(api: Api, name: str) -> str | None:
    found = api.get(pods.own_path("apps/v1/deployments", name))
    status = found["status"]
    begun = status.get("observedGeneration") == found["metadata"]["generation"] and status.get("updatedReplicas")
    return None if begun else "it has not begun"


def _completed(name: str, image: str) -> list[Object]:
    return [job(name, image, "echo done")]


def _restarted(name: str, image: str) -> list[Object]:
    """It ends once, and runs on after that: what it has in its volume outlives the container."""
    script = f"[ -e /scratch/been ] || {{ touch /scratch/been; exit 1; }}; {IDLE}"
    own = pods.container(image, script, volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}])
    return [pods.workload(name, [own], volumes=[{"name": "scratch", "emptyDir": {}}])]


def _empty(name: str, image: str) -> list[Object]:
    return [pods.workload(name, [pods.container(image, IDLE)], 0)]


def _observed(api: Api, name: str) -> str | None:
    found = api.get(pods.own_path("apps/v1/deployments", name))
    seen = found.get("status", {}).get("observedGeneration")
    return None if seen == found["metadata"]["generation"] else "it has not been looked at"


def _suspend(lab: Lab) -> None:
    lab.kubernetes.apply(cron_job(SUSPENDED, kubernetes.service_image(lab.config), suspend=True))
    fired_at(lab.kubernetes, SUSPENDED, 72)


def _resume(lab: Lab) -> None:
    lab.kubernetes.remove(path(cron_job(SUSPENDED, "", suspend=True)))


TABLE = (
    (Recipe("rolling", _replacing, _under_way, _replaced), "a rolling update is under way", (), (), "service"),
    (
        Recipe("job-done", _completed, pods.condition("batch/v1/jobs", "Complete", "True")),
        "a Job has done its work",
        (),
        (),
        "service",
    ),
    (
        Recipe("restarted-once", _restarted, pods.both(pods.restarted(1), pods.available)),
        "a pod was restarted once, and runs since",
        (),
        (),
        "service",
    ),
    (Recipe("scaled-to-zero", _empty, _observed), "a Deployment is scaled to zero on purpose", (), (), "service"),
)

FAULTS = (
    *faults(TABLE),
    Fault(
        "kubernetes_cron_suspended",
        "a CronJob is suspended, and has not fired for days",
        _suspend,
        _resume,
        scenario="service",
        profile="kubernetes",
        twin=True,
    ),
)
