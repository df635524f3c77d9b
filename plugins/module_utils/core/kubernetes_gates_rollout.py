# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a rollout, or against taking a pod away: nothing would happen, or too much at once. Pure."""

from __future__ import annotations

from .kubernetes_plan import ROLLED_BACK, SCALED, Refusal
from .kubernetes_scene import Case, selects
from .kubernetes_target import Raw, part, rows, whole


def in_order(case: Case) -> list[Refusal]:
    """While its controller is behind, its status is of the past, and judged by it would be at random."""
    workload = case.workload
    if workload.meta.get("deletionTimestamp"):
        return [Refusal("deleted", f"{workload.said} is being deleted")]
    if workload.observed >= workload.generation:
        return []
    return [
        Refusal(
            "not_observed",
            f"its controller has seen generation {workload.observed} of {workload.generation}: wait until it has, and"
            " where it does not, look at kube-controller-manager",
        )
    ]


def rolls(case: Case) -> list[Refusal]:
    """A new template that nothing brings to the pods, or to a part of them only."""
    workload = case.workload
    if workload.paused:
        return [Refusal("paused", f"the rollout of {workload.said} is paused: kubectl rollout resume, then again")]
    if workload.strategy == "OnDelete":
        return [
            Refusal("on_delete", "updateStrategy OnDelete: a pod gets the template when it is deleted (deleted_pod)")
        ]
    kept = whole(part(workload.spec, "updateStrategy", "rollingUpdate").get("partition"))
    if workload.kind == "StatefulSet" and kept:
        return [Refusal("partition", f"updateStrategy partition {kept} keeps the pods below {kept} as they are")]
    return []


def outage(case: Case) -> list[Refusal]:
    """All that serves would go at once."""
    workload = case.workload
    if workload.strategy == "Recreate":
        why = "strategy Recreate ends all its pods before it starts new ones"
        return [Refusal("outage", why, True)]
    if workload.strategy == "RollingUpdate" and workload.unavailable >= workload.replicas and _serving(case):
        why = f"its rollout may take away {workload.unavailable} of its {workload.replicas} pods at once"
        return [Refusal("outage", why, True)]
    return []


def _serving(case: Case) -> int:
    return case.workload.counts.available


def pod_gone(case: Case) -> list[Refusal]:
    """The one pod that would be deleted."""
    pod, workload = case.change.pod, case.workload
    if pod is None:
        return []
    if pod.terminating:
        return [Refusal("terminating", f"pod {pod.name} is being deleted already: look at its node and finalizers")]
    if pod.ready and workload.counts.available <= 1:
        why = f"pod {pod.name} is the only one of {workload.said} that is available"
        return [Refusal("outage", why, True)]
    return []


def budget(case: Case) -> list[Refusal]:
    """A rollout and a delete ask no PodDisruptionBudget: so it is asked here."""
    workload, floor = case.workload, _floor(case)
    if case.state == SCALED and case.added:
        return []
    if case.scene.budgets is None:
        return case.unread("budgets", "whether a PodDisruptionBudget allows it", "budget")
    labels = part(workload.template, "metadata", "labels")
    found = []
    for raw in case.scene.budgets:
        if not selects(part(raw, "spec").get("selector"), labels):
            continue
        name, status = part(raw, "metadata").get("name"), part(raw, "status")
        healthy, needed = whole(status.get("currentHealthy")), whole(status.get("desiredHealthy"))
        left = min(healthy, healthy - workload.counts.available + floor)
        if left < needed and left < healthy:
            why = f"PodDisruptionBudget {name} wants {needed} healthy pods, {healthy} are, and {left} could be left"
            found.append(Refusal("budget", why, True))
    return found


def _floor(case: Case) -> int:
    """How many available pods the change leaves at the least."""
    available, workload = case.workload.counts.available, case.workload
    if case.change.pod is not None:
        return available - 1 if case.change.pod.ready else available
    if case.state == SCALED:
        return min(available, case.replicas)
    return min(available, workload.replicas - workload.unavailable)


def start_error(case: Case) -> list[Refusal]:
    """Pods that can't start for what is in their template: new pods of it would not either."""
    if case.state == ROLLED_BACK:
        return []
    for pod in case.scene.pods:
        if not pod.terminating and pod.start_error:
            why = f"{pod.start_error}: new pods would fail the same; roll back, or mend the image or what it refers to"
            return [Refusal("start_error", why, True)]
    return []


def volumes_of_surge(case: Case) -> list[Refusal]:
    """A rollout with a pod more than before, whose volume only one may have: it would wait for ever."""
    if not case.workload.surge or case.scene.claims is None:
        return []
    names = claims_of(case.workload.template)
    for raw in case.scene.claims:
        if part(raw, "metadata").get("name") in names and _modes(raw) == {"ReadWriteOncePod"}:
            name = part(raw, "metadata").get("name")
            why = f"volume {name} is ReadWriteOncePod: the new pod waits for the old one, which waits for the new one"
            return [Refusal("single_writer", why, True)]
    return []


def claims_of(template: Raw) -> set[str]:
    """Claims that all pods of a template share."""
    volumes = rows(template, "spec", "volumes")
    return {str(part(row, "persistentVolumeClaim").get("claimName") or "") for row in volumes} - {""}


def _modes(claim: Raw) -> set[str]:
    modes = part(claim, "spec").get("accessModes")
    return {str(mode) for mode in modes} if isinstance(modes, list) else set()


def one_writer(claim: Raw) -> bool:
    """Whether a volume can be on one node only."""
    modes = _modes(claim)
    return bool(modes) and modes <= {"ReadWriteOnce", "ReadWriteOncePod"}
