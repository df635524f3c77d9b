"""Whether the stack really works: every part is asked over its own protocol."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import docker

from lab import http, kafka_admin, kubernetes, progress, stack
from lab.config import CLUSTER, SERVICES, Config
from lab.errors import LabError
from lab.waiting import wait_until

TIMEOUT = 150.0
MOVEMENT = 3.0
ANSWERED_FOR = {"prometheus", "alertmanager", "postgres-exporter", "redis-exporter", "loadgen", "kubernetes"}


@dataclass(frozen=True)
class Check:
    """One part of the stack; `reason` says why it is not ready, or None."""

    name: str
    reason: Callable[[docker.DockerClient, Config], str | None]


def checks(config: Config) -> list[Check]:
    parts = [
        Check("containers healthy", containers_healthy),
        Check("services answer", services_answer),
        Check("PostgreSQL answers a query", postgres_answers),
        Check("Redis answers a ping", redis_answers),
        Check("Kafka: topic, group and moving offsets", consumption_moves),
        Check("Prometheus sees every target", prometheus_sees),
        Check("Alertmanager is ready", alertmanager_ready),
    ]
    if "cluster" in config.profiles:
        parts.append(Check("Kafka cluster: quorum and replicas", cluster_complete))
    if "kubernetes" in config.profiles:
        parts.append(Check("Kubernetes: node and deployments", kubernetes.complete))
    return parts


def wait(client: docker.DockerClient, config: Config, timeout: float = TIMEOUT) -> None:
    """Return when every part is ready, with a line for each; else say which is not, and why."""

    def one(check: Check) -> LabError | None:
        try:
            seconds = wait_until(check.name, lambda: check.reason(client, config), timeout)
        except LabError as error:
            return error
        progress.done(check.name, seconds)
        return None

    with ThreadPoolExecutor(max_workers=8) as pool:
        failed = [error.message for error in pool.map(one, checks(config)) if error]
    if failed:
        raise LabError("the lab is not ready:\n" + "\n".join(f"    {line}" for line in failed), "lab logs SERVICE")


def state(client: docker.DockerClient, config: Config) -> dict[str, str | None]:
    """Each part and why it is not ready (None: it is), asked once."""

    def one(check: Check) -> str | None:
        try:
            wait_until(check.name, lambda: check.reason(client, config), 0)
        except LabError as error:
            return error.message.partition("(")[2].rstrip(")") or error.message
        return None

    parts = checks(config)
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip((check.name for check in parts), pool.map(one, parts), strict=True))


def containers_healthy(client: docker.DockerClient, config: Config) -> str | None:
    states = {name: stack.health(found) for name, found in stack.containers(client, config).items()}
    missing = stack.services(config) - states.keys()
    if missing:
        return f"no container for {', '.join(sorted(missing))}"
    return _first({name: None if _is_well(name, value) else value for name, value in states.items()})


def _is_well(name: str, health: str) -> bool:
    """What is checked here over its own protocol need not have had its first, slow, health check."""
    return health == "healthy" or (health == "starting" and name in ANSWERED_FOR)


def services_answer(_client: docker.DockerClient, config: Config) -> str | None:
    codes = {name: http.status(config.url(name, "/health")) for name in SERVICES}
    return _first({name: None if code == 200 else f"HTTP {code}" for name, code in codes.items()})


def postgres_answers(client: docker.DockerClient, config: Config) -> str | None:
    database = stack.container(client, config, "postgres")
    status, output = database.exec_run(["psql", "-U", "postgres", "-Atc", "SELECT 1"])
    return None if status == 0 and output.strip() == b"1" else output.decode(errors="replace").strip()


def redis_answers(_client: docker.DockerClient, config: Config) -> str | None:
    with socket.create_connection(("127.0.0.1", config.ports["redis"]), timeout=2) as link:
        link.sendall(b"PING\r\n")
        answer = link.recv(64)
    return None if answer == b"+PONG\r\n" else repr(answer)


def consumption_moves(_client: docker.DockerClient, config: Config) -> str | None:
    """The group is stable, holds every partition, follows closely, and what it committed grows."""
    # A failed bootstrap of the client costs seconds.
    kafka_admin.knock(config.ports["kafka"])
    with kafka_admin.admin(config.brokers) as kafka:
        reason = _group_reason(kafka, config)
        return reason or _movement_reason(kafka, config)


def _group_reason(kafka: kafka_admin.Kafka, config: Config) -> str | None:
    if config.topic not in kafka.topics():
        return f"there is no topic {config.topic}"
    group = kafka.group(config.group)
    if group["group_state"] != "Stable":
        return f"group {config.group} is {group['group_state']}"
    assigned = kafka.assigned(config.group, config.topic)
    if assigned != config.partitions:
        return f"group {config.group} holds {assigned} of {config.partitions} partitions"
    lag = sum(kafka.lags(config.group, config.topic).values())
    return None if lag <= config.small_lag else f"group {config.group} lags by {lag}"


def _movement_reason(kafka: kafka_admin.Kafka, config: Config) -> str | None:
    if config.rate == 0:
        return None  # nobody writes, so nothing can move
    before = kafka.committed(config.group, config.topic)
    deadline = time.monotonic() + MOVEMENT
    while time.monotonic() < deadline:
        now = kafka.committed(config.group, config.topic)
        if len(now) == config.partitions and sum(now.values()) > sum(before.values()):
            return None
        time.sleep(0.2)
    return f"group {config.group} did not commit everywhere in {MOVEMENT:.0f} s"


def prometheus_sees(_client: docker.DockerClient, config: Config) -> str | None:
    if http.status(config.url("prometheus", "/-/ready")) != 200:
        return "not ready"
    targets = http.get_json(config.url("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
    down = {target["labels"]["service"]: None if target["health"] == "up" else target["health"] for target in targets}
    return _first(down) if targets else "no targets"


def alertmanager_ready(_client: docker.DockerClient, config: Config) -> str | None:
    code = http.status(config.url("alertmanager", "/-/ready"))
    return None if code == 200 else f"HTTP {code}"


def cluster_complete(_client: docker.DockerClient, config: Config) -> str | None:
    for node in CLUSTER:
        kafka_admin.knock(config.ports[node])
    with kafka_admin.admin(config.cluster_brokers) as kafka:
        brokers = len(kafka.client.describe_cluster()["brokers"])
        if brokers != len(CLUSTER):
            return f"{brokers} of {len(CLUSTER)} brokers are registered"
        short = [
            f"{topic}/{part['partition_index']}"
            for topic in kafka.topics()
            for part in kafka.partitions(topic)
            if len(part["isr_nodes"]) < len(part["replica_nodes"])
        ]
        return f"under-replicated: {', '.join(short)}" if short else None


def _first(reasons: Mapping[str, str | None]) -> str | None:
    bad = [f"{name} {reason}" for name, reason in reasons.items() if reason]
    return ", ".join(bad) or None
