# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads while a run goes on: short lines, made from verdicts, plans and samples. No decision is made
here.

A line is a dict of style (plain, good, bad, warn, head, dim) and text. The callback colours them; every result also has
them joined in msg, since other callbacks (AWX has its own) replace ours.
"""

from __future__ import annotations

import typing as t

from ..module_utils.core.findings import CRITICAL, Finding

if t.TYPE_CHECKING:  # a check that says one line imports none of these
    from ..module_utils.core.decide import Verdict
    from ..module_utils.core.gate import Passed
    from ..module_utils.core.plan import Plan

Line = dict[str, str]


def line(text: str, style: str = "plain") -> Line:
    return {"style": style, "text": text}


def joined(lines: t.Iterable[Line]) -> str:
    return "\n".join(item["text"] for item in lines)


def verdict(found: Verdict, respond_within: str, contact: str) -> list[Line]:
    """The decision: severity and headline, why, what only follows, what is unknown, whom to call."""
    if not found.roots and not found.unknown:
        return [line(found.headline, "good")]
    lines = [line(f"{found.severity}  {found.headline}", "bad" if found.severity in ("P1", "P2") else "warn")]
    for finding in found.roots:
        lines += _because(finding)
    for item in found.suppressed:
        lines.append(line(f"    follows  {item.finding.id}: {item.finding.summary}", "dim"))
    for finding in found.unknown:
        lines.append(line(f"    unknown  {finding.id}: {finding.summary}", "warn"))
    if found.roots and respond_within:
        lines.append(line(f"    respond  within {respond_within}" + (f"; call {contact}" if contact else "")))
    return lines


def _because(finding: Finding) -> list[Line]:
    style = "bad" if finding.state == CRITICAL else "warn"
    lines = [line(f"    because  {finding.id}: {finding.summary}", style)]
    return lines + [line(f"             {fact}", "dim") for fact in finding.evidence[:2]]


def plan(found: Plan) -> list[Line]:
    """What will be done, what a person may do, and what to know."""
    lines = []
    if found.actions:
        lines.append(line(f"Plan {found.hash} (risk {found.risk})", "head"))
        for number, action in enumerate(found.actions, 1):
            lines.append(line(f"    {number}. {action.title} ({action.dose}, {action.risk}): {action.reason}"))
            lines.append(line(f"       only if {action.precondition}; undo: {action.undo or 'none'}", "dim"))
            if action.mitigates:
                lines.append(line(f"       mitigates only: {action.mitigates}", "warn"))
    lines += [line(f"    note     {note}") for note in found.notes]
    for remedy in found.proposals:
        command = f"\n               {remedy.command}" if remedy.command else ""
        lines.append(line(f"    by hand  {remedy.text} (risk {remedy.risk}){command}"))
    return lines


def gates(answers: t.Iterable[Passed]) -> list[Line]:
    """Only what stands in the way, and what was overridden."""
    lines = []
    for answer in answers:
        if not answer.ok:
            way = f"; to go on: -e {answer.override}" if answer.override.startswith("incident_") else ""
            lines.append(line(f"    refused  by gate {answer.gate}: {answer.reason}{way}", "warn"))
        elif "overridden" in answer.reason:
            lines.append(line(f"    gate     {answer.gate}: {answer.reason}", "warn"))
    return lines


def check(name: str, result: t.Mapping[str, t.Any]) -> list[Line]:
    """One line a look: what was measured, and what was found."""
    seconds = f"{result.get('duration_ms', 0) / 1000:.1f} s"
    measured = ", ".join(result.get("measured") or ()) or "nothing could be measured"
    status = str(result.get("status"))
    style = {"ok": "good", "critical": "bad"}.get(status, "warn")
    return [line(f"{name}: {status} ({measured}) {seconds}", style)]
