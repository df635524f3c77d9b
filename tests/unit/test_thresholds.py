# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option thresholds of every check: what was given over the defaults, and whatever is ambiguous refused."""

from __future__ import annotations

import dataclasses
import importlib
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.thresholds import HasThresholds, Pairs, merge
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from ansible_collections.incident.response.plugins.module_utils.module.thresholds_option import merged_thresholds
from ansible_collections.incident.response.plugins.plugin_utils.check_runner import SYSTEMS

DEFAULTS: Pairs = {"lag": {"warn": 1000, "crit": 10_000}, "memory_percent": {"warn": 80, "crit": 92}}


def test_what_is_given_goes_over_the_defaults() -> None:
    assert merge(DEFAULTS, {"lag": {"crit": "20000"}}) == {**DEFAULTS, "lag": {"warn": 1000, "crit": 20_000.0}}
    assert DEFAULTS["lag"]["crit"] == 10_000, "what one task says is not what the next one begins with"


@pytest.mark.parametrize("given", [None, {}])
def test_nothing_given_leaves_the_defaults(given: dict[str, t.Any] | None) -> None:
    assert merge(DEFAULTS, given) == DEFAULTS


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lagg": {"warn": 1}}, "there is no 'lagg'"),
        ({"lag": {"warn": 20_000}}, r"20000.*above its crit 10000"),
        ({"lag": {"warning": 1}}, "takes warn and crit"),
        ({"lag": 5}, "takes warn and crit"),
        ({"lag": {}}, "takes warn and crit"),
        ({"lag": {"warn": True}}, "number"),
        ({"lag": {"warn": "many"}}, "number"),
        ({"lag": {"warn": -1}}, "from 0"),
        ({"lag": {"warn": "nan"}}, "from 0"),
        ({"memory_percent": {"warn": 0.8}}, "ratio; write 80"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, t.Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        merge(DEFAULTS, given)
    with pytest.raises(Misuse, match=says):
        merged_thresholds(DEFAULTS, {"thresholds": given})


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_check_takes_its_own_defaults(system: str) -> None:
    core = "ansible_collections.incident.response.plugins.module_utils.core"
    settings = importlib.import_module(f"{core}.{system}_settings")
    assert merge(settings.THRESHOLDS, None) == settings.THRESHOLDS


def test_a_value_is_judged_from_its_limit_on() -> None:
    @dataclasses.dataclass(frozen=True)
    class Settings(HasThresholds):
        thresholds: Pairs = dataclasses.field(default_factory=lambda: DEFAULTS)

    judged = {value: Settings().level("lag", value) for value in (999, 1000, 10_000)}
    assert judged == {999: None, 1000: "warning", 10_000: "critical"}
    assert Settings().pair("lag") == {"warn": 1000, "crit": 10_000}
