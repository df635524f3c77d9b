"""The node of the lab's Kubernetes: its logins, its images, what runs on it, and what it leaves behind."""

from __future__ import annotations

import base64
import json
import os
import socket
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from lab import cgroups, images, kafka_admin, progress, stack, workloads
from lab.config import Config, read_env_file
from lab.errors import LabError
from lab.kubernetes_api import Api
from lab.waiting import NOT_YET, wait_until

SERVICE = "kubernetes"
SERVICES = ("gateway", "notification")
"""What runs there."""
START_TIMEOUT = 120.0
CERTIFICATES = "/var/lib/kubernetes/pki"
SANDBOX = "docker.io/lab/pause:1"
"""As in containerd.toml: what holds the network of a pod."""
Object = dict[str, Any]
_PARTS = ("ca.crt", "admin.crt", "admin.key", "operator.crt", "operator.key")
_HINT = f"lab logs {SERVICE}"


def deploy(client: docker.DockerClient, config: Config) -> None:
    """Make the node run what is wanted of it; what it has already is left alone."""
    node = stack.container(client, config, SERVICE)
    with progress.phase("Kubernetes answers"):
        execute(node, "part", "mend")
        wait_until("certificates of Kubernetes", lambda: _no_login(node, config), START_TIMEOUT, hint=_HINT)
        api = Api(config)
        wait_until("Kubernetes to answer", lambda: _not_ready(api), START_TIMEOUT, hint=_HINT)
        wait_until("containerd to answer", lambda: _not_containing(node), START_TIMEOUT, hint=_HINT)
    image = service_image(config)
    if not _has_image(node, image):
        with progress.phase("services' image loaded into Kubernetes"):
            _load_image(client, node, image)
    with progress.phase("gateway and notification deployed to Kubernetes"):
        _begin_group(config)
        for wanted in workloads.standing(config, image):
            api.apply(wanted)


def _begin_group(config: Config) -> None:
    """A group that has read nothing yet begins with what comes: what faults left in the topic is not for it."""
    name = config.group + workloads.GROUP_SUFFIX
    with kafka_admin.admin(config.brokers) as kafka:
        if not kafka.committed(name, config.topic):
            kafka.commit(name, kafka.ends(config.topic))


def service_image(config: Config) -> str:
    """The image of the running lab's services."""
    return read_env_file(config.env_file)[images.image_variable("services")]


def complete(_client: docker.DockerClient, config: Config) -> str | None:
    """Why it is not ready: the node, then what runs there."""
    api = Api(config)
    conditions = {item["type"]: item["status"] for item in node(api)["status"]["conditions"]}
    if conditions.get("Ready") != "True":
        return f"the node is not ready ({conditions.get('Ready', 'it says nothing')})"
    found = api.get(f"/apis/apps/v1/namespaces/{workloads.NAMESPACE}/deployments")["items"]
    short = [reason for reason in map(_shortage, found) if reason]
    if len(found) < len(SERVICES):
        return f"{len(found)} of {len(SERVICES)} deployments are there"
    return ", ".join(short) or None


def _shortage(found: Object) -> str | None:
    wanted, status = found["spec"]["replicas"], found["status"]
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return f"{found['metadata']['name']} is being changed"
    least = min(status.get(part, 0) for part in ("availableReplicas", "updatedReplicas"))
    if least < wanted or status.get("replicas", 0) != wanted:
        return f"{found['metadata']['name']} has {least} of {wanted} replicas available"
    return None


def node(api: Api) -> Object:
    nodes = api.get("/api/v1/nodes")["items"]
    if not nodes:
        raise LabError("no node has registered yet", _HINT)
    return nodes[0]


def pods(config: Config) -> list[tuple[str, str]]:
    """Name and state of every pod, for a person; none where Kubernetes does not answer, which others say."""
    try:
        found = Api(config).get("/api/v1/pods")["items"]
    except NOT_YET:
        return []
    return sorted((f"{pod['metadata']['namespace']}/{pod['metadata']['name']}", _pod_state(pod)) for pod in found)


def _pod_state(pod: Object) -> str:
    status = pod["status"]
    for one in status.get("containerStatuses") or ():
        reason = one.get("state", {}).get("waiting", {}).get("reason")
        if reason:
            return reason
    ready = all(one.get("ready") for one in status.get("containerStatuses") or ())
    return status.get("reason") or (status["phase"] if ready else f"{status['phase']}, not ready")


def logs(config: Config, app: str, tail: str) -> None:
    """The last lines of each pod of `gateway` or `notification`, with the pod's name before them."""
    place = f"/api/v1/namespaces/{workloads.NAMESPACE}/pods"
    lines = f"&tailLines={tail}" if tail.isdecimal() else ""
    try:
        names = [pod["metadata"]["name"] for pod in Api(config).list(place, app=app)]
        said = {name: Api(config).text(f"{place}/{name}/log?timestamps=true{lines}") for name in names}
    except NOT_YET as error:
        progress.complain(f"the pods of {app} can't be asked for their logs: {error}")
        return
    for name, text in said.items():
        for line in text.splitlines():
            print(f"kubernetes/{name}  | {line}")


def execute(node: Container, *command: str) -> str:
    """Run something in the node's container; what it printed."""
    status, output = node.exec_run(list(command))
    text = output.decode(errors="replace")
    if status != 0:
        raise LabError(f"{' '.join(command)} failed in {SERVICE} with status {status}: {text.strip()}", _HINT)
    return text


def write_login(config: Config, **changes: str) -> None:
    """The kubeconfig of who looks; `changes` are for faults. JSON is YAML that any program reads."""
    made = {**json.loads(config.kubernetes_operator.read_text()), **changes}
    cluster = {"server": f"https://127.0.0.1:{config.ports[SERVICE]}", "certificate-authority-data": made["authority"]}
    user = {"client-certificate-data": made["certificate"], "client-key-data": made["key"]}
    if "token" in made:
        user = {"token": made["token"]}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.project, "cluster": cluster}],
        "users": [{"name": workloads.OPERATOR, "user": user}],
        "contexts": [{"name": config.project, "context": {"cluster": config.project, "user": workloads.OPERATOR}}],
        "current-context": config.project,
    }
    _write(config.kubeconfig, json.dumps(content, indent=1) + "\n")


def _no_login(node: Container, config: Config) -> str | None:
    """Fetch the lab's own login and the operator's; they are made while the node starts."""
    parts = {name: execute(node, "cat", f"{CERTIFICATES}/{name}") for name in _PARTS}
    _write(config.kubernetes_authority, parts["ca.crt"])
    _write(config.kubernetes_login, parts["admin.crt"] + parts["admin.key"])
    packed = {name: base64.b64encode(parts[name].encode()).decode() for name in _PARTS}
    operator = {
        "authority": packed["ca.crt"],
        "certificate": packed["operator.crt"],
        "key": packed["operator.key"],
    }
    _write(config.kubernetes_operator, json.dumps(operator))
    write_login(config)
    return None


def _write(path: Path, text: str) -> None:
    """For the owner alone, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def _not_ready(api: Api) -> str | None:
    return None if api.text("/readyz") == "ok" else "it is not ready"


def _not_containing(node: Container) -> str | None:
    return None if execute(node, "ctr", "version") else "it says nothing"


def _has_image(node: Container, image: str) -> bool:
    names = execute(node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split()
    return f"docker.io/{image}" in names and SANDBOX in names


def _load_image(client: docker.DockerClient, node: Container, image: str) -> None:
    """From the engine into the node, without a file between: `docker save | ctr images import`."""
    run = client.api.exec_create(node.id, ["ctr", "-n", "k8s.io", "images", "import", "-"], stdin=True)["Id"]
    stream = client.api.exec_start(run, socket=True)
    link: socket.socket = getattr(stream, "_sock", stream)
    for chunk in client.api.get_image(image):
        link.sendall(chunk)
    link.shutdown(socket.SHUT_WR)
    said = b""
    while part := link.recv(65536):
        said += part
    if client.api.exec_inspect(run)["ExitCode"] != 0:
        raise LabError(f"{image} can't be loaded: {said[-300:].decode(errors='replace')}", _HINT)
    execute(node, "ctr", "-n", "k8s.io", "images", "tag", "--force", f"docker.io/{image}", SANDBOX)


def sweep(config: Config) -> None:
    """Remove the pods' cgroups, which outlive their processes, and the logins."""
    for path in (config.kubeconfig, config.kubernetes_authority, config.kubernetes_login, config.kubernetes_operator):
        path.unlink(missing_ok=True)
    cgroups.sweep(config.cgroup_root)
