# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service's own metrics say: errors, latency, descriptors, restarts, and whether they can be trusted. Pure."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .http_judge_health import problem
from .http_metrics import JITTER, quantile, same_process, since
from .http_settings import Settings, finding
from .http_snapshot import OK, Look, Metrics
from .quantities import span


@dataclasses.dataclass(frozen=True)
class Traffic:
    """Requests between two readings. seconds: how far they are apart. errors, p50, p99: None where too few came."""

    seconds: float = 0.0
    requests: float = 0.0
    failed: float = 0.0
    errors: float | None = None
    p50: float | None = None
    p99: float | None = None


def judge_metrics(look: Look, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Finding]:
    if look.metrics is None:
        return
    if look.metrics.kind != OK:
        if look.metrics.kind != look.last.kind:  # else the service itself is what fails, and has its finding
            yield from _broken(look, look.metrics)
        return
    seen = traffic(look, settings, history)
    yield from _errors(look, seen, settings)
    yield from _latency(look, seen, settings)
    yield from _descriptors(look, settings)
    yield from _restarted(look, settings, history)


def traffic(look: Look, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]] = ()) -> Traffic:
    """Between the two readings of this look; where that saw too few requests, since an earlier look of this process."""
    after = look.metrics
    if after is None or after.kind != OK:
        return Traffic()
    best = Traffic()
    readings = [reading for reading in _readings(look, settings.lookback, history) if same_process(reading, after)]
    own = [look.first] if look.first is not None and look.first.kind == OK and look.later is not None else []
    for before in [*own, *reversed(readings)]:
        best = _between(before, after, settings.least_requests)
        if best.errors is not None:
            break
    return best


def _readings(look: Look, lookback: float, history: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Metrics]:
    """Counters of earlier looks, oldest first, without their buckets."""
    for sample in history:
        at, metrics = sample.get("at"), sample.get("metrics")
        row = metrics.get(look.endpoint.name) if isinstance(metrics, dict) else None
        if not isinstance(at, (int, float)) or not isinstance(row, dict) or not 0 <= look.now - at <= lookback:
            continue
        statuses = row.get("statuses")
        if isinstance(statuses, dict):
            counts = {str(k): float(v) for k, v in statuses.items() if isinstance(v, (int, float))}
            start = row.get("start")
            yield Metrics(at=at, statuses=counts, start_time=start if isinstance(start, (int, float)) else None)


def _between(before: Metrics, after: Metrics, least: int) -> Traffic:
    grown = since(before, after)
    total, failed = sum(grown.statuses.values()), grown.statuses.get("5", 0.0)
    p50 = p99 = None
    observed = grown.buckets.get(math.inf, 0.0)
    if before.buckets and observed >= least:
        p50, p99 = quantile(grown.buckets, 0.5), quantile(grown.buckets, 0.99)
    enough = total >= least
    return Traffic(after.at - before.at, total, failed, 100.0 * failed / total if enough else None, p50, p99)


def _broken(look: Look, metrics: Metrics) -> t.Iterator[Finding]:
    if metrics.kind in ("deadline", "failed"):
        said = f"has metrics that could not be looked at: {metrics.message}"
        yield finding(look.endpoint, "http.unmeasured", UNKNOWN, "P3", said)
        return
    yield finding(
        look.endpoint,
        "http.metrics.broken",
        WARNING,
        "P3",
        f"has metrics that can't be read: {metrics.message}",
        observed={"kind": metrics.kind, "bytes": metrics.bytes, "series": metrics.series},
        evidence=(metrics.message,),
        causes=("the URL is not that of metrics", "its metrics are produced wrongly, or too many of them"),
        remedies=(Remedy("Read them as Prometheus does: monitoring is blind here until they are whole"),),
        details={"metrics": metrics.kind},
    )


def _errors(look: Look, seen: Traffic, settings: Settings) -> t.Iterator[Finding]:
    level = None if seen.errors is None else settings.level("errors_per_100", seen.errors)
    if level is None or seen.errors is None:
        return
    facts = f"{seen.failed:.0f} of {seen.requests:.0f} requests in {seen.seconds:.1f} s were answered with 5xx"
    observed = {"errors_per_100": round(seen.errors, 2), "requests": seen.requests, "seconds": round(seen.seconds, 1)}
    yield finding(
        look.endpoint,
        "http.errors.high",
        level,
        "P2" if level == CRITICAL else "P3",
        f"fails {seen.errors:.1f} % of its requests",
        observed=observed,
        threshold=settings.pair("errors_per_100"),
        evidence=(facts,),
        causes=("a dependency fails", "a release broke it", "it is overloaded"),
        remedies=(Remedy("Look at its log and its dependencies; roll the last release back where it began with it"),),
    )
    if level == CRITICAL and look.probes and not problem(look, look.last):
        yield finding(
            look.endpoint,
            "http.health.shallow",
            WARNING,
            "P2",
            f"says that it is healthy, and fails {seen.errors:.1f} % of its requests",
            observed={**observed, "status": look.last.status},
            threshold=settings.pair("errors_per_100"),
            evidence=(facts, f"its health page answers {look.last.status}"),
            causes=("its health page asks nothing of what its work depends on",),
            remedies=(Remedy("Treat it as sick; let its health page ask its dependencies afterwards"),),
        )


def _latency(look: Look, seen: Traffic, settings: Settings) -> t.Iterator[Finding]:
    level = None if seen.p99 is None else settings.level("latency_ms", seen.p99 * 1000)
    if level is None or seen.p99 is None or seen.p50 is None:
        return
    yield finding(
        look.endpoint,
        "http.latency.high",
        level,
        "P2" if level == CRITICAL else "P3",
        f"answers the slowest 1 % of its requests in {span(seen.p99)} or more",
        observed={"p50_ms": round(seen.p50 * 1000, 1), "p99_ms": round(seen.p99 * 1000, 1)},
        threshold=settings.pair("latency_ms"),
        evidence=(f"half of them take {span(seen.p50)} or more, in {seen.seconds:.1f} s",),
        causes=("a dependency is slow or locked", "a pool of connections or threads is used up", "it is short of CPU"),
        remedies=(Remedy("Find the resource that is used up before anything is restarted"),),
    )


def _descriptors(look: Look, settings: Settings) -> t.Iterator[Finding]:
    metrics = look.metrics
    if metrics is None or metrics.open_fds is None or not metrics.max_fds:
        return
    percent = 100.0 * metrics.open_fds / metrics.max_fds
    level = settings.level("descriptors_percent", percent)
    if level is None:
        return
    yield finding(
        look.endpoint,
        "http.descriptors.high",
        level,
        "P2" if level == CRITICAL else "P3",
        f"uses {percent:.0f} % of its file descriptors ({metrics.open_fds:.0f} of {metrics.max_fds:.0f})",
        observed={"percent": round(percent, 1), "open": metrics.open_fds, "limit": metrics.max_fds},
        threshold=settings.pair("descriptors_percent"),
        causes=("connections or files are opened and never closed", "more callers at once than ever"),
        remedies=(
            Remedy("Take the stacks and the states of its sockets first: after a restart they are gone"),
            Remedy("Raise the limit (nofile)", "disruptive"),
        ),
    )


def restarts(look: Look, lookback: float, history: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[int, bool]:
    """How often the start time of its process changed within lookback, and whether it did under our eyes."""
    readings = list(_readings(look, lookback, history))
    own = [reading for reading in (look.first, look.later) if reading is not None and reading.kind == OK]
    starts = [reading.start_time for reading in (*readings, *own) if reading.start_time is not None]
    times = sum(abs(before - after) > JITTER for before, after in zip(starts, starts[1:]))
    return times, len(own) == 2 and not same_process(own[0], own[1])


def _restarted(look: Look, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Finding]:
    times, now = restarts(look, settings.lookback, history)
    level = settings.level("restarts", times) or (WARNING if now else None)
    if level is None:
        return
    when = "while it was looked at" if now else f"in the last {settings.lookback / 60:.0f} minutes"
    yield finding(
        look.endpoint,
        "http.process.restarted",
        level,
        "P2" if level == CRITICAL else "P3",
        f"restarted {times} time{'' if times == 1 else 's'}, {when}" if not now else f"restarted {when}",
        observed={"restarts": times, "start_time": look.metrics.start_time if look.metrics else None},
        threshold=settings.pair("restarts"),
        causes=("it crashes", "it is killed for its memory", "somebody deploys"),
        remedies=(Remedy("Look at its log before the last start, and at how its container ended"),),
    )
