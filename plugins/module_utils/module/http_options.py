# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of http_health_info: how endpoints are named, asked and judged, and what makes no sense."""

from __future__ import annotations

import math
import re
import typing as t

from ..core.http_snapshot import Endpoint
from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import number_within, seconds_above_0

REQUIREMENTS = (("prometheus_client", "prometheus_client", "0"),)
"""Needed only where metrics are read. It does not say its version."""

EXPECTED: dict[str, dict[str, t.Any]] = {
    "metrics_url": {"type": "str"},
    "expected_status": {"type": "list", "elements": "int", "default": []},
    "expected_body": {"type": "str"},
    "expected_headers": {"type": "dict", "default": {}},
}
"""What can be said for all endpoints, and for one of them in other words."""

HTTP_CONNECTION = ArgumentSpec(
    options={
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "bearer_token": {"type": "str", "no_log": True},
        "headers": {"type": "dict", "default": {}},
        "secret_headers": {"type": "dict", "default": {}, "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "max_redirects": {"type": "int", "default": 3},
        "connect_timeout": {"type": "float", "default": 3.0},
        "timeout": {"type": "float", "default": 5.0},
        "read_timeout": {"type": "float", "default": 10.0},
    },
    required_together=(("client_cert", "client_key"), ("username", "password")),
    mutually_exclusive=(("username", "bearer_token"),),
)
"""How to ask a server over HTTP."""

HTTP_CHECK = ArgumentSpec(
    options={
        "health_url": {"type": "str"},
        "component": {"type": "str"},
        "endpoints": {
            "type": "list",
            "elements": "dict",
            "options": {
                "health_url": {"type": "str", "required": True},
                "component": {"type": "str"},
                **{name: {k: v for k, v in option.items() if k != "default"} for name, option in EXPECTED.items()},
            },
        },
        **EXPECTED,
        "samples": {"type": "int", "default": 3},
        "max_samples": {"type": "int", "default": 10},
        "interval": {"type": "float", "default": 0.2},
        "window": {"type": "float", "default": 2.0},
        "lookback": {"type": "float", "default": 900.0},
        "workers": {"type": "int", "default": 32},
        "requests_metric": {"type": "str"},
        "latency_metric": {"type": "str"},
        "certificate_warn_days": {"type": "float", "default": 20.0},
        "certificate_crit_days": {"type": "float", "default": 3.0},
        "thresholds": {"type": "dict", "default": {}},
    },
    required_one_of=(("health_url", "endpoints"),),
    mutually_exclusive=(("health_url", "endpoints"), ("metrics_url", "endpoints")),
)


def validate(params: t.Mapping[str, t.Any]) -> None:
    """Raises Misuse for numbers that make no sense, alone or together."""
    seconds_above_0(params, "deadline", "connect_timeout", "timeout", "read_timeout")
    for name in ("interval", "window", "lookback", "certificate_warn_days", "certificate_crit_days"):
        if not 0 <= params[name] < math.inf:
            raise Misuse(f"{name}: {params[name]} is not a number from 0 up")
    for name in ("samples", "max_samples", "workers"):
        number_within(params, name, 1, 256)
    number_within(params, "max_redirects", 0, 20)
    _validate_pairs(params)


def _validate_pairs(params: t.Mapping[str, t.Any]) -> None:
    if params["max_samples"] < params["samples"]:
        raise Misuse(f"max_samples is {params['max_samples']}, which is below samples, {params['samples']}")
    if params["certificate_warn_days"] < params["certificate_crit_days"]:
        raise Misuse("certificate_warn_days is below certificate_crit_days")
    slowest = max(params["timeout"], params["connect_timeout"], params["window"])
    if slowest >= params["deadline"]:
        raise Misuse(
            f"deadline is {params['deadline']:g} s, and timeout, connect_timeout or window is {slowest:g} s:"
            " raise deadline or lower that"
        )


def endpoints_of(params: t.Mapping[str, t.Any], shown: t.Callable[[str], str]) -> list[Endpoint]:
    """What is asked. shown: a URL as findings call it; raises ValueError for one that is none. Raises Misuse."""
    rows = params.get("endpoints")
    if rows is not None and not rows:
        raise Misuse("endpoints: it is empty, and nothing else says what to look at")
    single = {"health_url": params.get("health_url"), "component": params.get("component")}
    found: list[Endpoint] = []
    names: dict[str, int] = {}
    for row in rows or [single]:
        endpoint = _endpoint(params, row, shown)
        times = names[endpoint.name] = names.get(endpoint.name, 0) + 1
        if times > 1:
            # Two URLs that differ in their query only: the query is never shown.
            endpoint = Endpoint(**{**vars(endpoint), "name": f"{endpoint.name} ({times})"})
        found.append(endpoint)
    return found


def _endpoint(params: t.Mapping[str, t.Any], row: t.Mapping[str, t.Any], shown: t.Callable[[str], str]) -> Endpoint:
    said = {name: row[name] if row.get(name) is not None else params.get(name) for name in EXPECTED}
    name = _shown("health_url", row.get("health_url"), shown)
    if said["metrics_url"]:
        _shown("metrics_url", said["metrics_url"], shown)
    headers = {str(key).lower(): str(pattern) for key, pattern in (said["expected_headers"] or {}).items()}
    for pattern in (said["expected_body"] or "", *headers.values()):
        try:
            re.compile(pattern)
        except re.error as error:
            raise Misuse(f"expected_body or expected_headers: {pattern!r} is no regular expression: {error}") from None
    return Endpoint(
        component=str(row.get("component") or params.get("component") or name.split("/")[2]),
        name=name,
        health_url=str(row["health_url"]),
        metrics_url=str(said["metrics_url"] or ""),
        expected_status=tuple(said["expected_status"] or ()),
        expected_body=said["expected_body"] or "",
        expected_headers=tuple(sorted(headers.items())),
    )


def _shown(option: str, url: str | None, shown: t.Callable[[str], str]) -> str:
    try:
        return shown(str(url or ""))
    except ValueError as error:
        raise Misuse(f"{option}: this is no URL to look at: {error}") from None
