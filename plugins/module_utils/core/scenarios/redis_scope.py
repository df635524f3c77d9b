# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory variables of a Redis target: what runs it, what it may lose, and how much room it should have. Pure."""

from __future__ import annotations

import typing as t

from ..scope import Observed, ScopeError

HEADROOM = 20.0
MIN_IDLE = 300.0
FAST_MS = 10.0
FLUSH = frozenset(
    ("pattern", "whole", "copy_dir", "rate", "db", "role", "protected_prefixes", "memory_limit", "without_copy")
    + ("postgresql_headroom", "without_postgresql", "aof_acknowledged", "cluster_node_only")
)
"""Options of redis_flush that redis_flush in the inventory may set."""


def headroom(target: str, settings: t.Mapping[str, t.Any]) -> float:
    """Percent of maxclients that should be free after a cure."""
    return _number(target, settings, "redis_headroom", HEADROOM, 1, 99)


def min_idle(target: str, settings: t.Mapping[str, t.Any]) -> float:
    """Seconds after which a client counts as idle."""
    return _number(target, settings, "redis_min_idle", MIN_IDLE, 1, 86400.0)


def fast_ms(target: str, settings: t.Mapping[str, t.Any]) -> float:
    """Milliseconds below which a PING proves that it is well again."""
    return _number(target, settings, "redis_fast_ms", FAST_MS, 0.1, 60000.0)


def _number(target: str, settings: t.Mapping[str, t.Any], name: str, default: float, low: float, high: float) -> float:
    value = settings.get(name)
    if value is None:
        return default
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise ScopeError(f"{target}: {name} is a number from {low:g} to {high:g}, not {value!r}")
    return number


def expected_replicas(target: str, settings: t.Mapping[str, t.Any]) -> int:
    return int(_number(target, settings, "redis_expected_replicas", 0, 0, 1000))


def flush_options(target: str, settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """redis_flush: what may be removed where memory is full, as options of the module redis_flush. Empty: nothing."""
    declared = settings.get("redis_flush") or {}
    if not isinstance(declared, t.Mapping):
        raise ScopeError(
            f"{target}: redis_flush is a mapping of options such as pattern and copy_dir, not {declared!r}"
        )
    unknown = sorted(set(declared) - FLUSH)
    if unknown:
        raise ScopeError(f"{target}: redis_flush knows {', '.join(sorted(FLUSH))}, not {', '.join(unknown)}")
    if declared and bool(declared.get("pattern")) == bool(declared.get("whole")):
        raise ScopeError(f"{target}: redis_flush needs one of pattern and whole")
    return {
        name: value for name, value in declared.items() if value not in (None, "") and (name, value) != ("whole", False)
    }


def look_of(observed: t.Iterable[Observed]) -> dict[str, t.Any]:
    """The result of the look at the server itself; empty where there is none."""
    for look in observed:
        if look.module.endswith("redis_health_info"):
            return look.result
    return {}


def snapshot_of(observed: t.Iterable[Observed]) -> dict[str, t.Any]:
    return dict(look_of(observed).get("snapshot") or {})
