"""Faults of the consumer in Kubernetes: `notification` with a group of its own, whose pods can be made to fall behind.

Each pod sends one record at a time, so that what it handles does not grow with its partitions. More records than usual
come from a pod that writes them straight to the topic.
"""

from __future__ import annotations

from collections.abc import Callable

from lab import kafka_admin, kubernetes, workloads
from lab.faults import acts, pods
from lab.faults.model import Fault, Lab
from lab.kubernetes_api import path
from lab.waiting import wait_until

NAME = "notification"
ADMIN_PORT = 9183
TRAFFIC = "traffic"
RATE = 24
"""Records a second on top of the usual 6: 30 in all, 10 in each of 3 partitions."""
TWO_ARE_SLOW = 75
"""ms for a record: a pod handles 13 a second; of two pods one has 2 partitions, of three each has one."""
THREE_ARE_SLOW = 250
BEHIND = 120
"""Records, in two of the partitions at least: several times what arrives there between two commits, also where the
traffic makes up for a second in which it got no processor."""
POD_LIST = f"/api/v1/namespaces/{workloads.NAMESPACE}/pods"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{workloads.NAMESPACE}/deployments/{NAME}"
EVERY = 0.5
Object = dict


def group(lab: Lab) -> str:
    return lab.config.group + workloads.GROUP_SUFFIX


def consumer(lab: Lab, replicas: int = workloads.REPLICAS, delay: int = 0) -> Object:
    """The Deployment as it stands, with so many pods that send one record at a time; delay 0 is as it stands."""
    wanted = workloads.notification(lab.config, kubernetes.service_image(lab.config))
    wanted["spec"]["replicas"] = replicas
    if delay:
        settings = {"SINK_LINES": "1", "SINK_DELAY": str(delay)}
        own = wanted["spec"]["template"]["spec"]["containers"][0]
        own["env"] += [{"name": name, "value": value} for name, value in settings.items()]
    return wanted


def traffic(lab: Lab) -> Object:
    own = pods.container(kubernetes.service_image(lab.config), "")
    own["command"] = ["burst"]
    settings = {"KAFKA_BROKERS": workloads.BROKERS, "KAFKA_TOPIC": lab.config.topic, "RATE": str(RATE)}
    own["env"] = [{"name": name, "value": value} for name, value in settings.items()]
    own["resources"]["requests"]["cpu"] = "50m"
    return pods.workload(TRAFFIC, [own])


def scaler() -> Object:
    """An autoscaler that owns its replicas."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    spec = {"scaleTargetRef": target, "minReplicas": workloads.REPLICAS, "maxReplicas": 5, "metrics": []}
    spec["metrics"] = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    ]
    metadata = {"name": NAME, "namespace": workloads.NAMESPACE}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}


def run(lab: Lab, wanted: Object) -> None:
    """Deploy the consumer, and wait until all its pods share the partitions and nobody else does."""
    lab.kubernetes.apply(wanted)
    replicas = wanted["spec"]["replicas"]

    def reason() -> str | None:
        found = lab.kubernetes.list(POD_LIST, app=NAME)
        if len(found) != replicas:
            return f"it has {len(found)} pods"
        with kafka_admin.admin(lab.config.brokers) as kafka:
            state, assigned = kafka.group(group(lab)), kafka.assigned(group(lab), lab.config.topic)
        if len(state["members"]) == replicas and assigned == (lab.config.partitions if replicas else 0):
            return None
        return f"its group is {state['group_state']}, with {len(state['members'])} members"

    wait_until(f"{replicas} pods of {NAME} to share the partitions", reason, acts.CLEARS, EVERY, hint="lab status")


def _busy(replicas: int, delay: int, *more: Callable[[], Object]) -> Callable[[Lab], None]:
    def inject(lab: Lab) -> None:
        for wanted in more:
            lab.kubernetes.apply(wanted())
        run(lab, consumer(lab, replicas, delay))
        lab.kubernetes.apply(traffic(lab))
        pods.await_shown(lab, TRAFFIC, pods.available)

    return inject


def _slow(replicas: int, delay: int, *more: Callable[[], Object]) -> Callable[[Lab], None]:
    def inject(lab: Lab) -> None:
        _busy(replicas, delay, *more)(lab)
        acts.await_slow(lab, group(lab), BEHIND)

    return inject


def clear(lab: Lab) -> None:
    lab.kubernetes.remove(path(traffic(lab)))
    lab.kubernetes.remove(path(scaler()))
    run(lab, consumer(lab))
    acts.await_caught_up(lab, group(lab))
    pods.await_gone(lab, TRAFFIC)


def skip_unreadable(lab: Lab) -> None:
    """Let its group go on behind a record that nobody can read, which both groups meet."""
    run(lab, consumer(lab, replicas=0))
    acts.await_group_empty(lab, group(lab))
    acts.skip_unreadable(lab, group(lab))
    run(lab, consumer(lab))


def _hang(lab: Lab) -> None:
    """One of its pods reads no more, and stays in the group."""
    first = min(pod["metadata"]["name"] for pod in lab.kubernetes.list(POD_LIST, app=NAME))
    lab.kubernetes.post(f"{POD_LIST}/{first}:{ADMIN_PORT}/proxy/switch/stop_polling?value=true")
    acts.boost(lab, acts.every_partition(lab))
    acts.await_lag(lab, group=group(lab))


def _empty(lab: Lab) -> None:
    run(lab, consumer(lab, replicas=0))
    acts.boost(lab, acts.every_partition(lab))
    acts.await_lag(lab, group=group(lab))


def _kubernetes(
    name: str,
    what: str,
    inject: Callable[[Lab], None],
    findings: tuple[str, ...] = (),
    possible: tuple[str, ...] = (),
) -> Fault:
    return Fault(name, what, inject, clear, findings, possible, profile="kubernetes", twin=not findings)


FAULTS = (
    _kubernetes(
        "pods_consumer_slow",
        "the consumer's two pods can't keep up: one has two of three partitions, and handles less than arrives there",
        _slow(2, TWO_ARE_SLOW),
        ("kafka.lag.slow",),
    ),
    _kubernetes(
        "pods_consumer_full",
        "each of the consumer's three pods has one of the three partitions, and none keeps up",
        _slow(3, THREE_ARE_SLOW),
        ("kafka.lag.slow",),
    ),
    _kubernetes(
        "pods_consumer_owned",
        "the consumer's two pods can't keep up, and an autoscaler (without metrics) owns how many there are",
        _slow(2, TWO_ARE_SLOW, scaler),
        ("kafka.lag.slow",),
        ("kubernetes.hpa.blind",),
    ),
    _kubernetes(
        "pods_consumer_hung",
        "one of the consumer's pods reads no more, and stays in its group",
        _hang,
        ("kafka.lag.stalled",),
    ),
    _kubernetes(
        "pods_consumer_zero",
        "the consumer is scaled to zero, and records wait",
        _empty,
        ("kafka.lag.stopped",),
    ),
    _kubernetes(
        "pods_consumer_keeps_up",
        "three pods have as much to do as two could not",
        _busy(3, TWO_ARE_SLOW),
    ),
)
