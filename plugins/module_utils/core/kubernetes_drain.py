# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pods can be replaced under load without losing a request: what speaks against it is said, not refused. Pure.

A pod that ends is told so (SIGTERM) at the same time as everybody who sends it requests: who hears it later sends to a
program that has stopped to listen. See "Termination of Pods" in the Kubernetes documentation.
"""

from __future__ import annotations

import typing as t

from .kubernetes_plan import SCALED
from .kubernetes_scene import Case
from .kubernetes_target import Raw, part, rows, whole

GRACE = 30
"""Seconds that a pod has to end where its template says nothing."""
ASKED = ("httpGet", "tcpSocket", "grpc")


def losses(case: Case) -> list[str]:
    """Why requests may be lost while its pods go and come; empty where nothing speaks for it."""
    shrinks = case.state == SCALED and case.replicas < case.workload.replicas
    if case.change.template is None and case.change.pod is None and not shrinks:
        return []
    spec = part(case.template, "spec")
    grace = whole(spec.get("terminationGracePeriodSeconds"), GRACE)
    return [
        f"Container {row.get('name')} {why}"
        for row in rows(spec, "containers")
        if _serves(row)
        for why in _of(row, grace, shrinks)
    ]


def _serves(container: Raw) -> bool:
    """Whether it takes requests: it names its ports, or is asked over the network whether it is ready."""
    probe = part(container, "readinessProbe")
    return bool(rows(container, "ports")) or any(how in probe for how in ASKED)


def _of(container: Raw, grace: int, shrinks: bool) -> t.Iterator[str]:
    if not shrinks and not part(container, "readinessProbe"):
        yield "has no readinessProbe: a new pod of it gets requests before its program takes any"
    hook = part(container, "lifecycle", "preStop")
    pause = whole(part(hook, "sleep").get("seconds"))
    if not hook:
        yield (
            "has no preStop hook: unless its program answers on for some seconds after SIGTERM, requests are lost "
            "with each pod that ends. lifecycle.preStop.sleep gives it that time"
        )
    elif pause >= grace:
        yield (
            f"sleeps {pause} s before it ends (preStop), and its pod is killed after {grace} s: requests that run are "
            "cut off. Raise terminationGracePeriodSeconds"
        )
