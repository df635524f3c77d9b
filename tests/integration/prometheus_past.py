# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four days of a shop as OpenMetrics, for promtool to make blocks of: jobs that are well, and each with one fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

STEP = 60
DAYS = 4
END = int(time.time() - 3 * 3600) // STEP * STEP
BEGIN = END - DAYS * 86400
HALF_HOUR, TWO_HOURS = END - 1800, END - 7200

Rate = Callable[[int], float]
"""Requests in the minute that ends at a moment."""


def steady(number: float) -> Rate:
    return lambda _at: number


def since(moment: int, number: float, before: float = 0.0) -> Rate:
    return lambda at: number if at > moment else before


# Job -> (requests that went well, errors; None where there is no such series), from when and until when it exists.
JOBS: dict[str, tuple[Rate, Rate | None, int, int]] = {
    "steady": (steady(600), steady(0.1), BEGIN, END),
    "burning": (steady(588), since(TWO_HOURS, 12), BEGIN, END),
    "leaking": (steady(599), steady(1), BEGIN, END),
    "fresh": (steady(540), steady(60), HALF_HOUR, END),
    "cliff": (since(HALF_HOUR, 12, 600), steady(0), BEGIN, END),
    "gone": (steady(600), steady(0), BEGIN, HALF_HOUR),
    "dead": (steady(600), steady(0), BEGIN, HALF_HOUR),
    "lazy": (steady(600), None, BEGIN, END),
    "few": (steady(0.02), steady(0.02), BEGIN, END),
    "slow": (steady(600), steady(0), BEGIN, END),
    "restarting": (steady(600), steady(0), BEGIN, END),
}
RESTARTS = (END - 780, END - 540, END - 240)


def counted(labels: str, rate: Rate, begin: int, end: int) -> Iterator[str]:
    total = 0.0
    for at in range(begin, end + 1, STEP):
        total += rate(at)
        yield f"http_requests_total{{{labels}}} {total:.1f} {at}"


def requests() -> Iterator[str]:
    yield "# TYPE http_requests counter"
    for job, (good, bad, begin, end) in JOBS.items():
        labels = f'job="{job}",instance="{job}:80"'
        yield from counted(f'{labels},status="200"', good, begin, end)
        if bad:
            yield from counted(f'{labels},status="503"', bad, begin, end)
    yield from counted('job="unmarked",instance="unmarked:80"', steady(600), BEGIN, END)


def gauges() -> Iterator[str]:
    yield "# TYPE up gauge"
    for job, (_good, _bad, begin, _end) in JOBS.items():
        for at in range(begin, END + 1, STEP):
            yield f'up{{job="{job}",instance="{job}:80"}} {int(job != "dead" or at <= HALF_HOUR)} {at}'
    yield "# TYPE process_start_time_seconds gauge"
    for at in range(BEGIN, END + 1, STEP):
        start = max((moment for moment in RESTARTS if moment <= at), default=BEGIN - 100)
        yield f'process_start_time_seconds{{job="restarting",instance="restarting:80"}} {start} {at}'
        # Some compute it anew each time, and are off by a second: no restart.
        yield f'process_start_time_seconds{{job="steady",instance="steady:80"}} {BEGIN + at // STEP % 2} {at}'


def latency() -> Iterator[str]:
    yield "# TYPE http_request_duration_seconds histogram"
    for job, fast in (("steady", 1.0), ("slow", 0.9)):
        labels = f'job="{job}",instance="{job}:80"'
        for bound, share in (("0.5", fast), ("2.5", fast), ("10.0", 1.0), ("+Inf", 1.0)):
            for number, at in enumerate(range(BEGIN, END + 1, STEP)):
                yield f'http_request_duration_seconds_bucket{{{labels},le="{bound}"}} {600 * share * number:.1f} {at}'
        for number, at in enumerate(range(BEGIN, END + 1, STEP)):
            yield f"http_request_duration_seconds_count{{{labels}}} {600 * number} {at}"


def exposition() -> str:
    return "\n".join((*requests(), *gauges(), *latency(), "# EOF", ""))
