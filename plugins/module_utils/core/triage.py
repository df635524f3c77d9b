# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the looks at all targets to one root cause, what only follows from it, and what to do next. Pure.

A root cause is a failing component none of whose dependencies fails. What several looks together tell (a network or a
host that is gone) becomes a finding of its own, and takes part like any other.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import decide, triage_severity
from .findings import Finding, sort_findings
from .scenarios.containers import BESIDE
from .triage_looks import NOT_LOOKED_AT, Look, Row, findings_of, shown_by, told_by
from .triage_route import Treatment, treatments
from .triage_rules import DOWN, Owners, Rule, common_causes, rule_of, seen_below, services_of
from .triage_scope import Inventory, graph_of
from .triage_traces import changes, logs_of
from .triage_words import RESOURCES, SLOW, alone, explains

TOGETHER = 60.0
MANY = 3


@dataclasses.dataclass(frozen=True)
class Situation:
    """Everything that triage may look at. production: host -> whether it is. targets: what can be looked at at all.

    impacts: triage_severity.IMPACT or what a site wants otherwise. play: how ansible-playbook has to be called.
    """

    inventory: Inventory
    looks: tuple[Look, ...]
    targets: frozenset[str]
    now: float
    production: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    impacts: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: triage_severity.IMPACT)
    play: str = "ansible-playbook"
    all_logs: bool = False


@dataclasses.dataclass(frozen=True)
class Triage:
    """What was decided. treatments: what to do, that of the root cause first. notes: what people should know.

    owners: component -> its inventory host. shown_by: component -> the hosts whose looks have findings about it.
    levels: component -> finding id -> its severity for this inventory.
    """

    verdict: decide.Verdict
    severity: str | None
    rule: Rule
    treatments: tuple[Treatment, ...]
    services: dict[str, str]
    changes: list[Row]
    logs: list[Row]
    notes: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    owners: dict[str, str]
    shown_by: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    levels: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)

    @property
    def first(self) -> Treatment | None:
        return self.treatments[0] if self.treatments else None

    def to_dict(self) -> dict[str, t.Any]:
        """Plain JSON. target, scenario, component and command are those of the root cause."""
        first = self.first or Treatment("", "", "", "", ())
        return {
            **self.verdict.to_dict(),
            "severity": self.severity,
            "rule": self.rule.to_dict(),
            "target": first.target,
            "scenario": first.scenario,
            "component": first.component,
            "command": first.command,
            "treatments": [item.to_dict() for item in self.treatments],
            "services": self.services,
            "changes": self.changes,
            "logs": self.logs,
            "notes": list(self.notes),
            "not_looked_at": list(self.not_looked_at),
            "owners": self.owners,
            "shown_by": self.shown_by,
            "levels": self.levels,
        }


def triage(situation: Situation) -> Triage:
    """Decide over all looks."""
    inventory, looks = situation.inventory, situation.looks
    findings, owners = findings_of(looks, inventory)
    findings = _refine(findings, owners)
    services = services_of(inventory, looks, findings, owners)
    findings = [finding for finding in findings if not _blind(finding, services, owners)]
    more, edges = common_causes(inventory, findings, owners, services)
    for finding in more:
        owners.setdefault(finding.component, finding.component)
    graph = _with(graph_of(inventory), {**edges, **_told(owners, inventory)})
    verdict = _headlined(decide.decide(sort_findings([*findings, *more]), graph, _explains(graph), alone))
    failures = [*verdict.roots, *(item.finding for item in verdict.suppressed)]
    rule = rule_of(verdict, services, owners)
    root = verdict.root
    return Triage(
        verdict=verdict,
        severity=_severity(situation, verdict, failures, services, owners),
        rule=rule,
        treatments=tuple(treatments(verdict.roots, failures, owners, inventory, situation.play)),
        services=services,
        changes=changes(root.component, graph, looks, root.since, situation.now) if root else [],
        logs=logs_of({f.component for f in failures}, inventory, looks, owners, situation.all_logs),
        notes=tuple(_notes(situation, verdict, graph, rule, owners)),
        not_looked_at=tuple(sorted(situation.targets - {look.host for look in looks})),
        owners=owners,
        shown_by=shown_by(looks, inventory),
        levels=_levels(situation, [*failures, *verdict.unknown, *verdict.hygiene], services, owners),
    )


def _refine(findings: t.Sequence[Finding], owners: Owners) -> list[Finding]:
    """Leave out what a container's look says less well than its service, but keep why one that is only slow is so."""
    told: dict[str, set[str]] = {}
    for finding in findings:
        if finding.state != "unknown" and finding.severity != "P4" and finding.component in owners.values():
            told.setdefault(finding.component, set()).add(finding.id)
    kept = []
    for finding in findings:
        owner = owners.get(finding.component, "")
        beside = finding.component == f"container:{owner}" and finding.id in BESIDE and owner in told
        reason = finding.id in RESOURCES and bool(told.get(owner, set()) & SLOW)
        if reason or not beside:
            kept.append(finding)
    return kept


def _blind(finding: Finding, services: t.Mapping[str, str], owners: Owners) -> bool:
    """Whether it only says that one can't look into a program that does not answer anyway."""
    down = services.get(owners.get(finding.component, "")) == DOWN
    return down and finding.id.startswith(("go.metrics.", "go.pprof.", "http.metrics."))


def _with(graph: decide.Graph, edges: t.Mapping[str, t.Sequence[str]]) -> decide.Graph:
    return {name: [*graph.get(name, ()), *edges.get(name, ())] for name in {*graph, *edges}}


def _explains(graph: decide.Graph) -> t.Callable[[Finding, Finding], bool]:
    """As triage_words.explains, but what hurts only some on a host (`serves`) is the reason of nothing else on it."""

    def judge(cause: Finding, effect: Finding) -> bool:
        serves = set(cause.details.get("serves") or ())
        if serves and serves.isdisjoint({effect.component, *decide.dependencies(graph, effect.component)}):
            return False
        return explains(cause, effect)

    return judge


def _told(owners: Owners, inventory: Inventory) -> dict[str, list[str]]:
    """What the monitoring tells of others follows from whatever else fails."""
    everything = sorted({*inventory, *(name for name in owners if not name.startswith("told:"))})
    return {
        component: [name for name in everything if name != owner]
        for component, owner in owners.items()
        if component == told_by(owner)
    }


def _headlined(verdict: decide.Verdict) -> decide.Verdict:
    """The root cause alone: what else there is has lines of its own."""
    return dataclasses.replace(verdict, headline=verdict.root.summary) if verdict.root else verdict


def _severity(
    situation: Situation,
    verdict: decide.Verdict,
    failures: t.Sequence[Finding],
    services: t.Mapping[str, str],
    owners: Owners,
) -> str | None:
    """That of the failures; where there is none, of what is unknown or could be better."""
    judged = failures or verdict.unknown or verdict.hygiene
    return triage_severity.overall(
        judged, owners, situation.inventory, services, _reachable(situation), situation.production, situation.impacts
    )


def _levels(
    situation: Situation, findings: t.Iterable[Finding], services: t.Mapping[str, str], owners: Owners
) -> dict[str, dict[str, str]]:
    return triage_severity.levels(
        findings, owners, situation.inventory, services, _reachable(situation), situation.production, situation.impacts
    )


def _reachable(situation: Situation) -> dict[str, bool]:
    """Host -> whether one of its systems answered, for those that were measured."""
    reachable: dict[str, bool] = {}
    for look in situation.looks:
        if not look.problem:
            reachable[look.host] = reachable.get(look.host, False) or look.reachable
    return reachable


def _notes(
    situation: Situation, verdict: decide.Verdict, graph: decide.Graph, rule: Rule, owners: Owners
) -> t.Iterator[str]:
    root = verdict.root
    if root is None:
        return
    below = decide.dependencies(graph, root.component)
    blind = {f.component: "was not measured" for f in verdict.unknown if f.component in below}
    looked = {look.host for look in situation.looks}
    blind.update({name: "was not looked at" for name in below & situation.targets if name not in looked})
    for name, why in sorted(blind.items()):
        yield f"{name} {why}, and {root.component} depends on it: the cause may be there"
    if rule.id == "latency":
        seen = seen_below(root.component, graph, situation.looks)
        yield "below it: " + ("; ".join(seen) if seen else "nothing that it depends on was looked at")
    together = _together(verdict.roots, owners)
    if len(together) >= MANY:
        yield f"{', '.join(together)} began to fail in the same minute: suspect host, network or DNS first"


def _together(roots: t.Sequence[Finding], owners: Owners) -> list[str]:
    """Targets that have roots of their own, all of which began within a minute of the first root."""
    moments = [(f.since, owners.get(f.component, "")) for f in roots if f.since is not None]
    if not moments:
        return []
    first = min(at for at, _owner in moments)
    return sorted({owner for at, owner in moments if at - first <= TOGETHER})


__all__ = ["NOT_LOOKED_AT", "Situation", "Triage", "triage"]
