# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of a triage: one line where all is well, else the cause first and the next command last."""

from __future__ import annotations

import typing as t

from ..module_utils.core.findings import Finding
from ..module_utils.core.triage import Triage
from ..module_utils.core.triage_words import ERRORS
from .report import span
from .say import Line, line

MOST = 5
LINES = 3
WIDTH = 300


def triage(found: Triage, looked: str, clock: str, contact: str, file: str) -> list[Line]:
    """looked: what was measured, in words. clock: until when somebody has to respond. file: where the verdict is."""
    verdict = found.verdict
    if not verdict.roots and not verdict.unknown:
        return [line(f"{verdict.headline} on {looked}{_limited(found)}", "good")]
    style = "bad" if found.severity in ("P1", "P2") else "warn"
    lines = [line(f"{found.severity}  {verdict.status}: {verdict.headline}", style)]
    lines += _root(found) + _suppressed(found) + _unmeasured(found)
    lines += [line(f"    note     {note}", "warn") for note in found.notes]
    lines += [
        line(f"    changed  {row['what']}, {span(row['seconds_before'])} before (no proof that it is the cause)", "dim")
        for row in found.changes[:2]
    ]
    lines += _logs(found)
    lines.append(line(f"    looked   at {looked}{_limited(found)}", "dim"))
    if clock:
        lines.append(line(f"    respond  {clock}" + (f"; call {contact}" if contact else "")))
    lines += _next(found)
    return lines + ([line(f"    verdict  {file}")] if file else [])


def _limited(found: Triage) -> str:
    return f" (not looked at: {_some(found.not_looked_at)})" if found.not_looked_at else ""


def _some(names: t.Sequence[str], most: int = MOST) -> str:
    left = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + left


def _root(found: Triage) -> list[Line]:
    lines: list[Line] = []
    if found.rule.id:
        lines.append(line(f"    rule     {found.rule.text}", "head"))
    if found.verdict.roots:
        lines.append(line(f"    root     {found.verdict.roots[0].component}", "head"))
    for number, finding in enumerate(found.verdict.roots[:MOST]):
        word = "because" if finding.component == found.verdict.roots[0].component else "beside "
        lines.append(
            line(f"    {word}  {finding.id}: {finding.summary}", "bad" if finding.state == "critical" else "warn")
        )
        lines += [line(f"             {fact}", "dim") for fact in finding.evidence[: 2 if number else LINES]]
    return lines + _left(len(found.verdict.roots), "root findings")


def _left(total: int, what: str) -> list[Line]:
    return [line(f"             and {total - MOST} more {what}: the verdict has all", "dim")] if total > MOST else []


def _suppressed(found: Triage) -> list[Line]:
    rows = found.verdict.suppressed
    lines = [line(f"    follows  {r.finding.id}: {r.finding.summary} (by {r.by})", "dim") for r in rows[:MOST]]
    return lines + _left(len(rows), "that follow")


def _unmeasured(found: Triage) -> list[Line]:
    rows: t.Sequence[Finding] = found.verdict.unknown
    lines = [line(f"    unknown  {finding.id}: {finding.summary}", "warn") for finding in rows[:MOST]]
    return lines + _left(len(rows), "that are not known")


def _logs(found: Triage) -> list[Line]:
    """The last lines of what is to blame, and the command that goes on reading; of an error spike its traces."""
    blamed = {finding.component for finding in found.verdict.roots}
    owners = {found.owners.get(component, component) for component in blamed}
    lines: list[Line] = []
    for row in [row for row in found.logs if row["component"] in blamed or row["target"] in owners][:MOST]:
        lines.append(line(f"    log      {row['follow']}   (on {row['on']})"))
        traces = row["traces"][:1] if {finding.id for finding in found.verdict.roots} & ERRORS else []
        for trace in traces:
            text = str(trace.get("text", "")).strip().splitlines()
            lines += [line(f"             {part[:WIDTH]}", "dim") for part in text[: 2 * LINES]]
        lines += [line(f"             {entry['at']} {entry['text'][:WIDTH]}", "dim") for entry in row["lines"][-LINES:]]
    return lines


def _next(found: Triage) -> list[Line]:
    known = list(dict.fromkeys(item.command for item in found.treatments if item.command))
    lines = [line(f"    next     {command}", "head") for command in known[:MOST]]
    if found.treatments and not known:
        lines.append(line("    next     nothing here mends it by itself: see the remedies in the verdict", "head"))
    return lines


def looked(targets: int, seconds: float, groups: t.Mapping[str, int]) -> str:
    """What was measured: a healthy verdict is only as good as this."""
    each = ", ".join(f"{count} {name}" for name, count in sorted(groups.items()))
    return f"{targets} {'target' if targets == 1 else 'targets'} ({each}) in {seconds:.1f} s"
