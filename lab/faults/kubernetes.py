"""Faults of what runs in Kubernetes: pods that do not start, do not stay, or are not ready."""

from __future__ import annotations

from typing import Any

from lab import workloads
from lab.faults import pods
from lab.faults.model import Fault
from lab.faults.pods import Object, Recipe

IDLE = "exec sleep infinity"
CRASH = "echo 'panic: no configuration' >&2; exit 2"
SERVICE_PORT = 8080
CONFIG = "settings"
# What a look may see besides, depending on when it comes.
BESIDE = ("kubernetes.replicas.short", "kubernetes.rollout.stuck", "kubernetes.readiness.failing")


def _shell(script: str, replicas: int = 1, **content: Any):
    """A Deployment whose pods run these lines."""
    return lambda name, image: [pods.workload(name, [pods.container(image, script, **content)], replicas)]


def _idle(name: str, image: str) -> list[Object]:
    return [pods.workload(name, [pods.container(image, IDLE)], 2)]


def _pulling(reference: str, policy: str):
    return lambda name, _image: [pods.workload(name, [pods.container(reference, IDLE, imagePullPolicy=policy)])]


def _reading(source: Object, *more: str):
    """A container that takes its settings from where there are none; `more` are the keys that are there."""

    def objects(name: str, image: str) -> list[Object]:
        there = [workloads.made("v1", "ConfigMap", CONFIG, pods.labels(name), data=dict.fromkeys(more, "1"))]
        reader = pods.container(image, IDLE, env=[{"name": "SETTING", "valueFrom": source}])
        return [*(there if more else ()), pods.workload(name, [reader])]

    return objects


def _mounting(name: str, image: str) -> list[Object]:
    reader = pods.container(image, IDLE, volumeMounts=[{"name": "settings", "mountPath": "/settings"}])
    volume = {"name": "settings", "configMap": {"name": "nowhere"}}
    return [pods.workload(name, [reader], volumes=[volume])]


def _preparing(name: str, image: str) -> list[Object]:
    first = {**pods.container(image, "echo 'migration 7 failed: no such table' >&2; exit 3"), "name": "migrate"}
    return [pods.workload(name, [pods.container(image, IDLE)], initContainers=[first])]


def _eating(name: str, image: str) -> list[Object]:
    return [pods.workload(name, [_hungry(image, "exec tail /dev/zero")])]


def _one_eating(name: str, image: str) -> list[Object]:
    """Five of the same, of which the third takes more than it may."""
    script = f"case $(hostname) in *-2) sleep 2; exec tail /dev/zero;; esac; {IDLE}"
    return [_set(name, _hungry(image, script), 5)]


def _set(name: str, container: Object, replicas: int) -> Object:
    """A StatefulSet whose pods start all at once."""
    spec = pods.workload(name, [container], replicas)["spec"]
    wanted = {**spec, "serviceName": name, "podManagementPolicy": "Parallel"}
    return workloads.made("apps/v1", "StatefulSet", name, pods.labels(name), spec=wanted)


def _shell_set(script: str):
    return lambda name, image: [_set(name, pods.container(image, script), 2)]


def _hungry(image: str, script: str) -> Object:
    room = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "200m", "memory": "24Mi"}}
    return pods.container(image, script, resources=room)


def _serving(path: str, **settings: str):
    """Two gateways that are asked for their readiness at this path."""

    def objects(name: str, image: str) -> list[Object]:
        probe = {"httpGet": {"path": path, "port": SERVICE_PORT}, "periodSeconds": 2, "timeoutSeconds": 3}
        env = [{"name": key, "value": value} for key, value in settings.items()]
        return [pods.workload(name, [pods.container(image, "exec gateway", env=env, readinessProbe=probe)], 2)]

    return objects


def _starting_slowly(name: str, image: str) -> list[Object]:
    """It takes a minute to start, and is asked after seconds whether it lives."""
    probe = {"exec": {"command": ["test", "-e", "/tmp/started"]}, "periodSeconds": 2, "failureThreshold": 2}
    script = f"trap 'exit 0' TERM; sleep 60 & wait; touch /tmp/started; {IDLE}"
    return [pods.workload(name, [pods.container(image, script, livenessProbe=probe)])]


def _never_ready(name: str, image: str) -> list[Object]:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    new = pods.container(image, IDLE, readinessProbe=probe)
    return [pods.workload(name, [new], 2, deployment={"progressDeadlineSeconds": 5})]


def _busy(name: str, image: str) -> list[Object]:
    room = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "20m", "memory": "32Mi"}}
    return [pods.workload(name, [pods.container(image, "while :; do :; done", resources=room)])]


def _key(kind: str, name: str, key: str) -> Object:
    return {f"{kind}KeyRef": {"name": name, "key": key}}


SETS = "apps/v1/statefulsets"
CRASHED = pods.waits_for("CrashLoopBackOff")
NO_CONFIG = pods.waits_for("CreateContainerConfigError")
NO_IMAGE = pods.waits_for("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")

# Each: its recipe, what happens, what is to be found, and the scenario that looks.
TABLE: tuple[tuple[Recipe, str, tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        Recipe("crashing", _shell(CRASH, 2), pods.both(CRASHED, pods.restarted(2))),
        "two pods crash as soon as they start",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe("crashing-late", _shell(f"sleep 11; {CRASH}"), pods.both(CRASHED, pods.restarted(1))),
        "a pod crashes 11 s after each start",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe("crashing-new", _shell(CRASH, 2), pods.both(CRASHED, pods.restarted(2)), _idle),
        "the new revision crashes while the pods of the old one go on",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe(
            "crashing-new-set",
            _shell_set(CRASH),
            pods.both(CRASHED, pods.restarted(2)),
            _shell_set(IDLE),
            lambda api, name: pods.available(api, name, SETS),
        ),
        "the new revision of a StatefulSet crashes at its first pod",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe("killed", _shell("sleep 5 & kill -9 $!; wait $!"), pods.both(CRASHED, pods.restarted(2))),
        "a pod is killed again and again, and not for its memory",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe("oom", _eating, pods.both(pods.ended_with("OOMKilled"), pods.restarted(1))),
        "a pod needs more memory than its limit: it is killed again and again",
        ("kubernetes.memory.oom",),
        ("kubernetes.pod.crashloop", *BESIDE),
        "memory",
    ),
    (
        Recipe("oom-one", _one_eating, pods.both(pods.ended_with("OOMKilled"), pods.restarted(1))),
        "one of five pods needs more memory than its limit",
        ("kubernetes.memory.oom",),
        ("kubernetes.pod.crashloop", *BESIDE),
        "memory",
    ),
    (
        Recipe("image", _pulling("registry.invalid/shop/gateway:1.2.3", "IfNotPresent"), NO_IMAGE),
        "the image of a pod can't be pulled",
        ("kubernetes.image.pull",),
        BESIDE,
        "service",
    ),
    (
        Recipe("image-never", _pulling("shop/gateway:1.2.3", "Never"), NO_IMAGE),
        "the image of a pod is not on the node, and may not be pulled",
        ("kubernetes.image.pull",),
        BESIDE,
        "service",
    ),
    (
        Recipe("config", _reading(_key("configMap", "nowhere", "key")), NO_CONFIG),
        "a pod takes a setting from a ConfigMap that is not there",
        ("kubernetes.config.missing",),
        BESIDE,
        "service",
    ),
    (
        Recipe("config-key", _reading(_key("configMap", CONFIG, "key"), "other"), NO_CONFIG),
        "a pod takes a setting from a ConfigMap that does not have it",
        ("kubernetes.config.missing",),
        BESIDE,
        "service",
    ),
    (
        Recipe("config-secret", _reading(_key("secret", "nowhere", "key")), NO_CONFIG),
        "a pod takes a setting from a Secret that is not there",
        ("kubernetes.config.missing",),
        BESIDE,
        "service",
    ),
    (
        Recipe("config-volume", _mounting, pods.pod_event("FailedMount")),
        "a pod mounts a ConfigMap that is not there",
        ("kubernetes.config.missing",),
        BESIDE,
        "service",
    ),
    (
        Recipe("command", _shell("", command=["/no/such/program"]), pods.ended_with("StartError")),
        "the command of a pod is not in its image",
        ("kubernetes.command.bad",),
        ("kubernetes.pod.crashloop", *BESIDE),
        "service",
    ),
    (
        Recipe("init", _preparing, CRASHED),
        "the init container of a pod fails",
        ("kubernetes.init.failing",),
        BESIDE,
        "service",
    ),
    (
        Recipe("readiness-path", _serving("/healthz"), pods.pod_event("Unhealthy")),
        "the readiness of a service is asked for at a path that it has not",
        ("kubernetes.readiness.failing",),
        ("kubernetes.replicas.short", "kubernetes.rollout.stuck"),
        "service",
    ),
    (
        Recipe("readiness-dependency", _serving("/health", AUTH_URL="http://auth:1"), pods.pod_event("Unhealthy")),
        "a service is not ready, because what it needs is not there",
        ("kubernetes.readiness.failing",),
        ("kubernetes.replicas.short", "kubernetes.rollout.stuck"),
        "service",
    ),
    (
        Recipe("liveness", _starting_slowly, pods.restarted(2)),
        "a pod that takes a minute to start is killed before by its liveness probe",
        ("kubernetes.liveness.killing",),
        ("kubernetes.pod.crashloop", *BESIDE),
        "service",
    ),
    (
        Recipe(
            "rollout",
            _never_ready,
            pods.condition("apps/v1/deployments", "Progressing", "False", "ProgressDeadlineExceeded"),
            _idle,
        ),
        "a rollout is stuck: the new pods never become ready",
        ("kubernetes.rollout.stuck",),
        ("kubernetes.replicas.short", "kubernetes.readiness.failing"),
        "service",
    ),
    (
        Recipe("throttled", _busy, pods.running_all),
        "a pod is held back by its processor limit all the time",
        ("kubernetes.cpu.throttled",),
        (),
        "service",
    ),
)


def faults(table: tuple[tuple[Recipe, str, tuple[str, ...], tuple[str, ...], str], ...]) -> tuple[Fault, ...]:
    """One that is to be found as nothing is a twin."""
    return tuple(
        Fault(
            f"kubernetes_{recipe.name.replace('-', '_')}",
            what,
            recipe.inject,
            recipe.clear,
            findings,
            possible,
            scenario=scenario,
            profile="kubernetes",
            twin=not findings,
        )
        for recipe, what, findings, possible, scenario in table
    )


FAULTS = faults(TABLE)
