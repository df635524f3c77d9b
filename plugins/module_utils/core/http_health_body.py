# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a health page says about dependencies, in the shapes that are common. Pure: a body in, names out, never raises.

Known are this project's lab, Spring's actuator (components, details), the health+json draft and MicroProfile (checks),
ASP.NET (entries, results), and maps of names to states, truth values or error texts below any of those keys.
"""

from __future__ import annotations

import functools
import json
import typing as t

from .hostile import inert

GOOD = frozenset(("ok", "up", "pass", "passing", "passed", "healthy", "alive", "ready", "success", "true", "green"))
FAIR = frozenset(("degraded", "warn", "warning", "yellow", "partial"))
BAD = frozenset(
    ("failing", "fail", "failed", "failure", "down", "out_of_service", "error", "critical", "unhealthy", "false", "red")
    + ("unavailable", "not_ready", "offline")
)
LISTS = ("dependencies", "components", "checks", "details", "entries", "results", "services", "errors")
STATES = ("status", "state", "healthy", "ok", "health", "result")
REASONS = ("error", "message", "output", "description", "reason", "exception", "detail")
DEEPEST = 6
MOST = 20
LONGEST = 300
SHORT = 4096


class Failing(t.NamedTuple):
    """A dependency that does not work. state: bad or fair."""

    name: str
    error: str = ""
    state: str = "bad"


class Health(t.NamedTuple):
    """What a body said. state: good, fair, bad, or "" where it says nothing. known: it was a health page of a shape."""

    state: str = ""
    failing: tuple[Failing, ...] = ()
    known: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.failing)


def read(body: str) -> Health:
    """The health page of a body; one that is no JSON object says its state only where it is a single word."""
    return _read_again(body) if len(body) <= SHORT else _read(body)


def _read(body: str) -> Health:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Health(_word(body.strip()) if len(body) < 40 else "")
    if not isinstance(data, dict):
        return Health(_word(data) if isinstance(data, (str, bool)) else "")
    state, found = state_of(data), _below(data, "", 0)
    return Health(state, tuple(_distinct(found))[:MOST], bool(state or found))


_read_again = functools.lru_cache(maxsize=256)(_read)
"""The same page is asked for several times, and judged in several places."""


def state_of(value: t.Any) -> str:
    """good, fair, bad, or "" for what says nothing."""
    if isinstance(value, (bool, str)):
        return _word(value)
    if isinstance(value, dict):
        for key in STATES:
            if isinstance(value.get(key), (bool, str)):
                return _word(value[key])
    return ""


def _word(value: str | bool) -> str:
    word = str(value).strip().lower().replace(" ", "_").replace("-", "_")
    if word in GOOD:
        return "good"
    if word in FAIR:
        return "fair"
    return "bad" if word in BAD else ""


def _below(data: t.Mapping[str, t.Any], name: str, depth: int) -> list[Failing]:
    """What fails among the parts of one object. Where parts of a part fail, they are named and it is not."""
    if depth > DEEPEST:
        return []
    found = []
    for key in LISTS:
        for part, value in _parts(data.get(key)):
            found += _part(key, f"{name}.{part}" if name else part, value, depth)
    return found


def _parts(value: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Named parts of a map or of a list; the health+json draft has a list below each name."""
    if isinstance(value, dict):
        for name, item in value.items():
            for one in item if isinstance(item, list) else (item,):
                yield str(name), one
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                yield item["name"], item


def _part(key: str, name: str, value: t.Any, depth: int) -> list[Failing]:
    inner = _below(value, name, depth + 1) if isinstance(value, dict) else []
    if inner:
        return inner
    state, error = state_of(value), _reason(value)
    if (
        isinstance(value, str)
        and not state
        and (key == "errors" or value.lower().startswith(("error", "fail", "down")))
    ):
        state, error = "bad", value
    if state not in ("bad", "fair"):
        return []
    return [Failing(_short(name), _short(error), state)]


def _reason(value: t.Any) -> str:
    if not isinstance(value, dict):
        return ""
    for holder in (value, value.get("details"), value.get("data")):
        if isinstance(holder, dict):
            for key in REASONS:
                if isinstance(holder.get(key), str):
                    return str(holder[key])
    return ""


def _short(text: str) -> str:
    return " ".join(inert(text).split())[:LONGEST]


def _distinct(found: t.Iterable[Failing]) -> list[Failing]:
    return list({item.name: item for item in reversed(list(found))}.values())[::-1]
