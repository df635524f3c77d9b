# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check redis_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import dataclasses
import typing as t

from ..clients.deadline import Deadline
from ..clients.redis import Wanted, collect
from ..clients.redis_options import RedisOptions
from ..core.redis_judge import judge
from ..core.redis_settings import THRESHOLDS, Settings
from ..core.redis_summary import attachments, measured, sample, summary
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation
from ..module.option_values import seconds_above_0, seconds_from_0
from ..module.redis_options import REDIS_CONNECTION, REQUIREMENTS, validate_connection
from ..module.thresholds_option import merged_thresholds

SPEC = COMMON_CHECK.merge(REDIS_CONNECTION).merge(
    ArgumentSpec(
        options={
            "component": {"type": "str", "default": "redis"},
            "role": {"type": "str", "choices": ["cache", "store"]},
            "window": {"type": "float", "default": 2.0},
            "lookback": {"type": "float", "default": 60.0},
            "scan_seconds": {"type": "float", "default": 1.0},
            "scan_limit": {"type": "int", "default": 5000},
            "memory_limit": {"type": "int"},
            "expected_replicas": {"type": "int"},
            "expected_blocked": {"type": "int"},
            "accept_unknown": {"type": "list", "elements": "str", "default": []},
            "thresholds": {"type": "dict", "default": {}},
        }
    )
)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one Redis server. Raises Misuse for options that make no sense."""
    validate_connection(params)
    _validate(params)
    settings = _settings(params)
    options = RedisOptions.from_params(params)
    wanted = Wanted(params["window"], params["scan_seconds"], params["scan_limit"])
    snapshot = collect(options, wanted, Deadline(params["deadline"]))
    accepted = {name.upper() for name in params["accept_unknown"]}
    refused = {name: why for name, why in snapshot.refused.items() if name not in accepted}
    snapshot = dataclasses.replace(snapshot, refused=refused)
    findings = judge(snapshot, settings, params.get("history") or ())
    return Observation(
        reachable=snapshot.reachable,
        findings=findings,
        snapshot=summary(snapshot),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=measured(snapshot),
        samples=sample(snapshot),
        attachments=attachments(snapshot),
    ).hiding([options.password or ""])


def _validate(params: t.Mapping[str, t.Any]) -> None:
    seconds_above_0(params, "deadline")
    seconds_from_0(params, "window", "lookback", "scan_seconds")
    for name in ("scan_limit", "expected_replicas", "expected_blocked", "memory_limit"):
        if params.get(name) is not None and params[name] < 0:
            raise Misuse(f"{name}: {params[name]} is below 0")
    if params["window"] >= params["deadline"]:
        raise Misuse(
            f"window is {params['window']:g} s, and deadline {params['deadline']:g} s: raise deadline or lower window"
        )


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    return Settings(
        component=params["component"],
        address=RedisOptions.from_params(params).address,
        role=params.get("role") or "",
        thresholds=merged_thresholds(THRESHOLDS, params),
        memory_limit=params.get("memory_limit"),
        expected_replicas=params.get("expected_replicas"),
        expected_blocked=params.get("expected_blocked"),
        lookback=params["lookback"],
        timeout=params["timeout"],
    )


CHECK = Check("redis_health_info", SPEC, REQUIREMENTS, run)
