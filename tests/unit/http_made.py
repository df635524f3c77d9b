# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at HTTP endpoints for tests: a healthy one, and what differs from it."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.http_snapshot import (
    Endpoint,
    Look,
    Metrics,
    Probe,
    Times,
)

NOW = 1_700_000_000.0
URL = "http://shop.example/health"


def endpoint(**changes: t.Any) -> Endpoint:
    return Endpoint(**{"component": "shop", "name": URL, "health_url": URL, **changes})


def probe(status: int = 200, body: str = "ok", ms: float = 5.0, **changes: t.Any) -> Probe:
    values = {"status": status, "body": body, "times": Times(0.0, 0.2, 0.0, ms - 0.5, ms), **changes}
    return Probe(**values)


def failed(kind: str, message: str = "so it was", **changes: t.Any) -> Probe:
    return Probe(**{"kind": kind, "message": message, "times": Times(0.0, 0.0, 0.0, 0.0, 9.0), **changes})


def metrics(at: float, ok: float = 1000.0, bad: float = 0.0, slow: float = 0.0, **changes: t.Any) -> Metrics:
    """A service that answered so many requests, of which so many took between 2.5 and 5 seconds."""
    total = ok + bad
    values: dict[str, t.Any] = {
        "at": at,
        "series": 50,
        "statuses": {"2": ok, "5": bad},
        "buckets": {0.1: total - slow, 2.5: total - slow, 5.0: total, math.inf: total},
        "open_fds": 10.0,
        "max_fds": 1024.0,
        "start_time": NOW - 3600,
    }
    return Metrics(**{**values, **changes})


def look(*probes: Probe, **changes: t.Any) -> Look:
    """A look with these probes, or three good ones. wanted: what differs of the endpoint."""
    wanted = changes.pop("wanted", {})
    return Look(endpoint(**wanted), **{"now": NOW, "probes": probes or (probe(),) * 3, **changes})


def measured(first: dict[str, t.Any] | None = None, later: dict[str, t.Any] | None = None, **changes: t.Any) -> Look:
    """A look with two readings, two seconds apart."""
    before = metrics(NOW - 2, **(first or {}))
    after = metrics(NOW, **(later if later is not None else {"ok": 1100.0}))
    return look(first=before, later=after, **changes)
