# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be silenced, what stands already, and what a silence would hide. Pure."""

from __future__ import annotations

import typing as t

from .alert_match import NAME, Matcher, Unjudged, all_fit, fits_everything, pattern, shown
from .alertmanager_snapshot import ACTIVE, Alert, Silence
from .quantities import count

LONGEST = 7200.0
"""Seconds that a silence may last: what is hidden for longer is forgotten."""
BLANKET = 5
"""From so many active alerts on, a silence that hides each of them chooses nothing."""


class Refused(ValueError):
    """It must not be silenced so. The text says why, and what to write instead."""


def matchers_from(rows: t.Sequence[t.Mapping[str, t.Any]], allow_regex: bool) -> tuple[Matcher, ...]:
    """Matchers out of options. Raises Refused."""
    if not rows:
        raise Refused("matchers: without any it would hide every alert; name the labels that are meant")
    found = []
    for row in rows:
        name, value = str(row.get("name") or ""), row.get("value")
        matcher = Matcher(name, str(value if value is not None else ""), bool(row.get("is_regex")), _equal(row))
        if not NAME.fullmatch(name):
            raise Refused(f"matchers: {name!r} is no name of a label")
        if (matcher.is_regex or not matcher.is_equal) and not allow_regex:
            raise Refused(
                f"matchers: {matcher.shown} is not exact, so it may hide more than is meant;"
                " write the value itself, or set allow_regex"
            )
        if matcher.is_regex:
            _check_pattern(matcher)
        found.append(matcher)
    names = [matcher.name for matcher in found if matcher.is_equal and not matcher.is_regex]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(f"matchers: {', '.join(twice)} is there twice, and no alert can have both values")
    if fits_everything(found):
        raise Refused(f"matchers: {shown(found)} fits every alert there can be; name a label with a value")
    return tuple(sorted(found))


def _equal(row: t.Mapping[str, t.Any]) -> bool:
    equal = row.get("is_equal")
    return True if equal is None else bool(equal)


def _check_pattern(matcher: Matcher) -> None:
    try:
        pattern(matcher.value)
    except Unjudged as error:
        raise Refused(f"matchers: {matcher.shown} can't be judged beforehand: {error}; write it simpler") from None


def affected(matchers: t.Sequence[Matcher], alerts: t.Iterable[Alert]) -> list[Alert]:
    """Alerts that it would hide, the active ones among them first. Raises Refused where that can't be told."""
    try:
        found = [alert for alert in alerts if all_fit(matchers, alert.labels)]
    except Unjudged as error:
        raise Refused(f"which alerts {shown(matchers)} hides can't be told: {error}") from None
    return sorted(found, key=lambda alert: (alert.state != ACTIVE, alert.name, alert.fingerprint))


def too_much(matchers: t.Sequence[Matcher], hidden: t.Sequence[Alert], alerts: t.Sequence[Alert], most: int) -> str:
    """Why it hides too much now, "" where it does not. hidden: those of alerts that it fits."""
    mine = sum(alert.state == ACTIVE for alert in hidden)
    everybody = sum(alert.state == ACTIVE for alert in alerts)
    if mine > most:
        return (
            f"Refused, nothing was changed: {shown(matchers)} would hide {mine} alerts that are active now, and"
            f" max_alerts is {most}. Name more labels, or raise max_alerts"
        )
    if mine == everybody >= BLANKET:
        return (
            f"Refused, nothing was changed: {shown(matchers)} would hide each of the {mine} alerts that are active now."
            " Name more labels"
        )
    return ""


def standing(silences: t.Iterable[Silence]) -> list[Silence]:
    """Those that hide something, or will; the one that ends last first."""
    alive = [silence for silence in silences if silence.state in ("active", "pending")]
    return sorted(alive, key=lambda silence: (-(silence.ends or 0.0), silence.id))


def same(silences: t.Iterable[Silence], matchers: t.Sequence[Matcher], created_by: str) -> Silence | None:
    """The standing silence with the same matchers of the same author."""
    wanted = sorted(matchers)
    fitting = (s for s in standing(silences) if s.created_by == created_by and sorted(s.matchers) == wanted)
    return next(fitting, None)


def comment_of(comment: str, incident: str) -> str:
    """The comment as the server keeps it: it ends with the incident, by which the silence is found again."""
    mark = _mark(incident)
    return comment if comment.endswith(mark) else f"{comment.strip()} {mark}"


def _mark(incident: str) -> str:
    return f"[incident {incident}]"


def of_incident(
    silences: t.Iterable[Silence], created_by: str, incident: str, comment: str | None = None
) -> list[Silence]:
    """Standing silences of an author for an incident; with a comment only those with that one."""
    mark = _mark(incident)
    mine = [s for s in standing(silences) if s.created_by == created_by and s.comment.endswith(mark)]
    return [s for s in mine if not comment or s.comment == comment_of(comment, incident)]


def said_of(hidden: t.Sequence[Alert]) -> str:
    """How many alerts it hides, for people."""
    active = sum(alert.state == ACTIVE for alert in hidden)
    return f"{count(active, 'active alert')} affected" if active else "no active alert affected"
