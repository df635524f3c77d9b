# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From findings to a verdict: what is the root cause, what only follows from it, how bad is it. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import UNKNOWN, Finding, sort_findings, worst_severity, worst_status

STANDS_ALONE = frozenset(
    {
        "docker.container.missing",
        "docker.container.paused",
        "docker.container.start_failed",
        "docker.memory.oom_killed",
        "docker.process.frozen",
    }
)
"""Findings that no failing dependency explains: somebody or something did this to the container itself."""

DIES_OF_DEPENDENCIES = (1, 2)
"""Exit codes of programs that give up by themselves (error, Go panic), as they may when a dependency is away."""


@dataclasses.dataclass(frozen=True)
class Suppressed:
    """A finding that follows from another component's failure."""

    finding: Finding
    by: str


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run decided. roots: the findings that need a remedy, worst first; the first one names the root cause."""

    status: str
    severity: str | None
    headline: str
    roots: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    unknown: tuple[Finding, ...]
    hygiene: tuple[Finding, ...] = ()

    @property
    def root(self) -> Finding | None:
        return self.roots[0] if self.roots else None

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "status": self.status,
            "severity": self.severity,
            "headline": self.headline,
            "root_cause": self.root.to_dict() if self.root else None,
            "roots": [finding.to_dict() for finding in self.roots],
            "suppressed": [{"by": item.by, "finding": item.finding.to_dict()} for item in self.suppressed],
            "unknown": [finding.to_dict() for finding in self.unknown],
            "hygiene": [finding.to_dict() for finding in self.hygiene],
        }


Graph = t.Mapping[str, t.Sequence[str]]
"""Component -> the components that it depends on. Names that are nowhere a key have no dependencies."""


def dependencies(graph: Graph, component: str) -> set[str]:
    """Everything that a component depends on, directly or not. A cycle is followed once."""
    seen: set[str] = set()
    waiting = list(graph.get(component, ()))
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(graph.get(current, ()))
    return seen - {component}


def stands_alone(finding: Finding) -> bool:
    """True where a failing dependency can't be the reason."""
    if finding.id == "docker.container.not_running":
        return finding.details.get("exit_code") not in DIES_OF_DEPENDENCIES
    return finding.id in STANDS_ALONE


def explained_by(
    finding: Finding, failing: t.Collection[str], graph: Graph, alone: t.Callable[[Finding], bool] = stands_alone
) -> str | None:
    """The failing component that a finding follows from, the deepest one first, or None."""
    if alone(finding):
        return None
    below = dependencies(graph, finding.component) & set(failing)
    roots = [name for name in below if not dependencies(graph, name) & below]
    return min(roots or below, default=None)


def decide(
    findings: t.Iterable[Finding],
    graph: Graph,
    explains: t.Callable[[Finding, Finding], bool] | None = None,
    alone: t.Callable[[Finding], bool] = stands_alone,
) -> Verdict:
    """Root cause: a failing component none of whose dependencies fails. Everything downstream is suppressed.

    P4 findings (hygiene) explain nothing. Unknown ones explain nothing either, but they are never dropped: a verdict
    with unknowns and no failure has the status unknown.

    explains(cause, effect): whether the one can be the reason of the other, where the graph says that it may; without
    it every failure can. alone(finding): whether no dependency can be the reason.
    """
    ordered = sort_findings(findings)
    unknown = [finding for finding in ordered if finding.state == UNKNOWN]
    hygiene = [finding for finding in ordered if finding.state != UNKNOWN and finding.severity == "P4"]
    failures = [finding for finding in ordered if finding.state != UNKNOWN and finding.severity != "P4"]
    everybody = {finding.component for finding in failures}
    roots: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in failures:
        failing = {other.component for other in failures if explains(other, finding)} if explains else everybody
        by = explained_by(finding, failing, graph, alone)
        if by is None:
            roots.append(finding)
        else:
            suppressed.append(Suppressed(finding, by))
    above = _hurt(failures, graph)
    roots.sort(key=lambda finding: _rank(finding, above.get(finding.component, 0)))
    return Verdict(
        status=worst_status(ordered),
        severity=worst_severity(failures) or worst_severity(unknown) or worst_severity(hygiene),
        headline=_headline(roots, unknown, hygiene),
        roots=tuple(roots),
        suppressed=tuple(suppressed),
        unknown=tuple(unknown),
        hygiene=tuple(hygiene),
    )


def _hurt(failures: t.Iterable[Finding], graph: Graph) -> dict[str, int]:
    """Component -> how many failures there are above it."""
    counts: dict[str, int] = {}
    for finding in failures:
        for name in dependencies(graph, finding.component):
            counts[name] = counts.get(name, 0) + 1
    return counts


def _rank(finding: Finding, hurt: int) -> tuple[t.Any, ...]:
    """The widest damage first, on one component cause before symptom, then the earliest onset, then severity."""
    onset = finding.since if finding.since is not None else float("inf")
    return (-hurt, not stands_alone(finding), onset, finding.severity, finding.id, finding.component)


def _headline(roots: t.Sequence[Finding], unknown: t.Sequence[Finding], hygiene: t.Sequence[Finding]) -> str:
    if roots:
        more = f" (and {len(roots) - 1} more of its kind or beside it)" if len(roots) > 1 else ""
        return roots[0].summary + more
    if unknown:
        return "Not everything could be measured: " + unknown[0].summary
    if hygiene:
        return "Healthy; worth doing some day: " + hygiene[0].summary
    return "Healthy: nothing found"
