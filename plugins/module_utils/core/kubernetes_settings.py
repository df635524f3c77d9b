# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster and its workloads are judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .findings import Facts, Finding, Remedy, build_finding
from .kubernetes_snapshot import KINDS, Key
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "restarts": {"warn": 2, "crit": 5},
    "unscheduled_seconds": {"warn": 120, "crit": 900},
    "unready_seconds": {"warn": 180, "crit": 900},
    "short_seconds": {"warn": 180, "crit": 900},
    "starting_seconds": {"warn": 180, "crit": 900},
    "stale_seconds": {"warn": 60, "crit": 900},
    "node_seconds": {"warn": 60, "crit": 600},
    "pressure_seconds": {"warn": 120, "crit": 900},
    "hpa_seconds": {"warn": 900, "crit": 3600},
    "pdb_seconds": {"warn": 900, "crit": 3600},
    "late_seconds": {"warn": 300, "crit": 3600},
    "volume_seconds": {"warn": 120, "crit": 900},
    "memory_percent": {"warn": 92, "crit": 95},
    "quota_percent": {"warn": 100, "crit": 100},
    "throttled_percent": {"warn": 25, "crit": 75},
}
"""Pairs of warn and crit; higher is worse in all of them."""


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared. Spans in seconds.

    components: NAMESPACE/NAME or NAME of a workload or of a node -> inventory host. names: workloads; None is all.
    window: how long ago a crash still matters. job_window: the same of a failed Job.
    """

    component: str = "kubernetes"
    address: str = ""
    components: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    namespaces: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    parts: tuple[str, ...] = KINDS
    window: float = 1200.0
    job_window: float = 86_400.0
    recent_rollout: float = 3600.0
    max_rows: int = 100
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)

    def wants(self, key: Key) -> bool:
        """Whether a workload is one of those that are looked at."""
        return self.names is None or key.name in self.names or key.path in self.names

    def component_of(self, key: Key) -> str:
        """The node of the dependency graph that a workload, service or machine is: an inventory host where declared."""
        declared = self.components.get(key.path) or self.components.get(key.name)
        if declared:
            return declared
        prefix = {"Node": "node", "Service": "service"}.get(key.kind, "workload")
        return f"{prefix}:{key.path}"

    def finding(
        self,
        name: str,
        state: str,
        severity: str,
        summary: str,
        *,
        key: Key | None = None,
        subject: str = "",
        **facts: t.Unpack[Facts],
    ) -> Finding:
        """A finding about an object, or about the cluster as a whole."""
        component = self.component_of(key) if key else self.component
        subject = subject or (str(key) if key else self.address or self.component)
        told = {"kind": key.kind, "namespace": key.namespace, "name": key.name} if key else {}
        carried = {"cluster": self.address, **told}
        return build_finding(name, component, subject, state, severity, summary, carried=carried, **facts)


def kubectl(verb: str, key: Key, more: str = "") -> str:
    """A command line that a person can paste."""
    words = ["kubectl", *(["-n", key.namespace] if key.namespace else []), *verb.split()]
    words.append(f"{key.kind.lower()}/{key.name}")
    return " ".join(shlex.quote(word) for word in words) + (f" {more}" if more else "")


def look(text: str, verb: str, key: Key, more: str = "") -> Remedy:
    """A remedy that only looks."""
    return Remedy(text, "none", kubectl(verb, key, more))
