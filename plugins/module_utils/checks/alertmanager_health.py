# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check alertmanager_health_info: options -> one look at all members -> findings."""

from __future__ import annotations

import typing as t
import urllib.parse

from ..clients.alertmanager import Wanted, collect
from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.http_options import HttpOptions, target
from ..core import alertmanager_parse
from ..core.alertmanager_judge import judge
from ..core.alertmanager_settings import THRESHOLDS, Settings
from ..core.alertmanager_summary import attachments, measured, sample, summary
from ..module.alertmanager_options import (
    ALERTMANAGER_CHECK,
    ALERTMANAGER_CONNECTION,
    REQUIREMENTS,
    address,
    addresses,
    labels_of,
    validate,
)
from ..module.argspec import COMMON_CHECK
from ..module.check import Check, Misuse, Observation
from ..module.thresholds_option import merged_thresholds

SPEC = COMMON_CHECK.merge(ALERTMANAGER_CONNECTION).merge(ALERTMANAGER_CHECK)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at an Alertmanager and its peers. Raises Misuse for options that make no sense."""
    validate(params)
    wanted = _wanted(params)
    settings = _settings(params, wanted.urls[0])
    options = connection(params, (*wanted.urls, wanted.prometheus_url))
    history = params.get("history") or ()
    snapshot = collect(options, wanted, Deadline(params["deadline"]))
    if params.get("prometheus_alerts") is not None:
        snapshot.expected = _given(params["prometheus_alerts"])
    findings = judge(snapshot, settings, history)
    return Observation(
        reachable=any(member.answered for member in snapshot.members),
        findings=findings,
        snapshot=summary(snapshot, settings, history),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=measured(snapshot, settings, history),
        samples=sample(snapshot),
        attachments=attachments(snapshot),
    ).hiding(options.secrets)


def connection(params: t.Mapping[str, t.Any], urls: t.Iterable[str]) -> HttpOptions:
    """Everything that can be wrong with how to connect is found before anybody is asked. Raises Misuse."""
    options = HttpOptions.from_params(params)
    try:
        _lines = (options.open_lines, options.secret_lines)
        if any(target(url).scheme == "https" for url in urls if url):
            _context = options.ssl_context
    except (ValueError, CollectError) as error:
        raise Misuse(f"url, headers, username, password or certificates: {error}") from None
    return options


def _wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    prometheus = params.get("prometheus_url")
    return Wanted(
        urls=addresses(params),
        window=params["window"],
        prometheus_url=address("prometheus_url", prometheus) if prometheus else "",
    )


def _given(rows: t.Sequence[t.Any]) -> list[dict[str, str]]:
    """Alerts of Prometheus as its API lists them; plain mappings of labels do as well."""
    whole = [row if isinstance(row.get("labels"), dict) else {"labels": row} for row in rows]
    return alertmanager_parse.prometheus_alerts(whole)


def _settings(params: t.Mapping[str, t.Any], url: str) -> Settings:
    return Settings(
        component=params.get("component") or urllib.parse.urlsplit(url).netloc,
        thresholds=merged_thresholds(THRESHOLDS, params),
        watchdog=params.get("watchdog") or "",
        watch_labels=labels_of("watch_labels", params.get("watch_labels")),
        severity_label=params["severity_label"],
        created_by=params["created_by"],
        findings_for_alerts=params["findings_for_alerts"],
        lookback=params["lookback"],
        expires_within=params["expires_within"],
        validate_certs=params["validate_certs"],
    )


CHECK = Check("alertmanager_health_info", SPEC, REQUIREMENTS, run)
