# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what fires also reaches somebody: notifications that fail, and a configuration that was not loaded. Pure."""

from __future__ import annotations

import math
import typing as t

from .alertmanager_metrics import grown
from .alertmanager_settings import Settings, finding
from .alertmanager_snapshot import Counters, Member, Sent, Snapshot
from .findings import CRITICAL, WARNING, Finding, Remedy
from .quantities import span

History = t.Sequence[t.Mapping[str, t.Any]]


def judge_delivery(snapshot: Snapshot, settings: Settings, history: History) -> t.Iterator[Finding]:
    for member in snapshot.members:
        counters = member.later or member.first
        if counters is None:
            continue
        yield from _reload(member, counters, snapshot.now, settings)
        sent, seconds = delivered(member, settings, history)
        for whose, numbers in sorted(sent.items()):
            yield from _failing(member, counters, whose, numbers, seconds, snapshot, settings)


def delivered(member: Member, settings: Settings, history: History = ()) -> tuple[dict[str, Sent], float | None]:
    """What was sent, and over how many seconds: since the oldest look within lookback at this process, or since its
    start where that is younger; else between the two readings of this look; None where there is only one reading."""
    after = member.later or member.first
    if after is None:
        return {}, None
    if after.start is not None and 0 <= after.at - after.start <= settings.lookback:
        return grown(None, after), after.at - after.start
    earlier = _earlier(member.url, after, settings.lookback, history)
    before = min(earlier, key=lambda reading: reading.at, default=member.first if member.later else None)
    if before is None:
        return {}, None
    return grown(before, after), after.at - before.at


def _earlier(url: str, after: Counters, lookback: float, history: History) -> t.Iterator[Counters]:
    """Readings of the same process in earlier samples."""
    for sample in history:
        rows = sample.get("members")
        row = rows.get(url) if isinstance(rows, dict) else None
        at = sample.get("at")
        if not isinstance(row, dict) or not isinstance(at, (int, float)) or not 0 < after.at - at <= lookback:
            continue
        sent = row.get("sent")
        if row.get("start") == after.start and isinstance(sent, dict):
            found = {str(whose): _sent(numbers) for whose, numbers in sent.items()}
            yield Counters(at=float(at), sent=found, start=after.start)


def _sent(numbers: t.Any) -> Sent:
    values = numbers if isinstance(numbers, list) else []
    plain = [float(n) for n in values if isinstance(n, (int, float)) and math.isfinite(n)][:4]
    return Sent(*plain)


def failed_percent(numbers: Sent) -> float | None:
    """Percent that failed, the worse one of notifications and of their attempts; None where nothing was sent.

    A notification that is still being tried has failed attempts only.
    """
    shares = [
        100.0 * min(bad, total) / total
        for bad, total in ((numbers.failed, numbers.notifications), (numbers.failed_attempts, numbers.attempts))
        if total > 0
    ]
    return max(shares, default=None)


def _failing(
    member: Member,
    counters: Counters,
    whose: str,
    numbers: Sent,
    seconds: float | None,
    snapshot: Snapshot,
    settings: Settings,
) -> t.Iterator[Finding]:
    percent = failed_percent(numbers)
    level = settings.level("failed_percent", percent) if percent is not None else None
    if percent is None or level is None:
        return
    reasons = counters.reasons.get(whose, {})
    named = receivers_of(whose, snapshot)
    yield finding(
        settings,
        "alertmanager.notifications.failing",
        f"{member.url}, {whose}",
        CRITICAL if level == "critical" else WARNING,
        "P2" if level == "critical" else "P3",
        f"fails to notify: {percent:.0f} % of what was sent in {span(seconds or 0.0)} failed",
        observed={"failed_percent": round(percent, 1), "window_s": round(seconds or 0.0), **numbers._asdict()},
        threshold=settings.pair("failed_percent"),
        evidence=(
            f"{numbers.failed:.0f} of {numbers.notifications:.0f} notifications failed for good",
            f"{numbers.failed_attempts:.0f} of {numbers.attempts:.0f} attempts failed",
            *(f"reason {reason}: {number:.0f} since its start" for reason, number in sorted(reasons.items())),
            *([f"receivers that use it: {', '.join(named)}"] if named else []),
        ),
        causes=(
            "what receives it is down or refuses it",
            "its login or token has expired",
            "the network or the name resolution between",
        ),
        remedies=(
            Remedy(f"Look for its receiver in the log: journalctl -u prometheus-alertmanager | grep {_kind(whose)}"),
            Remedy("Tell those who are on call by another way until it is cured: what fires now reaches nobody"),
            Remedy("Correct the receiver, check it with amtool check-config, and reload", "low"),
        ),
        details={"integration": whose, "receivers": named},
    )


def _kind(whose: str) -> str:
    return whose.partition(" of ")[0]


def receivers_of(whose: str, snapshot: Snapshot) -> list[str]:
    """Receivers that send by this integration."""
    kind, _of, receiver = whose.partition(" of ")
    if receiver:
        return [receiver]
    return sorted(name for name, kinds in (snapshot.receivers or {}).items() if kind in kinds)


def _reload(member: Member, counters: Counters, now: float, settings: Settings) -> t.Iterator[Finding]:
    if counters.reload_ok is not False:
        return
    since = f", it runs on what it loaded {span(now - counters.reload_at)} ago" if counters.reload_at else ""
    yield finding(
        settings,
        "alertmanager.config.reload_failed",
        member.url,
        WARNING,
        "P3",
        f"could not load its configuration{since}",
        observed={"last_success": counters.reload_at},
        causes=("its file is not valid", "a file that it names can't be read"),
        remedies=(
            Remedy("Check its file; that says what is wrong", "none", "amtool check-config FILE"),
            Remedy("Correct it and reload; until then a restart would not come up", "low"),
        ),
    )
