# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what limits a workload from outside: autoscalers, disruption budgets, quotas. Pure."""

from __future__ import annotations

from .findings import Remedy
from .kubernetes_evidence import events
from .kubernetes_settings import look
from .kubernetes_snapshot import NO_CONDITION, Budget, Quota, Scaler
from .kubernetes_world import Book, World
from .quantities import span


def judge_scaling(book: Book, world: World) -> None:
    for scaler in world.snapshot.hpas:
        if world.settings.wants(scaler.target):
            _judge_scaler(book, scaler, world)
    for budget in world.snapshot.pdbs:
        _judge_budget(book, budget, world)
    if world.settings.names is None:
        for quota in world.snapshot.quotas:
            _judge_quota(book, quota, world)


def _judge_scaler(book: Book, scaler: Scaler, world: World) -> None:
    active = scaler.conditions.get("ScalingActive", NO_CONDITION)
    able = scaler.conditions.get("AbleToScale", NO_CONDITION)
    blind = next((c for c in (active, able) if c.false and c.reason != "ScalingDisabled"), None)
    if blind is not None:
        if not book.follows(scaler.target, f"{scaler.key} is blind: {blind.reason}"):
            _blind(book, scaler, blind.reason, blind.message, blind.since, world)
        return
    limited = scaler.conditions.get("ScalingLimited", NO_CONDITION)
    if not (limited.true and limited.reason == "TooManyReplicas" and scaler.current >= scaler.most > scaler.least):
        return
    age = world.ago(limited.since)
    level = "warning" if age is None else world.settings.level("hpa_seconds", age)
    if level:
        _at_most(book, scaler, limited.message, limited.since, world)


def _blind(book: Book, scaler: Scaler, reason: str, message: str, since: float | None, world: World) -> None:
    metrics = "FailedGet" in reason
    finding = world.settings.finding(
        "kubernetes.hpa.blind",
        "warning",
        "P3",
        f"{scaler.key} does not scale {scaler.target}: {reason}",
        key=scaler.target,
        subject=str(scaler.key),
        observed={"current": scaler.current, "min": scaler.least, "max": scaler.most, "reason": reason},
        evidence=(f"{reason}: {message}", *events(world.events(scaler.key), world)),
        causes=(
            "it gets no metrics: metrics-server or the adapter is away, or its pods have no requests"
            if metrics
            else "what it should scale is not there, or can't be scaled",
        ),
        remedies=(
            look("Read what the cluster says about it", "describe", scaler.key),
            Remedy("Ask for the metrics yourself", "none", f"kubectl -n {scaler.key.namespace} top pods"),
        ),
        since=since,
    )
    book.add(finding)


def _at_most(book: Book, scaler: Scaler, message: str, since: float | None, world: World) -> None:
    finding = world.settings.finding(
        "kubernetes.hpa.max",
        "warning",
        "P3",
        f"{scaler.key} has {scaler.target} at its maximum of {scaler.most} replicas and wants more",
        key=scaler.target,
        subject=str(scaler.key),
        observed={"current": scaler.current, "max": scaler.most},
        threshold=world.settings.pair("hpa_seconds"),
        evidence=(f"ScalingLimited: {message}",),
        causes=("more load than its maximum was made for", "each replica does less than before"),
        remedies=(
            look("Read what the cluster says about it", "describe", scaler.key),
            Remedy("Raise its maximum once what is behind it (connections, partitions) was seen to have room", "low"),
        ),
        since=since,
    )
    book.add(finding)


def _judge_budget(book: Book, budget: Budget, world: World) -> None:
    if budget.healthy >= budget.needed:
        return
    behind = world.matching(budget.key.namespace, budget.selector)
    if world.settings.names is not None and not any(world.settings.wants(key) for key in behind):
        return
    told = [book.follows(key, f"{budget.key} allows no eviction") for key in behind]
    if any(told):
        return
    age = world.ago(budget.since)
    level = "warning" if age is None else world.settings.level("pdb_seconds", age)
    if not level:
        return
    finding = world.settings.finding(
        "kubernetes.pdb.blocked",
        "warning",
        "P3",
        f"{budget.key} allows no eviction: {budget.healthy} of {budget.needed} pods that have to be healthy are"
        + (f", for {span(age)}" if age is not None else ""),
        key=behind[0] if behind else budget.key,
        subject=str(budget.key),
        observed={"healthy": budget.healthy, "needed": budget.needed, "expected": budget.expected},
        threshold=world.settings.pair("pdb_seconds"),
        evidence=(f"currentHealthy {budget.healthy}, desiredHealthy {budget.needed}, allowed {budget.allowed}",),
        causes=("too few pods of it are ready", "it asks for more pods than its workload has"),
        remedies=(look("Read what the cluster says about it", "describe", budget.key),),
        since=budget.since,
    )
    book.add(finding)


def _judge_quota(book: Book, quota: Quota, world: World) -> None:
    """Where somebody was refused because of it, that is told there."""
    full = {
        name: pair
        for name, pair in quota.rows.items()
        if pair[1] > 0 and world.settings.level("quota_percent", 100 * pair[0] / pair[1])
    }
    named = f"exceeded quota: {quota.key.name}"
    refused = any(named in text for finding in book.findings() for text in finding.evidence)
    if not full or refused:
        return
    shown = {name: {"used": used, "hard": hard} for name, (used, hard) in full.items()}
    finding = world.settings.finding(
        "kubernetes.quota.full",
        "warning",
        "P3",
        f"{quota.key} has nothing left of {', '.join(sorted(full)[:5])}: new pods will be refused",
        key=quota.key,
        observed=shown,
        threshold=world.settings.pair("quota_percent"),
        evidence=tuple(f"{name}: {used:g} used of {hard:g}" for name, (used, hard) in sorted(full.items())),
        causes=("the namespace uses all that it was given",),
        remedies=(
            look("See what uses it", "describe", quota.key),
            Remedy("Raise it, or free what is not needed", "low"),
        ),
    )
    book.add(finding, quota.key)
