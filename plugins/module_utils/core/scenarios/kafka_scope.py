# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory variables of a Kafka target: who consumes with which group, and what runs which broker. Pure."""

from __future__ import annotations

import typing as t

from ..scope import Runtime, ScopeError


def consumers(target: str, settings: t.Mapping[str, t.Any]) -> dict[str, str]:
    """kafka_consumers: group -> the inventory host of the service that consumes with it. Never guessed."""
    declared = settings.get("kafka_consumers") or {}
    if not isinstance(declared, t.Mapping):
        raise ScopeError(f"{target}: kafka_consumers is a mapping of group to inventory host, not {declared!r}")
    for group in declared:
        if "{{" in str(group):
            raise ScopeError(
                f"{target}: kafka_consumers has the key {group}, and Ansible templates no keys: template the whole"
            )
    return {str(group): str(service) for group, service in declared.items()}


def broker_runtimes(target: str, settings: t.Mapping[str, t.Any]) -> dict[int, Runtime]:
    """kafka_brokers: broker id -> {runtime: {kind, host, project, service}}."""
    declared = settings.get("kafka_brokers") or {}
    if not isinstance(declared, t.Mapping):
        raise ScopeError(f"{target}: kafka_brokers is a mapping of broker id to its runtime, not {declared!r}")
    found = {}
    for broker, data in declared.items():
        try:
            number = int(broker)
        except (TypeError, ValueError):
            raise ScopeError(f"{target}: kafka_brokers has {broker!r} where a broker id belongs") from None
        runtime = data.get("runtime") if isinstance(data, t.Mapping) else None
        if runtime:
            found[number] = Runtime.from_vars(f"{target}: kafka_brokers[{number}]", runtime)
    return found
