# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services by their series: errors, budget, traffic, latency, restarts. Pure. One finding for each id and job."""

from __future__ import annotations

import math
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .prometheus_queries import duration, latency, restarts, traffic
from .prometheus_services import Counts, Service, has_requests, services
from .prometheus_settings import Pair, Settings
from .prometheus_snapshot import Snapshot
from .quantities import span

SIGMA = 3.0
"""Numbers of requests differ by chance: a drop within so many standard deviations is none."""
LISTED = 10
DEPENDENCIES = Remedy("Look at what it depends on first: a restart of this service will not help while that fails")


def judge_services(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    if not settings.looks_at("services"):
        return
    labels = snapshot.status_labels
    for service in services(snapshot, settings):
        yield from _errors(service, settings, labels)
        yield from _burning(service, settings, labels)
        yield from _cliff(service, settings, labels)
        yield from _slow(service, settings)
        yield from _restarted(service, settings)
        yield from _coarse(service, settings)


def _about(
    service: Service,
    settings: Settings,
    name: str,
    level: str,
    severity: str,
    summary: str,
    query: str,
    **more: t.Any,
) -> Finding:
    details = {"job": service.name, "service": service.name, **more.pop("details", {})}
    remedies = (settings.look("Look at it by the query", "/api/v1/query", query=query), *more.pop("remedies", ()))
    return settings.finding(
        name,
        level,
        severity,
        summary,
        subject=f"job {service.name}",
        component=settings.component_of(service.name),
        remedies=remedies,
        details=details,
        **more,
    )


def _errors(service: Service, settings: Settings, labels: t.Sequence[str]) -> t.Iterator[Finding]:
    share, _why = service.ratio(settings.window, settings.min_requests)
    if share is None:
        return
    level = settings.level("errors_per_100", 100 * share)
    if level is None:
        return
    counts = service.windows[settings.window]
    yield _about(
        service,
        settings,
        "prometheus.errors.ratio",
        level,
        "P2" if level == CRITICAL else "P3",
        f"Job {service.name} answers {100 * share:.3g} % of its requests with 5xx",
        traffic(settings, labels, settings.window),
        observed={
            "errors_per_100": round(100 * share, 3),
            "errors": round(counts.errors, 1),
            "requests": round(counts.total, 1),
            "window": settings.window,
        },
        threshold=settings.pair("errors_per_100"),
        evidence=(f"{counts.errors:.0f} of {counts.total:.0f} requests within {span(settings.window)}",),
        causes=(
            "a dependency of it fails (database, cache, queue)",
            "the version that was put in place last is broken",
            "one of its instances fails and the others don't",
        ),
        remedies=(DEPENDENCIES, Remedy("Take back the last change, where the errors began with it", "disruptive")),
    )


def _burning(service: Service, settings: Settings, labels: t.Sequence[str]) -> t.Iterator[Finding]:
    budget = 1 - settings.slo / 100
    for pair in sorted(settings.burn_pairs, key=lambda one: (one.severity, -one.factor)):
        burn, _why = service.burn(pair, budget, settings.min_requests)
        if burn is not None and min(burn) >= pair.factor:
            yield _burn(service, settings, labels, pair, burn)
            return


def _burn(
    service: Service, settings: Settings, labels: t.Sequence[str], pair: Pair, burn: tuple[float, float]
) -> Finding:
    level = CRITICAL if pair.severity in ("P1", "P2") else WARNING
    return _about(
        service,
        settings,
        "prometheus.errors.burn",
        level,
        pair.severity,
        f"Job {service.name} uses up its error budget ({settings.slo:g} %) {burn[0]:.3g} times too fast over"
        f" {span(pair.long)}, and {burn[1]:.3g} times over {span(pair.short)}",
        traffic(settings, labels, pair.short),
        observed={"long": round(burn[0], 2), "short": round(burn[1], 2), "windows": [pair.long, pair.short]},
        threshold={"factor": pair.factor, "slo": settings.slo},
        evidence=[_share(service, window) for window in (pair.long, pair.short)],
        causes=("it fails now and has for a while: see its errors", "a dependency of it fails"),
        remedies=(DEPENDENCIES,),
        details={"severity_by": "burn rate"},
    )


def _share(service: Service, window: float) -> str:
    counts = service.windows[window]
    return f"{counts.errors:.0f} of {counts.total:.0f} requests within {span(window)}"


def _cliff(service: Service, settings: Settings, labels: t.Sequence[str]) -> t.Iterator[Finding]:
    past, now = service.past, service.windows.get(settings.window)
    if past is None or not past.covered or past.total < settings.min_requests or _blind(service, now):
        return
    total = now.total if now else 0.0
    dropped = 100 * (1 - total / past.total)
    level = settings.level("drop_percent", dropped)
    if level is None or past.total - total <= SIGMA * math.sqrt(past.total + total):
        return
    gone = "; it has no series of requests any more, and its targets are up" if now is None else ""
    yield _about(
        service,
        settings,
        "prometheus.traffic.cliff",
        level,
        "P2" if level == CRITICAL else "P3",
        f"Job {service.name} gets {dropped:.0f} % fewer requests than {span(settings.compare_offset)} ago{gone}",
        traffic(settings, labels, settings.window),
        observed={"requests": round(total, 1), "before": round(past.total, 1), "drop_percent": round(dropped, 1)},
        threshold=settings.pair("drop_percent"),
        evidence=(
            f"{total:.0f} requests within {span(settings.window)}, and {past.total:.0f} in as long before",
            *((f"{service.up.alive} of {service.up.every} targets are up",) if service.up else ()),
        ),
        causes=(
            "what is before it (gateway, balancer, DNS, a caller) sends nothing any more",
            "some of its instances don't count any more: they were restarted or taken out",
            "its users have gone by themselves, as at night",
        ),
        remedies=(Remedy("Look at who calls it: errors are seen there first; compare with the same hour yesterday"),),
    )


def _blind(service: Service, now: Counts | None) -> bool:
    """Whether requests are missing because nobody measured them: a target that is down, or that is watched for less
    than the window, has no traffic that is known."""
    if now is not None and not now.covered:
        return True
    if service.up is None:
        return now is None
    return service.up.alive < service.up.every or not service.up.began


def _slow(service: Service, settings: Settings) -> t.Iterator[Finding]:
    if service.p99 is None or service.measured is None or service.measured < settings.min_requests:
        return
    level = settings.level("latency_ms", 1000 * service.p99)
    if level is None:
        return
    shown: t.Any = round(1000 * service.p99, 1) if math.isfinite(service.p99) else "+Inf"
    yield _about(
        service,
        settings,
        "prometheus.latency.p99",
        level,
        "P2" if level == CRITICAL else "P3",
        f"One of 100 requests to job {service.name} takes"
        f" {'longer than all buckets' if shown == '+Inf' else span(service.p99)} or more",
        latency(settings),
        observed={"p99_ms": shown, "requests": round(service.measured, 1), "window": settings.window},
        threshold=settings.pair("latency_ms"),
        evidence=(f"{service.measured:.0f} requests within {span(settings.window)}",),
        causes=(
            "it waits: for its database, a lock, a pool or another service",
            "it has no CPU left, or its collector runs all the time",
        ),
        remedies=(Remedy("Find what is saturated before anything is restarted: a restart empties caches as well"),),
    )


def _restarted(service: Service, settings: Settings) -> t.Iterator[Finding]:
    if service.restarts is None:
        return
    most = service.restarts.most
    level = settings.level("restarts", most)
    if level is None:
        return
    yield _about(
        service,
        settings,
        "prometheus.process.restarts",
        level,
        "P2" if level == CRITICAL else "P3",
        f"A process of job {service.name} was started {most} times within {span(settings.lookback)}",
        restarts(settings),
        observed={"restarts": most, "window": settings.lookback},
        threshold=settings.pair("restarts"),
        evidence=[f"{instance}: {number} times" for instance, number in service.restarts.each[:LISTED]],
        causes=("it crashes: out of memory, a panic, a dependency that it can't do without", "somebody deploys it"),
        remedies=(Remedy("Look at its exit codes and at the end of its log; don't restart it once more"),),
        details={"instances": [instance for instance, _number in service.restarts.each[:LISTED]]},
    )


def _coarse(service: Service, settings: Settings) -> t.Iterator[Finding]:
    if not service.interval or 4 * service.interval <= settings.window or not (service.windows or service.measured):
        return
    yield settings.finding(
        "prometheus.window.short",
        UNKNOWN,
        "P4",
        f"Job {service.name} is scraped every {span(service.interval)}: a window of {span(settings.window)} holds too"
        " few samples to judge it by",
        subject=f"job {service.name}",
        observed={"interval": service.interval, "window": settings.window},
        threshold={"window": 4 * service.interval},
        causes=("window is below 4 times the scrape interval",),
        remedies=(Remedy(f"Set window to {duration(4 * service.interval)} or more, or scrape it more often"),),
        details={"job": service.name, "service": service.name},
    )


def declared(snapshot: Snapshot, settings: Settings) -> dict[str, str]:
    """Metrics that somebody named and that are nowhere: nothing was measured, and that is not the same as fine."""
    missing = {}
    if settings.requests_declared and has_requests(snapshot) is False:
        missing["requests"] = f"there is no series of {settings.requests_metric}"
    part = snapshot.part("latency")
    asked = settings.latency_declared and part is not None and part.kind == "ok"
    if asked and all(one.measured is None for one in services(snapshot, settings)):
        missing["latency"] = f"there is no series of {settings.latency_metric}_bucket"
    return missing


def insufficient(service: Service, settings: Settings) -> dict[str, str]:
    """What can't be told about a service, and why."""
    found = {}
    share, why = service.ratio(settings.window, settings.min_requests)
    if share is None:
        found["errors"] = why
    for pair in settings.burn_pairs:
        burn, why = service.burn(pair, 1 - settings.slo / 100, settings.min_requests)
        if burn is None:
            found[f"burn {duration(pair.long)}"] = why
    return found
