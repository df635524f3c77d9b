# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what kubernetes_health_info observed, for planners: one place that knows the shape of its snapshot."""

from __future__ import annotations

import dataclasses
import typing as t

from ..scope import Observed, Runtime

CHECK = "kubernetes_health_info"
OOM = "kubernetes.memory.oom"


@dataclasses.dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet, as far as a plan needs it. limits: container -> bytes of memory.

    growth: how many replicas more are possible, None where nobody looked; problem: why it could not be
    seen; unread: what might stand against it and may not be read.

    It has the properties of a Container that a plan asks for, so that one tree serves both.
    """

    kind: str
    name: str
    uid: str
    generation: int
    wanted: int
    available: int
    limits: dict[str, int] = dataclasses.field(default_factory=dict)
    growth: dict[str, t.Any] | None = None
    problem: str = ""
    unread: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()

    reachable: t.ClassVar[tuple[str, ...]] = ()
    """Whether a pod listens is not seen from outside."""

    @property
    def said(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def dose(self) -> str:
        return "1 pod after the other"

    @property
    def identity(self) -> dict[str, t.Any]:
        return {"uid": self.uid, "generation": self.generation}

    @property
    def status(self) -> str:
        return "running" if self.available else "not available"

    @property
    def healthy(self) -> bool:
        return self.wanted > 0 and self.available >= self.wanted


def first(observed: t.Iterable[Observed], runtime: Runtime) -> Workload | None:
    """The workload that a runtime names, None where it was not seen."""
    kind, _slash, name = runtime.service.partition("/")
    for look in observed:
        if look.host != runtime.host or not look.module.endswith(CHECK):
            continue
        row = ((look.result.get("snapshot") or {}).get("workloads") or {}).get(f"{runtime.project}/{name}")
        if row and row["kind"] == kind:
            return _workload(row)
    return None


def _workload(row: t.Mapping[str, t.Any]) -> Workload:
    near = row.get("near") or {}
    return Workload(
        kind=str(row["kind"]),
        name=str(row["name"]),
        uid=str(row.get("uid") or ""),
        generation=int(row.get("generation") or 0),
        wanted=int(row.get("wanted") or 0),
        available=int(row.get("available") or 0),
        limits={str(name): int(limit) for name, limit in (row.get("memory_limits") or {}).items()},
        growth=near.get("growth"),
        problem=str(near.get("problem") or ""),
        unread=tuple(str(text) for text in near.get("unread") or ()),
        logs=tuple(str(line.get("text", "")) for line in near.get("logs") or ()),
    )
