# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop to be triaged, made of variables and findings as the checks write them; nothing is named as in the lab."""

from __future__ import annotations

import typing as t

from ansible_collections.incident.response.plugins.module_utils.core import triage_scope
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.triage import Situation, Triage, triage
from ansible_collections.incident.response.plugins.module_utils.core.triage_looks import Look, digest
from ansible_collections.incident.response.plugins.plugin_utils import triage_targets

NOW = 1_800_000_000.0
WHEN = "2027-01-15T08:00:00.000+00:00"
"""The same moment, as checks write it."""


def runs(service: str, host: str = "box-1", project: str = "shop") -> dict[str, str]:
    return {"kind": "docker", "host": host, "project": project, "service": service}


def variables(**changes: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Web needs login and orders; login needs the cache and the database, orders the database and the broker."""
    made: dict[str, dict[str, t.Any]] = {
        "box-1": {"group_names": ["docker_hosts"]},
        "web": {"group_names": ["http_services"], "runtime": runs("www"), "depends_on": ["login", "orders"]},
        "login": {"group_names": ["http_services"], "runtime": runs("sso"), "depends_on": ["cache", "base"]},
        "orders": {"group_names": ["http_services"], "runtime": runs("order"), "depends_on": ["base", "events"]},
        "mailer": {"group_names": ["http_services"], "runtime": runs("mail"), "depends_on": ["events"]},
        "cache": {"group_names": ["redis"], "runtime": runs("memory")},
        "base": {
            "group_names": ["postgresql"],
            "runtime": runs("sql"),
            "postgresql_pooler_runtime": runs("pool"),
            "owner": "Database Admin",
        },
        "events": {
            "group_names": ["kafka"],
            "kafka_consumers": {"post": "mailer"},
            "kafka_brokers": {1: {"runtime": runs("broker")}},
        },
    }
    for name, more in changes.items():
        made[name].update(more)
    return made


def inventory(**changes: dict[str, t.Any]) -> dict[str, triage_scope.Target]:
    return triage_targets.known(variables(**changes)).targets


def finding(
    name: str,
    component: str,
    severity: str = "P1",
    state: str = "critical",
    since: float | None = None,
    **details: t.Any,
) -> Finding:
    return Finding(
        name, component, component, state, severity, f"{component} has {name}", since=since, details=details,
        evidence=(f"seen on {component}",),
    )  # fmt: skip


def stopped(name: str, exit_code: int = 143, **more: t.Any) -> Finding:
    return finding("docker.container.not_running", f"container:{name}", exit_code=exit_code, **more)


def refused(name: str, **more: t.Any) -> Finding:
    return finding("http.connect.refused", name, kind="refused", **more)


def failing(name: str, **more: t.Any) -> Finding:
    return finding("http.health.failing", name, **more)


def box(service: str, name: str, **more: t.Any) -> dict[str, t.Any]:
    """One container, as the check of an engine lists it."""
    logs = [{"at": f"2027-01-15T07:59:{second:02}Z", "text": f"{service} line {second}"} for second in range(5)]
    return {"name": f"shop-{service}-1", "project": "shop", "logs": logs, "traces": [], "image": "image", **more}


def engine(found: t.Mapping[str, triage_scope.Target], boxes: t.Mapping[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    services = triage_scope.on_engine("box-1", found).get("shop", {})
    return {
        "services": {
            service: {"containers": [box(service, component, **boxes.get(service, {}))]}
            for service, component in services.items()
        }
    }


def decide(
    *findings: Finding,
    dead: t.Mapping[str, str] | None = None,
    away: t.Collection[str] = (),
    only: t.Collection[str] = (),
    boxes: t.Mapping[str, dict[str, t.Any]] | None = None,
    changes: t.Mapping[str, dict[str, t.Any]] | None = None,
    **situation: t.Any,
) -> Triage:
    """Each finding is handed to the look that makes such ones. dead: host -> why it could not be looked at.

    away: hosts whose system does not answer. only: the hosts that are looked at (all).
    """
    found = inventory(**(changes or {}))
    looks = []
    for host, target in found.items():
        if only and host not in only:
            continue
        modules = triage_targets.modules_of(target.groups) or ["docker_health_info"]
        looks += [_look(host, module, found, findings, dead or {}, away, boxes or {}) for module in modules]
    targets = frozenset(name for name, target in found.items() if triage_targets.is_target(target.groups))
    return triage(Situation(found, tuple(looks), targets, NOW, **situation))


def _look(
    host: str,
    module: str,
    found: t.Mapping[str, triage_scope.Target],
    findings: t.Sequence[Finding],
    dead: t.Mapping[str, str],
    away: t.Collection[str],
    boxes: t.Mapping[str, dict[str, t.Any]],
) -> Look:
    name = f"{module.removesuffix('_health_info')} {host}"
    if host in dead:
        return Look.from_dict(digest(name, module, host, {"unreachable": True, "msg": dead[host]}))
    is_engine = module == "docker_health_info"
    own = [item.to_dict() for item in findings if _says(item, module, host)]
    result = {
        "reachable": host not in away,
        "status": "critical" if own else "ok",
        "findings": own,
        "collected_at": WHEN,
        "snapshot": engine(found, boxes) if is_engine else {},
    }
    components = triage_scope.on_engine(host, found).get("shop", {}) if is_engine else {}
    return Look.from_dict(digest(name, module, host, result, components))


def _says(item: Finding, module: str, host: str) -> bool:
    if item.component.startswith("group:"):
        return module == "kafka_health_info"
    if item.component.startswith("container:"):
        return module == "docker_health_info"
    return item.component.removeprefix("pooler:").removeprefix("program:") == host
