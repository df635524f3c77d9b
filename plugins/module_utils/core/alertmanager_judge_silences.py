# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who made it blind: silences, inhibitions and mute times that hide what the incident is about. Pure.

A silence is how people work: one is a finding only where it hides the incident, everything, or things forever. Those of
this collection are none.
"""

from __future__ import annotations

import shlex
import typing as t

from .alert_match import Matcher, Unjudged, all_fit, fits_everything, known_part, shown
from .alertmanager_settings import Settings, finding, label_text
from .alertmanager_snapshot import SUPPRESSED, Alert, Silence, Snapshot
from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import DAY, count, span


def judge_silences(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    alerts, silences = snapshot.alerts, snapshot.silences
    known = {silence.id: silence for silence in silences or ()}
    if alerts is not None and settings.watch_labels:
        yield from _suppressed(alerts, known, snapshot.now, settings)
    hidden = hidden_by(alerts or ())
    for silence in silences or ():
        if silence.state != "active" or silence.created_by == settings.created_by:
            continue
        yield from _everything(silence, snapshot.now, settings)
        yield from _covers(silence, snapshot.now, settings)
        yield from _unbounded(silence, snapshot.now, settings)
        yield from _ending(silence, hidden.get(silence.id, []), snapshot.now, settings)


def hidden_by(alerts: t.Iterable[Alert]) -> dict[str, list[Alert]]:
    """Id of a silence -> alerts that it hides."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        for identifier in alert.silenced_by:
            found.setdefault(identifier, []).append(alert)
    return found


def watched(alert: Alert, settings: Settings) -> bool:
    """Whether an alert has the labels of the incident."""
    return all_fit([Matcher(name, value) for name, value in settings.watch_labels.items()], alert.labels)


def who(silence: Silence, now: float) -> str:
    """A silence for people: who, until when, why, what."""
    until = f"for {span(silence.ends - now)} more" if silence.ends is not None else "without an end"
    return f"{silence.created_by or 'somebody'}, {until}: {silence.comment or 'no comment'} {shown(silence.matchers)}"


def why_hidden(alert: Alert, silences: t.Mapping[str, Silence], now: float) -> list[str]:
    """What suppresses an alert, for people."""
    said = [
        f"silence {name} of {who(silences[name], now)}" if name in silences else f"silence {name}"
        for name in alert.silenced_by
    ]
    said += [f"inhibited by the alert {name}" for name in alert.inhibited_by]
    return said + [f"muted by the time interval {name}" for name in alert.muted_by]


def _suppressed(
    alerts: t.Sequence[Alert], silences: t.Mapping[str, Silence], now: float, settings: Settings
) -> t.Iterator[Finding]:
    mine = [a for a in alerts if a.state == SUPPRESSED and watched(a, settings) and not _ours(a, silences, settings)]
    if not mine:
        return
    reasons = sorted({reason for alert in mine for reason in why_hidden(_named(alert, alerts), silences, now)})
    yield finding(
        settings,
        "alertmanager.alert.suppressed",
        settings.component,
        WARNING,
        "P3",
        f"hides {count(len(mine), 'alert')} of this incident: nobody is told about "
        f"{'it' if len(mine) == 1 else 'them'}",
        observed={
            "alerts": len(mine),
            "silenced": sum(bool(alert.silenced_by) for alert in mine),
            "inhibited": sum(bool(alert.inhibited_by) for alert in mine),
            "muted": sum(bool(alert.muted_by) for alert in mine),
        },
        evidence=[*reasons[:10], *(label_text(alert.labels) for alert in mine[:10])],
        causes=("somebody silenced them, for maintenance or because they were noisy", "another alert explains them"),
        remedies=(
            Remedy("Ask whoever silenced it whether that still holds"),
            Remedy("Expire the silence, if it does not", "low", _expire(mine)),
        ),
        since=min((alert.since for alert in mine if alert.since is not None), default=None),
        details={"silences": sorted({name for alert in mine for name in alert.silenced_by})},
    )


def _named(alert: Alert, alerts: t.Sequence[Alert]) -> Alert:
    """The alert with the names of those that inhibit it, in place of their fingerprints."""
    if not alert.inhibited_by:
        return alert
    names = {other.fingerprint: label_text(other.labels) for other in alerts if other.fingerprint in alert.inhibited_by}
    return alert._replace(inhibited_by=tuple(names.get(mark, mark) for mark in alert.inhibited_by))


def _ours(alert: Alert, silences: t.Mapping[str, Silence], settings: Settings) -> bool:
    """Whether nothing but silences of this collection hide it."""
    if alert.inhibited_by or alert.muted_by or not alert.silenced_by:
        return False
    return all(name in silences and silences[name].created_by == settings.created_by for name in alert.silenced_by)


def _expire(alerts: t.Sequence[Alert]) -> str:
    names = sorted({name for alert in alerts for name in alert.silenced_by})
    return f"amtool silence expire {' '.join(map(shlex.quote, names[:5]))}" if names else ""


def _silence(
    silence: Silence, name: str, state: str, severity: str, summary: str, now: float, settings: Settings, **more: t.Any
) -> Finding:
    return finding(
        settings,
        name,
        f"silence {silence.id}",
        state,
        severity,
        summary,
        evidence=(who(silence, now), *more.pop("evidence", ())),
        remedies=(
            Remedy(f"Ask {silence.created_by or 'whoever made it'} whether it still holds"),
            Remedy("Expire it, or make it narrower", "low", f"amtool silence expire {shlex.quote(silence.id)}"),
        ),
        details={"silence": silence.id, "created_by": silence.created_by, "ends": silence.ends},
        **more,
    )


def _everything(silence: Silence, now: float, settings: Settings) -> t.Iterator[Finding]:
    try:
        if not fits_everything(silence.matchers):
            return
    except Unjudged:
        return
    name = "alertmanager.silence.matches_all"
    text = f"hides every alert there is, by {silence.created_by or 'somebody'}"
    yield _silence(silence, name, CRITICAL, "P2", text, now, settings, observed={"matchers": shown(silence.matchers)})


def _covers(silence: Silence, now: float, settings: Settings) -> t.Iterator[Finding]:
    if not settings.watch_labels:
        return
    try:
        part = known_part(silence.matchers, settings.watch_labels)
    except Unjudged:
        return
    if part == "none":
        return
    text = "hides every alert of this incident" if part == "all" else "hides some alerts of this incident"
    severity = "P3" if part == "all" else "P4"
    observed = {"part": part, "watch_labels": dict(settings.watch_labels)}
    yield _silence(
        silence, "alertmanager.silence.covers_incident", WARNING, severity, text, now, settings, observed=observed
    )


def _unbounded(silence: Silence, now: float, settings: Settings) -> t.Iterator[Finding]:
    days = (silence.ends - now) / DAY if silence.ends is not None else float("inf")
    level = settings.level("silence_days", days)
    if level is None:
        return
    text = f"goes on for {days:.0f} days more" if silence.ends is not None else "has no end"
    observed = {"days": round(days) if silence.ends is not None else None}
    severity = "P3" if level == "critical" else "P4"
    limits = settings.pair("silence_days")
    name = "alertmanager.silence.unbounded"
    yield _silence(silence, name, WARNING, severity, text, now, settings, observed=observed, threshold=limits)


def _ending(silence: Silence, hides: t.Sequence[Alert], now: float, settings: Settings) -> t.Iterator[Finding]:
    if silence.ends is None or not hides or not 0 <= silence.ends - now <= settings.expires_within:
        return
    text = f"ends in {span(silence.ends - now)} while it hides {count(len(hides), 'alert')}, which will then be sent"
    yield _silence(
        silence,
        "alertmanager.silence.ending",
        WARNING,
        "P4",
        text,
        now,
        settings,
        observed={"seconds": round(silence.ends - now), "alerts": len(hides)},
        threshold={"seconds": settings.expires_within},
        evidence=[label_text(alert.labels) for alert in hides[:10]],
    )
