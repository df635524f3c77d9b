"""Faults and twins whose status is written through the API, as the lab has no means to bring it about.

Nothing here measures pods, so no autoscaler ever meets its maximum; and nobody waits for days.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from lab import kubernetes, workloads
from lab.faults import pods
from lab.faults.kubernetes import IDLE
from lab.faults.kubernetes_node import signal_part
from lab.faults.model import Fault, Lab
from lab.faults.pods import Object
from lab.kubernetes_api import path

MOST = 2
LIMITED = timedelta(minutes=20)
LONG_AGO = timedelta(days=3)
AUTOSCALERS = "autoscaling/v2/horizontalpodautoscalers"
RESTARTED = "restarted-long-ago"
NOBODY = "nobody"
"""A scheduler that is not there: no kubelet gets the pod, so none corrects what is written about it."""
CONTROLLERS = "controller-manager"


def _before(since: timedelta) -> str:
    return (datetime.now(UTC) - since).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(kind: str, status: str, reason: str, since: timedelta, message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": _before(since)}


def _autoscaled(name: str, image: str) -> list[Object]:
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 1,
        "maxReplicas": MOST,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    scaler = workloads.made("autoscaling/v2", "HorizontalPodAutoscaler", name, pods.labels(name), spec=spec)
    return [pods.workload(name, [pods.container(image, IDLE)], MOST), scaler]


def _scale(lab: Lab, name: str, limited: Object) -> None:
    """It has all that it may; its controller stands still, as it would write that it knows nothing."""
    for wanted in _autoscaled(name, kubernetes.service_image(lab.config)):
        lab.kubernetes.apply(wanted)
    pods.await_shown(lab, name, pods.available)
    signal_part(lab, CONTROLLERS, "STOP")
    conditions = [
        _condition("AbleToScale", "True", "ReadyForNewScale", LIMITED),
        _condition("ScalingActive", "True", "ValidMetricFound", LIMITED),
        limited,
    ]
    status = {"currentReplicas": MOST, "desiredReplicas": MOST, "conditions": conditions}
    lab.kubernetes.merge(f"{pods.own_path(AUTOSCALERS, name)}/status", {"status": status})


def _scale_too_little(lab: Lab) -> None:
    said = "the desired replica count is more than the maximum replica count"
    _scale(lab, "hpa-max", _condition("ScalingLimited", "True", "TooManyReplicas", LIMITED, said))


def _scale_enough(lab: Lab) -> None:
    said = "the desired count is within the acceptable range"
    _scale(lab, "hpa-enough", _condition("ScalingLimited", "False", "DesiredWithinRange", LIMITED, said))


def _let_scale(lab: Lab, name: str) -> None:
    signal_part(lab, CONTROLLERS, "CONT")
    for wanted in reversed(_autoscaled(name, "")):
        lab.kubernetes.remove(path(wanted))
    pods.await_gone(lab, name)


def _old(image: str) -> Object:
    return pods.workload(RESTARTED, [pods.container(image, IDLE)], schedulerName=NOBODY)


def _restart_long_ago(lab: Lab) -> None:
    """A pod that was killed once days ago, for a reason that is not known any more, and runs since."""
    api, image = lab.kubernetes, kubernetes.service_image(lab.config)
    api.apply(_old(image))
    pods.await_shown(lab, RESTARTED, lambda api, name: None if pods.running(api, name) else "it has no pod")
    then = _before(LONG_AGO)
    ended = {"exitCode": 137, "reason": "Error", "startedAt": then, "finishedAt": then}
    container = {
        "name": "main",
        "image": image,
        "imageID": image,
        "ready": True,
        "started": True,
        "restartCount": 1,
        "state": {"running": {"startedAt": then}},
        "lastState": {"terminated": ended},
    }
    conditions = [_condition(kind, "True", "", LONG_AGO) for kind in ("PodScheduled", "ContainersReady", "Ready")]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}
    for pod in pods.running(api, RESTARTED):
        api.merge(f"{pods.PODS}/{pod['metadata']['name']}/status", {"status": status})
    pods.await_shown(lab, RESTARTED, pods.available)


def _forget(lab: Lab) -> None:
    lab.kubernetes.remove(path(_old("")))
    pods.await_gone(lab, RESTARTED)


_fault = functools.partial(Fault, scenario="service", profile="kubernetes")

FAULTS = (
    _fault(
        "kubernetes_hpa_max",
        "an autoscaler has as many pods as it may, and wants more (its status is written through the API)",
        _scale_too_little,
        functools.partial(_let_scale, name="hpa-max"),
        ("kubernetes.hpa.max",),
    ),
    _fault(
        "kubernetes_hpa_enough",
        "an autoscaler has as many pods as it may, and wants no more (its status is written through the API)",
        _scale_enough,
        functools.partial(_let_scale, name="hpa-enough"),
        twin=True,
    ),
    _fault(
        "kubernetes_restarted_long_ago",
        "a pod was killed once days ago, and runs since (its status is written through the API)",
        _restart_long_ago,
        _forget,
        twin=True,
    ),
)
