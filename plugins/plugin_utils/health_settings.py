# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables incident_health_* as one typed value. Their defaults live in roles/incident/defaults."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ..module_utils.core.health import Rules
from .variables import number

EXITS = ("by_verdict", "changes")


@dataclasses.dataclass(frozen=True)
class HealthSettings:
    """textfile, json: where to write, None for nowhere. jitter: seconds."""

    rules: Rules
    exit: str
    jitter: float
    textfile: pathlib.Path | None
    json: pathlib.Path | None


def read(get: t.Callable[[str], t.Any]) -> HealthSettings:
    """get returns the value of a variable. Raises ValueError that names the variable."""
    status = str(get("incident_health_exit"))
    if status not in EXITS:
        raise ValueError(f"incident_health_exit is one of {', '.join(EXITS)}, not {status!r}")
    return HealthSettings(
        rules=Rules(
            confirm=_count("incident_health_confirm", 1, get),
            clear=_count("incident_health_clear", 1, get),
            flaps=_count("incident_health_flaps", 1, get),
            window=number("incident_health_flap_window", get),
            remind=number("incident_health_remind", get),
            every=number("incident_health_every", get),
        ),
        exit=status,
        jitter=number("incident_health_jitter", get),
        textfile=_path("incident_health_textfile", get),
        json=_path("incident_health_json", get),
    )


def _count(name: str, least: int, get: t.Callable[[str], t.Any]) -> int:
    value = number(name, get)
    if value < least or value != int(value):
        raise ValueError(f"{name} is a whole number of {least} or more, not {get(name)!r}")
    return int(value)


def _path(name: str, get: t.Callable[[str], t.Any]) -> pathlib.Path | None:
    value = get(name)
    if not value:
        return None
    path = pathlib.Path(str(value)).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{name} is an absolute path, not {value!r}")
    return path
