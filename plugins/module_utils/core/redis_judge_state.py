# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis that is up and serves nobody for now: it loads its data, or somebody paused its clients. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, Finding, Remedy
from .quantities import size, span
from .redis_settings import Settings
from .redis_snapshot import WRITES, Client, RedisSnapshot


def judge_loading(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    said = "LOADING" in (snapshot.probe.error, snapshot.ping_error)
    if not said and snapshot.number("loading", 0) != 1:
        return
    eta, percent = snapshot.number("loading_eta_seconds"), snapshot.number("loading_loaded_perc")
    total, loaded = snapshot.number("loading_total_bytes"), snapshot.number("loading_loaded_bytes")
    progress = f", {percent:.0f} % done" if percent is not None else ""
    left = f", about {span(eta)} left" if eta is not None else ""
    evidence = [snapshot.probe.text] if snapshot.probe.text else []
    if total and loaded is not None:
        evidence.append(f"{size(loaded)} of {size(total)} are loaded")
    yield settings.finding(
        "redis.server.loading",
        CRITICAL,
        "P1",
        f"loads its data set and refuses commands{progress}{left}",
        observed={"percent": percent, "eta_seconds": eta},
        evidence=evidence,
        causes=("it was started a moment ago; the time is that of reading the RDB or AOF file",),
        remedies=(Remedy("Wait: a restart would begin the loading anew"),),
        since=snapshot.number("loading_start_time"),
        details={"eta_seconds": eta, "percent": percent},
    )


def held_writers(snapshot: RedisSnapshot) -> list[Client]:
    """Clients that wait in a command that never waits by itself: somebody paused them."""
    return [c for c in snapshot.clients or () if "b" in c.flags and c.command in WRITES]


def writes_paused(snapshot: RedisSnapshot) -> bool:
    return bool(held_writers(snapshot)) or snapshot.last.get("paused_actions", "none") not in ("none", "")


def judge_paused(snapshot: RedisSnapshot, settings: Settings) -> Finding:
    """CLIENT PAUSE: of all commands (nothing answers, but the server reads), or of writes only (PING says PONG)."""
    everything = snapshot.probe.kind == "paused"
    held = held_writers(snapshot)
    left = snapshot.number("paused_timeout_milliseconds")
    evidence = [snapshot.probe.message] if everything else []
    if held:
        evidence.append(
            f"{len(held)} clients wait in {', '.join(sorted({c.command for c in held})[:5])}, which never waits"
        )
    if left:
        evidence.append(f"the pause ends in {span(left / 1000)}")
    return settings.finding(
        "redis.server.paused",
        CRITICAL,
        "P1" if everything else "P2",
        "holds back " + ("all commands" if everything else "writes") + " (CLIENT PAUSE), though it runs",
        observed={"held": "all" if everything else "writes", "waiting": len(held)},
        evidence=evidence,
        causes=("a failover or an upgrade paused its clients", "somebody typed CLIENT PAUSE"),
        remedies=(
            Remedy("Wait: a pause ends by itself"),
            Remedy("Where no failover is at work: end it (a pause of all commands holds this one back too)", "low")
            if everything
            else Remedy("Where no failover is at work: end it", "low", settings.command("CLIENT", "UNPAUSE")),
        ),
        details={"held": "all" if everything else "writes"},
    )
