# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory variables of a Kafka target: who consumes with which group, and what runs which broker. Pure."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..kafka_lag import CATCHING_UP
from ..kubernetes_dose import DRAIN, MOST
from ..scope import Runtime, Scope, ScopeError


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


@dataclasses.dataclass(frozen=True)
class Scaling:
    """How far a consumer may be scaled out: replicas in all, seconds in which a backlog should be gone, and service ->
    connections of PostgreSQL that one replica may open."""

    most: int = MOST
    drain: float = DRAIN
    pool_sizes: t.Mapping[str, int] = dataclasses.field(default_factory=dict)


def scaling(target: str, settings: t.Mapping[str, t.Any]) -> Scaling:
    """kafka_scale_most, kafka_scale_drain, kafka_pool_sizes. Raises ScopeError."""
    sizes = settings.get("kafka_pool_sizes") or {}
    if not isinstance(sizes, t.Mapping):
        raise ScopeError(f"{target}: kafka_pool_sizes is a mapping of service to connections, not {sizes!r}")
    return Scaling(
        most=int(_number(target, "kafka_scale_most", settings.get("kafka_scale_most"), MOST, whole=True)),
        drain=_number(target, "kafka_scale_drain", settings.get("kafka_scale_drain"), DRAIN),
        pool_sizes={
            str(name): int(_number(target, f"kafka_pool_sizes[{name}]", size, 1, whole=True))
            for name, size in sizes.items()
        },
    )


def _number(target: str, name: str, value: t.Any, otherwise: float, whole: bool = False) -> float:
    """Variables come as text, too; what is no number above zero is refused."""
    if value is None:
        return otherwise
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 < found < math.inf or (whole and found != int(found)):
        raise ScopeError(f"{target}: {name} is a {'whole ' if whole else ''}number above 0, not {value!r}")
    return found


def dependencies(scope: Scope, service: str) -> tuple[str, ...]:
    """What a consumer depends on besides the cluster that it reads from."""
    return tuple(name for name in scope.services[service].depends_on if name != scope.target)


def group_row(scope: Scope, observed: t.Iterable[t.Any], group: str) -> dict[str, t.Any]:
    """What the check of the cluster saw of a group, {} where it was not seen."""
    for look in observed:
        if look.host == scope.target and look.module.endswith("kafka_health_info"):
            for row in (look.result.get("snapshot") or {}).get("groups") or ():
                if row.get("name") == group:
                    return dict(row)
    return {}


def catches_up_in(row: t.Mapping[str, t.Any]) -> float | None:
    """Seconds until a group that catches up has done so; None where it does not."""
    if row.get("verdict") != CATCHING_UP:
        return None
    return max((float(part["eta_seconds"] or 0) for part in row.get("partitions") or ()), default=None)
