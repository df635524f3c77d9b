# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check go_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.go import Wanted, collect
from ..clients.go_options import GoOptions
from ..core.go_judge import judge
from ..core.go_settings import THRESHOLDS, Settings
from ..core.go_summary import attachments, measured, samples, summary
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation
from ..module.go_options import GO_CONNECTION, REQUIREMENTS, address_of, validate_connection
from ..module.option_values import samples_within_deadline, seconds_above_0
from ..module.thresholds_option import merged_thresholds

SPEC = COMMON_CHECK.merge(GO_CONNECTION).merge(
    ArgumentSpec(
        options={
            "component": {"type": "str", "default": "go"},
            "samples": {"type": "int", "default": 3},
            "interval": {"type": "float", "default": 2.0},
            "wait_reasons": {"type": "bool", "default": False},
            "leak_seconds": {"type": "float", "default": 60.0},
            "thresholds": {"type": "dict", "default": {}},
        },
        required_one_of=(("metrics_url", "pprof_url"),),
    )
)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one Go program. Raises Misuse for options that make no sense."""
    validate_connection(params)
    _validate(params)
    settings = _settings(params)
    options = GoOptions.from_params(params)
    limit = params.get("memory_limit")
    wanted = Wanted(params["samples"], params["interval"], params["wait_reasons"], limit)
    snapshot = collect(options, wanted, Deadline(params["deadline"]))
    history = params.get("history") or ()
    said = measured(snapshot, settings, history)
    if not options.validate_certs and "https:" in f"{options.metrics_url} {options.pprof_url}":
        said.append("certificates were not verified (validate_certs: false)")
    return Observation(
        reachable=snapshot.reachable,
        findings=judge(snapshot, settings, history),
        snapshot=summary(snapshot, settings, history),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=said,
        samples=samples(snapshot),
        attachments=attachments(snapshot),
    ).hiding(options.secrets)


def _validate(params: t.Mapping[str, t.Any]) -> None:
    if not params.get("metrics_url") and not params.get("pprof_url"):
        raise Misuse("metrics_url and pprof_url are both empty: name at least one of them")
    if params["samples"] < 1:
        raise Misuse(f"samples: {params['samples']} is below 1")
    seconds_above_0(params, "interval", "leak_seconds")
    samples_within_deadline(params)


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    return Settings(
        component=params["component"],
        address=address_of(params),
        pprof=GoOptions.from_params(params).pprof_url,
        thresholds=merged_thresholds(THRESHOLDS, params),
        memory_limit=params.get("memory_limit"),
        leak_seconds=params["leak_seconds"],
    )


CHECK = Check("go_health_info", SPEC, REQUIREMENTS, run)
