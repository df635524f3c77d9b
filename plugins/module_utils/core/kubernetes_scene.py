# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around a workload, as far as it could be read, and how much a change brings. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .kubernetes_plan import SCALED, Change, Refusal
from .kubernetes_target import Pod, Raw, Workload, part, rows


@dataclasses.dataclass(frozen=True)
class Scene:
    """Objects as the server sent them; None where they could not be read, with the reason in unread.

    pods: of the workload. everywhere: pods of all namespaces on these nodes, for what they still
    have.
    """

    pods: t.Sequence[Pod] = ()
    autoscalers: t.Sequence[Raw] | None = ()
    budgets: t.Sequence[Raw] | None = ()
    quotas: t.Sequence[Raw] | None = ()
    limit_ranges: t.Sequence[Raw] | None = ()
    claims: t.Sequence[Raw] | None = ()
    leases: t.Sequence[Raw] | None = ()
    nodes: t.Sequence[Raw] | None = ()
    everywhere: t.Sequence[Raw] | None = ()
    unread: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a caller says beside the change: free connections of the database, how many a replica opens, partitions."""

    headroom: int | None = None
    pool_size: int | None = None
    partitions: int | None = None


@dataclasses.dataclass(frozen=True)
class Case:
    """One change of one workload, with all that may speak against it."""

    state: str
    workload: Workload
    change: Change
    scene: Scene
    wish: Wish = Wish()

    @property
    def replicas(self) -> int:
        """As many as there are to be."""
        return self.workload.replicas if self.change.replicas is None else self.change.replicas

    @property
    def added(self) -> int:
        """Pods beyond those that are there, at the most: for good, or while a rollout goes on."""
        if self.state == SCALED:
            return max(0, self.replicas - self.workload.replicas)
        return self.workload.surge if self.change.template is not None else 0

    @property
    def template(self) -> dict[str, t.Any]:
        """Of the pods that come."""
        return self.change.template if self.change.template is not None else self.workload.template

    def unread(self, what: str, question: str, override: str) -> list[Refusal]:
        """The refusal where something decisive could not be seen: not known is not fine."""
        why = self.scene.unread.get(what) or "it could not be read"
        return [Refusal(override, f"{question} can't be seen: {why}", True)]


def selector_text(selector: t.Any) -> str:
    """A label selector as the API takes it in a query."""
    texts = [f"{key}={value}" for key, value in sorted(part(selector, "matchLabels").items())]
    for row in rows(selector, "matchExpressions"):
        key, values = row.get("key"), ",".join(str(value) for value in row.get("values") or ())
        operator = str(row.get("operator"))
        texts.append(
            {"Exists": f"{key}", "DoesNotExist": f"!{key}"}.get(operator) or f"{key} {operator.lower()} ({values})"
        )
    return ",".join(texts)


def selects(selector: t.Any, labels: t.Mapping[str, t.Any]) -> bool:
    """Whether a label selector fits. An empty one fits everything, none at all fits nothing."""
    if not isinstance(selector, dict):
        return False
    if any(labels.get(key) != value for key, value in part(selector, "matchLabels").items()):
        return False
    return all(_expression(row, labels) for row in rows(selector, "matchExpressions"))


def _expression(row: Raw, labels: t.Mapping[str, t.Any]) -> bool:
    key, values = str(row.get("key") or ""), row.get("values") or []
    operator = row.get("operator")
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels
