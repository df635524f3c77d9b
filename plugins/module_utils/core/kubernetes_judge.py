# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a cluster and what was declared about it -> findings. Pure. Each cause gives one finding.

The order is the rule: nodes and volumes before the pods that they keep from running, pods before the numbers of their
workload, workloads before the services, autoscalers and budgets that suffer with them.
"""

from __future__ import annotations

import typing as t

from .findings import Finding, sort_findings
from .kubernetes_judge_cpu import judge_cpu
from .kubernetes_judge_jobs import judge_jobs
from .kubernetes_judge_nodes import judge_nodes
from .kubernetes_judge_reach import closed, judge_refusals
from .kubernetes_judge_scaling import judge_scaling
from .kubernetes_judge_services import judge_services
from .kubernetes_judge_volumes import judge_volumes
from .kubernetes_judge_workloads import judge_workloads
from .kubernetes_settings import Settings
from .kubernetes_snapshot import Snapshot
from .kubernetes_world import Book, World

DEFAULTS = Settings()


def judge(
    snapshot: Snapshot, settings: Settings = DEFAULTS, history: t.Sequence[t.Mapping[str, t.Any]] = ()
) -> list[Finding]:
    """All findings of one look, worst first. history: samples of earlier looks."""
    shut = closed(snapshot, settings)
    if shut is not None:
        return [shut]
    world, book = World(snapshot, settings), Book()
    judge_nodes(book, world)
    judge_volumes(book, world)
    judge_workloads(book, world)
    judge_jobs(book, world)
    judge_services(book, world)
    judge_scaling(book, world)
    judge_cpu(book, world, history)
    return sort_findings([*book.findings(), *judge_refusals(snapshot, settings)])
