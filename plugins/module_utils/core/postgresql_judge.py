# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL snapshot and what was declared about the server -> findings. Pure. One finding for each id."""

from __future__ import annotations

import typing as t

from .findings import UNKNOWN, Finding, Remedy
from .postgresql_judge_data import judge_data
from .postgresql_judge_pooler import judge_pooler
from .postgresql_judge_rates import judge_rates
from .postgresql_judge_sessions import judge_sessions
from .postgresql_reach import fault_of, judge_answer
from .postgresql_settings import Settings
from .postgresql_snapshot import OK, Counters, PostgresqlSnapshot

DEFAULTS = Settings()


def judge(
    snapshot: PostgresqlSnapshot, settings: Settings = DEFAULTS, history: t.Sequence[Counters] = ()
) -> list[Finding]:
    """All findings of one look. history: counters of earlier looks."""
    findings = [*judge_answer(snapshot.ordinary or snapshot.answer, settings)]
    if snapshot.version:
        known = {finding.id for finding in findings}
        for finding in (
            *judge_sessions(snapshot, settings),
            *judge_rates(snapshot, settings, history),
            *judge_data(snapshot, settings),
        ):
            if finding.id not in known:
                findings.append(finding)
            elif finding.id == "postgresql.connections.full":
                # The same fact twice: what the slots say holds more than the refusal, which stays as evidence.
                findings = [_merged(old, finding) if old.id == finding.id else old for old in findings]
    findings += judge_pooler(snapshot.pooler, settings)
    findings += _unmeasured(snapshot, settings)
    return findings


def _merged(refusal: Finding, slots: Finding) -> Finding:
    data = slots.to_dict()
    data["evidence"] = [*refusal.evidence, *slots.evidence]
    data["details"] = {**refusal.details, **slots.details}
    return Finding.from_dict(data)


def _unmeasured(snapshot: PostgresqlSnapshot, settings: Settings) -> t.Iterator[Finding]:
    """What could not be looked at: never the same as healthy."""
    entries = [(item.what, item.why, item.severity) for item in snapshot.unmeasured]
    if snapshot.answer.kind != OK and fault_of(snapshot.answer) is None:
        entries.append(("everything behind the login", snapshot.answer.message, "P2"))
    if not entries:
        return
    names = ", ".join(what for what, _why, _severity in entries[:3])
    yield Finding(
        id="postgresql.unmeasured",
        component=settings.component,
        subject=names,
        state=UNKNOWN,
        severity=min(severity for _what, _why, severity in entries),
        summary=f"Not measured: {names} ({entries[0][1]})",
        evidence=tuple(f"{what}: {why}" for what, why, _severity in entries[:20]),
        causes=("missing permission, an outage, or a server that does not support the question",),
        remedies=(Remedy("Grant the role pg_monitor (docs/postgresql_grants.md), or ask again"),),
    )
