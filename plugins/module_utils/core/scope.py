# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run looks at: the target, what it depends on, and what runs it. Pure data, made from inventory variables."""

from __future__ import annotations

import dataclasses
import typing as t


class ScopeError(ValueError):
    """The inventory contradicts itself. The text says which variable of which host, and what to write instead."""


WORKLOADS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
"""How people write the kind of a workload of Kubernetes, and how its API does."""


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What runs a service. kind decides which modules look at it and act on it (see runtimes.py).

    docker: project is compose's ("" is any), service its service. kubernetes: project is the namespace, service the
    workload as its API names it, "Deployment/gateway".
    """

    kind: str
    host: str
    project: str
    service: str

    @classmethod
    def from_vars(cls, where: str, data: t.Any) -> Runtime:
        if not isinstance(data, t.Mapping):
            raise ScopeError(f"{where}: runtime is a mapping of kind, host, project and service, not {data!r}")
        kubernetes = data.get("kind") == "kubernetes"
        names = ("kind", "host", "namespace", "workload") if kubernetes else ("kind", "host", "service")
        missing = [name for name in names if not data.get(name)]
        if missing:
            raise ScopeError(f"{where}: runtime lacks {', '.join(missing)}")
        kind, host = str(data["kind"]), str(data["host"])
        if kubernetes:
            return cls(kind, host, str(data["namespace"]), _workload(where, str(data["workload"])))
        return cls(kind, host, str(data.get("project") or ""), str(data["service"]))


def _workload(where: str, text: str) -> str:
    """gateway and deployment/gateway are Deployment/gateway."""
    kind, _slash, name = text.rpartition("/")
    known = WORKLOADS.get(kind.lower() or "deployment")
    if not known or not name:
        kinds = ", ".join(sorted(WORKLOADS))
        raise ScopeError(f"{where}: runtime.workload is a name, or kind/name with a kind of {kinds}, not {text!r}")
    return f"{known}/{name}"


@dataclasses.dataclass(frozen=True)
class Service:
    """One inventory host as the graph sees it."""

    name: str
    runtime: Runtime | None = None
    depends_on: tuple[str, ...] = ()
    severity_if_down: str = ""
    owner: str = ""
    groups: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Scope:
    """target: the host that the scenario is about. settings: its variables, as far as the scenario asked for them.

    services: every other inventory host that matters, by name. acted_ago: seconds since the end of the action whose
    effect is watched, None where there was none.
    """

    target: str
    settings: dict[str, t.Any]
    services: dict[str, Service]
    production: bool = True
    acted_ago: float | None = None


@dataclasses.dataclass(frozen=True)
class CheckCall:
    """One look: which check module, from which inventory host, with which options."""

    name: str
    module: str
    host: str
    options: dict[str, t.Any]

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Observed:
    """What a CheckCall gave: the result of the check module, as it came."""

    name: str
    module: str
    host: str
    result: dict[str, t.Any]


def service_from_vars(name: str, variables: t.Mapping[str, t.Any]) -> Service:
    """A Service from the host variables runtime, depends_on, severity_if_down, owner and group_names. Raises
    ScopeError."""
    depends_on = variables.get("depends_on") or ()
    if isinstance(depends_on, str) or not isinstance(depends_on, t.Sequence):
        raise ScopeError(f"{name}: depends_on is a list of inventory hosts, not {depends_on!r}")
    severity = str(variables.get("severity_if_down") or "")
    if severity not in ("", "P1", "P2", "P3", "P4"):
        raise ScopeError(f"{name}: severity_if_down is P1, P2, P3 or P4, not {severity!r}")
    runtime = variables.get("runtime")
    return Service(
        name=name,
        runtime=Runtime.from_vars(name, runtime) if runtime else None,
        depends_on=tuple(str(host) for host in depends_on),
        severity_if_down=severity,
        owner=str(variables.get("owner") or ""),
        groups=tuple(str(group) for group in variables.get("group_names") or ()),
    )
