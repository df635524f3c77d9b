# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables incident_* as one typed value. Their defaults live in roles/incident/defaults, and nowhere else."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleError

from ..module_utils.core import gate, severity, watch
from .variables import number, state_dir, truth


class SettingError(AnsibleError):
    """A variable makes no sense. The text names it and says what to write instead."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that a site or a run may set. Times in seconds."""

    gates: gate.Settings
    timing: watch.Timing
    state_dir: pathlib.Path
    production: bool
    recheck_after: float
    levels: dict[str, severity.Level]
    contacts: dict[str, dict[str, t.Any]]
    contact: str
    notify_command: tuple[str, ...]
    notify_url: str
    impact: dict[str, t.Any]
    acknowledged_by: str
    alerted_at: float | None
    mended: bool

    @property
    def lease_ttl(self) -> float:
        return self.timing.deadline + 60.0


def read(get: t.Callable[[str], t.Any]) -> Settings:
    """Make Settings out of a function that returns the value of a variable. Raises SettingError before anything is
    done."""
    try:
        return Settings(
            gates=_gates(get),
            timing=watch.Timing(
                good=int(number("incident_watch_good", get)),
                spacing=number("incident_watch_spacing", get),
                soak=number("incident_watch_soak", get),
                deadline=number("incident_watch_deadline", get),
            ),
            state_dir=state_dir(get("incident_state_dir")),
            production=_text("incident_environment", get) == "production",
            recheck_after=number("incident_recheck_after", get),
            levels=severity.levels(get("incident_severity_levels") or {}),
            contacts={str(role): dict(data) for role, data in (get("incident_contacts") or {}).items()},
            contact=_text("incident_contact", get),
            notify_command=tuple(str(word) for word in _list("incident_notify_command", get)),
            notify_url=_text("incident_notify_url", get),
            impact=dict(get("incident_impact") or {}),
            acknowledged_by=_text("incident_acknowledged_by", get),
            alerted_at=_time("incident_alerted_at", get),
            mended=truth(get("incident_mended") or False),
        )
    except ValueError as error:
        raise SettingError(str(error)) from None


def _gates(get: t.Callable[[str], t.Any]) -> gate.Settings:
    budget = []
    for row in _list("incident_budget", get):
        if not isinstance(row, t.Mapping) or not {"actions", "seconds"} <= set(row):
            raise ValueError(f"incident_budget is a list of {{actions, seconds}}, not {row!r}")
        budget.append((int(row["actions"]), float(row["seconds"])))
    return gate.Settings(
        mode=_text("incident_mode", get),
        max_risk=_text("incident_max_risk", get),
        approve=_text("incident_approve", get),
        confirm=_text("incident_confirm", get),
        freeze=tuple(_list("incident_freeze", get)),
        budget=tuple(budget),
        override=tuple(str(name) for name in _list("incident_override", get)),
    )


def _text(name: str, get: t.Callable[[str], t.Any]) -> str:
    value = get(name)
    return "" if value is None else str(value)


def _list(name: str, get: t.Callable[[str], t.Any]) -> list[t.Any]:
    value = get(name)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value or [])


def _time(name: str, get: t.Callable[[str], t.Any]) -> float | None:
    text = _text(name, get)
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{name} is a time such as 2026-03-01T02:58:00Z, not {text!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone: write {text}Z for UTC")
    return moment.timestamp()
