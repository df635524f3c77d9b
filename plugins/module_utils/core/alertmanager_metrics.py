# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Alertmanager's own metrics -> the counters that are judged. Pure.

It writes them with the library that defined the format, one series a line; lines of other series are not looked at.
"""

from __future__ import annotations

import math
import re
import typing as t

from .alertmanager_snapshot import Counters, Sent

FIELDS = {
    "alertmanager_notifications_total": "notifications",
    "alertmanager_notifications_failed_total": "failed",
    "alertmanager_notification_requests_total": "attempts",
    "alertmanager_notification_requests_failed_total": "failed_attempts",
}
PLAIN = (
    "alertmanager_config_hash",
    "alertmanager_config_last_reload_successful",
    "alertmanager_config_last_reload_success_timestamp_seconds",
    "process_start_time_seconds",
)
MOST_LINES = 5000
OURS = "alertmanager_build_info"

_LINE = re.compile(r"([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?", re.I)
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class NoMetrics(ValueError):
    """The text is not what an Alertmanager exports. The text says why."""


def read(text: str, at: float) -> Counters:
    """The counters in an exposition. Raises NoMetrics."""
    sent: dict[str, dict[str, float]] = {}
    reasons: dict[str, dict[str, float]] = {}
    plain: dict[str, float] = {}
    ours = False
    for name, labels, value in _series(text):
        ours = ours or name.startswith("alertmanager_")
        if name in PLAIN:
            plain[name] = value
        elif name in FIELDS:
            whose = _whose(labels)
            row = sent.setdefault(whose, {})
            row[FIELDS[name]] = row.get(FIELDS[name], 0.0) + value
            if FIELDS[name] == "failed" and value and labels.get("reason"):
                mine = reasons.setdefault(whose, {})
                mine[labels["reason"]] = mine.get(labels["reason"], 0.0) + value
    if not ours:
        raise NoMetrics("none of them begins with alertmanager_: another program answers there")
    reload_ok = plain.get("alertmanager_config_last_reload_successful")
    return Counters(
        at=at,
        sent={whose: Sent(**row) for whose, row in sent.items()},
        reasons=reasons,
        start=plain.get("process_start_time_seconds"),
        reload_ok=None if reload_ok is None else reload_ok == 1,
        reload_at=plain.get("alertmanager_config_last_reload_success_timestamp_seconds") or None,
        config_hash=f"{plain['alertmanager_config_hash']:.0f}" if "alertmanager_config_hash" in plain else "",
    )


def _series(text: str) -> t.Iterator[tuple[str, dict[str, str], float]]:
    taken = 0
    for line in text.split("\n"):
        if not line.startswith(("alertmanager_", "process_start")) or "_bucket{" in line:
            continue
        match = _LINE.fullmatch(line.strip())
        taken += 1
        if match is None or taken > MOST_LINES:
            continue
        try:
            value = float(match.group(3))
        except ValueError:
            continue
        if math.isfinite(value):
            labels = {name: _ESCAPED.sub(r"\1", said) for name, said in _LABEL.findall(match.group(2) or "")}
            yield match.group(1), labels, value


def _whose(labels: t.Mapping[str, str]) -> str:
    """An integration, with its receiver where the server was told to export that."""
    receiver = labels.get("receiver_name", "")
    integration = labels.get("integration", "unknown")
    return f"{integration} of {receiver}" if receiver else integration


def grown(before: Counters | None, after: Counters) -> dict[str, Sent]:
    """What was sent between two readings; all since the start where there is none before, or where it was restarted."""
    if before is None or before.start != after.start:
        return dict(after.sent)
    found = {}
    for whose, now in after.sent.items():
        then = before.sent.get(whose, Sent())
        found[whose] = Sent(*(new - old if new >= old else new for new, old in zip(now, then)))
    return found
