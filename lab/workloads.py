"""What runs in the lab's Kubernetes, as objects of its API."""

from __future__ import annotations

from typing import Any

from lab.config import Config

NAMESPACE = "incident-lab"
FAULTS = "incident-faults"
REPLICAS = 2
DRAIN = 3
STOP = 7
"""Seconds for running requests, of which the services take 5 at most, and to end."""
GROUP_SUFFIX = "-kubernetes"
"""Its consumers read the same topic as the one of compose, each group everything."""
BROKERS = "kafka:29092"
OPERATOR = "operator"
"""Who looks: the user of the kubeconfig."""
Object = dict[str, Any]


def standing(config: Config, image: str) -> list[Object]:
    """All that `lab up` wants there."""
    return [
        *(_object("v1", "Namespace", name, None) for name in (NAMESPACE, FAULTS)),
        operator_binding(),
        gateway(image),
        _service("gateway", 8080),
        notification(config, image),
        _service("notification", 8083),
    ]


def operator_binding() -> Object:
    """Who looks may do everything, as long as no fault takes it away."""
    return _object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        f"lab-{OPERATOR}",
        None,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR}],
    )


def gateway(image: str) -> Object:
    settings = {"AUTH_URL": "http://auth:8081", "ORDERS_URL": "http://orders:8082"}
    return _own("gateway", image, 8080, 9180, settings)


def notification(config: Config, image: str) -> Object:
    settings = {
        "KAFKA_BROKERS": BROKERS,
        "KAFKA_TOPIC": config.topic,
        "KAFKA_GROUP": config.group + GROUP_SUFFIX,
        "KAFKA_COMMIT_INTERVAL": config.names["LAB_KAFKA_COMMIT_INTERVAL"],
        "KAFKA_SESSION_TIMEOUT": config.names["LAB_KAFKA_SESSION_TIMEOUT"],
    }
    return _own("notification", image, 8083, 9183, settings)


def _own(name: str, image: str, port: int, admin_port: int, settings: dict[str, str]) -> Object:
    """One of the lab's services, with the settings and limits that it has in the compose file."""
    own = {"PORT": str(port), "ADMIN_PORT": str(admin_port), "GOMEMLIMIT": "115MiB", "GOGC": "10"}
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "command": [name],
        "env": [{"name": key, "value": value} for key, value in {**own, **settings}.items()],
        "ports": [{"name": "http", "containerPort": port}],
        # Whether it works is asked; whether it lives must not depend on what it needs.
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 3, "timeoutSeconds": 3},
        "livenessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 10, "timeoutSeconds": 3},
        # Who asks hears a moment late that a pod goes: until then it answers on, and then finishes what it has begun.
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN}}},
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
    }
    return deployment(
        name, NAMESPACE, {"app": name}, [container], replicas=REPLICAS, terminationGracePeriodSeconds=DRAIN + STOP
    )


def deployment(
    name: str, namespace: str, labels: dict[str, str], containers: list[Object], replicas: int = 1, **spec: Any
) -> Object:
    """A Deployment; `spec` is what its pods have besides containers, and `deployment` in it what it has itself."""
    own = spec.pop("deployment", {})
    return _object(
        "apps/v1",
        "Deployment",
        name,
        namespace,
        labels,
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(containers, **spec)},
            **own,
        },
    )


def pod_spec(containers: list[Object], **spec: Any) -> Object:
    return {
        "containers": containers,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 3,
        **spec,
    }


def made(version: str, kind: str, name: str, labels: dict[str, str], **content: Any) -> Object:
    """An object of a fault."""
    return _object(version, kind, name, FAULTS, labels, **content)


def _service(name: str, port: int) -> Object:
    return _object(
        "v1",
        "Service",
        name,
        NAMESPACE,
        {"app": name},
        spec={"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": "http"}]},
    )


def _object(
    version: str, kind: str, name: str, namespace: str | None, labels: dict[str, str] | None = None, **content: Any
) -> Object:
    metadata: Object = {"name": name, "labels": labels or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
