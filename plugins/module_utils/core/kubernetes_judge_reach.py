# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the API itself: not there, silent, not trusted, or what it does not show to us. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, UNKNOWN, Finding, Remedy
from .kubernetes_settings import Settings
from .kubernetes_snapshot import Refusal, Snapshot
from .quantities import count

IDS = {
    "timeout": "kubernetes.api.silent",
    "silent": "kubernetes.api.silent",
    "deadline": "kubernetes.api.silent",
    "tls": "kubernetes.api.tls",
    "auth": "kubernetes.auth.failed",
    "permission": "kubernetes.auth.forbidden",
}
DOES = {
    "kubernetes.api.unreachable": "can't be reached",
    "kubernetes.api.silent": "does not answer in time",
    "kubernetes.api.tls": "can't be asked over TLS",
    "kubernetes.auth.failed": "does not know who asks",
    "kubernetes.auth.forbidden": "shows nothing to who asks",
}
CAUSES: dict[str, tuple[str, ...]] = {
    "kubernetes.api.unreachable": (
        "the API server, the load balancer before it, or the network to it is down",
        "the kubeconfig or host names another machine or port",
    ),
    "kubernetes.api.silent": (
        "the API server is overloaded, or etcd behind it is slow",
        "a firewall drops packets on the way",
    ),
    "kubernetes.api.tls": ("its certificate, or ours, is not what the other side takes: the reason is above",),
    "kubernetes.auth.failed": ("the token or the client certificate expired, was revoked, or is of another cluster",),
    "kubernetes.auth.forbidden": ("no role gives who asks the right to list it",),
}


def finding_id(kind: str) -> str:
    return IDS.get(kind, "kubernetes.api.unreachable")


def closed(snapshot: Snapshot, settings: Settings) -> Finding | None:
    """The one finding about an API that let nothing be seen."""
    refusal = snapshot.error
    if refusal is None:
        return None
    name = finding_id(refusal.kind)
    cant_tell = name in ("kubernetes.auth.failed", "kubernetes.auth.forbidden")
    return settings.finding(
        name,
        UNKNOWN if cant_tell else CRITICAL,
        "P2",
        f"The Kubernetes API at {snapshot.address or 'its address'} {DOES[name]}: {refusal.message}",
        observed={"kind": refusal.kind},
        evidence=(refusal.message,),
        causes=CAUSES[name],
        remedies=(
            Remedy("Ask it yourself", "none", "kubectl get --raw=/readyz?verbose"),
            Remedy("See who you are for it", "none", "kubectl auth whoami"),
        ),
    )


def judge_refusals(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    """What could not be read, one finding for each kind of reason."""
    by_id: dict[str, list[tuple[str, str, Refusal]]] = {}
    for (part, namespace), refusal in sorted(snapshot.refusals.items()):
        by_id.setdefault(finding_id(refusal.kind), []).append((part, namespace, refusal))
    for name, rows in sorted(by_id.items()):
        parts = sorted({f"{part} in {namespace}" if namespace else part for part, namespace, _refusal in rows})
        said = [
            f"{part}{f' in {namespace}' if namespace else ''}: "
            + (f"may not {r.verb} {r.resource}" if r.resource else r.message)
            for part, namespace, r in rows
        ]
        yield settings.finding(
            name,
            UNKNOWN,
            "P3",
            f"{count(len(parts), 'part')} of the cluster could not be read: {', '.join(parts[:6])}"
            + (f" and {len(parts) - 6} more" if len(parts) > 6 else ""),
            subject=f"{settings.address or settings.component}: {', '.join(parts[:6])}",
            observed={"unread": parts[:50]},
            evidence=(*said[:10], rows[0][2].message),
            causes=CAUSES[name],
            remedies=(
                Remedy("Give the right to list it, or leave it out of parts", "low"),
                Remedy("See what is allowed", "none", "kubectl auth can-i --list"),
            ),
            details={"unread": parts[:50]},
        )
