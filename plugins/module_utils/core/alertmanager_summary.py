# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot of an Alertmanager as the plain JSON that a check returns: totals and the rows that matter. Pure."""

from __future__ import annotations

import typing as t

from . import alertmanager_config
from .alert_match import shown
from .alertmanager_judge import config_of
from .alertmanager_judge_alerts import goes_nowhere
from .alertmanager_judge_delivery import delivered, failed_percent, receivers_of
from .alertmanager_judge_silences import hidden_by, watched, why_hidden
from .alertmanager_settings import Settings
from .alertmanager_snapshot import ACTIVE, PARTS, SUPPRESSED, Alert, Member, Silence, Snapshot
from .quantities import count

TOP = 50
"""Groups of alerts, suppressed alerts, and silences that are listed."""
EXAMPLES = 3

History = t.Sequence[t.Mapping[str, t.Any]]


def summary(snapshot: Snapshot, settings: Settings, history: History = ()) -> dict[str, t.Any]:
    """Totals over all, and what matters most of each kind."""
    return {
        "members": [_member(member, settings, history) for member in snapshot.members],
        "alerts": _alerts(snapshot),
        "suppressed": _suppressed(snapshot, settings),
        "silences": _silences(snapshot, settings),
        "receivers": {name: list(kinds) for name, kinds in sorted((snapshot.receivers or {}).items())[:TOP]},
        "notifications": _notifications(snapshot, settings, history),
        "expected_firing": None if snapshot.expected is None else len(snapshot.expected),
    }


def _member(member: Member, settings: Settings, history: History) -> dict[str, t.Any]:
    status, counters = member.status, member.later or member.first
    return {
        "url": member.url,
        "answered": member.answered,
        "ready": member.ready,
        "version": status.version if status else None,
        "started": status.started if status else None,
        "cluster": status.cluster if status else None,
        "peers": [f"{name} {address}".strip() for name, address in status.peers] if status else None,
        "config": config_of(member) or None,
        "reload_ok": counters.reload_ok if counters else None,
        "clock_skew_s": None if member.skew is None else round(member.skew, 1),
        "problems": {part: f"{problem.kind}: {problem.message}" for part, problem in member.problems.items()},
    }


def _alerts(snapshot: Snapshot) -> dict[str, t.Any] | None:
    alerts = snapshot.alerts
    if alerts is None:
        return None
    groups: dict[str, list[Alert]] = {}
    states: dict[str, int] = {}
    for alert in alerts:
        groups.setdefault(alert.name, []).append(alert)
        states[alert.state] = states.get(alert.state, 0) + 1
    ordered = sorted(
        groups.items(), key=lambda item: (-sum(a.state == ACTIVE for a in item[1]), -len(item[1]), item[0])
    )
    return {
        "total": len(alerts),
        "states": states,
        "unrouted": sum(goes_nowhere(alert, snapshot.receivers) for alert in alerts),
        "groups_total": len(groups),
        "groups": [_group(name, group) for name, group in ordered[:TOP]],
    }


def _group(name: str, group: t.Sequence[Alert]) -> dict[str, t.Any]:
    """Alerts of one name: labels that all have, and a few of them whole."""
    common = set(group[0].labels.items())
    for alert in group[1:]:
        common &= set(alert.labels.items())
    rest = [
        {label: value for label, value in alert.labels.items() if (label, value) not in common}
        for alert in group[:EXAMPLES]
    ]
    return {
        "alertname": name,
        "count": len(group),
        "active": sum(alert.state == ACTIVE for alert in group),
        "suppressed": sum(alert.state == SUPPRESSED for alert in group),
        "labels": dict(sorted(common - {("alertname", name)})),
        "examples": [labels for labels in rest if labels],
        "since": min((alert.since for alert in group if alert.since is not None), default=None),
        "receivers": sorted({receiver for alert in group for receiver in alert.receivers})[:10],
    }


def _suppressed(snapshot: Snapshot, settings: Settings) -> dict[str, t.Any]:
    """What is hidden and by whom; what has the labels of the incident first."""
    known = {silence.id: silence for silence in snapshot.silences or ()}
    hidden = [alert for alert in snapshot.alerts or () if alert.state == SUPPRESSED]
    ordered = sorted(hidden, key=lambda alert: (not watched(alert, settings), alert.name))
    return {
        "total": len(hidden),
        "silenced": sum(bool(alert.silenced_by) for alert in hidden),
        "inhibited": sum(bool(alert.inhibited_by) for alert in hidden),
        "muted": sum(bool(alert.muted_by) for alert in hidden),
        "listed": [
            {
                "labels": alert.labels,
                "watched": watched(alert, settings),
                "why": why_hidden(alert, known, snapshot.now)[:5],
            }
            for alert in ordered[:TOP]
        ],
    }


def _silences(snapshot: Snapshot, settings: Settings) -> dict[str, t.Any] | None:
    silences = snapshot.silences
    if silences is None:
        return None
    hides = hidden_by(snapshot.alerts or ())
    standing = [silence for silence in silences if silence.state != "expired"]
    ordered = sorted(standing, key=lambda silence: (-len(hides.get(silence.id, ())), silence.id))
    return {
        "total": len(silences),
        "active": sum(silence.state == "active" for silence in silences),
        "pending": sum(silence.state == "pending" for silence in silences),
        "ours": sum(silence.created_by == settings.created_by for silence in standing),
        "listed": [silence_row(silence, len(hides.get(silence.id, ()))) for silence in ordered[:TOP]],
    }


def silence_row(silence: Silence, hides: int | None = None) -> dict[str, t.Any]:
    """A silence as results show it."""
    row = {
        "id": silence.id,
        "state": silence.state,
        "matchers": shown(silence.matchers),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "starts": silence.starts,
        "ends": silence.ends,
    }
    return row if hides is None else {**row, "alerts": hides}


def _notifications(snapshot: Snapshot, settings: Settings, history: History) -> list[dict[str, t.Any]]:
    rows = []
    for member in snapshot.members:
        sent, seconds = delivered(member, settings, history)
        for whose, numbers in sorted(sent.items()):
            if numbers.notifications or numbers.attempts:
                percent = failed_percent(numbers)
                rows.append(
                    {
                        "member": member.url,
                        "integration": whose,
                        "receivers": receivers_of(whose, snapshot),
                        "window_s": None if seconds is None else round(seconds),
                        **numbers._asdict(),
                        "failed_percent": None if percent is None else round(percent, 1),
                    }
                )
    return rows[:TOP]


def sample(snapshot: Snapshot) -> list[dict[str, t.Any]]:
    """What a later look is judged by: the counters of each member."""
    rows = {}
    for member in snapshot.members:
        counters = member.later or member.first
        if counters is not None:
            sent = {whose: list(numbers) for whose, numbers in counters.sent.items() if any(numbers)}
            rows[member.url] = {"start": counters.start, "sent": sent}
    at = max((c.at for m in snapshot.members for c in (m.first, m.later) if c is not None), default=snapshot.now)
    return [{"at": at, "members": rows}]


def attachments(snapshot: Snapshot) -> dict[str, str]:
    """The configuration for evidence, without what is secret."""
    for member in snapshot.members:
        if member.status and member.status.config_text:
            return {"alertmanager.yml": alertmanager_config.redacted(member.status.config_text)}
    return {}


def measured(snapshot: Snapshot, settings: Settings, history: History = ()) -> list[str]:
    """What was looked at and what was left out, for people: a healthy verdict lists it."""
    answered = [member for member in snapshot.members if member.answered]
    said = [f"{len(answered)} of {count(len(snapshot.members), 'member')} answered"]
    said += [f"{part} of {sum(part not in member.problems for member in answered)}" for part in PARTS if answered]
    alerts, silences = snapshot.alerts, snapshot.silences
    if alerts is not None:
        active = sum(alert.state == ACTIVE for alert in alerts)
        hidden = sum(alert.state == SUPPRESSED for alert in alerts)
        said.append(f"{count(len(alerts), 'alert')}: {active} active, {hidden} suppressed")
    if silences is not None:
        said.append(count(sum(silence.state == "active" for silence in silences), "active silence"))
    said.append(_delivery(snapshot, settings, history))
    if not settings.watchdog:
        said.append("no watchdog is declared, so none was looked for")
    if not settings.watch_labels:
        said.append("no watch_labels, so no silence was held against an incident")
    if snapshot.expected is not None:
        said.append(f"{count(len(snapshot.expected), 'alert')} of Prometheus looked for")
    if not settings.validate_certs and any(member.url.startswith("https:") for member in snapshot.members):
        said.append("certificates were NOT verified (validate_certs=false)")
    return said


def _delivery(snapshot: Snapshot, settings: Settings, history: History) -> str:
    looks = [delivered(member, settings, history) for member in snapshot.members if member.first is not None]
    known = [(sent, seconds) for sent, seconds in looks if seconds is not None]
    if not known:
        return "notifications were not judged: one reading of the metrics, and no earlier one"
    tried = sum(max(numbers.notifications, numbers.attempts) for sent, _seconds in known for numbers in sent.values())
    window = max(seconds for _sent, seconds in known if seconds is not None)
    if not tried:
        return f"no notification was sent in {window:.0f} s, so delivery is not proven"
    return f"{count(round(tried), 'notification')} in {window:.0f} s"
