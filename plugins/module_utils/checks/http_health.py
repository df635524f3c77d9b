# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check http_health_info: options -> looks at all endpoints -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.http_looks import Wanted, collect
from ..clients.http_metrics import Names
from ..clients.http_options import HttpOptions, target
from ..core.http_judge import judge
from ..core.http_settings import THRESHOLDS, Settings
from ..core.http_snapshot import Endpoint
from ..core.http_summary import attachments, measured, sample, summary
from ..module.argspec import COMMON_CHECK
from ..module.check import Check, Misuse, Observation, missing_library
from ..module.http_options import HTTP_CHECK, HTTP_CONNECTION, REQUIREMENTS, endpoints_of, validate
from ..module.thresholds_option import merged_thresholds

SPEC = COMMON_CHECK.merge(HTTP_CONNECTION).merge(HTTP_CHECK)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one or many endpoints. Raises Misuse for options that make no sense."""
    validate(params)
    settings = _settings(params)
    endpoints = endpoints_of(params, lambda url: target(url).shown)
    options = _options(params, endpoints)
    history = params.get("history") or ()
    looks = collect(endpoints, options, _wanted(params), Deadline(params["deadline"]))
    findings = judge(looks, settings, history)
    return Observation(
        reachable=any(look.reachable for look in looks),
        findings=findings,
        snapshot=summary(looks, settings, history),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=measured(looks, settings, history),
        samples=sample(looks),
        attachments=attachments(looks),
    ).hiding(options.secrets)


def _options(params: t.Mapping[str, t.Any], endpoints: t.Sequence[Endpoint]) -> HttpOptions:
    """Everything that can be wrong with the options is found before anybody is asked."""
    if any(endpoint.metrics_url for endpoint in endpoints):
        problem = missing_library(REQUIREMENTS)
        if problem:
            raise Misuse(f"metrics_url needs a library. {problem}")
    options = HttpOptions.from_params(params)
    try:
        _lines = (options.open_lines, options.secret_lines)
        if any(target(endpoint.health_url).scheme == "https" for endpoint in endpoints):
            _context = options.ssl_context
    except (ValueError, CollectError) as error:
        raise Misuse(f"headers, username, password or certificates: {error}") from None
    return options


def _wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    return Wanted(
        samples=params["samples"],
        most=params["max_samples"],
        interval=params["interval"],
        window=params["window"],
        workers=params["workers"],
        names=Names(params.get("requests_metric") or "", params.get("latency_metric") or ""),
    )


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    return Settings(
        thresholds=merged_thresholds(THRESHOLDS, params),
        certificate_warn=params["certificate_warn_days"],
        certificate_crit=params["certificate_crit_days"],
        connect_timeout=params["connect_timeout"],
        timeout=params["timeout"],
        read_timeout=params["read_timeout"],
        lookback=params["lookback"],
        logs_in=bool(params.get("username") or params.get("bearer_token")),
        validate_certs=params["validate_certs"],
    )


CHECK = Check("http_health_info", SPEC, (), run)
