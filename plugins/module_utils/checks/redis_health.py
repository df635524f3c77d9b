# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check redis_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..clients.deadline import Deadline
from ..clients.redis import Wanted, collect
from ..clients.redis_options import RedisOptions
from ..core.findings import Finding
from ..core.redact import Redactor
from ..core.redis_judge import judge
from ..core.redis_settings import Settings, merge_thresholds
from ..core.redis_summary import measured, sample, summary
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation

REQUIREMENTS = (("redis", "redis", "5.0"),)

REDIS_CONNECTION = ArgumentSpec(
    options={
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "default": 6379},
        "unix_socket": {"type": "path"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "db": {"type": "int", "default": 0},
        "tls": {"type": "bool", "default": False},
        "validate_certs": {"type": "bool", "default": True},
        "ca_file": {"type": "path"},
        "cert_file": {"type": "path"},
        "key_file": {"type": "path", "no_log": False},
        "protocol": {"type": "int", "default": 2, "choices": [2, 3]},
        "timeout": {"type": "float", "default": 2.0},
        "patience": {"type": "float", "default": 3.0},
    },
    required_together=(("cert_file", "key_file"),),
)
"""How to reach a Redis server; the same in every module that does."""

CONNECTION_OPTIONS = tuple(REDIS_CONNECTION.options)

SPEC = COMMON_CHECK.merge(REDIS_CONNECTION).merge(
    ArgumentSpec(
        options={
            "component": {"type": "str", "default": "redis"},
            "role": {"type": "str", "choices": ["cache", "store"]},
            "window": {"type": "float", "default": 2.0},
            "lookback": {"type": "float", "default": 60.0},
            "scan_seconds": {"type": "float", "default": 1.0},
            "scan_keys": {"type": "int", "default": 5000},
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
    wanted = Wanted(params["window"], params["scan_seconds"], params["scan_keys"])
    snapshot = collect(options, wanted, Deadline(params["deadline"]))
    accepted = {name.upper() for name in params["accept_unknown"]}
    refused = {name: why for name, why in snapshot.refused.items() if name not in accepted}
    snapshot = dataclasses.replace(snapshot, refused=refused)
    findings = judge(snapshot, settings, params.get("history") or ())
    hide = Redactor([options.password] if options.password else []).clean
    return Observation(
        reachable=snapshot.reachable,
        findings=[Finding.from_dict(hide(finding.to_dict())) for finding in findings],
        snapshot=hide(summary(snapshot)),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=measured(snapshot),
        samples=sample(snapshot),
    )


def validate_connection(params: t.Mapping[str, t.Any]) -> None:
    """What every module of this family checks about its connection. Raises Misuse."""
    if not params.get("unix_socket") and not str(params["host"]).strip():
        raise Misuse("host: it is empty; name the host of the server, or set unix_socket")
    if not 0 < params["port"] < 65536:
        raise Misuse(f"port: {params['port']} is no port; it is a number from 1 to 65535")
    if params["db"] < 0:
        raise Misuse(f"db: {params['db']} is no database; the first one is 0")
    if params.get("username") and not params.get("password"):
        raise Misuse("username needs password: Redis logs a user in by both")
    for name in ("deadline", "timeout"):
        if not 0 < params[name] < math.inf:
            raise Misuse(f"{name}: {params[name]} is not a number of seconds above 0")
    if not 0 <= params["patience"] < math.inf:
        raise Misuse(f"patience: {params['patience']} is not a number of seconds from 0 up")


def _validate(params: t.Mapping[str, t.Any]) -> None:
    for name in ("window", "lookback", "scan_seconds"):
        if not 0 <= params[name] < math.inf:
            raise Misuse(f"{name}: {params[name]} is not a number of seconds from 0 up")
    for name in ("scan_keys", "expected_replicas", "expected_blocked", "memory_limit"):
        if params.get(name) is not None and params[name] < 0:
            raise Misuse(f"{name}: {params[name]} is below 0")
    if params["window"] >= params["deadline"]:
        raise Misuse(
            f"window is {params['window']:g} s, and deadline {params['deadline']:g} s: raise deadline or lower window"
        )


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    try:
        thresholds = merge_thresholds(params.get("thresholds"))
    except ValueError as error:
        raise Misuse(str(error)) from None
    return Settings(
        component=params["component"],
        address=RedisOptions.from_params(params).address,
        role=params.get("role") or "",
        thresholds=thresholds,
        memory_limit=params.get("memory_limit"),
        expected_replicas=params.get("expected_replicas"),
        expected_blocked=params.get("expected_blocked"),
        lookback=params["lookback"],
        timeout=params["timeout"],
    )


CHECK = Check("redis_health_info", SPEC, REQUIREMENTS, run)
