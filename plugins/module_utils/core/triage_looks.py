# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each target's own look said, in the few facts that triage needs of it. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .docker_snapshot import parse_time
from .findings import UNKNOWN, Finding
from .triage_scope import Inventory, group_component, owner_of

Row = dict[str, t.Any]
NOT_LOOKED_AT = "triage.not_measured"
TOLD_OF_OTHERS = ("alertmanager.alert.firing", "prometheus.alert.", "prometheus.job.", "prometheus.target.")
"""What the monitoring says of what it watches."""


@dataclasses.dataclass(frozen=True)
class Look:
    """One look at one host. problem: why there is no result, empty where there is one.

    starts: what began when ({component, what, at}). containers: those of an engine, or the workloads of a cluster,
    with their last lines.
    """

    name: str
    module: str
    host: str
    problem: str = ""
    reachable: bool = False
    status: str = UNKNOWN
    findings: tuple[Finding, ...] = ()
    measured: tuple[str, ...] = ()
    at: float = 0.0
    duration_ms: float = 0.0
    starts: tuple[Row, ...] = ()
    containers: tuple[Row, ...] = ()

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Look:
        values = {field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data}
        values["findings"] = tuple(Finding.from_dict(item) for item in values.get("findings") or ())
        for name in ("measured", "starts", "containers"):
            values[name] = tuple(values.get(name) or ())
        return cls(**values)


def digest(
    name: str, module: str, host: str, result: t.Mapping[str, t.Any], components: t.Mapping[str, str] | None = None
) -> Row:
    """A check's result without what triage does not need, as plain JSON. components: service -> component."""
    if result.get("failed") or result.get("unreachable") or "findings" not in result:
        why = "its host is unreachable" if result.get("unreachable") else "the check failed"
        return {"name": name, "module": module, "host": host, "problem": f"{why}: {_reason(result)}"}
    seen = [_container(service, row, components or {}) for service, row in _containers(result)] + _workloads(result)
    return {
        "name": name,
        "module": module,
        "host": host,
        "problem": "",
        "reachable": bool(result.get("reachable")),
        "status": result.get("status", UNKNOWN),
        "findings": list(result["findings"]),
        "measured": list(result.get("measured") or ()),
        "at": _epoch(result.get("collected_at")),
        "duration_ms": result.get("duration_ms", 0),
        "starts": [*_starts(host, result), *(start for row in seen for start in _container_starts(row))],
        "containers": seen,
    }


def _reason(result: t.Mapping[str, t.Any]) -> str:
    return str(result.get("msg") or result.get("module_stderr") or "no reason given").strip()


def _epoch(text: t.Any) -> float:
    try:
        return datetime.datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


def _containers(result: t.Mapping[str, t.Any]) -> list[tuple[str, Row]]:
    services = (result.get("snapshot") or {}).get("services")
    if not isinstance(services, dict):
        return []
    return [(str(name), row) for name, entry in services.items() for row in entry.get("containers") or ()]


def _container(service: str, row: t.Mapping[str, t.Any], components: t.Mapping[str, str]) -> Row:
    return {
        "component": components.get(service) or f"container:{service}",
        "project": row.get("project") or "",
        "service": service,
        "name": row.get("name") or service,
        "image": row.get("image") or "",
        "started": parse_time(row.get("started_at")),
        "created": parse_time(row.get("created_at")),
        "logs": [{"at": line.get("at") or "", "text": line.get("text") or ""} for line in row.get("logs") or ()],
        "traces": list(row.get("traces") or ()),
    }


def _workloads(result: t.Mapping[str, t.Any]) -> list[Row]:
    """The workloads of a cluster, as containers are told; the log of one is that of its containers in trouble."""
    found = (result.get("snapshot") or {}).get("workloads")
    return [_workload(row) for row in found.values()] if isinstance(found, dict) else []


def _workload(row: t.Mapping[str, t.Any]) -> Row:
    boxes = [(pod["name"], box) for pod in row.get("pods") or () for box in pod.get("containers") or ()]
    sources = [(f"{pod}/{box['name']}", box["logs"]) for pod, box in boxes if box.get("logs")]
    lines = [
        {"at": line.get("at") or "", "text": f"{f'{where}: ' if len(sources) > 1 else ''}{line.get('text') or ''}"}
        for where, logs in sources
        for line in logs
    ]
    return {
        "component": row["component"],
        "project": row["namespace"],
        "service": f"{row['kind']}/{row['name']}",
        "name": row["name"],
        "image": "",
        "started": None,
        "created": None,
        "logs": sorted(lines, key=lambda line: parse_time(line["at"]) or 0.0),
        "traces": [trace for _pod, box in boxes for trace in box.get("traces") or ()],
    }


def _container_starts(row: Row) -> list[Row]:
    """A container that was made anew has another image or configuration; one that was only started has not."""
    found = []
    made, began = row["created"], row["started"]
    if made:
        what = f"container {row['name']} was made anew (image {row['image']})"
        found.append({"component": row["component"], "what": what, "at": made})
    if began and (not made or began - made > 60):
        found.append({"component": row["component"], "what": f"container {row['name']} was started", "at": began})
    return found


def _starts(host: str, result: t.Mapping[str, t.Any]) -> list[Row]:
    """Starts of processes, as far as a check's snapshot tells."""
    snapshot = result.get("snapshot") or {}
    now = _epoch(result.get("collected_at"))
    moments = [_number(snapshot.get("started"))]
    moments += [
        _number((row.get("metrics") or {}).get("start_time"))
        for row in snapshot.get("listed") or ()
        if row.get("metrics")
    ]
    server = snapshot.get("server")
    uptime = _number(server.get("uptime_in_seconds")) if isinstance(server, dict) else None
    if uptime is not None and now:
        moments.append(now - uptime)
    return [{"component": host, "what": f"the process of {host} was started", "at": at} for at in moments if at]


def _number(value: t.Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def told_by(host: str) -> str:
    """The component of what a target tells of others, where it does not say of whom. Its own faults are no part."""
    return f"told:{host}"


def findings_of(looks: t.Iterable[Look], inventory: Inventory) -> tuple[list[Finding], dict[str, str]]:
    """All findings, consumer groups by the names of the graph, and each component's inventory host."""
    found: list[Finding] = []
    owners: dict[str, str] = {}
    for look in looks:
        for finding in look.findings:
            component = _component(finding, look, inventory)
            owners.setdefault(component, owner_of(component, inventory, look.host))
            found.append(dataclasses.replace(finding, component=component))
        if look.problem:
            owners.setdefault(look.host, look.host)
            found.append(_not_looked_at(look))
    return found, owners


def _component(finding: Finding, look: Look, inventory: Inventory) -> str:
    """What a finding is about, by the names of the graph."""
    if finding.component.startswith("group:"):
        return group_component(look.host, finding.component[6:], inventory)
    told = finding.component == look.host and finding.id.startswith(TOLD_OF_OTHERS)
    return told_by(look.host) if told else finding.component


def shown_by(looks: t.Iterable[Look], inventory: Inventory) -> dict[str, list[str]]:
    """Component -> the hosts whose looks say something about it: without them nobody knows whether it is over."""
    found: dict[str, set[str]] = {}
    for look in looks:
        for finding in look.findings:
            found.setdefault(_component(finding, look, inventory), set()).add(look.host)
        if look.problem:
            found.setdefault(look.host, set()).add(look.host)
    return {component: sorted(hosts) for component, hosts in sorted(found.items())}


def _not_looked_at(look: Look) -> Finding:
    return Finding(
        id=NOT_LOOKED_AT,
        component=look.host,
        subject=look.name,
        state=UNKNOWN,
        severity="P3",
        summary=f"{look.name} was not measured: {look.problem}",
        evidence=(look.problem,),
        details={"unreachable": look.problem.startswith("its host is unreachable")},
    )
