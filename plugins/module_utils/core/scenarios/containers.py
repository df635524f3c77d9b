# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what docker_health_info observed, for planners: one place that knows the shape of its snapshot."""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import UNKNOWN, Finding
from ..scope import Observed, Runtime

BESIDE = frozenset({"docker.container.unhealthy", "docker.cpu.throttled", "docker.memory.high"})
"""What a container check says about one that runs: it explains nothing that the service itself was asked about."""

VERBS = {
    "docker.container.not_running": "start",
    "docker.container.paused": "unpause",
    "docker.process.frozen": "continue",
}
"""What brings back a container that is down, paused or frozen. Anything else about one is for a person."""
STILL = {"start": "is not running", "unpause": "is paused", "continue": "is frozen"}
"""What has to be so right before a verb."""
AS_SEEN = "is the one that was seen"
"""The same before any other verb."""


def runtime_of(target: str, settings: t.Mapping[str, t.Any]) -> Runtime | None:
    """The variable runtime of the target: {kind, host, project, service}."""
    declared = settings.get("runtime")
    return Runtime.from_vars(target, declared) if declared else None


def component_of(runtime: Runtime) -> str:
    return f"container:{runtime.service}"


@dataclasses.dataclass(frozen=True)
class Container:
    """One container of a service, as far as a plan needs it.

    listening: "address port" of each, None where not seen. limit, working_set, peak: bytes of memory; limit 0 is none.
    """

    service: str
    id: str
    started_at: str
    status: str
    health: str
    logs: tuple[str, ...]
    listening: tuple[str, ...] | None = None
    limit: int = 0
    working_set: int | None = None
    peak: int | None = None

    @property
    def said(self) -> str:
        return f"container {self.id[:12]}"

    @property
    def dose(self) -> str:
        return "1 container"

    @property
    def identity(self) -> dict[str, t.Any]:
        return {"id": self.id, "started_at": self.started_at}

    @property
    def reachable(self) -> tuple[str, ...]:
        """Ports on which others than itself reach it, if anything lets them through."""
        local = ("127.", "::1 ")
        return tuple(entry.rpartition(" ")[2] for entry in self.listening or () if not entry.startswith(local))

    @property
    def healthy(self) -> bool:
        return self.status == "running" and self.health in ("", "none", "healthy")


def containers(observed: t.Iterable[Observed], host: str, project: str, service: str) -> list[Container]:
    """The containers of a service on a host, in a stable order."""
    found: list[Container] = []
    for look in observed:
        if look.host != host or "docker_health_info" not in look.module:
            continue
        entry = (look.result.get("snapshot") or {}).get("services", {}).get(service)
        for data in (entry or {}).get("containers") or ():
            if not project or data.get("project", project) == project:
                found.append(_container(service, data))
    return sorted(found, key=lambda container: container.id)


def first(observed: t.Iterable[Observed], runtime: Runtime) -> Container | None:
    """The first container of what a runtime names, None where none was seen."""
    found = containers(observed, runtime.host, runtime.project, runtime.service)
    return found[0] if found else None


def _container(service: str, data: t.Mapping[str, t.Any]) -> Container:
    memory = data.get("memory") or {}
    return Container(
        service=service,
        limit=int((data.get("limits") or {}).get("memory") or 0),
        working_set=memory.get("working_set"),
        peak=memory.get("peak"),
        id=str(data.get("id") or ""),
        started_at=str(data.get("started_at") or ""),
        status=str(data.get("status") or ""),
        health=str(data.get("health") or ""),
        logs=tuple(str(line.get("text", "")) for line in data.get("logs") or ()),
        listening=None if data.get("listening") is None else tuple(str(entry) for entry in data["listening"]),
    )


def without_beside(findings: t.Iterable[Finding], component: str, owner: str) -> list[Finding]:
    """Where the service behind a container answered for itself (owner has a failure), that is the better look."""
    known = list(findings)
    told = any(f.component == owner and f.state != UNKNOWN and f.severity != "P4" for f in known)
    return [f for f in known if not (told and f.component == component and f.id in BESIDE)]
