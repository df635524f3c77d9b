# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http_health_info and go_health_info against the lab's services: silent while all is well, right where it is not."""

from __future__ import annotations

import concurrent.futures
import contextlib
import typing as t
import urllib.error
import urllib.request

import docker
import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import go_health, http_health
from ansible_collections.incident.response.plugins.module_utils.module.check import Check, perform

from lab import config
from lab.faults import acts
from lab.faults.model import Lab

SERVICES = ("gateway", "auth", "orders", "notification")
Result = dict[str, t.Any]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(docker.from_env(), config.load(), 0)


@pytest.fixture
def switched(lab: Lab) -> t.Iterator[t.Callable[[str, str, int], None]]:
    """switched("auth", "hang", 1): a service misbehaves until the test ends."""
    touched: list[str] = []

    def switch(service: str, name: str, value: int) -> None:
        touched.append(service)
        acts.switch(lab, service, name, value)

    yield switch
    for service in touched:
        acts.reset(lab, service)
        acts.await_health(lab, service, "healthy", acts.CLEARS)


def run(check: Check, **options: t.Any) -> Result:
    defaults = {name: option.get("default") for name, option in check.spec.options.items()}
    return perform(check, {**defaults, **options})


def http(lab: Lab, *services: str, **options: t.Any) -> Result:
    endpoints = [
        {
            "component": name,
            "health_url": lab.config.url(name, "/health"),
            "metrics_url": lab.config.url(name, "/metrics"),
        }
        for name in services
    ]
    return run(http_health.CHECK, endpoints=endpoints, **options)


def go(lab: Lab, service: str, **options: t.Any) -> Result:
    urls = {"metrics_url": lab.config.url(service, "/metrics"), "pprof_url": lab.config.url(service, "/debug/pprof")}
    return run(go_health.CHECK, component=service, **urls, **options)


def found(result: Result) -> set[tuple[str, str]]:
    return {(finding["component"], finding["id"]) for finding in result["findings"]}


def test_healthy_services_are_silent(lab: Lab) -> None:
    result = http(lab, *SERVICES)
    assert (result["status"], found(result)) == ("ok", set())
    assert "metrics of 4 of 4" in result["measured"]


def test_who_blames_a_dependency_names_it_and_the_others_stay_silent(lab: Lab, fault: t.Any) -> None:
    with fault("redis_stopped"):
        result = http(lab, *SERVICES)
        failing = {finding["component"]: finding for finding in result["findings"]}
        assert found(result) == {("auth", "http.health.failing"), ("gateway", "http.health.failing")}
        assert failing["auth"]["details"]["dependency"] == "redis"
        assert failing["gateway"]["details"]["dependency"] == "auth"


def test_a_stopped_service_refuses(lab: Lab) -> None:
    try:
        acts.stop(lab, "auth")
        result = http(lab, "auth", "orders")
        assert ("auth", "http.connect.refused") in found(result)
        assert not [component for component, _id in found(result) if component == "orders"]
    finally:
        acts.start(lab, "auth")


def test_a_service_that_hangs_accepts_and_says_nothing(lab: Lab, switched: t.Any) -> None:
    switched("auth", "hang", 1)
    result = http(lab, "auth", "orders", timeout=1.0)
    assert ("auth", "http.response.silent") in found(result)
    assert not [component for component, _id in found(result) if component == "orders"]


def test_health_that_says_yes_while_the_work_fails_is_shallow(lab: Lab, switched: t.Any) -> None:
    switched("auth", "errors", 1)
    with traffic(lab.config.url("auth", "/verify")):
        result = http(lab, "auth", window=3.0)
    assert found(result) == {("auth", "http.errors.high"), ("auth", "http.health.shallow")}


@contextlib.contextmanager
def traffic(url: str) -> t.Iterator[None]:
    """Requests, twenty a second and more, whatever is answered."""
    stop = False

    def ask() -> None:
        while not stop:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(url, timeout=2).close()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _number in range(2):
            pool.submit(ask)
        try:
            yield
        finally:
            stop = True


@pytest.mark.parametrize("service", SERVICES)
def test_a_healthy_go_program_is_silent(service: str, lab: Lab) -> None:
    result = go(lab, service, interval=0.5)
    assert (result["status"], found(result)) == ("ok", set())
    assert any(said.startswith("heap profile") for said in result["measured"])


def test_a_goroutine_leak_names_its_function(lab: Lab, switched: t.Any) -> None:
    switched("orders", "leak_goroutines", 200)
    result = go(lab, "orders", samples=4, interval=1.0)
    leak = next(finding for finding in result["findings"] if finding["id"] == "go.goroutines.leak")
    assert "leakGoroutine" in str(leak)
