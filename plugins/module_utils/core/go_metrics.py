# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a Go program as plain numbers: which lines of an exposition are wanted, and what they are called here.

Pure; the lines themselves are parsed by a library. An exposition may have a million series, and a line no end.
"""

from __future__ import annotations

import math
import typing as t

WANTED = ("go_", "process_", "http_requests_total", "http_request_duration_seconds_count", "promhttp_metric_handler")
LONGEST_LINE = 8192
MOST_LINES = 20_000
REQUESTS = "requests"
LARGEST = 1e20
"""Above every number of bytes and of things; Go says 2^63 where there is no limit."""

Sample = tuple[str, t.Mapping[str, str], float]


class Lines:
    """Takes an exposition in pieces and keeps the lines that matter; seen: how many lines there were."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.seen = 0
        self.head = b""
        self._rest = b""
        self._over = False

    def feed(self, chunk: bytes) -> None:
        if len(self.head) < 512:
            self.head += chunk[: 512 - len(self.head)]
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LONGEST_LINE:  # a line without an end: its beginning says that it is not wanted
            self._over, self._rest = True, b""

    def close(self) -> None:
        if self._rest:
            self._line(self._rest)
        self._rest = b""

    def _line(self, line: bytes) -> None:
        self.seen += 1
        if self._over:
            self._over = False
            return
        text = line.decode("utf-8", "replace").strip()
        if text.startswith(WANTED) and len(self.kept) < MOST_LINES:
            self.kept.append(text.split(" # ")[0])


def is_page(head: bytes) -> bool:
    """Whether a body is a web page, whatever its headers say."""
    return head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))


def sane(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= LARGEST


def flatten(samples: t.Iterable[Sample]) -> dict[str, float]:
    """Name -> number. Request counters are added up, quantiles get a name of their own, what is no number of anything
    real (NaN, infinity) counts as absent."""
    values: dict[str, float] = {}
    requests: dict[str, float] = {}
    for name, labels, value in samples:
        if not sane(value):
            continue
        if not name.startswith(("go_", "process_")):
            requests[name] = requests.get(name, 0.0) + value
        elif name == "go_gc_duration_seconds":
            values[f"{name}_q{labels.get('quantile', '')}"] = value
        elif labels and name.startswith("go_sql_"):
            values[name] = values.get(name, 0.0) + value
        elif not labels:
            values[name] = value
    for name in WANTED[2:4]:
        if name in requests:
            values[REQUESTS] = requests[name]
            break
    return values
