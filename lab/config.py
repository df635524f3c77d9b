"""The lab's settings: project, ports, names and directories.

Three sources, the later one wins: the defaults below, what the running lab of this project was started with (its
environment file), and the environment. So `LAB_PROJECT=second lab status` need not repeat the ports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

HOME = Path(__file__).resolve().parent
DEFAULT_PROJECT = "incident-lab"

PORTS: dict[str, int] = {
    "gateway": 8080,
    "auth": 8081,
    "orders": 8082,
    "notification": 8083,
    "gateway-admin": 9180,
    "auth-admin": 9181,
    "orders-admin": 9182,
    "notification-admin": 9183,
    "postgres": 5432,
    "pgbouncer": 6432,
    "redis": 6379,
    "redis-replica": 6380,
    "kafka": 9092,
    "prometheus": 9090,
    "alertmanager": 9093,
    "kafka-1": 9192,
    "kafka-2": 9292,
    "kafka-3": 9392,
    "kubernetes": 6443,
}
SERVICES = ("gateway", "auth", "orders", "notification")
CLUSTER = ("kafka-1", "kafka-2", "kafka-3")

NAMES: dict[str, str] = {
    "LAB_TOPIC": "notifications",
    "LAB_GROUP": "notification",
    "LAB_RATE": "8",
    "LAB_DB_POOL_SIZE": "10",
    "LAB_KAFKA_COMMIT_INTERVAL": "1s",
    "LAB_KAFKA_SESSION_TIMEOUT": "10s",
    # No words: what masks a password in a result would mask the word wherever it stands.
    "LAB_POSTGRES_PASSWORD": "lab-Rk4v-superuser",
    "LAB_APP_PASSWORD": "lab-Rk4v-application",
    "LAB_MONITOR_PASSWORD": "lab-Rk4v-exporter",
    "LAB_OPERATOR_PASSWORD": "lab-Rk4v-operations",
}
PROFILES = ("cluster", "kubernetes")


def port_variable(name: str) -> str:
    return f"LAB_{name.upper().replace('-', '_')}_PORT"


@dataclass(frozen=True)
class Config:
    project: str
    ports: Mapping[str, int]
    names: Mapping[str, str]
    profiles: tuple[str, ...]
    cache: Path
    state: Path
    base_image: str | None

    @property
    def topic(self) -> str:
        return self.names["LAB_TOPIC"]

    @property
    def group(self) -> str:
        return self.names["LAB_GROUP"]

    @property
    def rate(self) -> float:
        """Requests a second of the load generator; LAB_RATE=0 is a stack without traffic."""
        return float(self.names["LAB_RATE"])

    @property
    def small_lag(self) -> int:
        """What a consumer that keeps up may lag by: it commits once a second."""
        return max(10, round(3 * self.rate))

    @property
    def partitions(self) -> int:
        return 3

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.ports['kafka']}"

    @property
    def cluster_brokers(self) -> list[str]:
        return [f"127.0.0.1:{self.ports[node]}" for node in CLUSTER]

    @property
    def project_state(self) -> Path:
        return self.state / "projects" / self.project

    @property
    def env_file(self) -> Path:
        return self.project_state / "lab.env"

    @property
    def kubeconfig(self) -> Path:
        """How to log in to the lab's Kubernetes; the user's own ~/.kube/config is left alone."""
        return self.project_state / "kubeconfig"

    @property
    def kubernetes_authority(self) -> Path:
        return self.project_state / "kubernetes-authority.crt"

    @property
    def kubernetes_login(self) -> Path:
        """The lab's own, which no fault takes away."""
        return self.project_state / "kubernetes-admin.pem"

    @property
    def kubernetes_operator(self) -> Path:
        """What the kubeconfig is made of."""
        return self.project_state / "kubernetes-operator.json"

    @property
    def cgroup_root(self) -> str:
        """Where the pods' cgroups are, as the compose file says."""
        return f"{self.project}-kubernetes"

    @property
    def room(self) -> str:
        """A cgroup for services that have to share little memory. A slice, as systemd wants it; in that a dash would
        mean another one above."""
        return f"{self.project.replace('-', '_')}_room.slice"

    @property
    def procfs(self) -> Path:
        """What a fault has in place of the machine's own meminfo and pressure; inventory/lab looks there."""
        return self.project_state / "procfs"

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def environment(self) -> dict[str, str]:
        """What the compose file is filled in with, images aside."""
        ports = {port_variable(name): str(port) for name, port in self.ports.items()}
        return {"LAB_PROJECT": self.project, **ports, **self.names, "COMPOSE_PROFILES": ",".join(self.profiles)}


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines, as `write_env_file` writes them; none when there is no file."""
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line and line[0] != "#")
    return {name: value.strip("'") for name, _, value in lines}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step: a killed writer leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text("# written by `lab up`\n" + "".join(f"{name}='{value}'\n" for name, value in values.items()))
    new.replace(path)


def load(env: Mapping[str, str] = os.environ, profiles: tuple[str, ...] = ()) -> Config:
    project = env.get("LAB_PROJECT") or DEFAULT_PROJECT
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", project):
        raise LabError(f"LAB_PROJECT is {project!r}", "use small letters, digits, - and _, a letter or digit first")
    state = Path(env.get("LAB_STATE_DIR") or _xdg(env, "XDG_STATE_HOME", ".local/state") / DEFAULT_PROJECT)
    running = read_env_file(state / "projects" / project / "lab.env")
    known = set(running.get("COMPOSE_PROFILES", "").split(",")) | set(profiles)
    return Config(
        project=project,
        ports=_ports(env, running),
        names=_names(env, running),
        profiles=tuple(profile for profile in PROFILES if profile in known),
        cache=Path(env.get("LAB_CACHE_DIR") or _xdg(env, "XDG_CACHE_HOME", ".cache") / DEFAULT_PROJECT),
        state=state,
        base_image=env.get("LAB_BASE_IMAGE") or None,
    )


def _xdg(env: Mapping[str, str], variable: str, fallback: str) -> Path:
    return Path(env.get(variable) or Path.home() / fallback)


def _names(env: Mapping[str, str], running: Mapping[str, str]) -> dict[str, str]:
    names = {name: _clean(name, env.get(name) or running.get(name) or value) for name, value in NAMES.items()}
    if not re.fullmatch(r"\d+(\.\d+)?", names["LAB_RATE"]):
        raise LabError(f"LAB_RATE is {names['LAB_RATE']!r}", "give requests a second, for example 8")
    return names


def _clean(name: str, value: str) -> str:
    if re.search(r"['\n\\$]", value):
        raise LabError(f"{name} holds a quote, a dollar, a backslash or a newline", "choose a plainer value")
    return value


def _ports(env: Mapping[str, str], running: Mapping[str, str]) -> dict[str, int]:
    """LAB_PORT_OFFSET moves all ports at once, LAB_<NAME>_PORT moves one."""
    offset = _number("LAB_PORT_OFFSET", env.get("LAB_PORT_OFFSET") or "0", 0)
    ports = {}
    for name, default in PORTS.items():
        variable = port_variable(name)
        moved = str(default + offset) if offset else None
        value = env.get(variable) or moved or running.get(variable) or str(default)
        ports[name] = _number(variable, value, 1)
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            raise LabError(f"{name} and {taken[port]} are both to listen on port {port}", f"set {port_variable(name)}")
        taken[port] = name
    return ports


def _number(variable: str, value: str, least: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= 65535:
        raise LabError(f"{variable} is {value!r}", f"give a number from {least} to 65535")
    return int(value)
