# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against another number of replicas: nothing left, or more that can't work side by side. Pure."""

from __future__ import annotations

from .kubernetes_gates_rollout import claims_of, one_writer
from .kubernetes_plan import Refusal
from .kubernetes_scene import Case
from .kubernetes_target import part, rows


def bounds(case: Case) -> list[Refusal]:
    workload, wanted = case.workload, case.replicas
    found = []
    if wanted == 0:
        why = f"0 replicas would leave nothing of {workload.said}, and switch an autoscaler of it off"
        found.append(Refusal("zero", why, True))
    elif wanted < workload.replicas:
        why = f"{workload.said} has {workload.replicas} replicas, and {wanted} are fewer"
        found.append(Refusal("fewer", why, True))
    if workload.paused:
        found.append(Refusal("paused", f"the rollout of {workload.said} is paused: somebody is at work on it", True))
    return found


def volumes(case: Case) -> list[Refusal]:
    """More than one where there can be one only: a volume, an election, a strategy that says so."""
    if not case.added:
        return []
    found = _claims(case) + _elected(case)
    if case.workload.strategy == "Recreate":
        why = "strategy Recreate: whoever wrote it wants no two of its pods at once"
        found.append(Refusal("single_writer", why, True))
    return found


def _claims(case: Case) -> list[Refusal]:
    names = claims_of(case.workload.template)
    if not names:
        return []
    if case.scene.claims is None:
        return case.unread("claims", f"whether more than one pod can have volume {sorted(names)[0]}", "single_writer")
    single = sorted(
        str(part(raw, "metadata").get("name"))
        for raw in case.scene.claims
        if part(raw, "metadata").get("name") in names and one_writer(raw)
    )
    if not single:
        return []
    why = f"volume {', '.join(single)} can be written from one node only (ReadWriteOnce), and all its pods share it"
    return [Refusal("single_writer", why, True)]


def _elected(case: Case) -> list[Refusal]:
    """A lease that a pod of it holds: the others only stand by."""
    pods = {pod.name for pod in case.scene.pods}
    for raw in case.scene.leases or ():
        holder = str(part(raw, "spec").get("holderIdentity") or "")
        # Libraries write the name of the pod, alone or with something unique behind an underscore.
        if holder.partition("_")[0] in pods:
            name = part(raw, "metadata").get("name")
            why = f"one pod leads and the others stand by (lease {name} is held by {holder}): more would do nothing"
            return [Refusal("single_writer", why, True)]
    return []


def consumers(case: Case) -> list[Refusal]:
    partitions = case.wish.partitions
    if partitions is None or not case.added or case.replicas <= partitions:
        return []
    why = f"{case.replicas} consumers of {partitions} partitions: {case.replicas - partitions} would have nothing to do"
    return [Refusal("partitions", why)]


def ports(case: Case) -> int:
    """Containers with a port of the node's own: one pod a node at most."""
    return sum(1 for row in case.workload.containers for port in rows(row, "ports") if port.get("hostPort"))
