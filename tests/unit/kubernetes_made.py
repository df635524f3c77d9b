# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as a Kubernetes API 1.34 shows them, and a small API over TLS that serves them. Namespace is always shop."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.incident.response.plugins.module_utils.checks.kubernetes_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform

NS = "shop"
Object = dict[str, Any]


def stamp(ago: float = 0.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


def meta(name: str, ago: float = 86400, owner: str = "", **more: Any) -> Object:
    """owner: KIND/NAME of the controller."""
    kind, _slash, owned_by = owner.partition("/")
    owners = (
        [{"apiVersion": "apps/v1", "kind": kind, "name": owned_by, "uid": f"uid-{owned_by}", "controller": True}]
        if owner
        else []
    )
    named = {"name": name, "namespace": NS, "uid": f"uid-{name}", "creationTimestamp": stamp(ago)}
    return {**named, "ownerReferences": owners, **more}


def condition(kind: str, status: str, ago: float = 3600, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": stamp(ago)}


def ended(code: int, reason: str = "Error", ago: float = 20, lived: float = 2, message: str = "") -> Object:
    return {
        "exitCode": code,
        "reason": reason,
        "startedAt": stamp(ago + lived),
        "finishedAt": stamp(ago),
        "message": message,
    }


def container(
    waiting: str = "",
    restarts: int = 0,
    last: Object | None = None,
    ready: bool | None = None,
    message: str = "",
    terminated: Object | None = None,
    name: str = "app",
) -> Object:
    """A container's status."""
    state: Object = {"running": {"startedAt": stamp(3600)}}
    if waiting:
        state = {"waiting": {"reason": waiting, "message": message}}
    if terminated:
        state = {"terminated": terminated}
    is_ready = ready if ready is not None else "running" in state
    found = {
        "name": name,
        "state": state,
        "restartCount": restarts,
        "ready": is_ready,
        "image": "shop/app:1",
        "imageID": "",
    }
    return {**found, "lastState": {"terminated": last} if last else {}}


def pod(
    name: str,
    *statuses: Object,
    owner: str = "ReplicaSet/app-a1",
    revision: str = "a1",
    phase: str = "Running",
    ready: bool | None = None,
    ago: float = 3600,
    since: float = 600,
    node: str = "node1",
    limit: str = "",
    init: Object | None = None,
    claim: str = "",
    scheduled: Object | None = None,
    **status: Any,
) -> Object:
    """A pod that is well unless it is said otherwise. since: how long its readiness is what it is."""
    told = list(statuses) or [container()]
    well = all(row["ready"] for row in told) and phase == "Running" if ready is None else ready
    resources = {"limits": {"memory": limit}} if limit else {}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    labels = {"app": "app", "pod-template-hash": revision}
    conditions = [condition("Ready", str(well), since), scheduled or condition("PodScheduled", "True", ago)]
    found: Object = {
        "metadata": meta(name, ago, owner, labels=labels),
        "spec": {
            "nodeName": node,
            "volumes": volumes,
            "containers": [{"name": row["name"], "image": "shop/app:1", "resources": resources} for row in told],
        },
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": told, **status},
    }
    if init is not None:
        found["spec"]["initContainers"] = [{"name": init["name"], "image": "shop/init:1"}]
        found["status"]["initContainerStatuses"] = [init]
    return found


def replicaset(name: str = "app-a1", hash_: str = "a1", revision: int = 1, ago: float = 86400, **more: Any) -> Object:
    made = meta(name, ago, "Deployment/app", labels={"pod-template-hash": hash_})
    made["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    return {"metadata": made, "spec": {"replicas": more.pop("replicas", 2)}, "status": more}


def deployment(wanted: int = 2, available: int = 2, *conditions: Object, **more: Any) -> Object:
    generation = more.pop("generation", 3)
    status = {
        "observedGeneration": more.pop("observed", generation),
        "replicas": more.pop("total", wanted),
        "updatedReplicas": more.pop("updated", wanted),
        "availableReplicas": available,
        "conditions": list(conditions),
    }
    template = {"metadata": {"labels": {"app": "app"}}}
    spec = {"replicas": wanted, "template": template, **more.pop("spec", {})}
    return {"metadata": meta("app", generation=generation, **more), "spec": spec, "status": status}


def event(about: str, reason: str, message: str, times: int = 3, ago: float = 30, kind: str = "Warning") -> Object:
    what, _slash, name = about.partition("/")
    return {
        "metadata": meta(f"{name}.{abs(hash((reason, message)))}"),
        "involvedObject": {"kind": what, "name": name, "namespace": "" if what == "Node" else NS},
        "reason": reason,
        "message": message,
        "count": times,
        "type": kind,
        "firstTimestamp": stamp(ago + 300),
        "lastTimestamp": stamp(ago),
    }


def node(name: str = "node1", *conditions: Object) -> Object:
    return {"metadata": {"name": name, "uid": name}, "status": {"conditions": [*conditions]}}


READY = condition("Ready", "True")
PATHS = {
    "events": "/api/v1/events",
    "pods": "/api/v1/pods",
    "nodes": "/api/v1/nodes",
    "services": "/api/v1/services",
    "quotas": "/api/v1/resourcequotas",
    "pvcs": "/api/v1/persistentvolumeclaims",
    "deployments": "/apis/apps/v1/deployments",
    "statefulsets": "/apis/apps/v1/statefulsets",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "replicasets": "/apis/apps/v1/replicasets",
    "jobs": "/apis/batch/v1/jobs",
    "cronjobs": "/apis/batch/v1/cronjobs",
    "hpas": "/apis/autoscaling/v2/horizontalpodautoscalers",
    "pdbs": "/apis/policy/v1/poddisruptionbudgets",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
}


def cluster(*pods: Object, **kinds: list[Object]) -> dict[str, list[Object]]:
    """A Deployment app of two pods on one node, behind a service, all well; and what is otherwise."""
    usual = {
        "pods": list(pods) or [pod("app-a1-x"), pod("app-a1-y")],
        "nodes": [node("node1", READY)],
        "deployments": [deployment()],
        "replicasets": [replicaset()],
        "services": [service()],
        "endpointslices": [endpoints(2)],
    }
    return {**usual, **kinds}


def service(name: str = "app", ago: float = 86400, **selector: str) -> Object:
    return {"metadata": meta(name, ago), "spec": {"selector": selector or {"app": "app"}, "type": "ClusterIP"}}


def endpoints(ready: int, name: str = "app", unready: int = 0) -> Object:
    rows = [{"conditions": {"ready": True}}] * ready + [{"conditions": {"ready": False}}] * unready
    made = meta(f"{name}-x", labels={"kubernetes.io/service-name": name})
    return {"metadata": made, "endpoints": rows or None}


def status(code: int, message: str, reason: str = "") -> tuple[int, bytes]:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return code, json.dumps({**body, "code": code}).encode()


def forbidden(resource: str, where: str = "at the cluster scope") -> tuple[int, bytes]:
    who = "system:serviceaccount:shop:check"
    text = f'{resource} is forbidden: User "{who}" cannot list resource "{resource}" in API group "" {where}'
    return status(403, text, "Forbidden")


Reply = tuple[int, bytes]
Special = Callable[[str, dict[str, str], int], Reply | None]


class Api:
    """Serves objects with limit and continue. special: (path, query, visit) -> an answer instead, or None."""

    def __init__(
        self, objects: dict[str, list[Object]], special: Special | None, context: ssl.SSLContext | None
    ) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_args: Any) -> None:
                """Tests print what they want to."""

            def do_GET(self) -> None:
                outer.requests.append(self.path)
                outer.headers.append(dict(self.headers))
                code, body = outer.answer(self.path, len(outer.requests))
                with contextlib.suppress(OSError):
                    self.send_response(code)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        self._bodies = {path: objects.get(part) or [] for part, path in PATHS.items()}
        self._special = special
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, visit: int) -> Reply:
        path, _mark, text = target.partition("?")
        query = dict(urllib.parse.parse_qsl(text))
        told = self._special(path, query, visit) if self._special else None
        if told is not None:
            return told
        if path == "/version":
            return 200, b'{"gitVersion": "v1.34.0"}'
        if path not in self._bodies:
            return status(404, "the server could not find the requested resource", "NotFound")
        items = self._bodies[path]
        if path == PATHS["events"]:
            normal = "type=Normal" in query.get("fieldSelector", "")
            items = [row for row in items if (row["type"] == "Normal") == normal]
        start, limit = int(query.get("continue") or 0), int(query.get("limit") or 500)
        more = str(start + limit) if start + limit < len(items) else ""
        page = {"kind": "List", "metadata": {"continue": more}, "items": items[start : start + limit]}
        return 200, json.dumps(page).encode()


@contextlib.contextmanager
def serving_api(
    objects: dict[str, list[Object]] | None = None,
    special: Special | None = None,
    context: ssl.SSLContext | None = None,
) -> Iterator[Api]:
    api = Api(objects if objects is not None else cluster(), special, context)
    try:
        yield api
    finally:
        api.close()


def pages_of(number: int) -> Special:
    """So many pods in pages made beforehand, each pod as large as a real one with its managed fields: 4 KiB."""
    pages = {}
    for start in range(0, number, 500):
        rows = [pod(f"app-{n // 10}-{n}", owner=f"ReplicaSet/app{n // 10}-a1") for n in range(start, start + 500)]
        for row in rows:
            row["metadata"]["managedFields"] = [{"fieldsV1": {"f:metadata": "x" * 2500}}]
        if start == 5000:
            rows[0]["status"] = pod("x", container("CrashLoopBackOff", 7, ended(1)))["status"]
        more = str(start + 500) if start + 500 < number else ""
        pages[str(start or "")] = json.dumps({"metadata": {"continue": more}, "items": rows}).encode()
    return lambda path, query, _visit: (200, pages[query.get("continue", "")]) if path == "/api/v1/pods" else None


def params(host: str, **options: Any) -> dict[str, Any]:
    """All options of the check, as Ansible fills them."""
    filled = {name: spec.get("default") for name, spec in CHECK.spec.options.items()}
    return {**filled, "host": host, "api_key": "abcdefgh-token-12345678", **options}


def look(host: str, **options: Any) -> dict[str, Any]:
    return perform(CHECK, params(host, **options))


def looked(objects: dict[str, list[Object]], special: Special | None = None, **options: Any) -> dict[str, Any]:
    """The result of one look at a cluster of these objects."""
    with serving_api(objects, special) as api:
        return look(api.url, **options)


def ids(result: dict[str, Any]) -> list[str]:
    return [finding["id"].removeprefix("kubernetes.") for finding in result["findings"]]


def only(result: dict[str, Any], name: str) -> dict[str, Any]:
    """The one finding, which has this id."""
    assert ids(result) == [name], [(row["id"], row["summary"], row["evidence"]) for row in result["findings"]]
    return dict(result["findings"][0])
