# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the memory scenario reads out of its looks: the target's container, its Go program, how near its limit. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..docker_settings import THRESHOLDS
from ..findings import Finding
from ..scope import Observed, Runtime, Scope
from .base import Case
from .containers import Container, first
from .service_actions import owner_of
from .service_scope import container, runtimes

GO = "go_health_info"
DOCKER = "docker_health_info"
LOOP = 3
"""Restarts within the look's window from which on it is killed again and again."""


def has_go(settings: t.Mapping[str, t.Any]) -> bool:
    """Whether the target says where its Go program can be asked."""
    return bool(settings.get("go_metrics_url") or settings.get("go_pprof_url"))


def _look(observed: t.Iterable[Observed], module: str, host: str) -> dict[str, t.Any]:
    """The result of one look, empty where there is none."""
    return next((look.result for look in observed if look.module.endswith(module) and look.host == host), {})


@dataclasses.dataclass(frozen=True)
class State:
    """The target as it was seen. container: None where none was. go: snapshot of its program, empty without one.

    warning: percent of its limit from which on its working set is too much. room: bytes that the machine could give,
    None where that is not known. now: epoch seconds by the container engine's own clock.
    """

    runtime: Runtime | None
    container: Container | None
    go: dict[str, t.Any]
    warning: float
    room: int | None
    now: float | None

    @property
    def percent(self) -> float | None:
        """Working set in percent of the limit; None without a limit, and where it could not be measured."""
        seen = self.container
        if seen is None or not seen.limit or seen.working_set is None:
            return None
        return 100.0 * seen.working_set / seen.limit

    @property
    def near(self) -> bool:
        return self.percent is not None and self.percent >= self.warning

    @property
    def climbing(self) -> bool:
        heap = self.go.get("heap") or {}
        return bool(heap.get("climbing"))

    @property
    def told(self) -> bool:
        """Whether enough was seen of its heap to call it flat where it does not climb."""
        heap = self.go.get("heap") or {}
        return bool(heap.get("told"))

    @property
    def slope(self) -> float:
        """Bytes per second by which its heap rises, 0 where it does not or nobody knows."""
        return max(0.0, float((self.go.get("heap") or {}).get("slope_bytes_per_second") or 0.0))

    @property
    def answers(self) -> bool:
        """Its metrics were read."""
        return bool(self.go.get("metrics"))

    def age(self, at: float | None) -> float | None:
        """Seconds since a moment of the engine's clock."""
        return None if at is None or self.now is None else self.now - at


def state_of(scope: Scope, observed: t.Sequence[Observed]) -> State:
    runtime = runtimes(scope).get(scope.target)
    engine = _look(observed, DOCKER, runtime.host) if runtime else {}
    snapshot = engine.get("snapshot") or {}
    pair = (engine.get("thresholds") or {}).get("memory_percent") or THRESHOLDS["memory_percent"]
    machine = snapshot.get("machine") or {}
    return State(
        runtime=runtime,
        container=first(observed, runtime) if runtime else None,
        go=dict(_look(observed, GO, scope.target).get("snapshot") or {}),
        warning=float(pair["warn"]),
        room=machine.get("memory_available"),
        now=snapshot.get("now"),
    )


def own_findings(case: Case) -> list[Finding]:
    """What was found about the target and what runs it: also what only follows from something else about these."""
    own = (case.scope.target, container(case.scope.target))
    follows = [item.finding for item in case.verdict.suppressed if item.by in own]
    return [f for f in (*case.verdict.roots, *follows) if owner_of(case, f) == case.scope.target]


def restarts_of(oom: Finding) -> int:
    return int(oom.details.get("restarts") or 0)


def function_of(leak: Finding) -> str:
    """The function that the leak is in, as far as the profiles tell: what grew most, else what holds most; for leaked
    goroutines where they wait. "" where no profile was read."""
    rows = [*(leak.details.get("growth") or ()), *(leak.details.get("top") or ()), *(leak.details.get("stacks") or ())]
    return str(rows[0].get("function") or "") if rows else ""
