# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server itself: whether it takes in samples, has the configuration that was meant, and the right time. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .prometheus_facts import newest_sample, server_now, started, targets
from .prometheus_parse import epoch, rows
from .prometheus_settings import Settings
from .prometheus_snapshot import Snapshot
from .quantities import span

APPENDED = "prometheus_tsdb_head_samples_appended_total"
History = t.Sequence[t.Mapping[str, t.Any]]
JITTER = 2.0
RESTART = Remedy("Restart it last: it reads back its log for minutes, and sees nothing meanwhile", "disruptive")
CHECK_CONFIG = Remedy("Run promtool check config on its configuration, and mend what that names", "none", "")


def judge_server(snapshot: Snapshot, settings: Settings, history: History) -> t.Iterator[Finding]:
    if settings.at is not None:
        return
    if settings.looks_at("server"):
        yield from _ingestion(snapshot, settings, history)
        yield from _config(snapshot, settings)
    yield from _own_clock(snapshot, settings)


def _ingestion(snapshot: Snapshot, settings: Settings, history: History) -> t.Iterator[Finding]:
    now, newest, began = server_now(snapshot), newest_sample(snapshot), started(snapshot)
    if now is None:
        return
    last = max(newest or 0.0, began or 0.0)
    quiet = now - last if newest is not None and last else 0.0
    found = targets(snapshot, settings)
    floor = 4 * min((target.interval for target in found if target.interval), default=0.0)
    age = max(quiet, _standing(snapshot, history))
    level = settings.level("ingestion_seconds", age)
    if level is None or age < floor:
        return
    causes = ["its disk is full or read-only: nothing can be appended", "it is starved of CPU or memory"]
    if snapshot.data("targets") is not None and not found:
        causes.insert(0, "it has no targets: its configuration or discovery finds none")
        level = WARNING
    yield settings.finding(
        "prometheus.ingestion.stopped",
        level,
        "P2" if level == CRITICAL else "P3",
        f"Prometheus at {settings.url} has taken in no sample for {span(age)}",
        observed={"seconds": round(age, 1), "newest": newest, "targets": len(found)},
        threshold=settings.pair("ingestion_seconds"),
        evidence=[
            f"its newest sample is {span(now - newest)} old" if newest else "it holds no sample",
            f"{len(found)} active targets",
        ],
        causes=causes,
        remedies=(
            settings.look("Look at its targets and at their errors", "/api/v1/targets", state="active"),
            Remedy("Look at its log and at the space of its disk"),
            RESTART,
        ),
        since=last or None,
    )


def _standing(snapshot: Snapshot, history: History) -> float:
    """Seconds since an earlier look at the same process, from which on it has appended nothing."""
    mine = (snapshot.metrics or {}).get(APPENDED)
    began = started(snapshot)
    ages = [
        snapshot.now - sample["at"]
        for sample in history
        if isinstance(sample.get("at"), (int, float)) and mine is not None and same_process(sample, began)
        if sample.get("appended") == mine
    ]
    return max(ages, default=0.0)


def same_process(sample: t.Mapping[str, t.Any], began: float | None) -> bool:
    """Whether an earlier look saw the process that runs now."""
    start = sample.get("started")
    return isinstance(start, (int, float)) and began is not None and abs(start - began) <= JITTER


def _config(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    info = snapshot.data("runtimeinfo")
    good = info.get("reloadConfigSuccess") if isinstance(info, dict) else None
    if good is None:
        value = (snapshot.metrics or {}).get("prometheus_config_last_reload_successful")
        good = None if value is None else value == 1
    if good is not False:
        return
    loaded = epoch(info.get("lastConfigTime")) if isinstance(info, dict) else None
    now = server_now(snapshot)
    age = f", which it read {span(max(0.0, now - loaded))} ago" if loaded and now else ""
    yield settings.finding(
        "prometheus.config.reload_failed",
        CRITICAL,
        "P3",
        f"Prometheus at {settings.url} could not read its configuration again and goes on with the old one{age}",
        observed={"successful": False, "loaded": loaded},
        causes=(
            "the configuration or a rule file has an error",
            "a file that it names is missing or can't be read",
        ),
        remedies=(
            CHECK_CONFIG,
            Remedy("Then let it read it again: send SIGHUP, or POST /-/reload where that is enabled", "low"),
            Remedy("Do not restart it before that: with a broken configuration it does not start"),
        ),
    )


def _own_clock(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    now, part = server_now(snapshot), snapshot.part("clock")
    if now is None or part is None or not part.at:
        return
    apart = now - part.at
    # The answer is from somewhere within the question: so much of the difference is none.
    sure = abs(apart) - part.ms / 2000
    level = settings.level("clock_seconds", sure)
    if level is None:
        return
    yield settings.finding(
        "prometheus.clock.skew",
        level,
        "P3",
        f"The clock of Prometheus at {settings.url} is {span(abs(apart))} {'ahead of' if apart > 0 else 'behind'}"
        " that of this machine",
        observed={"seconds": round(apart, 3), "uncertain": round(part.ms / 2000, 3)},
        threshold=settings.pair("clock_seconds"),
        causes=("the time of one of both is not synchronised", "its machine was suspended"),
        remedies=(Remedy("Compare both with a third clock, and mend the synchronisation (chronyc tracking)"),),
    )


def judge_clocks(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    """Machines whose own time differs: by their node_exporter."""
    for name, factor, limit in (("clocks", 1.0, "clock_seconds"), ("offsets", 1000.0, "clock_offset_ms")):
        for row in rows(snapshot.part(name)):
            value = abs(row.value) * factor
            level = settings.level(limit, value)
            instance = row.labels.get("instance", "")
            if level is None or not instance:
                continue
            job = row.labels.get(settings.job_label) or row.labels.get("job", "")
            what = "its clock and that of Prometheus" if name == "clocks" else "its clock and its time servers"
            yield settings.finding(
                "prometheus.clock.skew",
                level,
                "P3",
                f"{instance}: {what} are {span(abs(row.value))} apart",
                subject=f"{instance} ({'clock' if name == 'clocks' else 'offset'})",
                component=settings.component_of(instance, job),
                observed={"seconds": round(row.value, 3)},
                threshold=settings.pair(limit),
                causes=("its time is not synchronised", "its virtual machine was suspended"),
                remedies=(Remedy("Mend the synchronisation of its time (chronyc tracking)"),),
                details={"job": job, "instance": instance},
            )


QUERY_KINDS = {
    "bad_data": ("refuses (400)", "the server is too old for the query, or an option names no metric or label of its"),
    "execution": ("can't run (422)", "the query asks for too many samples, or its series contradict each other"),
    "timeout": ("gives up on (503)", "the server is overloaded, or the window is too long for its number of series"),
    "limited": ("limits (429)", "a frontend allows fewer queries than this look needs"),
    "internal": ("fails at (500)", "the server's storage has an error"),
}
"""Kind of a Part -> what the server does with the query, and why it may."""


def judge_queries(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    """Queries that failed, each kind for itself, and answers that said themselves that they are not whole."""
    for kind, (does, cause) in QUERY_KINDS.items():
        failed = {name: part.message for name, part in snapshot.parts.items() if part.kind == kind}
        if failed:
            yield settings.finding(
                "prometheus.query.failed",
                UNKNOWN,
                "P3",
                f"Prometheus at {settings.url} {does} {', '.join(sorted(failed))}: what they tell is not known",
                subject=f"{settings.url} {kind}",
                observed={"kind": kind, "questions": sorted(failed)},
                evidence=[f"{name}: {why}" for name, why in sorted(failed.items())],
                causes=(cause,),
                remedies=(Remedy("Ask for less (jobs, burn_windows), or look at the server's load"),),
            )
    partial = {name: part.warnings for name, part in snapshot.parts.items() if part.warnings}
    if partial:
        yield settings.finding(
            "prometheus.query.partial",
            UNKNOWN,
            "P3",
            f"Prometheus at {settings.url} says that its answers are not whole: {', '.join(sorted(partial))}",
            observed={"questions": sorted(partial)},
            evidence=[f"{name}: {word}" for name, words in sorted(partial.items()) for word in words],
            causes=("a store or remote read behind it does not answer", "series of different kinds share a name"),
            remedies=(Remedy("Read the warnings; look at the stores that they name"),),
        )
