# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replicas more a workload may have, by the very gates that a change of it has to pass. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .kubernetes_gates import judge
from .kubernetes_plan import SCALED, Change, Refusal, scale
from .kubernetes_scene import Case, Scene
from .kubernetes_target import Workload


@dataclasses.dataclass(frozen=True)
class Growth:
    """replicas: as many as are wanted now. fits: so many more are possible, of those that were asked about.

    against: what speaks against one more than that; empty where nothing does.
    """

    replicas: int
    fits: int
    against: tuple[Refusal, ...] = ()

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "replicas": self.replicas,
            "fits": self.fits,
            "against": [refusal.to_dict() for refusal in self.against],
        }


def farthest(workload: Workload, most: int) -> Change:
    """The largest change that is asked about: one more than now at least. Its scene serves smaller ones."""
    return scale(workload, max(most, workload.replicas + 1))


def growth(workload: Workload, scene: Scene, most: int) -> Growth:
    """Up to so many replicas in all; one more than now is always asked about."""
    if workload.kind == "DaemonSet":
        why = f"{workload.said} has one pod on each node that it fits: it has no replicas to scale"
        return Growth(workload.replicas, 0, (Refusal("daemonset", why),))
    fits = 0
    last = t.cast(int, farthest(workload, most).replicas)
    for more in range(1, last - workload.replicas + 1):
        case = Case(SCALED, workload, scale(workload, workload.replicas + more), scene)
        refused = judge(case, ()).refused
        if refused:
            return Growth(workload.replicas, fits, refused)
        fits = more
    return Growth(workload.replicas, fits)


@dataclasses.dataclass(frozen=True)
class Near:
    """A closer look at one workload. logs: (pod, time, text), oldest first in each pod. problem: why there is none.

    unread: what could stand against growth, and may not be read by who looks.
    """

    growth: Growth | None = None
    logs: tuple[tuple[str, str, str], ...] = ()
    problem: str = ""
    unread: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "growth": self.growth.to_dict() if self.growth else None,
            "logs": [{"pod": pod, "at": at, "text": text} for pod, at, text in self.logs],
            "problem": self.problem,
            "unread": list(self.unread),
        }
