# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a CronJob was due last, by its schedule. Pure."""

from __future__ import annotations

import datetime
import typing as t
import zoneinfo

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES: dict[int, t.Sequence[str]] = {
    3: ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    4: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MOST_DAYS = 400


class Schedule(t.NamedTuple):
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def on(self, day: datetime.date) -> bool:
        """As cron has it: of a day of the month and a weekday, where both are given, either is enough."""
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def parse(line: str) -> Schedule | None:
    """None for what this does not understand."""
    words = MACROS.get(line.strip().lower(), line).split()
    if len(words) != 5:
        return None
    fields = [_field(word.lower(), index) for index, word in enumerate(words)]
    if any(field is None for field in fields):
        return None
    minutes, hours, days, months, weekdays = (field or set() for field in fields)
    return Schedule(
        tuple(sorted(minutes, reverse=True)),
        tuple(sorted(hours, reverse=True)),
        frozenset(days),
        frozenset(months),
        frozenset(day % 7 for day in weekdays),
        words[2] in ("*", "?"),
        words[4] in ("*", "?"),
    )


def _field(word: str, index: int) -> set[int] | None:
    found: set[int] = set()
    for part in word.split(","):
        span, _slash, step = part.partition("/")
        low, high = RANGES[index]
        if span not in ("*", "?"):
            first, dash, last = span.partition("-")
            start, end = _value(first, index), _value(last, index) if dash else None
            if start is None or (dash and end is None):
                return None
            low, high = start, end if end is not None else high if step else start
        if step and not (step.isdecimal() and int(step)):
            return None
        if not RANGES[index][0] <= low <= high <= RANGES[index][1]:
            return None
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def _value(word: str, index: int) -> int | None:
    names = NAMES.get(index, ())
    if word in names:
        return names.index(word) + (1 if index == 3 else 0)
    return int(word) if word.isdecimal() and len(word) < 5 else None


def last_due(line: str, zone: str, now: float) -> float | None:
    """Epoch seconds of the newest time before now at which it was due; None where that can't be told."""
    schedule = parse(line)
    if schedule is None:
        return None
    try:
        where: datetime.tzinfo = zoneinfo.ZoneInfo(zone) if zone else datetime.timezone.utc
        today = datetime.datetime.fromtimestamp(now, where)
    except (ValueError, OSError, KeyError, OverflowError):
        return None
    for back in range(MOST_DAYS):
        day = today.date() - datetime.timedelta(days=back)
        if not schedule.on(day):
            continue
        for hour in schedule.hours:
            for minute in schedule.minutes:
                due = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=where).timestamp()
                if due <= now:
                    return due
    return None
