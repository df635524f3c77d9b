# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service depends on, directly or not, and which check and which scenario each of that has. Pure."""

from __future__ import annotations

from ..scope import Runtime, Scope, Service
from .containers import runtime_of

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
