# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a triage saw, as plain JSON and back, and what another set of rules decides otherwise about it. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import Finding
from .scope import Runtime, Service
from .triage import Situation
from .triage_looks import Look
from .triage_scope import Target

FORMAT = "incident.response.looks/1"
Row = t.Mapping[str, t.Any]


class ReplayError(ValueError):
    """It is not what a triage has saved. The text says what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """One fact that is decided otherwise today."""

    what: str
    then: str
    now: str

    def to_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def saved(situation: Situation, verdict: Row) -> dict[str, t.Any]:
    """Everything that decided, and what was decided. Without lines of logs: they decide nothing, and are most of it."""
    return {
        "format": FORMAT,
        "decided": facts(verdict),
        "at": situation.now,
        "inventory": [_target_row(target) for target in situation.inventory.values()],
        "targets": sorted(situation.targets),
        "production": [[host, value] for host, value in situation.production.items()],
        "impacts": dict(situation.impacts),
        "play": situation.play,
        "looks": [_look(look) for look in situation.looks],
    }


def _target_row(target: Target) -> dict[str, t.Any]:
    """Names that people gave stand nowhere as keys: redaction would take a host named api-token for a secret."""
    data = dataclasses.asdict(target)
    for name in ("containers", "consumers"):
        data[name] = [list(pair) for pair in data[name].items()]
    return data


def _look(look: Look) -> dict[str, t.Any]:
    data = {field.name: getattr(look, field.name) for field in dataclasses.fields(look)}
    data["findings"] = [finding.to_dict() for finding in look.findings]
    data["containers"] = [{**row, "logs": [], "traces": []} for row in look.containers]
    return data


def situation_of(data: t.Any) -> Situation:
    """The situation that was saved. Raises ReplayError for anything else."""
    kind = data.get("format") if isinstance(data, dict) else None
    if kind != FORMAT:
        raise ReplayError(f"it is not what a triage saves: its format is {kind!r}, and this release reads {FORMAT!r}")
    try:
        return Situation(
            inventory={target.name: target for target in map(_target, data["inventory"])},
            looks=tuple(Look.from_dict(row) for row in data["looks"]),
            targets=frozenset(data["targets"]),
            now=float(data["at"]),
            production=dict(data["production"]),
            impacts=dict(data["impacts"]),
            play=str(data["play"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReplayError(f"it is damaged: {type(error).__name__}: {error}") from None


def _target(row: Row) -> Target:
    service = dict(row["service"])
    service["runtime"] = Runtime(**service["runtime"]) if service["runtime"] else None
    for name in ("depends_on", "groups"):
        service[name] = tuple(service[name])
    containers = {component: Runtime(**runtime) for component, runtime in row["containers"]}
    return Target(Service(**service), containers, row["pooler"], dict(row["consumers"]))


def facts(verdict: Row) -> dict[str, list[str]]:
    """What a verdict decided, without words that may be put otherwise: each fact is a list of short texts."""
    return {
        "severity": [str(verdict["severity"])] if verdict["severity"] else [],
        "root cause": [_name(finding) for finding in verdict["roots"][:1]],
        "roots": sorted(_name(finding) for finding in verdict["roots"]),
        "suppressed": sorted(f"{_name(item['finding'])} by {item['by']}" for item in verdict["suppressed"]),
        "unknown": sorted(_name(finding) for finding in verdict["unknown"]),
        "hygiene": sorted(_name(finding) for finding in verdict["hygiene"]),
        "rule": [" ".join(part for part in (verdict["rule"]["id"], verdict["rule"]["cause"]) if part)],
        "treatments": [f"{row['component']}: {row['scenario'] or 'a person'}" for row in verdict["treatments"]],
        "command": [str(verdict["command"])] if verdict["command"] else [],
    }


def _name(finding: Row | Finding) -> str:
    data = finding.to_dict() if isinstance(finding, Finding) else finding
    return f"{data['component']} {data['id']}"


def compare(then: t.Mapping[str, t.Sequence[str]], now: t.Mapping[str, t.Sequence[str]]) -> list[Difference]:
    """Facts that differ, in the order of facts(). One that another release did not know is none."""
    return [
        Difference(name, _words(then[name], now[name]), _words(now[name], then[name]))
        for name in now
        if name in then and list(then[name]) != list(now[name])
    ]


def _words(own: t.Sequence[str], other: t.Sequence[str]) -> str:
    """What only this side has; everything where only the order differs."""
    mine = [item for item in own if item not in other]
    same_set = not mine and not [item for item in other if item not in own]
    return ", ".join(own if same_set else mine) or "none"
