"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from lab import stack
from lab.config import Config
from lab.kubernetes_api import Api


@dataclass(frozen=True)
class Lab:
    """The running lab, as faults get at it; `lock` is the descriptor of the project's lock."""

    client: docker.DockerClient
    config: Config
    lock: int

    def container(self, service: str) -> Container:
        return stack.container(self.client, self.config, service)

    @property
    def kubernetes(self) -> Api:
        return Api(self.config)


@dataclass(frozen=True)
class Fault:
    """One way to break the lab.

    `inject` returns when the fault shows, `clear` when its cause is gone (the command then waits until all is healthy).
    Both may be run again after they were killed half way. `findings` are the exact ids that a check of the fault's
    scenario has to report, `possible` those that it may report besides.
    """

    id: str
    what: str
    inject: Callable[[Lab], None]
    clear: Callable[[Lab], None]
    findings: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    scenario: str | None = "kafka"
    profile: str | None = None
    needs_history: bool = False
    twin: bool = False
