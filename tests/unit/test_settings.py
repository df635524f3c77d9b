# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: every variable that makes no sense is named, with what to write instead, before anything is done."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.incident.response.plugins.plugin_utils import settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULTS = yaml.safe_load((ROOT / "roles/incident/defaults/main.yml").read_text())


def read(**changes: t.Any) -> settings.Settings:
    return settings.read({**DEFAULTS, **changes}.get)


def test_the_roles_defaults_are_the_careful_ones() -> None:
    found = read()
    assert (found.gates.mode, found.gates.max_risk, found.production) == ("ask", "low", True)
    assert found.gates.budget == ((1, 900.0), (3, 86400.0))
    assert (found.timing.good, found.timing.spacing, found.timing.soak, found.timing.deadline) == (3, 10.0, 60.0, 300.0)
    assert found.lease_ttl == 360.0
    assert found.mended is False
    assert read(incident_mended="yes").mended is True, "as a person types it"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"incident_mode": "Auto"}, "incident_mode is one of observe, propose, ask, auto"),
        ({"incident_watch_good": 0}, "incident_watch_good is at least 1"),
        ({"incident_watch_spacing": "ten"}, "incident_watch_spacing is a number"),
        ({"incident_watch_spacing": True}, "incident_watch_spacing is a number"),
        ({"incident_watch_soak": -1}, "incident_watch_soak is a number of 0 or more"),
        ({"incident_watch_deadline": float("nan")}, "incident_watch_deadline"),
        ({"incident_budget": [{"actions": 1}]}, "incident_budget is a list of"),
        ({"incident_state_dir": "state"}, "incident_state_dir is an absolute path"),
        ({"incident_alerted_at": "2026-03-01T02:58:00"}, "time zone"),
        ({"incident_alerted_at": "just now"}, "incident_alerted_at is a time such as"),
        ({"incident_severity_levels": {"P9": {}}}, "severity 'P9' does not exist"),
        ({"incident_override": "approval"}, "incident_override knows"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(settings.SettingError) as error:
        read(**changes)
    assert said in str(error.value)


def test_values_from_the_command_line_are_text_and_work_all_the_same() -> None:
    found = read(
        incident_watch_good="2", incident_watch_soak="5", incident_override="freeze,budget", incident_notify_command=""
    )
    assert (found.timing.good, found.timing.soak, found.gates.override) == (2, 5.0, ("freeze", "budget"))
    assert read(incident_alerted_at="2026-03-01T02:58:00Z").alerted_at == 1772333880.0
