# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident report: one record (JSON), rendered as Markdown after the runbook's template, and as HTML with a
chart."""

from __future__ import annotations

import datetime
import html
import typing as t

from ..module_utils.core.mitigation import Mitigation
from . import chart

NOT_RECORDED = "not recorded"

CLOCKS = (
    ("alerted", "Alert triggered"),
    ("acknowledged", "On-call acknowledged"),
    ("cause_found", "Root cause identified"),
    ("fixed", "Fix deployed"),
    ("restored", "Service restored"),
)

Record = dict[str, t.Any]


def utc(at: float | None, form: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    if at is None:
        return NOT_RECORDED
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime(form)


def span(seconds: float | None) -> str:
    """A duration for people: 45 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return NOT_RECORDED
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def markdown(record: Record) -> str:
    """The report after the runbook's template. Every figure is from the record; what nobody recorded is said to be
    so."""
    parts = [
        f"## Incident Report - {utc(record['opened'], '%Y-%m-%d')}",
        _identity(record),
        "### Summary",
        text(record["headline"]),
        "### Timeline",
        _timeline(record),
        "### Root Cause",
        _root_cause(record),
        "### Impact",
        _impact(record),
        "### Resolution",
        _resolution(record),
        "### Action Items",
        _items(record),
        "### Lessons Learned",
        "_To be written at the post-mortem._",
        "### Full record",
        _events(record),
    ]
    return "\n\n".join(parts) + "\n"


def text(value: t.Any) -> str:
    """Any value on one line, inert in Markdown: no headings, tables, links or HTML of somebody else's."""
    one = " ".join(str(value).split())
    return "".join(f"\\{char}" if char in "\\`*_[]|#<>!" else char for char in one)


def _identity(record: Record) -> str:
    role = record["contact"]
    known = record["contacts"].get(role) or {}
    reach = " ".join(str(known[name]) for name in ("contact", "phone") if known.get(name))
    return "\n".join(
        [
            f"- Incident: `{record['id']}`",
            f"- Target: {text(record['target'])}, scenario {text(record['scenario'])}",
            f"- Severity: {record['severity'] or 'none'}"
            + (f" ({text(record['meaning'])})" if record["meaning"] else ""),
            f"- Outcome: **{record['outcome']}**",
            f"- To call: {text(role or NOT_RECORDED)}" + (f", {text(reach)}" if reach else ""),
        ]
    )


def _timeline(record: Record) -> str:
    clocks = record["clocks"]
    rows = []
    for name, title in CLOCKS:
        at = clocks.get(name)
        who = (
            f" by {text(record['acknowledged_by'])}"
            if name == "acknowledged" and record["acknowledged_by"] and at
            else ""
        )
        rows.append(f"- {utc(at, '%H:%M')} - {title}{who}" if at else f"- {NOT_RECORDED} - {title}")
    start = clocks.get("alerted")
    took = [
        f"{title.lower()} after {span(clocks[name] - start)}"
        for name, title in CLOCKS[1:]
        if start is not None and clocks.get(name) is not None
    ]
    limit = (
        f"; the response time of {record['severity']} is {span(record['respond_within'])}"
        if record["respond_within"]
        else ""
    )
    return "\n".join(rows) + (f"\n\nHow long each clock ran: {', '.join(took)}{limit}." if took else "")


def _root_cause(record: Record) -> str:
    lines = []
    for finding in record["roots"]:
        lines.append(
            f"- **{finding['id']}** ({finding['severity']}, {text(finding['subject'])}): {text(finding['summary'])}"
        )
        lines += [f"    - seen: {text(fact)}" for fact in finding["evidence"]]
        lines += [f"    - likely cause: {text(cause)}" for cause in finding["causes"]]
    for item in record["suppressed"]:
        lines.append(f"- followed from it: {item['finding']['id']}: {text(item['finding']['summary'])}")
    for finding in record["unknown"]:
        lines.append(f"- not measured: {finding['id']}: {text(finding['summary'])}")
    return "\n".join(lines) or "No fault was found."


def _impact(record: Record) -> str:
    clocks, impact = record["clocks"], record["impact"]
    start, end = clocks.get("alerted"), clocks.get("restored")
    duration = span(end - start) if start is not None and end is not None else "not over when this was written"
    return "\n".join(
        [
            f"- Duration: {duration}",
            f"- Users affected: {text(impact.get('users', NOT_RECORDED))}",
            f"- Revenue impact: {text(impact.get('revenue', NOT_RECORDED))}",
        ]
    )


def _resolution(record: Record) -> str:
    lines = []
    for action in record["actions"]:
        result = action["result"] or "nobody wrote down how it ended"
        lines.append(
            f"- {utc(action['started'], '%H:%M:%S')} - {action['verb']} {text(action['service'])}: {text(result)}"
        )
    if not lines:
        lines.append("- Nothing was changed.")
    lines += [f"- Known when it was planned: {text(note)}" for note in record["notes"]]
    for answer in record["refused"]:
        lines.append(f"- Refused by gate {answer['gate']}: {text(answer['reason'])}")
    if record["samples"]:
        last = record["samples"][-1]
        lines.append(f"- Proof: {len(record['samples'])} looks after the action; the last: {text(last['note'])}")
        lines.append("\n![The watch](watch.svg)")
    if record.get("mitigated"):
        known = Mitigation.from_dict(record["mitigated"])
        lines.append(f"- Mitigated at {utc(known.at)}, not mended: {text(known.why)}. Expected back {known.expected}")
    if record["evidence"]:
        kept = record["evidence"]
        lines.append(f"- Evidence: {kept['count']} files in `{kept['directory']}`, with a sha256 manifest")
    return "\n".join(lines)


def _items(record: Record) -> str:
    items = [text(Mitigation.from_dict(record["mitigated"]).item)] if record.get("mitigated") else []
    items += [f"Permanent fix for root cause: {text(cause)}" for cause in _causes(record)] or [
        "Permanent fix for root cause"
    ]
    for remedy in record["proposals"]:
        items.append(text(remedy["text"]) + (f" (`{remedy['command']}`)" if remedy.get("command") else ""))
    items += ["Improve monitoring: would an alert have found this before a person did?", "Update runbook"]
    if record["severity"] in ("P1", "P2"):
        items.append("Schedule the post-mortem within 24 hours")
    return "\n".join(f"{number}. [ ] {item}" for number, item in enumerate(dict.fromkeys(items), 1))


def _causes(record: Record) -> list[str]:
    return [finding["causes"][0] if finding["causes"] else finding["summary"] for finding in record["roots"]]


def _events(record: Record) -> str:
    rows = [f"- {utc(event['at'], '%H:%M:%S')} {event['kind']}: {text(event['text'])}" for event in record["events"]]
    chain = "whole" if record["broken_at"] is None else f"BROKEN at line {record['broken_at']}"
    return "\n".join(rows) + f"\n\nThe timeline's hash chain is {chain}."


def watch_chart(record: Record) -> str:
    """SVG of the metric before the action and at every look after it; empty where nothing was measured."""
    samples = [sample for sample in record["samples"] if sample.get("metric") is not None]
    points = [(sample["at"], float(sample["metric"])) for sample in samples]
    if record["metric_before"] is not None and points:
        points.insert(0, (-1.0, float(record["metric_before"])))
    marks = [(0.0, "action"), *((sample["at"], "good") for sample in samples if sample["good"])]
    return chart.line_chart(f"{record['target']}: {record['metric']}", points, marks[:8]) if points else ""


def page(record: Record) -> str:
    """The same report as one self-contained HTML file."""
    body = markdown(record).replace("\n\n![The watch](watch.svg)", "")
    title = html.escape(f"{record['id']}: {record['target']}")
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2430}"
        "h2{border-bottom:2px solid #e3e6ec}h3{margin-top:2rem}code{background:#f3f4f7;padding:0 .2em}li{margin:.2em 0}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head><body>\n"
        f"{_html(body)}\n{watch_chart(record)}</body></html>\n"
    )


def _html(source: str) -> str:
    """Our own Markdown (headings, lists, paragraphs) as HTML; it knows only what markdown() writes."""
    parts: list[str] = []
    in_list = False
    for raw in source.splitlines():
        content = raw.strip()
        is_item = content.startswith("- ") or (content[:1].isdigit() and ". [ ] " in content[:8])
        if in_list and not is_item:
            parts.append("</ul>")
        if is_item and not in_list:
            parts.append("<ul>")
        in_list = is_item
        if content.startswith("#"):
            level = len(content) - len(content.lstrip("#"))
            parts.append(f"<h{level}>{_inline(content.lstrip('# '))}</h{level}>")
        elif is_item:
            item = content[2:] if content.startswith("- ") else "&#9744; " + content.partition("[ ] ")[2]
            parts.append(f"<li>{_inline(item)}</li>")
        elif content:
            parts.append(f"<p>{_inline(content)}</p>")
    return "\n".join([*parts, "</ul>" if in_list else ""])


def _inline(content: str) -> str:
    out, escaped = [], False
    strong = code = False
    position = 0
    while position < len(content):
        char = content[position]
        if escaped:
            out.append(html.escape(char))
            escaped = False
        elif char == "\\":
            escaped = True
        elif content.startswith("**", position):
            out.append("</strong>" if strong else "<strong>")
            strong, position = not strong, position + 1
        elif char == "`":
            out.append("</code>" if code else "<code>")
            code = not code
        else:
            out.append(char if content.startswith("&#9744;", position) else html.escape(char))
        position += 1
    return "".join(out)
