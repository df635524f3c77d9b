# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an endpoint can fail before there is an answer to judge: each way with its name, causes and remedies. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .http_settings import Settings, finding
from .http_snapshot import TLS_KINDS, Look, Probe
from .quantities import span


class Way(t.NamedTuple):
    """One way to fail."""

    id: str
    severity: str
    does: str
    causes: tuple[str, ...]
    remedies: tuple[Remedy, ...]


NETWORK = Remedy("Look at network, firewall and host; a restart of the service will not help")
STACKS = Remedy("Take the stacks first (goroutine dump, thread dump), then restart the service", "low")
RENEW = Remedy("Renew the certificate; don't switch verification off")
MEND_TLS = Remedy("Mend the certificate or the list of authorities (ca_cert); don't switch verification off")

WAYS: dict[str, Way] = {
    "dns": Way(
        "http.name.unresolved",
        "P2",
        "can't be reached: its name does not resolve",
        ("the name is wrong or its record is gone", "the resolver of this machine does not work"),
        (Remedy("Mend the name, the record or the resolver; a restart of the service will not help"),),
    ),
    "refused": Way(
        "http.connect.refused",
        "P1",
        "refuses connections",
        ("the service is not running", "it listens on another port or address", "its container restarts"),
        (Remedy("Look at the service's state and log; start it where it is down", "low"),),
    ),
    "timeout": Way(
        "http.connect.timeout",
        "P1",
        "does not answer the connection attempt",
        ("a firewall drops the packets", "the host is down or the route to it is", "its accept queue is full"),
        (NETWORK,),
    ),
    "unreachable": Way(
        "http.connect.unreachable",
        "P1",
        "can't be reached: there is no way to its host",
        ("the host is down", "a route is missing here or on the way", "a firewall rejects the packets"),
        (NETWORK,),
    ),
    "silent": Way(
        "http.response.silent",
        "P1",
        "accepts the connection and then says nothing",
        (
            "its process is stopped or its container paused",
            "it is deadlocked, or waits for a dependency without a timeout",
            "nobody accepts: its queue is full, and the kernel takes the connection",
        ),
        (Remedy("Unpause the container or send SIGCONT, where the process is stopped", "low"), STACKS),
    ),
    "reset": Way(
        "http.response.reset",
        "P1",
        "closes the connection without an answer",
        (
            "nothing listens behind the port's proxy, or it listens on 127.0.0.1 within its container",
            "another program, or a TLS listener, holds the port",
            "it crashes on the request",
        ),
        (Remedy("Look at the service's log, and at what listens inside of its container"),),
    ),
    "broken": Way(
        "http.response.broken",
        "P2",
        "breaks its answer off in the middle",
        ("it crashes or is killed while it answers", "a proxy before it gives up"),
        (Remedy("Look at the service's log for a crash at that moment, and at the proxy's"),),
    ),
    "endless": Way(
        "http.response.endless",
        "P2",
        "does not finish its answer",
        ("it is starved of CPU or waits for a dependency in the middle", "it streams where a short answer is expected"),
        (Remedy("Look at its CPU and its dependencies; check that the URL is that of a short answer"),),
    ),
    "not_http": Way(
        "http.response.not_http",
        "P2",
        "does not speak HTTP",
        ("another program holds the port", "the port speaks TLS, and the URL says http"),
        (Remedy("Correct the URL, or free the port of the program that answers there"),),
    ),
    "redirects": Way(
        "http.redirect.loop",
        "P2",
        "sends its callers from one address to the next without end",
        ("a proxy and the service disagree about https or about the host's name", "a login page redirects to itself"),
        (Remedy("Follow the redirects by hand and mend the one that leads back"),),
    ),
    "redirect_bad": Way(
        "http.redirect.invalid",
        "P2",
        "redirects to where nobody can or should follow",
        ("it redirects from https to http, or to what is no HTTP address",),
        (Remedy("Mend the address that it redirects to"),),
    ),
    "tls_expired": Way(
        "http.tls.expired", "P1", "has a certificate that has expired", ("nobody renewed it",), (RENEW,)
    ),
    "tls_early": Way(
        "http.tls.early",
        "P1",
        "has a certificate that is not valid yet",
        ("a clock is wrong, here or where it was made", "it was put in place too early"),
        (Remedy("Compare the clocks first, then the certificate's dates"),),
    ),
    "tls_untrusted": Way(
        "http.tls.untrusted",
        "P1",
        "has a certificate that is not trusted",
        ("it is self-signed", "its authority, or the intermediate certificate, is missing"),
        (MEND_TLS,),
    ),
    "tls_hostname": Way(
        "http.tls.hostname",
        "P1",
        "has a certificate for another name",
        ("the certificate lacks this name", "another service answers on this address"),
        (Remedy("Use a name that the certificate has, or renew it with this one"),),
    ),
    "tls_client": Way(
        "http.tls.client",
        "P2",
        "wants a client certificate that it did not get",
        ("client_cert is not set, has expired, or is of an authority that the server does not know",),
        (Remedy("Set client_cert and client_key to what the server accepts"),),
    ),
    "tls_failed": Way(
        "http.tls.failed",
        "P1",
        "fails in the TLS handshake",
        ("one side speaks TLS and the other does not", "they have no version or cipher of TLS in common"),
        (Remedy("Correct http or https in the URL; compare the versions of TLS that both sides allow"),),
    ),
}
"""Kind of a probe -> how it is called and what helps."""


def unreached(look: Look, probe: Probe, settings: Settings, row: int, severity: str = "") -> Finding:
    """The finding about a probe that brought no whole answer. row: how many such in a row."""
    way = WAYS.get(probe.kind)
    if way is None:
        doing = probe.message or "it was not asked before the deadline"
        return finding(look.endpoint, "http.unmeasured", UNKNOWN, "P3", f"could not be looked at: {doing}")
    return finding(
        look.endpoint,
        way.id,
        CRITICAL,
        severity or way.severity,
        f"{way.does}: {probe.message}" if probe.kind in TLS_KINDS and probe.message else way.does,
        observed={"kind": probe.kind, "ms": round(probe.times.total), "status": probe.status, "in_a_row": row},
        threshold=waited(probe.kind, settings),
        evidence=(probe.message, *attempts(probe), *phases(probe)) if probe.message else (*attempts(probe),),
        causes=way.causes,
        remedies=way.remedies,
        details={"kind": probe.kind, "redirects": list(probe.redirects)},
    )


def waited(kind: str, settings: Settings) -> dict[str, float] | None:
    """How long was waited for what did not come."""
    limits = {"timeout": settings.connect_timeout, "silent": settings.timeout, "endless": settings.read_timeout}
    return {"within_seconds": limits[kind]} if kind in limits else None


def attempts(probe: Probe) -> list[str]:
    """What became of each address of a name that has several."""
    several = probe.attempts if len(probe.attempts) > 1 else ()
    return [f"{a.address}: {a.message or a.kind}" for a in several if a.kind != "ok"][:5]


def phases(probe: Probe) -> list[str]:
    """How long each phase took, as far as it came."""
    named = zip(("name", "connection", "TLS", "first byte", "in all"), probe.times)
    said = [f"{name} {span(ms / 1000)}" for name, ms in named if ms]
    return [", ".join(said)] if said else []


def judge_addresses(look: Look) -> t.Iterator[Finding]:
    """A name with several addresses, one of which does not answer: some of its callers fail, by chance."""
    if not look.reachable:
        return
    tried = {a.address: a for a in (*look.others, *(look.probes[0].attempts if look.probes else ()))}
    dead = [a for a in tried.values() if a.kind not in ("ok", "unreachable") and not _loopback(a.address)]
    if not dead:
        return
    yield finding(
        look.endpoint,
        "http.connect.partial",
        WARNING,
        "P3",
        f"does not answer on {len(dead)} of the {len(tried)} addresses of its name",
        observed={"dead": sorted(a.address for a in dead), "addresses": len(tried)},
        evidence=[f"{a.address}: {a.message or a.kind}" for a in dead],
        causes=("one of several instances is down", "the name still has the address of one that is gone"),
        remedies=(Remedy("Start what is down, or take its address out of the name's record", "low"),),
    )


def _loopback(address: str) -> bool:
    """localhost has two addresses, and nearly everybody listens on one."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
