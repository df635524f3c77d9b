# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a Go program and what was declared about it -> findings. Pure. One finding for each id.

This file judges what could not be looked at; goroutines and memory are judged in the files beside it.
"""

from __future__ import annotations

import typing as t

from .findings import UNKNOWN, Finding, Remedy
from .go_facts import History, case
from .go_judge_goroutines import judge_goroutines, judge_stacks
from .go_judge_memory import judge_memory
from .go_settings import Settings
from .go_snapshot import NOT_ASKED, OK, GoSnapshot, Probe

DEFAULTS = Settings()
UNREACHABLE = ("dns", "refused", "timeout", "reset", "tls", "deadline", "failed", "silent")
BROKEN = "broken"


class Lost(t.NamedTuple):
    """What is said about an address that gave nothing."""

    id: str
    does: str
    causes: tuple[str, ...]
    remedies: tuple[Remedy, ...]


METRICS = {
    "unreachable": Lost(
        "go.metrics.unreachable",
        "does not answer for its metrics",
        ("the program is down or hangs", "the address or port is wrong, or a firewall stands between"),
        (Remedy("Look at the program itself: its state, its log, its health endpoint"), Remedy("Correct metrics_url")),
    ),
    "stalled": Lost(
        "go.metrics.stalled",
        "begins to answer for its metrics and does not go on",
        ("its process is stopped, paused or starved of CPU", "the connection broke in the middle"),
        (Remedy("Look at the container's CPU and whether it is paused"),),
    ),
    "forbidden": Lost(
        "go.metrics.forbidden",
        "does not let this check read its metrics",
        ("it wants a login (options username, password, token)", "only the monitoring may read them"),
        (Remedy("Give the check the rights that the monitoring has"),),
    ),
    "absent": Lost(
        "go.metrics.absent",
        "has no metrics at this address",
        ("the path is another one", "it exports none, or on an admin port"),
        (Remedy("Correct metrics_url"), Remedy("Export them: the Go collector of client_golang", "disruptive")),
    ),
    BROKEN: Lost(
        "go.metrics.broken",
        "answers with something that is no metrics of a Go program",
        ("another program or a login page answers there", "it exports no go_ metrics", "what it exports is damaged"),
        (Remedy("Look at what the address answers, and correct metrics_url"),),
    ),
}
PPROF = {
    "unreachable": Lost(
        "go.pprof.unreachable",
        "can't be asked for its profiles",
        ("the program is down or hangs", "pprof listens on another port, or on the loopback address only"),
        (Remedy("Correct pprof_url, or run the check where pprof can be reached"),),
    ),
    "stalled": Lost(
        "go.pprof.stalled",
        "begins a profile and does not end it",
        ("its process is stopped, paused or starved of CPU", "the connection broke in the middle"),
        (Remedy("Look at the container's CPU and whether it is paused"),),
    ),
    "forbidden": Lost(
        "go.pprof.forbidden",
        "does not let this check read its profiles",
        ("pprof is behind a login, on an admin port", "only some addresses may ask"),
        (Remedy("Give the check the right to read it (options username, password, token)"),),
    ),
    "absent": Lost(
        "go.pprof.absent",
        "has no pprof at this address: who holds its memory stays unknown",
        ("it does not import net/http/pprof", "pprof is on another port or path"),
        (Remedy("Correct pprof_url"), Remedy("Serve net/http/pprof on an admin port", "disruptive")),
    ),
    BROKEN: Lost(
        "go.pprof.broken",
        "answers with something that is no profile",
        ("a login or error page answers there", "what stands between cuts or rewrites the answer"),
        (Remedy("Fetch the profile by hand on the program's own host, without what stands between"),),
    ),
}


def judge(snapshot: GoSnapshot, settings: Settings = DEFAULTS, history: History = ()) -> list[Finding]:
    """All findings of one look. history: samples of earlier looks."""
    findings = list(_lost(snapshot, settings))
    if snapshot.readings:
        found = case(snapshot, settings, history)
        findings += judge_goroutines(found)
        findings += judge_memory(found)
    return findings + list(judge_stacks(snapshot, settings))


def _lost(snapshot: GoSnapshot, settings: Settings) -> t.Iterator[Finding]:
    metrics = {name: probe for name, probe in snapshot.probes.items() if name == "metrics"}
    profiles = {name: probe for name, probe in snapshot.probes.items() if name != "metrics"}
    for probes, table in ((metrics, METRICS), (profiles, PPROF)):
        groups: dict[str, dict[str, Probe]] = {}
        for name, probe in probes.items():
            if probe.kind not in (OK, NOT_ASKED):
                groups.setdefault(group_of(probe.kind), {})[name] = probe
        for group, members in sorted(groups.items()):
            yield _unknown(table[group], members, settings)


def group_of(kind: str) -> str:
    if kind in UNREACHABLE:
        return "unreachable"
    return kind if kind in ("stalled", "forbidden", "absent") else BROKEN


def _unknown(lost: Lost, members: t.Mapping[str, Probe], settings: Settings) -> Finding:
    kinds = {name: probe.kind for name, probe in members.items()}
    return settings.finding(
        lost.id,
        UNKNOWN,
        "P3",
        lost.does,
        observed={name: {"kind": probe.kind, "status": probe.status or None} for name, probe in members.items()},
        evidence=[f"{name}: {probe.message}" for name, probe in members.items()],
        causes=lost.causes,
        remedies=lost.remedies,
        details={"kinds": kinds},
    )
