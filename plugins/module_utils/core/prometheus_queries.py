# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to a Prometheus, in PromQL and as paths of its API. Pure.

Nothing is divided there: 0/0 is NaN and an empty numerator is nothing at all, so sums come back and are divided here.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .http_metrics import JITTER, STATUS_LABELS
from .prometheus_settings import Settings

CLASS = "incident_class"
"""Label that tells the rows of one answer apart: all, up, start, p99, count, or the class of a status (5xx)."""
START = "start"
DROPPED_WINDOW = 600
TOP = 10


def duration(seconds: float) -> str:
    """A span as PromQL writes it."""
    return f"{round(seconds)}s" if float(seconds).is_integer() else f"{max(1, round(seconds * 1000))}ms"


def quoted(text: str) -> str:
    """A string literal of PromQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def matchers(settings: Settings) -> str:
    """The jobs that are looked at, as matchers of a selector."""
    found = []
    if settings.jobs is not None:
        found.append(f"{settings.job_label}=~{quoted(_either(settings.jobs))}")
    if settings.exclude_jobs:
        found.append(f"{settings.job_label}!~{quoted(_either(settings.exclude_jobs))}")
    return "{" + ",".join(found) + "}" if found else ""


def _either(patterns: t.Iterable[str]) -> str:
    return "|".join(_regex(pattern) for pattern in patterns)


def _regex(pattern: str) -> str:
    """A pattern of names as RE2 has it. RE2 takes a backslash before punctuation only."""
    known = {"*": ".*", "?": "."}
    return "".join(
        known.get(char) or (f"\\{char}" if re.match(r"[!-/:-@\[-^`{-~]", char) else char) for char in pattern
    )


def head_of(window: float) -> float:
    """Seconds at the beginning of a window in which there has to be a sample, for data to cover it."""
    return max(window / 10, min(window / 3, 600.0))


def traffic(settings: Settings, labels: t.Sequence[str], window: float, offset: float = 0.0) -> str:
    """Requests of each job by class of status, and the series that were there when the window began."""
    series = settings.requests_metric + matchers(settings)
    back = f" offset {duration(offset)}" if offset else ""
    grown = f"increase({series}[{duration(window)}]{back})"
    for label in labels:
        grown = f'label_replace({grown}, "{CLASS}", "${{1}}xx", "{label}", "([1-5])..")'
    head = head_of(window)
    began = f"count_over_time({series}[{duration(head)}] offset {duration(window - head + offset)})"
    return f"sum by ({settings.job_label}, {CLASS}) ({grown}) or {_marked(_count(settings, began), START)}"


def _count(settings: Settings, vector: str) -> str:
    return f"count by ({settings.job_label}) ({vector})"


def _marked(vector: str, mark: str) -> str:
    return f'label_replace({vector}, "{CLASS}", "{mark}", "", "")'


def latency(settings: Settings) -> str:
    """The 99th percentile of each job, and how many requests it is made of."""
    chosen, window = matchers(settings), duration(settings.window)
    name, by = settings.latency_metric, settings.job_label
    p99 = f"histogram_quantile(0.99, sum by ({by}, le) (rate({name}_bucket{chosen}[{window}])))"
    number = f"sum by ({by}) (increase({name}_count{chosen}[{window}]))"
    return f"{_marked(p99, 'p99')} or {_marked(number, 'count')}"


def restarts(settings: Settings) -> str:
    """Processes that started again and again. Some compute their start time anew each time: that is no restart."""
    series = f"process_start_time_seconds{matchers(settings)}[{duration(settings.lookback)}]"
    least = settings.thresholds["restarts"]["warn"]
    moved = f"max_over_time({series}) - min_over_time({series}) > {JITTER:g}"
    return f"topk({settings.max_rows}, changes({series}) >= {least:g} and ({moved}))"


def up(settings: Settings) -> str:
    """Targets of each job, all and those that are up, and those that were known when the window began."""
    labels = ", ".join(dict.fromkeys(("job", settings.job_label)))
    chosen = matchers(settings)
    every, alive = (f"{how} by ({labels}) (up{chosen})" for how in ("count", "sum"))
    head = head_of(settings.window)
    began = f"count_over_time(up{chosen}[{duration(head)}] offset {duration(settings.window - head)})"
    known = f"count by ({labels}) ({began})"
    return f"{_marked(every, 'all')} or {_marked(alive, 'up')} or {_marked(known, START)}"


def instant(query: str, settings: Settings, at: bool = True) -> str:
    """The path of an instant query. at: whether it goes back in time where that was asked for."""
    asked = {"query": query, "timeout": duration(max(1, int(settings.timeout)))}
    if at and settings.at is not None:
        asked["time"] = f"{settings.at:.3f}"
    return "/api/v1/query?" + urllib.parse.urlencode(asked)


def label_names(settings: Settings, now: float) -> str:
    """The path that tells the labels of requests. An hour on both sides, for a clock that differs."""
    middle = settings.at if settings.at is not None else now
    asked = {"match[]": settings.requests_metric + matchers(settings)}
    asked.update({"start": f"{middle - 3600:.0f}", "end": f"{middle + 3600:.0f}"})
    return "/api/v1/labels?" + urllib.parse.urlencode(asked)


def alert_counts() -> str:
    return "count by (alertname, alertstate, severity) (ALERTS)"


def dropped(began: float, window: float) -> str:
    """Notifications that the process dropped that started at this moment, where it scrapes itself."""
    itself = f"abs(process_start_time_seconds - {began:.3f}) < {JITTER:g}"
    lost = f"increase(prometheus_notifications_dropped_total[{duration(window)}])"
    return f"sum by (instance) ({lost} and on (instance, job) ({itself}))"


def dropped_then(settings: Settings) -> str:
    """The same at an earlier moment, of every server that had settled by then."""
    settled = f"time() - process_start_time_seconds > {DROPPED_WINDOW + settings.settle:g}"
    lost = f"increase(prometheus_notifications_dropped_total[{duration(DROPPED_WINDOW)}])"
    return f"sum by (instance) ({lost} and on (instance, job) ({settled}))"


def clocks(settings: Settings) -> tuple[str, str]:
    """Machines whose clock differs from that of the server, and from that of their time servers."""
    least = settings.thresholds["clock_seconds"]["warn"]
    offset = settings.thresholds["clock_offset_ms"]["warn"] / 1000
    apart = f"topk({TOP}, abs(node_time_seconds - timestamp(node_time_seconds)) >= {least:g})"
    return apart, f"topk({TOP}, abs(node_timex_offset_seconds) >= {offset:g})"


def status_labels(settings: Settings, found: t.Any) -> tuple[str, ...]:
    """The labels that hold a status: the one that was declared, those that the server has, or all usual ones where it
    does not tell."""
    if settings.status_label:
        return (settings.status_label,)
    if not isinstance(found, list):
        return STATUS_LABELS
    return tuple(label for label in STATUS_LABELS if label in found)


def windows(settings: Settings) -> list[float]:
    """All windows that errors are asked over, shortest first."""
    return sorted({settings.window, *(span for pair in settings.burn_pairs for span in (pair.long, pair.short))})
