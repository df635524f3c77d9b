# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check prometheus_health_info: options -> one look over the API -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.http_options import HttpOptions, target
from ..clients.prometheus import collect
from ..core.findings import capped
from ..core.prometheus_judge import judge
from ..core.prometheus_summary import attachments, measured, sample, summary
from ..module.argspec import COMMON_CHECK
from ..module.check import Check, Misuse, Observation
from ..module.http_options import HTTP_CONNECTION
from ..module.prometheus_options import PROMETHEUS_CHECK, settings_of

SPEC = COMMON_CHECK.merge(HTTP_CONNECTION).merge(PROMETHEUS_CHECK)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one Prometheus and at what it knows. Raises Misuse for options that make no sense."""
    base = _base(params["url"])
    settings = settings_of(params, target(base).shown.rstrip("/"))
    options = _options(params, base)
    history = params.get("history") or ()
    snapshot = collect(base, options, settings, Deadline(params["deadline"]))
    findings, left_out = capped(judge(snapshot, settings, history), settings.max_rows)
    return Observation(
        reachable=bool(snapshot.ready.status),
        findings=findings,
        snapshot=summary(snapshot, settings, left_out),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=measured(snapshot, settings, left_out),
        samples=sample(snapshot),
        attachments=attachments(snapshot),
    ).hiding(options.secrets)


def _base(url: str) -> str:
    """The server's URL with its route prefix and without a slash at its end."""
    try:
        found = target(url.strip())
    except ValueError as error:
        raise Misuse(f"url: this is no URL to look at: {error}") from None
    if "?" in url or "#" in url:
        raise Misuse("url: it has a query or a fragment; name the server and its route prefix only")
    return found.shown.rstrip("/")


def _options(params: t.Mapping[str, t.Any], base: str) -> HttpOptions:
    """Everything that can be wrong with the options is found before anybody is asked."""
    options = HttpOptions.from_params(params)
    try:
        _lines = (options.open_lines, options.secret_lines)
        if base.startswith("https:"):
            _context = options.ssl_context
    except (ValueError, CollectError) as error:
        raise Misuse(f"headers, username, password or certificates: {error}") from None
    return options


CHECK = Check("prometheus_health_info", SPEC, (), run)
