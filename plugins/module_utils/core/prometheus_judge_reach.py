# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Prometheus can be asked at all: reached, let in, ready, and one. Pure."""

from __future__ import annotations

import re
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .http_judge_reach import WAYS, attempts, phases
from .http_snapshot import OK, TLS_KINDS
from .prometheus_facts import started
from .prometheus_parse import is_html, number, short
from .prometheus_settings import Settings
from .prometheus_snapshot import ABSENT, Part, Snapshot
from .quantities import span

_LOGIN = re.compile(r"type=[\"']?password|log ?in|sign ?in|single sign-on|sso", re.I)
START = Remedy("Look at its log and state; start it where it is down", "low")
WAIT = Remedy("Wait until it is ready: a restart begins the replay anew")

PEOPLE: dict[str, tuple[str, tuple[str, ...], str]] = {
    "alertmanager": (
        "is an Alertmanager, not a Prometheus",
        ("url names the port of the Alertmanager (9093) where that of Prometheus (9090) is meant",),
        "Set url to the address of Prometheus",
    ),
    "login": (
        "answers with a login page",
        ("a proxy in front of it wants a login that this check does not have", "the token has expired"),
        "Give username and password or bearer_token that the proxy takes, or an address behind it",
    ),
    "page": (
        "answers with a page for people instead of its API",
        (
            "url names Grafana or another web page",
            "the route prefix is missing in url, and the proxy serves its own page",
        ),
        "Set url to that of Prometheus, with its route prefix",
    ),
    "proxy": (
        "is not there: the proxy in front of it can't reach it",
        ("Prometheus behind the proxy is down or hangs", "the proxy sends to a wrong address"),
        "Look at Prometheus behind the proxy, at its state and log",
    ),
    "path": (
        "has no API of Prometheus at this address",
        (
            "the route prefix (--web.route-prefix, --web.external-url) is missing in url",
            "another program holds the port",
        ),
        "Set url to that of Prometheus, with its route prefix",
    ),
    "other": (
        "does not answer as a Prometheus does",
        ("another program holds the port", "a proxy changes the answers"),
        "Set url to that of Prometheus",
    ),
}
"""Who answers instead: what it does, why, and what helps."""


def blocked(snapshot: Snapshot, settings: Settings) -> Finding | None:
    """Why nothing more could be asked, None where it could."""
    ready = snapshot.ready
    clock = snapshot.part("clock")
    if ready.kind != OK:
        return _unreachable(snapshot, settings)
    if ready.status in (401, 403) or (clock and clock.kind == "auth"):
        return _rejected(settings, ready.status if clock is None else clock.status)
    if ready.status == 503:
        return _not_ready(snapshot, settings)
    if clock is not None and snapshot.foreign:
        return _foreign(snapshot, settings, clock)
    if clock is not None and clock.kind == "not_ready":
        return _not_ready(snapshot, settings)
    return None


def _unreachable(snapshot: Snapshot, settings: Settings) -> Finding:
    probe = snapshot.ready
    way = WAYS.get(probe.kind)
    if way is None:
        return unmeasured(settings, {"server": probe.message or probe.kind})
    said = f": {probe.message}" if probe.kind in TLS_KINDS and probe.message else ""
    return settings.finding(
        "prometheus.server.unreachable",
        CRITICAL,
        "P2",
        f"Prometheus at {settings.url} {way.does}{said}: nothing is known about what it watches",
        observed={"kind": probe.kind, "ms": round(probe.times.total)},
        evidence=[text for text in (probe.message, *attempts(probe), *phases(probe)) if text],
        causes=way.causes,
        remedies=way.remedies,
        details={"kind": probe.kind, "redirects": list(probe.redirects)},
    )


def _rejected(settings: Settings, status: int) -> Finding:
    return settings.finding(
        "prometheus.auth.rejected",
        UNKNOWN,
        "P3",
        f"Prometheus at {settings.url} answers {status}: this check is not let in",
        observed={"status": status},
        causes=("the login or token is missing, wrong or expired", "the tenant's header is missing or wrong"),
        remedies=(Remedy("Correct username and password, bearer_token or secret_headers"),),
    )


def _not_ready(snapshot: Snapshot, settings: Settings) -> Finding:
    replay = snapshot.data("walreplay")
    if not isinstance(replay, dict):
        text = snapshot.ready.body
        if is_html(text):
            return _foreign(snapshot, settings, Part("proxy", "status 503", 503, text=text))
        replay = {}
    first, last, current = (int(number(replay.get(name)) or 0) for name in ("min", "max", "current"))
    state = short(replay.get("state") or "")
    if last > 0 and current < last or state in ("waiting", "in progress"):
        return _replaying(snapshot, settings, (first, last, current))
    return settings.finding(
        "prometheus.server.not_ready",
        CRITICAL,
        "P2",
        f"Prometheus at {settings.url} is not ready and does not replay its log either",
        observed={"status": snapshot.ready.status, "replay": replay or None},
        evidence=(short(snapshot.ready.body),),
        causes=(
            "it is starting: what follows the replay is not done yet",
            "it is shutting down",
            "its storage can't be opened: the disk is full, read-only or damaged",
        ),
        remedies=(WAIT, Remedy("Look at its log for the storage's errors; look at the disk's space")),
    )


def _replaying(snapshot: Snapshot, settings: Settings, segments: tuple[int, int, int]) -> Finding:
    first, last, current = segments
    began = started(snapshot)
    age = max(0.0, snapshot.now - began) if began is not None else None
    done = max(0, current - first)
    of = max(1, last - first)
    percent = min(100, round(100 * done / of))
    for_long = "" if age is None else f" for {span(age)}"
    left = f", about {span(age * (of - done) / done)} to go" if age and done else ""
    return settings.finding(
        "prometheus.server.replaying",
        settings.level("replay_seconds", age or 0.0) or WARNING,
        "P2",
        f"Prometheus at {settings.url} replays its write-ahead log{for_long}: {percent} % done{left}",
        observed={"segment": current, "first": first, "last": last, "percent": percent, "seconds": age},
        threshold=settings.pair("replay_seconds"),
        evidence=(f"segment {current} of {first} to {last}",),
        causes=("it was restarted or crashed and reads back what it had in memory",),
        remedies=(WAIT, Remedy("If it never ends: look at its log, at memory and disk. Never delete the log blindly")),
        since=began,
    )


def _foreign(snapshot: Snapshot, settings: Settings, clock: Part) -> Finding:
    who = _who(snapshot, clock)
    does, causes, remedy = PEOPLE[who]
    return settings.finding(
        "prometheus.server.unexpected",
        CRITICAL,
        "P2",
        f"What answers at {settings.url} {does}",
        observed={"kind": who, "status": clock.status or snapshot.ready.status},
        evidence=[text for text in (clock.message, short(snapshot.ready.body, 120)) if text],
        causes=causes,
        remedies=(Remedy(remedy, "none", settings.command("/api/v1/query", query="time()")),),
        details={"kind": who, "redirects": list(snapshot.ready.redirects)},
    )


def _who(snapshot: Snapshot, clock: Part) -> str:
    if snapshot.program == "alertmanager" or clock.status == 410:
        return "alertmanager"
    if clock.kind == "proxy" or clock.status in (502, 504):
        return "proxy"
    page = clock.text if clock.kind == "html" else snapshot.ready.body if is_html(snapshot.ready.body) else ""
    if page and clock.kind in ("html", "status", "not_json"):
        return "login" if _LOGIN.search(page) or snapshot.ready.redirects else "page"
    return "path" if clock.kind == ABSENT else "other"


def unmeasured(settings: Settings, parts: t.Mapping[str, str]) -> Finding:
    """What could not be looked at, and why."""
    names = ", ".join(sorted(parts))
    return settings.finding(
        "prometheus.unmeasured",
        UNKNOWN,
        "P3",
        f"Of Prometheus at {settings.url} this could not be looked at: {names}",
        observed={"parts": sorted(parts)},
        evidence=[f"{name}: {why}" for name, why in sorted(parts.items())],
        causes=(
            "a frontend (Thanos, Mimir, Cortex, VictoriaMetrics) has the queries and lacks the server's own pages",
            "no time was left, or the answer was too large",
        ),
        remedies=(Remedy("Leave out what a frontend lacks (parts), or ask each Prometheus behind it; raise deadline"),),
        details={"parts": dict(parts)},
    )
