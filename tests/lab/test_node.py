"""The lab's node of Kubernetes: a part comes back when it ends by itself, and stays away when a fault stops it."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from lab import config, kubernetes, locks, stack
from lab.errors import LabError
from lab.waiting import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.kubernetes]

PART = "scheduler"
SOON = 60.0


class Node:
    def __init__(self) -> None:
        self.container = stack.container(docker.from_env(), config.load(), kubernetes.SERVICE)

    def run(self, *command: str) -> str:
        return kubernetes.execute(self.container, *command).strip()

    @property
    def pid(self) -> str:
        """Of the part while it runs, else nothing."""
        try:
            return self.run("pgrep", "-f", f"^kube {PART}")
        except LabError:
            return ""


@pytest.fixture
def node() -> Iterator[Node]:
    settings = config.load()
    with locks.held(settings.project_state / "lock", "a test", 60):
        one = Node()
        yield one
        one.run("part", "mend")


def test_a_part_that_dies_comes_back(node: Node) -> None:
    before = node.pid
    node.run("kill", "-9", before)
    wait_until("another one", lambda: None if node.pid not in ("", before) else "there is none", SOON)


def test_a_part_that_is_stopped_stays_away(node: Node) -> None:
    node.run("part", "stop", PART)
    node.run("part", "tend")
    assert node.pid == ""
