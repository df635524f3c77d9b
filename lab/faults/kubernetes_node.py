"""Faults of Kubernetes itself: its node, its API, and the login of who looks."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable

from lab import kubernetes, workloads
from lab.faults import acts, pods
from lab.faults.kubernetes import IDLE
from lab.faults.model import Fault, Lab
from lab.kubernetes_api import Api, Object, path
from lab.waiting import wait_until

NODE = kubernetes.SERVICE
STALE = "stale"
PRESSURE = ("--eviction-soft=memory.available<99.9%", "--eviction-soft-grace-period=memory.available=24h")
"""The node says at once that its memory is short, and would do something about it tomorrow."""
EXPIRED = """cd $(mktemp -d)
openssl req -new -newkey rsa:2048 -nodes -keyout key -out request -subj /CN={user} 2> /dev/null
openssl x509 -req -in request -CA {pki}/ca.crt -CAkey {pki}/ca.key -set_serial 7 -days -1 2> /dev/null
cat key
rm -r $PWD"""
"""A certificate of the cluster's own authority, which ended a day ago, and its key."""
OTHER_AUTHORITY = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=lab-ca -days 30"
NOT_ALIVE = ("docker.container.unhealthy",)
"""The health check of the node's container asks its API."""


def signal_part(lab: Lab, part: str, signal: str) -> None:
    kubernetes.execute(lab.container(NODE), "part", "signal", part, signal)


def _stop_part(lab: Lab, part: str) -> None:
    kubernetes.execute(lab.container(NODE), "part", "stop", part)


def _start_part(lab: Lab, part: str, *options: str) -> None:
    _stop_part(lab, part)
    kubernetes.execute(lab.container(NODE), "part", "start", part, *options)


def _await(lab: Lab, what: str, reason: Callable[[Api], str | None], timeout: float = acts.CLEARS) -> None:
    wait_until(what, lambda: reason(lab.kubernetes), timeout, pods.EVERY, hint="lab logs kubernetes")


def _condition(kind: str, *wanted: str) -> Callable[[Api], str | None]:
    def reason(api: Api) -> str | None:
        said = {item["type"]: item["status"] for item in kubernetes.node(api)["status"]["conditions"]}
        return None if said.get(kind) in wanted else f"{kind} is {said.get(kind, 'unknown')}"

    return reason


def _stop_kubelet(lab: Lab) -> None:
    _stop_part(lab, "kubelet")
    _await(lab, "the node to be missed", _condition("Ready", "Unknown", "False"))


def _start_kubelet(lab: Lab) -> None:
    _start_part(lab, "kubelet")
    _await(lab, "the node to be ready", _condition("Ready", "True"))


def _press(lab: Lab) -> None:
    _start_part(lab, "kubelet", *PRESSURE)
    _await(lab, "the node's memory to be short", _condition("MemoryPressure", "True"))


def _release(lab: Lab) -> None:
    _start_part(lab, "kubelet")
    _await(lab, "the node's memory to be enough", _condition("MemoryPressure", "False"))
    _await(lab, "the node to be ready", _condition("Ready", "True"))


def _stop_api(lab: Lab) -> None:
    _stop_part(lab, "apiserver")


def _start_api(lab: Lab) -> None:
    _start_part(lab, "apiserver")
    _answers_again(lab)


def _pause_api(lab: Lab) -> None:
    signal_part(lab, "apiserver", "STOP")


def _continue_api(lab: Lab) -> None:
    signal_part(lab, "apiserver", "CONT")
    _answers_again(lab)


def _answers_again(lab: Lab) -> None:
    _await(lab, "Kubernetes to answer", lambda api: None if api.text("/readyz") == "ok" else "it is not ready")
    acts.await_health(lab, NODE, "healthy", acts.CLEARS)


def _ignore(lab: Lab) -> None:
    """A Deployment is changed while nobody acts on it: what its status says is about the old one."""
    image = kubernetes.service_image(lab.config)
    lab.kubernetes.apply(_stale(image, 1))
    pods.await_shown(lab, STALE, pods.available)
    signal_part(lab, "controller-manager", "STOP")
    lab.kubernetes.apply(_stale(image, 2))


def _attend(lab: Lab) -> None:
    signal_part(lab, "controller-manager", "CONT")
    lab.kubernetes.remove(path(_stale("", 1)))
    pods.await_gone(lab, STALE)


def _stale(image: str, replicas: int) -> Object:
    return pods.workload(STALE, [pods.container(image, IDLE)], replicas)


def _forbid(lab: Lab) -> None:
    lab.kubernetes.remove(path(workloads.operator_binding()))


def _permit(lab: Lab) -> None:
    lab.kubernetes.apply(workloads.operator_binding())


def _spoil_token(lab: Lab) -> None:
    kubernetes.write_login(lab.config, token="lab-Rk4v-no-such-token")


def _spoil_certificate(lab: Lab) -> None:
    script = EXPIRED.format(user=workloads.OPERATOR, pki=kubernetes.CERTIFICATES)
    certificate, _, key = kubernetes.execute(lab.container(NODE), "sh", "-c", script).partition("-----BEGIN PRIVATE")
    parts = {"certificate": certificate, "key": f"-----BEGIN PRIVATE{key}"}
    kubernetes.write_login(
        lab.config, **{name: base64.b64encode(text.encode()).decode() for name, text in parts.items()}
    )


def _spoil_authority(lab: Lab) -> None:
    """The kubeconfig trusts another authority of the same name."""
    other = kubernetes.execute(lab.container(NODE), "sh", "-c", OTHER_AUTHORITY)
    begin = other.index("-----BEGIN CERTIFICATE")
    kubernetes.write_login(lab.config, authority=base64.b64encode(other[begin:].encode()).decode())


def _mend_login(lab: Lab) -> None:
    kubernetes.write_login(lab.config)


_fault = functools.partial(Fault, scenario="service", profile="kubernetes")

FAULTS = (
    _fault(
        "kubernetes_node_gone",
        "the kubelet is stopped: the node says nothing any more",
        _stop_kubelet,
        _start_kubelet,
        ("kubernetes.node.notready",),
        ("kubernetes.endpoints.none", "kubernetes.readiness.failing", "kubernetes.replicas.short"),
    ),
    _fault(
        "kubernetes_node_pressure",
        "the node says that its memory is short",
        _press,
        _release,
        ("kubernetes.node.pressure",),
    ),
    _fault(
        "kubernetes_api_stopped",
        "the API server is stopped",
        _stop_api,
        _start_api,
        ("kubernetes.api.unreachable",),
        NOT_ALIVE,
    ),
    _fault(
        "kubernetes_api_paused",
        "the API server is stopped by a signal: connections open, and nothing answers",
        _pause_api,
        _continue_api,
        ("kubernetes.api.silent",),
        NOT_ALIVE,
    ),
    _fault(
        "kubernetes_api_tls",
        "the kubeconfig trusts another authority than the API server has",
        _spoil_authority,
        _mend_login,
        ("kubernetes.api.tls",),
    ),
    _fault(
        "kubernetes_unauthorized",
        "the token of the kubeconfig is not known",
        _spoil_token,
        _mend_login,
        ("kubernetes.auth.failed",),
    ),
    _fault(
        "kubernetes_certificate_expired",
        "the client certificate of the kubeconfig has expired",
        _spoil_certificate,
        _mend_login,
        ("kubernetes.auth.failed",),
    ),
    _fault(
        "kubernetes_forbidden",
        "who looks may see nothing any more",
        _forbid,
        _permit,
        ("kubernetes.auth.forbidden",),
    ),
    _fault(
        "kubernetes_stale",
        "nobody acts on a Deployment that was changed: the controller manager stands still",
        _ignore,
        _attend,
        ("kubernetes.status.stale",),
        ("kubernetes.replicas.short",),
    ),
)
