# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The looks at HTTP endpoints as the plain JSON that a check returns: no body, one header. Pure."""

from __future__ import annotations

import statistics
import typing as t

from .hostile import inert
from .http_health_body import read
from .http_judge_health import problem
from .http_judge_metrics import restarts, traffic
from .http_settings import Settings
from .http_snapshot import OK, Look, Metrics, Probe
from .quantities import count

TOP = 100
"""Endpoints that are listed: the sick ones first, then the slowest."""
BODIES = 20
BODY = 4096


def summary(
    looks: t.Sequence[Look], settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Totals over all, and the rows of those that matter most."""
    ordered = sorted(looks, key=lambda look: (not problem(look, look.last), -look.last.times.total))
    kinds: dict[str, int] = {}
    for look in looks:
        kinds[look.last.kind] = kinds.get(look.last.kind, 0) + 1
    return {
        "endpoints": len(looks),
        "healthy": sum(not problem(look, look.last) for look in looks),
        "answers": kinds,
        "listed": [row(look, settings, history) for look in ordered[:TOP]],
    }


def row(look: Look, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    last = look.last
    data: dict[str, t.Any] = {
        "component": look.endpoint.component,
        "url": look.endpoint.name,
        "kind": last.kind,
        "status": last.status,
        "probes": "".join("x" if problem(look, probe) else "." for probe in look.probes),
        "ms": {name: round(value, 2) for name, value in last.times._asdict().items()},
        "server": inert(last.headers.get("server", ""))[:80],
    }
    failing = read(last.body).failing
    if failing:
        data["failing"] = {item.name: item.error for item in failing}
    if last.redirects:
        data["redirects"] = list(last.redirects)
    if last.certificate and last.certificate.not_after:
        data["certificate_until"] = last.certificate.not_after
    if look.metrics:
        data["metrics"] = _metrics(look, look.metrics, settings, history)
    return data


def _metrics(
    look: Look, metrics: Metrics, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    if metrics.kind != OK:
        return {"kind": metrics.kind, "error": metrics.message}
    seen = traffic(look, settings, history)
    return {
        "kind": OK,
        "series": metrics.series,
        "requests": seen.requests,
        "window": round(seen.seconds, 1),
        "errors_per_100": "insufficient_data" if seen.errors is None else round(seen.errors, 2),
        "p50_ms": None if seen.p50 is None else round(seen.p50 * 1000, 1),
        "p99_ms": None if seen.p99 is None else round(seen.p99 * 1000, 1),
        "open_fds": metrics.open_fds,
        "max_fds": metrics.max_fds,
        "start_time": metrics.start_time,
        "restarts": restarts(look, settings.lookback, history)[0],
    }


def sample(looks: t.Sequence[Look]) -> list[dict[str, t.Any]]:
    """What a later look is judged by. Only what is bad is named: an endpoint that is not was good each time."""
    if not looks:
        return []
    bad = {}
    metrics = {}
    for look in looks:
        marks = "".join("1" if problem(look, probe) else "0" for probe in look.probes)
        if "1" in marks:
            bad[look.endpoint.name] = marks
        if look.metrics and look.metrics.kind == OK:
            metrics[look.endpoint.name] = {"start": look.metrics.start_time, "statuses": dict(look.metrics.statuses)}
    return [{"at": looks[0].now, "bad": bad, "metrics": metrics}]


def attachments(looks: t.Iterable[Look]) -> dict[str, str]:
    """What evidence keeps: the answers of sick endpoints."""
    files: dict[str, str] = {}
    for look in looks:
        worst = next((probe for probe in reversed(look.probes) if problem(look, probe) and probe.status), None)
        if worst is not None and len(files) < BODIES:
            files[f"answer-{len(files) + 1}.txt"] = _text(look, worst)
    return files


def _text(look: Look, probe: Probe) -> str:
    head = "\n".join(f"{name}: {value}" for name, value in probe.headers.items())
    return f"GET {look.endpoint.name}\n\n{probe.status}\n{head}\n\n{inert(probe.body[:BODY])}\n"


def measured(looks: t.Sequence[Look], settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """What was looked at, for people: a healthy verdict lists it."""
    if not looks:
        return []
    probes = sum(len(look.probes) for look in looks)
    answered = [probe.times.total for look in looks for probe in look.probes if probe.kind == OK]
    said = [f"{count(len(looks), 'endpoint')} asked {count(probes, 'time')}"]
    if answered:
        said.append(f"{len(answered)} answers, {statistics.median(answered):.1f} ms in the middle")
    if any(look.endpoint.health_url.startswith("https:") for look in looks):
        said.append(
            "certificates" if settings.validate_certs else "certificates were NOT verified (validate_certs=false)"
        )
    read_ones = [look for look in looks if look.metrics]
    if read_ones:
        whole = [look for look in read_ones if look.metrics and look.metrics.kind == OK]
        said.append(f"metrics of {len(whole)} of {len(read_ones)}")
        few = sum(traffic(look, settings, history).errors is None for look in whole)
        if few:
            said.append(f"insufficient data for errors of {few} (fewer than {settings.least_requests} requests)")
    return said
