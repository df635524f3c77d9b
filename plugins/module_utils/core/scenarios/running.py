# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a service as it was seen, whatever its runtime: what the plans for all of them ask for."""

from __future__ import annotations

import typing as t

from ..findings import Finding
from ..plan import Action
from ..scope import Observed, Runtime
from . import containers, workloads

Seen = containers.Container | workloads.Workload
FIRST: dict[str, t.Callable[[t.Iterable[Observed], Runtime], Seen | None]] = {
    "docker": containers.first,
    "kubernetes": workloads.first,
}


def first(observed: t.Iterable[Observed], runtime: Runtime) -> Seen | None:
    """What a runtime names, None where it was not seen or where nothing here knows its kind."""
    find = FIRST.get(runtime.kind)
    return find(observed, runtime) if find else None


def healthy(observed: t.Iterable[Observed], runtime: Runtime) -> int:
    """How many healthy ones there are of what a runtime names, so that the last one is not restarted unasked."""
    if runtime.kind == "kubernetes":
        found = workloads.first(observed, runtime)
        return found.available if found else 0
    seen = containers.containers(observed, runtime.host, runtime.project, runtime.service)
    return sum(container.healthy for container in seen)


def logs(observed: t.Iterable[Observed], runtime: Runtime) -> list[str]:
    """The ends of the logs of all that a runtime names."""
    if runtime.kind == "kubernetes":
        found = workloads.first(observed, runtime)
        return list(found.logs) if found else []
    seen = containers.containers(observed, runtime.host, runtime.project, runtime.service)
    return [line for container in seen for line in container.logs]


def action_on(
    service: str,
    found: tuple[Runtime, Seen],
    verb: str,
    finding: Finding,
    *,
    still: str = "",
    risk: str = "low",
    dose: str = "",
    undo: str = "",
    options: dict[str, t.Any] | None = None,
) -> Action:
    """An action on what was seen to run a service. still: what has to be so right before it, where not what the verb
    says by itself. dose: for people, where it is not just that one."""
    runtime, seen = found
    return Action(
        verb=verb,
        service=service,
        runtime=runtime,
        dose=dose or seen.dose,
        risk=risk,
        reason=finding.summary,
        precondition=f"{seen.said} {still or containers.STILL.get(verb, containers.AS_SEEN)}",
        undo=undo,
        identity=seen.identity,
        blames=(finding.id,),
        options=options or {},
    )
