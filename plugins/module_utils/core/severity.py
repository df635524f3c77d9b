# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity levels of the runbook as data: what they mean and how fast somebody has to respond. Pure."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Level:
    """One row of the severity table; response in seconds."""

    severity: str
    meaning: str
    response: int


LEVELS: dict[str, Level] = {
    "P1": Level("P1", "Complete outage", 5 * 60),
    "P2": Level("P2", "Major degradation", 15 * 60),
    "P3": Level("P3", "Minor degradation", 60 * 60),
    "P4": Level("P4", "Low impact", 4 * 60 * 60),
}


def levels(overrides: t.Mapping[str, t.Mapping[str, t.Any]] | None = None) -> dict[str, Level]:
    """The table, with what a site wants otherwise: {"P2": {"response": 600, "meaning": "..."}}.

    Raises ValueError for a level that does not exist or a response time that is no positive number of seconds.
    """
    table = dict(LEVELS)
    for name, changes in (overrides or {}).items():
        if name not in table:
            raise ValueError(f"severity {name!r} does not exist: use one of {', '.join(LEVELS)}")
        unknown = set(changes) - {"meaning", "response"}
        if unknown:
            raise ValueError(f"severity {name}: unknown {', '.join(sorted(unknown))}; meaning and response can be set")
        response = changes.get("response", table[name].response)
        if isinstance(response, bool) or not isinstance(response, int) or response <= 0:
            raise ValueError(f"severity {name}: response is a number of seconds above 0, not {response!r}")
        table[name] = Level(name, str(changes.get("meaning", table[name].meaning)), response)
    return table


def cap(severity: str, production: bool) -> str:
    """Outside of production nothing is more urgent than P3: nobody is woken up for a test system."""
    return severity if production else max(severity, "P3")
