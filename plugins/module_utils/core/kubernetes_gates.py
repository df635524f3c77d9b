# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that speaks against a change of a workload, by state. Pure.

Every refusal is told, not only the first, so that nobody meets them one after the other.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .kubernetes_gates_owner import autoscaler, controller, gitops
from .kubernetes_gates_rollout import budget, in_order, outage, pod_gone, rolls, start_error, volumes_of_surge
from .kubernetes_gates_room import connections, limit_range, nodes, quota
from .kubernetes_gates_scale import bounds, consumers, volumes
from .kubernetes_plan import DELETED_POD, MEMORY_LIMIT, RESTARTED, ROLLED_BACK, SCALED, Refusal
from .kubernetes_scene import Case

Gate = t.Callable[[Case], t.Iterable[Refusal]]

_ROLLOUT: tuple[Gate, ...] = (in_order, rolls, gitops, outage, budget, volumes_of_surge, quota, nodes, connections)
GATES: t.Mapping[str, tuple[Gate, ...]] = {
    RESTARTED: (*_ROLLOUT, start_error),
    ROLLED_BACK: (*_ROLLOUT, controller),
    MEMORY_LIMIT: (*_ROLLOUT, controller, start_error, limit_range),
    SCALED: (
        in_order,
        bounds,
        autoscaler,
        controller,
        gitops,
        start_error,
        volumes,
        budget,
        quota,
        nodes,
        connections,
        consumers,
    ),
    DELETED_POD: (in_order, pod_gone, budget, start_error),
}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """refused: what stands against it. overridden: what would, had it not been set aside."""

    refused: tuple[Refusal, ...]
    overridden: tuple[Refusal, ...]


def judge(case: Case, override: t.Collection[str]) -> Verdict:
    if not case.change.needed:
        return Verdict((), ())
    found = [refusal for gate in GATES[case.state] for refusal in gate(case)]
    aside = tuple(refusal for refusal in found if refusal.override and refusal.reason in override)
    return Verdict(tuple(refusal for refusal in found if refusal not in aside), aside)


def said(verdict: Verdict) -> str:
    """The failure for people."""
    parts = [
        refusal.why + (f" (override={refusal.reason} does it all the same)" if refusal.override else "")
        for refusal in verdict.refused
    ]
    return "Refused, nothing was done: " + ". ".join(parts)
