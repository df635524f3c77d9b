# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away containers with one fault each, beside healthy twins, on the real engine. The lab is not touched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from typing import Any

import docker
import pytest

MIB = 2**20
STEADY = "trap 'exit 143' TERM; while :; do sleep 0.2; done"
DEAF = "trap '' TERM; while :; do sleep 0.1; done"
EATER = "perl -e 'my $x = chr(65) x (200 * 1024 * 1024); sleep 100'"


def healthcheck(command: str) -> dict[str, Any]:
    second = 1_000_000_000
    return {"test": ["CMD-SHELL", command], "interval": second, "timeout": 5 * second, "retries": 1}


def until(condition: Callable[[], Any], what: str, seconds: float = 90.0) -> Any:
    """Wait for a condition, not for a time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)


def run_program(
    args: list[str],
    *,
    data: str | None = None,
    binary_data: bool = False,
    cwd: str | None = None,
    environ_update: dict[str, str] | None = None,
) -> tuple[int, str, str]:
    """As run_command of a module."""
    env = {**os.environ, **(environ_update or {})}
    done = subprocess.run(args, input=data or "", capture_output=True, text=True, cwd=cwd, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


class Yard:
    """Makes containers that belong to a Compose project of our own, and removes exactly those."""

    def __init__(self) -> None:
        self.client = docker.from_env(timeout=60)
        self.project = f"dh-{uuid.uuid4().hex[:8]}"
        self.made: dict[str, Any] = {}
        self.images: list[str] = []
        tags = [tag for image in self.client.images.list("incident-lab/base") for tag in image.tags]
        assert tags, "the lab has built no image incident-lab/base: run `lab up` once"
        self.image = tags[0]

    def run(
        self, service: str, command: str | None = STEADY, *, number: int = 1, start: bool = True, **options: Any
    ) -> Any:
        options.setdefault("mem_limit", 64 * MIB)
        options.setdefault("memswap_limit", options["mem_limit"])
        if not options["mem_limit"]:
            del options["mem_limit"], options["memswap_limit"]
        labels = {
            **options.pop("labels", {}),
            "com.docker.compose.project": self.project,
            "com.docker.compose.service": service,
            "com.docker.compose.oneoff": "False",
            "incident.test": self.project,
        }
        name = f"{self.project}-{service}-{number}"
        argv = ["sh", "-c", command] if command is not None else ["/no/such/program"]
        image = options.pop("image", self.image)
        container = self.client.containers.create(image, argv, name=name, labels=labels, **options)
        self.made[container.id] = container
        if start:
            with contextlib.suppress(docker.errors.APIError):
                container.start()
        return container

    def image_of(self, container: Any, name: str) -> str:
        """An image of our own: a container's layer, under a name that may have stood for another one before."""
        identifier = container.commit(repository=f"{self.project}/{name}", tag="1").id
        self.images.append(identifier)
        return f"{self.project}/{name}:1"

    def state(self, container: Any) -> dict[str, Any]:
        return self.client.api.inspect_container(container.id)["State"]

    def status(self, container: Any) -> str:
        return self.state(container)["Status"]

    def health(self, container: Any) -> str:
        return (self.state(container).get("Health") or {}).get("Status", "none")

    def ended(self, container: Any) -> None:
        until(lambda: self.status(container) == "exited", f"{container.name} has ended")

    def kill_from_outside(self, container: Any, number: int = signal.SIGKILL) -> None:
        """As the host's own kill does it: Docker knows nothing of it."""
        os.kill(self.state(container)["Pid"], number)

    def children(self, container: Any) -> list[int]:
        rows = self.client.api.top(container.id, ps_args="-o pid,ppid")["Processes"]
        first = str(self.state(container)["Pid"])
        return [int(pid) for pid, parent in rows if parent == first]

    def close(self) -> None:
        for container in self.made.values():
            with contextlib.suppress(docker.errors.APIError):
                container.remove(force=True, v=True)
        for image in self.images:
            with contextlib.suppress(docker.errors.APIError):
                self.client.images.remove(image, force=True)
