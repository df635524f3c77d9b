# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about services that have nobody behind them. Pure."""

from __future__ import annotations

from .kubernetes_settings import look
from .kubernetes_snapshot import Key, Service
from .kubernetes_world import Book, World


def judge_services(book: Book, world: World) -> None:
    """Only where both slices and services were read: a service without slices is one that nobody looked at."""
    if not (world.snapshot.read("services") and world.snapshot.read("endpointslices")):
        return
    for service in world.snapshot.services:
        if service.type == "ExternalName" or not service.selector:
            continue
        behind = world.matching(service.key.namespace, service.selector)
        if world.settings.names is not None and not any(world.settings.wants(key) for key in behind):
            continue
        total, ready = world.snapshot.endpoints.get((service.key.namespace, service.key.name), [0, 0])[:2]
        if not ready and not _on_purpose(behind, world):
            _judge(book, service, behind, total, world)


def _on_purpose(behind: list[Key], world: World) -> bool:
    """Everything behind it is scaled to zero, or ends by design."""
    return bool(behind) and all(not world.wanted(key) or key.kind == "Job" for key in behind)


def _judge(book: Book, service: Service, behind: list[Key], total: int, world: World) -> None:
    key = service.key
    text = f"{key} has no endpoint that is ready"
    told = [book.follows(workload, text) for workload in behind]
    if any(told) or _starts(service, behind, world):
        return
    bare = any(
        namespace == key.namespace and service.selector.items() <= labels.items()
        for namespace, labels in world.snapshot.bare_labels
    )
    selector = ",".join(f"{name}={value}" for name, value in sorted(service.selector.items()))
    if not behind and not bare:
        cause = f"its selector {selector} takes no pod: nothing in {key.namespace} has these labels"
    else:
        cause = "its pods exist and none is ready, or the controller that keeps its endpoints does not run"
    finding = world.settings.finding(
        "kubernetes.endpoints.none",
        "critical",
        "P1",
        f"Service {key.path} has nobody behind it ({total} endpoints, 0 ready)",
        key=behind[0] if behind else key,
        subject=str(key),
        observed={"ready": 0, "endpoints": total},
        threshold={"ready": 1},
        evidence=(f"selector {selector}", f"workloads behind it: {', '.join(map(str, behind[:5])) or 'none'}"),
        causes=(cause,),
        remedies=(
            look("Compare its selector with the labels of the pods", "get", key, "-o wide"),
            look("Read what the cluster says about it", "describe", key),
        ),
        details={"service": key.path},
    )
    book.add(finding, key)


def _starts(service: Service, behind: list[Key], world: World) -> bool:
    """It, or something behind it, was made a moment ago."""
    born = [service.created, *(world.snapshot.workloads[key].created for key in behind)]
    ages = [world.ago(at) for at in born if at is not None]
    return any(age is not None and not world.settings.level("starting_seconds", age) for age in ages)
