# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of prometheus_health_info: what they are, and what makes no sense."""

from __future__ import annotations

import math
import re
import typing as t

from ..core.findings import SEVERITIES
from ..core.prometheus_parse import epoch, seconds
from ..core.prometheus_settings import BURN_PAIRS, PARTS, THRESHOLDS, Pair, Settings
from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import number_within, seconds_above_0
from .thresholds_option import merged_thresholds

REQUESTS, LATENCY = "http_requests_total", "http_request_duration_seconds"
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

PROMETHEUS_CHECK = ArgumentSpec(
    options={
        "url": {"type": "str", "required": True},
        "component": {"type": "str"},
        "components": {"type": "dict", "default": {}},
        "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
        "at": {"type": "str"},
        "jobs": {"type": "list", "elements": "str"},
        "exclude_jobs": {"type": "list", "elements": "str", "default": []},
        "job_label": {"type": "str", "default": "job"},
        "status_label": {"type": "str"},
        "requests_metric": {"type": "str"},
        "latency_metric": {"type": "str"},
        "window": {"type": "str", "default": "5m"},
        "compare_offset": {"type": "str", "default": "1h"},
        "lookback": {"type": "str", "default": "15m"},
        "settle": {"type": "str", "default": "30s"},
        "slo": {"type": "float", "default": 99.9},
        "burn_windows": {
            "type": "list",
            "elements": "dict",
            "options": {
                "long": {"type": "str", "required": True},
                "short": {"type": "str", "required": True},
                "factor": {"type": "float", "required": True},
                "severity": {"type": "str", "choices": list(SEVERITIES), "default": "P2"},
            },
        },
        "min_requests": {"type": "int", "default": 20},
        "expected_down": {"type": "list", "elements": "str", "default": []},
        "watchdog": {"type": "str"},
        "report_alerts": {"type": "bool", "default": False},
        "max_rows": {"type": "int", "default": 100},
        "thresholds": {"type": "dict", "default": {}},
    },
)


def settings_of(params: t.Mapping[str, t.Any], shown: str) -> Settings:
    """What is judged by. shown: the URL as findings call it. Raises Misuse for what makes no sense."""
    _numbers(params)
    return Settings(
        component=str(params.get("component") or shown.split("/")[2]),
        url=shown,
        components={str(name): str(host) for name, host in (params.get("components") or {}).items()},
        parts=_parts(params),
        thresholds=merged_thresholds(THRESHOLDS, params),
        job_label=_name("job_label", params["job_label"], LABEL),
        status_label=_name("status_label", params.get("status_label"), LABEL),
        requests_metric=_name("requests_metric", params.get("requests_metric") or REQUESTS, METRIC),
        requests_declared=bool(params.get("requests_metric")),
        latency_metric=_name("latency_metric", params.get("latency_metric") or LATENCY, METRIC),
        latency_declared=bool(params.get("latency_metric")),
        jobs=_jobs(params),
        exclude_jobs=tuple(params.get("exclude_jobs") or ()),
        window=span("window", params["window"]),
        compare_offset=span("compare_offset", params["compare_offset"]),
        lookback=span("lookback", params["lookback"]),
        settle=span("settle", params["settle"]),
        slo=params["slo"],
        burn_pairs=_pairs(params),
        min_requests=params["min_requests"],
        expected_down=tuple(params.get("expected_down") or ()),
        watchdog=str(params.get("watchdog") or ""),
        report_alerts=params["report_alerts"],
        max_rows=params["max_rows"],
        at=_at(params.get("at")),
        timeout=params["timeout"],
        read_timeout=params["read_timeout"],
        connect_timeout=params["connect_timeout"],
        validate_certs=params["validate_certs"],
    )


def _numbers(params: t.Mapping[str, t.Any]) -> None:
    seconds_above_0(params, "deadline", "connect_timeout", "timeout", "read_timeout")
    if max(params["timeout"], params["connect_timeout"]) >= params["deadline"]:
        raise Misuse(f"deadline is {params['deadline']:g} s, and timeout or connect_timeout is not below it")
    number_within(params, "max_redirects", 0, 20)
    if not 1 < params["slo"] < 100:
        raise Misuse(f"slo: {params['slo']:g} is no percentage above 1 and below 100; three nines are 99.9")
    number_within(params, "min_requests", 1, 1_000_000)
    number_within(params, "max_rows", 1, 1000)


def span(name: str, value: t.Any) -> float:
    """A duration in seconds. Raises Misuse."""
    found = seconds(value)
    if found is None:
        raise Misuse(f"{name}: {value!r} is no duration; write 5m, 1h30m or a number of seconds above 0")
    return found


def _name(option: str, value: str | None, pattern: t.Pattern[str]) -> str:
    if value and not pattern.fullmatch(value):
        raise Misuse(f"{option}: {value!r} is no name that Prometheus knows; only letters, digits and _ are in it")
    if option == "job_label" and not value:
        raise Misuse("job_label: it is empty; services are told apart by it")
    return value or ""


def _parts(params: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    if not params["parts"]:
        raise Misuse("parts: it is empty, so there would be nothing to look at")
    return tuple(part for part in PARTS if part in params["parts"])


def _jobs(params: t.Mapping[str, t.Any]) -> tuple[str, ...] | None:
    jobs = params.get("jobs")
    if jobs is None:
        return None
    if not [name for name in jobs if name.strip()]:
        raise Misuse("jobs: it is empty, and an empty list is not all; leave it out to look at all jobs")
    return tuple(jobs)


def _pairs(params: t.Mapping[str, t.Any]) -> tuple[Pair, ...]:
    given = params.get("burn_windows")
    if given is None:
        return BURN_PAIRS
    found = []
    for row in given:
        pair = Pair(span("long", row["long"]), span("short", row["short"]), row["factor"], row.get("severity") or "P2")
        if pair.short >= pair.long:
            raise Misuse(f"burn_windows: short is {row['short']}, which is not below long, {row['long']}")
        if not 0 < pair.factor < math.inf:
            raise Misuse(f"burn_windows: factor: {pair.factor} is not a number above 0")
        found.append(pair)
    return tuple(found)


def _at(value: str | None) -> float | None:
    if value is None or not str(value).strip():
        return None
    found = epoch(str(value))
    if found is None:
        raise Misuse(f"at: {value!r} is no time; write 2026-11-28T12:00:00Z or seconds since 1970")
    return found
