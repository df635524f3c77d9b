# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka snapshot and what was declared about the cluster -> findings. Pure.

One finding for each id and component, however many addresses or partitions share the fault; they are its members.
"""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, UNKNOWN, Finding, Remedy
from .kafka_judge_cluster import judge_cluster
from .kafka_judge_groups import judge_groups, unknown_lags
from .kafka_judge_traffic import judge_traffic
from .kafka_members import MOST, some
from .kafka_settings import Settings
from .kafka_snapshot import OK, KafkaSnapshot, Probe, Sample, Unmeasured

ADDRESS_FAULTS: dict[str, tuple[str, str, tuple[str, ...], tuple[Remedy, ...]]] = {
    "refused": (
        "kafka.broker.unreachable",
        "refuses connections",
        ("the broker is not running", "the broker listens on another port or address"),
        (Remedy("Look at the broker's state and log; start it where it is down", "low"),),
    ),
    "dns": (
        "kafka.broker.dns",
        "does not resolve",
        ("the name is wrong or its record is gone", "the resolver of this machine does not work"),
        (Remedy("Mend the name or the resolver; a restart of the broker will not help"),),
    ),
    "timeout": (
        "kafka.broker.timeout",
        "does not answer the connection attempt",
        ("a firewall drops the packets", "the host is down or the route to it is"),
        (Remedy("Look at network, firewall and host; a restart of the broker will not help"),),
    ),
    "silent": (
        "kafka.broker.silent",
        "accepts the connection and then says nothing",
        ("the broker's process hangs or is stopped (SIGSTOP, paused container)", "its request threads are exhausted"),
        (
            Remedy("Unpause the container or send SIGCONT, where the process is stopped", "low"),
            Remedy("Take a thread dump of the broker, then restart it", "destructive"),
        ),
    ),
    "reset": (
        "kafka.broker.reset",
        "closes the connection without an answer",
        ("nothing listens behind the port's proxy", "the listener expects another security protocol"),
        (Remedy("Compare security_protocol with the broker's listener.security.protocol.map"),),
    ),
    "not_protocol": (
        "kafka.broker.not_kafka",
        "is not a Kafka broker",
        ("another program holds the port", "the address is wrong"),
        (Remedy("Correct bootstrap_servers, or free the port of the program that answers there"),),
    ),
    "tls": (
        "kafka.broker.tls",
        "fails in the TLS handshake",
        ("the certificate is expired, not trusted or for another name", "one side speaks TLS and the other does not"),
        (Remedy("Renew or trust the certificate, or correct security_protocol; don't switch verification off"),),
    ),
    "auth": (
        "kafka.broker.auth",
        "refuses the login",
        ("user name, password or mechanism is wrong", "the broker offers no such SASL mechanism"),
        (Remedy("Correct the sasl_ options; the broker itself is well"),),
    ),
}
"""Kind of failure -> id, what the address does, causes, remedies."""


DEFAULTS = Settings()


def judge(snapshot: KafkaSnapshot, settings: Settings = DEFAULTS, history: t.Sequence[Sample] = ()) -> list[Finding]:
    """All findings of one look. history: samples of earlier looks."""
    findings = [*_addresses(snapshot, settings), *_listeners(snapshot, settings)]
    if snapshot.brokers:
        findings += judge_cluster(snapshot, settings)
        findings += judge_groups(snapshot, settings, history)
        findings += judge_traffic(snapshot, settings)
    findings += _unmeasured(snapshot, settings, history)
    return findings


def _addresses(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    failed: dict[str, list[Probe]] = {}
    for probe in snapshot.probes:
        if probe.kind != OK:
            failed.setdefault(probe.kind if probe.kind in ADDRESS_FAULTS else "other", []).append(probe)
    for kind, probes in failed.items():
        if kind in ADDRESS_FAULTS:
            yield _address_finding(kind, probes, snapshot, settings)


def _address_finding(kind: str, probes: list[Probe], snapshot: KafkaSnapshot, settings: Settings) -> Finding:
    finding_id, does, causes, remedies = ADDRESS_FAULTS[kind]
    addresses = [probe.address for probe in probes]
    gone = not snapshot.reachable
    many = len(addresses) > 1
    rest = "so the cluster can't be reached" if gone else "other brokers answer"
    return Finding(
        id=finding_id,
        component=settings.component,
        subject=f"bootstrap address{'es' if many else ''} {some(addresses)}",
        state=CRITICAL,
        severity="P1" if gone else "P2",
        summary=f"Kafka at {some(addresses)} {_plural(does) if many else does}; {rest}",
        observed={"failed": len(addresses), "of": len(snapshot.probes)},
        threshold={"failed": 0},
        evidence=tuple(f"{probe.address}: {probe.message}" for probe in probes[:20]),
        causes=causes,
        remedies=remedies,
        details={"addresses": addresses[:20], "kind": kind},
    )


def _plural(does: str) -> str:
    """The same words for several addresses: does not -> do not, fails -> fail."""
    first, _space, rest = does.partition(" ")
    first = {"does": "do", "is": "are"}.get(first, first[:-1] if first.endswith("s") else first)
    return f"{first} {rest}".replace("says", "say").replace("are not a Kafka broker", "are not Kafka brokers")


def _listeners(snapshot: KafkaSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """Brokers that bootstrap names but that can't be reached under the address which they advertise."""
    failed_already = {probe.address for probe in snapshot.probes if probe.kind != OK}
    bad = [probe for probe in snapshot.listeners if probe.kind != OK and probe.address not in failed_already]
    if not bad:
        return
    names = [f"{probe.address} (broker {probe.node_id})" for probe in bad]
    yield Finding(
        id="kafka.listener.unreachable",
        component=settings.component,
        subject=f"advertised listener {some(names)}",
        state=CRITICAL,
        severity="P1" if len(bad) == len(snapshot.listeners) else "P2",
        summary=f"Bootstrap works, but the brokers' advertised address {some(names)} can't be reached from here",
        observed={"failed": len(bad), "of": len(snapshot.listeners)},
        threshold={"failed": 0},
        evidence=tuple(f"broker {p.node_id} at {p.address}: {p.kind}: {p.message}" for p in bad[:20]),
        causes=(
            "advertised.listeners names a host or port that clients can't reach",
            "that broker went down a moment ago and the cluster has not noticed yet",
        ),
        remedies=(
            Remedy("Correct advertised.listeners of those brokers, or the name's record; a restart alone is useless"),
        ),
        details={"listeners": [{"broker": p.node_id, "address": p.address, "kind": p.kind} for p in bad[:20]]},
    )


def _unmeasured(snapshot: KafkaSnapshot, settings: Settings, history: t.Sequence[Sample]) -> t.Iterator[Finding]:
    """What could not be looked at: never the same as healthy."""
    entries = [
        Unmeasured(f"bootstrap address {probe.address}", probe.message, "P2")
        for probe in snapshot.probes
        if probe.kind != OK and probe.kind not in ADDRESS_FAULTS
    ]
    entries += [entry for entry in snapshot.unmeasured if not _follows(entry, snapshot)]
    entries += unknown_lags(snapshot, settings, history)
    entries = list(dict.fromkeys(entries))
    if not entries:
        return
    whats = list(dict.fromkeys(entry.what for entry in entries))
    yield Finding(
        id="kafka.unmeasured",
        component=settings.component,
        subject=some(whats),
        state=UNKNOWN,
        severity=min(entry.severity for entry in entries),
        summary=f"Not measured: {some(whats, 2)} ({entries[0].why})",
        observed={"unmeasured": len(whats)},
        threshold={"unmeasured": 0},
        evidence=tuple(f"{entry.what}: {entry.why}" for entry in entries[:MOST]),
        causes=("too few samples, missing permission, an outage, or a broker that does not support the question",),
        remedies=(
            Remedy("Where it is about lag: look again with samples: 3 and the consumers' commit interval as interval"),
            Remedy("Give the client the right to describe it, or ask again once the cluster answers"),
        ),
        details={"what": whats[:MOST], "total": len(whats)},
    )


def _follows(entry: Unmeasured, snapshot: KafkaSnapshot) -> bool:
    """Not read because of a broker out of reach, in a cluster without a quorum: the finding about that says it."""
    return snapshot.leaderless and entry.node is not None and entry.node in snapshot.unreachable
