# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service depends on, directly or not, and which check and which scenario each of that has. Pure."""

from __future__ import annotations

import typing as t

from ..runtimes import look
from ..scope import CheckCall, Runtime, Scope, Service
from .containers import runtime_of

LOG_LINES = 100

SCENARIO_OF = {"http_services": "service", "kafka": "kafka", "postgresql": "database", "redis": "redis"}
"""Inventory group -> the scenario that treats its hosts."""
CHECK_OF = {
    "http_services": "http_health_info",
    "kafka": "kafka_health_info",
    "postgresql": "postgresql_health_info",
    "redis": "redis_health_info",
}


def runtimes(scope: Scope) -> dict[str, Runtime]:
    """Inventory host -> what runs it, of the target and of everything that it depends on."""
    found = {name: service.runtime for name, service in scope.services.items() if service.runtime}
    own = runtime_of(scope.target, scope.settings)
    return {**found, scope.target: own} if own else found


def container(name: str) -> str:
    """The component of what runs an inventory host."""
    return f"container:{name}"


def group_of(service: Service) -> str:
    """The first of its groups that has a check, "" where none has."""
    return next((group for group in service.groups if group in CHECK_OF), "")


def own_looks(scope: Scope, names: t.Iterable[str]) -> list[CheckCall]:
    """The look at each of these inventory hosts by its own check, the target first."""
    calls = []
    for name in sorted(names, key=lambda item: (item != scope.target, item)):
        group = "http_services" if name == scope.target else group_of(scope.services[name])
        if group:
            word = "service" if group == "http_services" else group
            calls.append(CheckCall(f"{word} {name}", f"incident.response.{CHECK_OF[group]}", name, {"component": name}))
    return calls


def container_looks(scope: Scope) -> list[CheckCall]:
    """The looks at what runs the target and everything that it depends on."""
    return look({container(name): runtime for name, runtime in runtimes(scope).items()}, {"log_lines": LOG_LINES})


def graph(scope: Scope) -> dict[str, list[str]]:
    """A service depends on what runs it and on what it declares; what runs it needs the latter too."""
    edges: dict[str, list[str]] = {}
    known = runtimes(scope)
    for name, service in scope.services.items():
        edges[name] = [*([container(name)] if name in known else []), *service.depends_on]
        edges[container(name)] = list(service.depends_on)
    return edges
