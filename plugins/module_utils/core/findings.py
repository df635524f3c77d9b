# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that every check, decision and report is written in.

Pure: standard library only, no I/O, no clock. Everything here turns into plain JSON with to_dict().
"""

from __future__ import annotations

import dataclasses
import typing as t

OK = "ok"
WARNING = "warning"
CRITICAL = "critical"
UNKNOWN = "unknown"

# Worst last. Unknown is worse than a warning, because nobody looked, and less than a fact that is critical.
STATUS_ORDER = (OK, WARNING, UNKNOWN, CRITICAL)
SEVERITIES = ("P1", "P2", "P3", "P4")
RISKS = ("none", "low", "disruptive", "destructive")
MOST_EVIDENCE = 20


@dataclasses.dataclass(frozen=True)
class Remedy:
    """Something that a person or a plan can do about a finding; risk is one of RISKS."""

    text: str
    risk: str = "none"
    command: str = ""

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One judged fact about one subject.

    id: stable dotted name (kafka.lag.stopped). Documented in the check that raises it.
    component: node of the dependency graph that it is about: an inventory host, "container:SERVICE" or "group:NAME".
    subject: what exactly, for people ("group notification", "topic a, partition 1").
    state: warning, critical or unknown (unknown: it could not be measured; it is never the same as ok).
    severity: P1 to P4. summary: one sentence for people. observed, threshold: plain JSON values, for machines.
    evidence: short facts that prove it. causes: ranked, most likely first. remedies: safest first.
    since: epoch seconds of the first bad observation, where known.
    """

    id: str
    component: str
    subject: str
    state: str
    severity: str
    summary: str
    observed: t.Any = None
    threshold: t.Any = None
    evidence: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    since: float | None = None
    details: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state not in STATUS_ORDER or self.state == OK:
            raise ValueError(f"{self.id}: a finding's state is warning, critical or unknown, not {self.state!r}")
        if self.severity not in SEVERITIES:
            raise ValueError(f"{self.id}: severity is one of {', '.join(SEVERITIES)}, not {self.severity!r}")

    def to_dict(self) -> dict[str, t.Any]:
        data = dataclasses.asdict(self)
        for name in ("evidence", "causes", "remedies"):
            data[name] = list(data[name])
        return data

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Finding:
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["remedies"] = tuple(Remedy(**remedy) for remedy in data.get("remedies") or ())
        for name in ("evidence", "causes"):
            values[name] = tuple(data.get(name) or ())
        values["details"] = dict(data.get("details") or {})
        return cls(**values)


class Facts(t.TypedDict, total=False):
    """What a judge adds to its verdict: fields of Finding by their names. None of details is the same as none."""

    observed: t.Any
    threshold: t.Any
    evidence: t.Iterable[str]
    causes: t.Iterable[str]
    remedies: t.Iterable[Remedy]
    since: float | None
    details: t.Mapping[str, t.Any] | None


def build_finding(
    name: str,
    component: str,
    subject: str,
    state: str,
    severity: str,
    summary: str,
    *,
    carried: t.Mapping[str, t.Any] | None = None,
    **facts: t.Unpack[Facts],
) -> Finding:
    """A finding of a check, with as much evidence as a person reads and no cause twice.

    name: its id. carried: details that all findings of a check have; the finding's own come over them.
    """
    return Finding(
        id=name,
        component=component,
        subject=subject,
        state=state,
        severity=severity,
        summary=summary,
        observed=facts.get("observed"),
        threshold=facts.get("threshold"),
        evidence=tuple(facts.get("evidence", ()))[:MOST_EVIDENCE],
        causes=tuple(dict.fromkeys(facts.get("causes", ()))),
        remedies=tuple(facts.get("remedies", ())),
        since=facts.get("since"),
        details={**(carried or {}), **(facts.get("details") or {})},
    )


def worst_status(findings: t.Iterable[Finding]) -> str:
    """The status that a list of findings adds up to; none at all is ok."""
    return max((finding.state for finding in findings), key=STATUS_ORDER.index, default=OK)


def worst_severity(findings: t.Iterable[Finding]) -> str | None:
    """The highest severity (P1 first) or None where there is no finding."""
    return min((finding.severity for finding in findings), default=None)


def sort_findings(findings: t.Iterable[Finding]) -> list[Finding]:
    """Worst first, then by id and subject, so that two runs over the same facts print the same list."""
    return sorted(findings, key=lambda f: (f.severity, -STATUS_ORDER.index(f.state), f.id, f.component, f.subject))


def capped(findings: t.Sequence[Finding], most: int) -> tuple[list[Finding], dict[str, int]]:
    """At most so many of each id, the worst ones; and how many more there were."""
    kept: list[Finding] = []
    seen: dict[str, int] = {}
    for finding in findings:
        seen[finding.id] = seen.get(finding.id, 0) + 1
        if seen[finding.id] <= most:
            kept.append(finding)
    return kept, {name: number - most for name, number in seen.items() if number > most}
