"""Faults of the single broker: the service `kafka`."""

from __future__ import annotations

import socket

from lab import stack
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until

SERVICE = "kafka"
CONSUMER = "notification"


def _stop(lab: Lab) -> None:
    acts.stop(lab, SERVICE)
    acts.await_health(lab, CONSUMER, "unhealthy")


def _pause(lab: Lab) -> None:
    if lab.container(SERVICE).status != "paused":
        lab.container(SERVICE).pause()
    acts.await_health(lab, CONSUMER, "unhealthy")


def _unpause(lab: Lab) -> None:
    if lab.container(SERVICE).status == "paused":
        lab.container(SERVICE).unpause()


def _impersonate(lab: Lab) -> None:
    acts.stop(lab, SERVICE)
    stack.compose(
        lab.config, ["--profile", "impostor", "up", "-d", "--no-deps", "impostor"], "starting the impostor", lab.lock
    )
    wait_until("the impostor to answer", lambda: _answers_http(lab), acts.SHOWS)
    acts.await_health(lab, "impostor", "healthy")
    acts.await_health(lab, CONSUMER, "unhealthy")


def _answers_http(lab: Lab) -> str | None:
    with socket.create_connection(("127.0.0.1", lab.config.ports["kafka"]), timeout=2) as link:
        link.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = link.recv(16)
    return None if answer.startswith(b"HTTP/") else repr(answer)


def _unmask(lab: Lab) -> None:
    acts.remove(lab, "impostor")
    acts.start(lab, SERVICE)


FAULTS = (
    Fault(
        "broker_stopped",
        "the broker's container is stopped",
        _stop,
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "kafka.broker.unreachable", "docker.container.unhealthy"),
    ),
    Fault(
        "broker_paused",
        "the broker's container is paused: connections open, and nothing answers",
        _pause,
        _unpause,
        ("docker.container.paused", "kafka.broker.silent", "docker.container.unhealthy"),
    ),
    Fault(
        "broker_impostor",
        "the broker is stopped, and something that is not Kafka answers on its port",
        _impersonate,
        _unmask,
        ("docker.container.not_running", "kafka.broker.not_kafka", "docker.container.unhealthy"),
    ),
)
