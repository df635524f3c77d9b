"""Faults of one service, `auth`, and of what it depends on."""

from __future__ import annotations

import contextlib

from lab.faults import acts
from lab.faults.model import Fault, Lab

SERVICE = "auth"
DEPENDENCY = "redis"


def _pause(lab: Lab) -> None:
    lab.container(SERVICE).pause()


def _unpause(lab: Lab) -> None:
    with contextlib.suppress(Exception):
        lab.container(SERVICE).unpause()
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _freeze(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="STOP")


def _thaw(lab: Lab) -> None:
    with contextlib.suppress(Exception):
        lab.container(SERVICE).kill(signal="CONT")
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _hang(lab: Lab) -> None:
    acts.switch(lab, SERVICE, "hang", 1)


def _answer(lab: Lab) -> None:
    acts.reset(lab, SERVICE)
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


# What a look may see besides, depending on when it comes.
BESIDE = ("docker.container.unhealthy", "http.metrics.broken")

FAULTS = (
    Fault(
        "service_stopped",
        "the container of auth is stopped",
        lambda lab: acts.stop(lab, SERVICE),
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "http.connect.refused"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_paused",
        "the container of auth is paused",
        _pause,
        _unpause,
        ("docker.container.paused", "http.response.silent"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_frozen",
        "the process of auth is stopped by a signal while its container is up",
        _freeze,
        _thaw,
        ("docker.process.frozen", "http.response.silent"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_hanging",
        "auth accepts connections and answers nothing",
        _hang,
        _answer,
        ("http.response.silent",),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_dependency",
        "auth is well, but the Redis that it needs is stopped",
        lambda lab: acts.stop(lab, DEPENDENCY),
        lambda lab: acts.start(lab, DEPENDENCY),
        ("docker.container.not_running", "http.health.failing", "redis.server.refused"),
        BESIDE,
        scenario="service",
    ),
)
