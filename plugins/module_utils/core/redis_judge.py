# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis snapshot and what was declared about the server -> findings. Pure. One finding for each id.

This file judges whether the server is there and willing: address, login, loading, busy, paused, and what could not be
measured. Memory, clients, data and speed are judged in the files beside it.
"""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, UNKNOWN, Finding, Remedy
from .redis_judge_clients import judge_clients, limit_reached
from .redis_judge_data import judge_data
from .redis_judge_memory import judge_memory
from .redis_judge_speed import judge_speed
from .redis_judge_state import judge_loading, judge_paused
from .redis_settings import Settings
from .redis_snapshot import OK, Probe, RedisSnapshot

ADDRESS: dict[str, tuple[str, str, tuple[str, ...], tuple[Remedy, ...]]] = {
    "refused": (
        "redis.server.refused",
        "refuses connections",
        ("the server is not running", "it listens on another port or address (bind, port)"),
        (Remedy("Look at the server's state and log; start it where it is down", "low"),),
    ),
    "dns": (
        "redis.server.dns",
        "can't be reached: its name does not resolve",
        ("the name is wrong or its record is gone", "the resolver of this machine does not work"),
        (Remedy("Mend the name or the resolver; a restart of Redis will not help"),),
    ),
    "timeout": (
        "redis.server.timeout",
        "does not answer the connection attempt",
        ("a firewall drops the packets", "the host is down or the route to it is", "its accept queue is full"),
        (Remedy("Look at network, firewall and host; a restart of Redis will not help"),),
    ),
    "silent": (
        "redis.server.silent",
        "accepts the connection and then says nothing",
        (
            "its process is stopped or its container paused",
            "its one thread is held by a long command, a fork or swapping",
        ),
        (
            Remedy("Unpause the container or send SIGCONT, where the process is stopped", "low"),
            Remedy("Where it computes, wait for the command to end; the slowlog names it afterwards"),
            Remedy("Restart it; what is not saved is lost", "destructive"),
        ),
    ),
    "reset": (
        "redis.server.reset",
        "closes the connection without an answer",
        ("nothing listens behind the port's proxy", "another program or a TLS listener holds the port"),
        (Remedy("Look at the server's log and at what stands between"),),
    ),
    "not_protocol": (
        "redis.server.not_redis",
        "is not a Redis server",
        ("another program holds the port", "the address is wrong"),
        (Remedy("Correct host and port, or free the port of the program that answers there"),),
    ),
    "tls": (
        "redis.server.tls",
        "fails in the TLS handshake",
        ("the certificate is expired, not trusted or for another name", "one side speaks TLS and the other does not"),
        (Remedy("Renew or trust the certificate, or correct the option tls; don't switch verification off"),),
    ),
    "deadline": (
        "redis.server.timeout",
        "did not answer before the deadline",
        ("it answers too slowly for this check's deadline",),
        (Remedy("Look at the server's load; raise deadline where it is only far away"),),
    ),
}
"""Kind of failure -> id, what it does, causes, remedies."""
DEFAULTS = Settings()
STATES = ("LOADING", "BUSY", "MASTERDOWN", "MISCONF", "CLUSTERDOWN")
"""Refusals that come of a state which has a finding of its own."""


def judge(
    snapshot: RedisSnapshot, settings: Settings = DEFAULTS, history: t.Sequence[t.Mapping[str, t.Any]] = ()
) -> list[Finding]:
    """All findings of one look. history: samples of earlier looks."""
    if snapshot.probe.kind == "paused":
        return [judge_paused(snapshot, settings)]
    if snapshot.probe.kind != OK:
        return [_address(snapshot.probe, settings)]
    first = _refusal(snapshot, settings)
    if first is not None:
        return [first]
    findings = [*judge_loading(snapshot, settings), *_busy(snapshot, settings)]
    if snapshot.info:
        findings += judge_memory(snapshot, settings)
        findings += judge_clients(snapshot, settings, history)
        findings += judge_data(snapshot, settings)
        findings += judge_speed(snapshot, settings)
    return findings + _unmeasured(snapshot, settings, findings)


def _address(probe: Probe, settings: Settings) -> Finding:
    known = ADDRESS.get(probe.kind)
    if known is None:
        return settings.finding(
            "redis.unmeasured", UNKNOWN, "P3", f"could not be looked at: {probe.message}", evidence=(probe.message,)
        )
    name, does, causes, remedies = known
    return settings.finding(
        name,
        CRITICAL,
        "P1",
        does,
        observed={"kind": probe.kind, "ms": round(probe.ms)},
        threshold={"answer_within_ms": round(settings.timeout * 1000)},
        evidence=(probe.message,),
        causes=causes,
        remedies=remedies,
        details={"kind": probe.kind},
    )


def _refusal(snapshot: RedisSnapshot, settings: Settings) -> Finding | None:
    """What stands before everything else: no place for a client, or the wrong credentials."""
    if snapshot.probe.error == "MAXCLIENTS" or snapshot.login_kind == "MAXCLIENTS":
        return limit_reached(snapshot, settings)
    word = snapshot.probe.error if snapshot.probe.error == "DENIED" else snapshot.login_kind
    if not word:
        return None
    said = snapshot.login or snapshot.probe.text
    causes = {
        "DENIED": ("protected mode: it has no password and listens on more than the loopback address",),
        "NOAUTH": ("it wants a password, and none was given",),
        "NOPERM": ("the user may not even log in this way",),
    }.get(
        word, ("user name or password is wrong: it was changed on one side only", "the user is off or does not exist")
    )
    return settings.finding(
        "redis.auth.rejected",
        CRITICAL,
        "P2",
        f"refuses the login ({word})",
        observed={"error": word},
        evidence=(said,),
        causes=causes,
        remedies=(
            Remedy("Correct user and password (options username, password); roll the credential out on both sides"),
            Remedy("Where the default user lost its password: set it again, never switch protected mode off"),
        ),
        details={"error": word},
    )


def _busy(snapshot: RedisSnapshot, settings: Settings) -> t.Iterator[Finding]:
    if "BUSY" not in (snapshot.probe.error, snapshot.ping_error):
        return
    text = snapshot.ping_text or snapshot.probe.text
    function = "FUNCTION" in text.upper()
    kill = ("FUNCTION", "KILL") if function else ("SCRIPT", "KILL")
    yield settings.finding(
        "redis.server.busy",
        CRITICAL,
        "P1",
        "answers nobody: a script has held it for longer than its threshold",
        observed={"error": "BUSY"},
        evidence=(text,),
        causes=("a Lua script or function loops, or works over too many keys",),
        remedies=(
            Remedy(
                "Stop the script; Redis refuses this (UNKILLABLE) once it has written", "low", settings.command(*kill)
            ),
            Remedy(
                "Where it has written: wait for its end; SHUTDOWN NOSAVE loses all since the last save", "destructive"
            ),
        ),
        details={"kind": "function" if function else "script"},
    )


def _unmeasured(snapshot: RedisSnapshot, settings: Settings, found: t.Sequence[Finding]) -> list[Finding]:
    """What nobody could look at is never ok: by missing rights, or because the server does not know or answer it."""
    explained = bool({f.id for f in found} & {"redis.server.busy", "redis.server.loading"})
    refused = {name: why for name, why in snapshot.refused.items() if not why.startswith(STATES)}
    rights = sorted(name for name, why in refused.items() if why.startswith("NOPERM"))
    other = sorted(name for name, why in refused.items() if not why.startswith("NOPERM"))
    findings = []
    if rights:
        findings.append(_forbidden(snapshot, settings, rights))
    if snapshot.broken:
        other.append("the rest of the look")
    if other and not explained:
        said = [f"{name}: {snapshot.refused[name]}" for name in other if name in snapshot.refused]
        findings.append(
            settings.finding(
                "redis.unmeasured",
                UNKNOWN,
                "P3",
                f"was not measured fully: {', '.join(other)}",
                observed={"missing": other},
                evidence=[*said, *([snapshot.broken] if snapshot.broken else [])],
                causes=("the command is renamed, disabled or unknown to this version", "the connection broke"),
                remedies=(
                    Remedy("Allow the commands that docs/redis_acl.md lists, or accept that this stays unknown"),
                ),
                details={"missing": other},
            )
        )
    return findings


def _forbidden(snapshot: RedisSnapshot, settings: Settings, commands: list[str]) -> Finding:
    rules = " ".join("+" + name.lower().replace(" ", "|") for name in commands)
    whom = snapshot.user or "the user of this check"
    return settings.finding(
        "redis.auth.forbidden",
        UNKNOWN,
        "P3",
        f"does not let {whom} run {', '.join(commands)}: that part is unknown",
        observed={"forbidden": commands},
        evidence=[f"{name}: {snapshot.refused[name]}" for name in commands],
        causes=("the ACL of this user lacks these commands",),
        remedies=(
            Remedy(
                "Grant them to the check's own user", "low", settings.command("ACL", "SETUSER", whom, *rules.split())
            ),
        ),
        details={"forbidden": commands, "rules": rules, "user": whom},
    )
