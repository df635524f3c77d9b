# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the record of an incident out of the store, and writes it as report.md, report.html, report.json and
watch.svg."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from ..module_utils.core.severity import Level
from . import report
from .store import Incident, Store


def build(
    store: Store, incident: Incident, levels: t.Mapping[str, Level], site: t.Mapping[str, t.Any]
) -> report.Record:
    """Everything that a report says, from the timeline and the journal; site adds what only a site knows."""
    events = store.events(incident.id)
    decided = _decision(events)
    verdict, plan = decided.get("verdict") or {}, decided.get("plan") or {}
    gates = [event.data.get("gates") or [] for event in events if event.kind == "gate"]
    level = levels.get(incident.severity or "")
    return {
        "id": incident.id,
        "target": incident.target,
        "scenario": incident.scenario,
        "opened": incident.opened,
        "closed": incident.closed,
        "outcome": incident.outcome,
        "severity": incident.severity,
        "meaning": level.meaning if level else "",
        "respond_within": level.response if level else None,
        "headline": verdict.get("headline") or "Nothing was decided.",
        "roots": verdict.get("roots") or [],
        "suppressed": verdict.get("suppressed") or [],
        "unknown": verdict.get("unknown") or [],
        "notes": plan.get("notes") or [],
        "proposals": plan.get("proposals") or [],
        "clocks": incident.data.get("clocks") or {},
        "acknowledged_by": incident.data.get("acknowledged_by") or "",
        "actions": [row for row in store.actions(incident.opened) if row["incident"] == incident.id],
        "refused": [answer for answer in (gates[-1] if gates else []) if not answer["ok"]],
        "samples": _samples(events),
        "metric_before": incident.data.get("acted_metric", incident.data.get("metric_before")),
        "evidence": incident.data.get("evidence"),
        "mitigated": incident.data.get("mitigated"),
        "events": [{"at": e.at, "kind": e.kind, "text": e.text} for e in events],
        "broken_at": store.broken_at(incident.id),
        **site,
    }


def _decision(events: t.Sequence[t.Any]) -> dict[str, t.Any]:
    """The last decision that found something: a look after the cure finds nothing, and would make an empty report."""
    decisions = [event.data for event in events if event.kind == "decided"]
    found = [data for data in decisions if (data.get("verdict") or {}).get("roots")]
    return (found or decisions or [{}])[-1]


def _samples(events: t.Sequence[t.Any]) -> list[dict[str, t.Any]]:
    """The looks of the last watch: times count from its action."""
    samples: list[dict[str, t.Any]] = []
    for event in events:
        if event.kind == "action" and event.text.startswith("begin:"):
            samples = []
        elif event.kind == "sample":
            samples.append(event.data["sample"])
    return samples


def write(directory: pathlib.Path, record: report.Record) -> pathlib.Path:
    """Write all forms of the report; returns the Markdown's path."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "report.md": report.markdown(record),
        "report.html": report.page(record),
        "report.json": json.dumps(record, indent=2, sort_keys=True, default=str) + "\n",
    }
    picture = report.watch_chart(record)
    if picture:
        files["watch.svg"] = picture
    for name, content in files.items():
        with open(
            os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as handle:
            handle.write(content)
    return directory / "report.md"
