"""The compose file, as compose itself understands it: limits, checks and ports of every container."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from lab import config, stack


def resolved(**changes: str) -> dict[str, Any]:
    """The services after compose filled everything in; this needs no engine."""
    command = [*stack.compose_program(), "-f", str(stack.COMPOSE_FILE), "--env-file", os.devnull, "--profile", "*"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "COMPOSE_"))}
    done = subprocess.run(
        [*command, "config", "--format", "json"], env={**clean, **changes}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return resolved()["services"]


def published(services: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
    return {
        name: [(port["host_ip"], int(port["published"])) for port in service.get("ports", [])]
        for name, service in services.items()
    }


def test_every_container_is_limited_and_checked(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert int(service["mem_limit"]) > 0, name
        assert service["memswap_limit"] == service["mem_limit"], name
        assert service["healthcheck"]["test"], name
        assert service["pull_policy"] == "never", name


def test_ports_are_the_defaults_on_the_loopback_address(services: dict[str, Any]) -> None:
    for name, ports in published(services).items():
        wanted = {port for key, port in config.PORTS.items() if key in (name, f"{name}-admin")}
        if name == "impostor":
            wanted = {config.PORTS["kafka"]}
        assert set(ports) == {("127.0.0.1", port) for port in wanted}, name


def test_every_port_moves() -> None:
    settings = config.load({"LAB_PORT_OFFSET": "15000", "LAB_STATE_DIR": "/nonexistent"})
    found = {port for ports in published(resolved(**settings.environment())["services"]).values() for _, port in ports}
    assert found == {port + 15000 for port in config.PORTS.values()}


def test_lab_up_starts_every_service(services: dict[str, Any]) -> None:
    settings = config.load({"LAB_STATE_DIR": "/nonexistent"}, profiles=config.PROFILES)
    assert stack.services(settings) == set(services) - {"impostor"}


def test_a_start_waits_for_healthy_dependencies(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy", f"{name} needs {needed}"
