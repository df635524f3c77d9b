# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrape targets that are down: one of several, or a whole job. Pure. One finding for each job."""

from __future__ import annotations

import re
import typing as t

from .findings import CRITICAL, WARNING, Finding, Remedy
from .prometheus_facts import Target, Up, alive, targets
from .prometheus_settings import Settings
from .prometheus_snapshot import Snapshot
from .quantities import count, span

LISTED = 20
MANY = 3
"""Jobs that are down at once, from which on their way to Prometheus is suspected."""
ERRORS: tuple[tuple[str, str], ...] = (
    (r"connection refused", "nothing listens there: the program is down, restarts or has another port"),
    (r"no such host|server misbehaving|lookup ", "its name does not resolve: the container or the record is gone"),
    (r"context deadline exceeded|i/o timeout|timeout", "it hangs or is too slow to answer within scrape_timeout"),
    (r"no route to host|network is unreachable", "its host is down, or there is no way to it"),
    (r"status (?:401|403)", "Prometheus' login for it is wrong"),
    (r"status 404", "metrics_path is wrong, or another program answers there"),
    (r"status 5\d\d", "it fails while it makes its metrics"),
    (r"x509|certificate|tls", "its certificate is not trusted, has expired or is for another name"),
    (r"connection reset|eof", "it breaks the connection off: it crashes, or speaks TLS where http is asked"),
    (r"sample limit|label.*limit|body size", "it has more series than Prometheus was told to take"),
    (r"expected|invalid|parse|unsupported|duplicate", "what it answers is no text of metrics"),
)
"""What an error of a scrape looks like -> the cause that it proves."""


def judge_targets(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    if not settings.looks_at("targets"):
        return
    every = targets(snapshot, settings)
    sizes = alive(snapshot, settings)
    listed = snapshot.data("targets") is not None
    wanted: dict[str, list[Target]] = {}
    for target in every:
        if not (settings.away(target.job, target.instance) or settings.away(target.name, target.instance)):
            wanted.setdefault(target.name, []).append(target)
    down = {name: [target for target in found if target.health == "down"] for name, found in wanted.items()}
    whole = [name for name, found in down.items() if found and len(found) >= _size(name, wanted, sizes, listed)]
    for name, found in sorted(down.items()):
        if found:
            size = _size(name, wanted, sizes, listed)
            yield _down(settings, name, found, max(size, len(found)), len(whole) >= MANY and name in whole)
    yield from _missing(snapshot, settings, {target.name for target in every} | set(sizes))


def _size(name: str, wanted: t.Mapping[str, list[Target]], sizes: t.Mapping[str, Up], listed: bool) -> int:
    """Targets of a job that count: those that are listed, or as many as the metric up has."""
    return len(wanted[name]) if listed else sizes.get(name, Up(len(wanted[name]))).every


def _down(settings: Settings, name: str, found: list[Target], size: int, many: bool) -> Finding:
    whole = len(found) == size
    causes = causes_of(found)
    if many:
        causes = ("network or DNS of Prometheus itself: several jobs are down at once", *causes)
    job = found[0].job
    first = found[0]
    what = f"All {count(size, 'target')}" if size > 1 else "The only target"
    said = f"{what} of job {name}" if whole else f"{len(found)} of {count(size, 'target')} of job {name}"
    are = "are" if (size if whole else len(found)) > 1 else "is"
    return settings.finding(
        "prometheus.job.down" if whole else "prometheus.target.down",
        CRITICAL if whole else WARNING,
        "P2" if whole else "P3",
        f"{said} {are} down: {first.error or first.instance}",
        subject=f"job {name}",
        component=settings.component_of(name, job),
        observed={"down": len(found), "targets": size},
        threshold={"warn": "any", "crit": "all"},
        evidence=[_line(target) for target in found[:LISTED]],
        causes=causes,
        remedies=(
            Remedy(
                "Ask the target itself, from where Prometheus runs",
                "none",
                f"curl -sS -m 10 -o /dev/null -w '%{{http_code}}' '{first.url}'" if "'" not in first.url else "",
            ),
            Remedy("Start what is down, or mend the way to it; that its series are gone is no sign of health", "low"),
        ),
        details={
            "job": job,
            "service": name,
            "targets": [target.instance for target in found[:LISTED]],
            "urls": [target.url for target in found[:LISTED] if target.url],
        },
    )


def _line(target: Target) -> str:
    return f"{target.instance}: {target.error or 'the last scrape failed'}"


def causes_of(found: t.Sequence[Target]) -> tuple[str, ...]:
    """Causes by what the errors say, the most frequent first."""
    times: dict[str, int] = {}
    for target in found:
        cause = next((cause for pattern, cause in ERRORS if re.search(pattern, target.error, re.I)), "")
        if cause:
            times[cause] = times.get(cause, 0) + 1
    ranked = sorted(times, key=lambda cause: -times[cause])
    return tuple(ranked) or ("the program is down", "Prometheus can't reach it")


def _missing(snapshot: Snapshot, settings: Settings, there: set[str]) -> t.Iterator[Finding]:
    """Jobs that were named and of which nothing is known. Their silence is no health."""
    part = snapshot.part("up")
    if part is None or part.kind != "ok":
        return
    for name in settings.jobs or ():
        if not set(name) & set("*?") and name not in there:
            yield settings.finding(
                "prometheus.job.missing",
                CRITICAL,
                "P2",
                f"Prometheus at {settings.url} has no target of job {name}",
                subject=f"job {name}",
                component=settings.component_of(name),
                observed={"targets": 0},
                causes=("its discovery finds no target any more", "the name in jobs is wrong"),
                remedies=(settings.look("Look at what is scraped", "/api/v1/targets", state="active"),),
                details={"job": name, "service": name},
            )


def freshest(found: t.Iterable[Target]) -> str:
    """How often targets are scraped, for people."""
    spans = sorted({target.interval for target in found if target.interval})
    return (
        f"every {span(spans[0])}"
        if len(spans) == 1
        else f"every {span(spans[0])} to {span(spans[-1])}"
        if spans
        else ""
    )
