# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of kubernetes_health_info: what they are, and what makes no sense."""

from __future__ import annotations

import typing as t

from ..core.kubernetes_settings import THRESHOLDS, Settings
from ..core.kubernetes_snapshot import KINDS
from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import number_within, seconds_above_0
from .thresholds_option import merged_thresholds

KUBERNETES_CHECK = ArgumentSpec(
    options={
        "component": {"type": "str", "default": "kubernetes"},
        "components": {"type": "dict", "default": {}},
        "namespaces": {"type": "list", "elements": "str"},
        "label_selector": {"type": "str"},
        "names": {"type": "list", "elements": "str"},
        "parts": {"type": "list", "elements": "str", "choices": list(KINDS), "default": list(KINDS)},
        "log_lines": {"type": "int", "default": 100},
        "well_logs": {"type": "bool", "default": False},
        "scale_to": {"type": "int"},
        "depth": {"type": "str", "default": "quick", "choices": ["quick", "full"]},
        "window": {"type": "float", "default": 1200.0},
        "job_window": {"type": "float", "default": 86_400.0},
        "recent_rollout": {"type": "float", "default": 3600.0},
        "max_rows": {"type": "int", "default": 100},
        "thresholds": {"type": "dict", "default": {}},
    }
)


def settings_of(params: t.Mapping[str, t.Any], address: str = "") -> Settings:
    """What is judged by. Raises Misuse for what makes no sense."""
    seconds_above_0(params, "deadline", "window", "job_window", "recent_rollout")
    number_within(params, "max_rows", 1, 1000)
    if not params["parts"]:
        raise Misuse("parts: it is empty, so there would be nothing to look at")
    return Settings(
        component=params["component"],
        address=address,
        components={str(name): str(host) for name, host in (params.get("components") or {}).items()},
        namespaces=_names(params, "namespaces"),
        names=_names(params, "names"),
        parts=tuple(part for part in KINDS if part in params["parts"]),
        window=params["window"],
        job_window=params["job_window"],
        recent_rollout=params["recent_rollout"],
        max_rows=params["max_rows"],
        thresholds=merged_thresholds(THRESHOLDS, params),
    )


def _names(params: t.Mapping[str, t.Any], name: str) -> tuple[str, ...] | None:
    given = params.get(name)
    if given is None:
        return None
    found = tuple(dict.fromkeys(item.strip() for item in map(str, given) if item.strip()))
    if not found:
        raise Misuse(f"{name}: an empty list is not all; leave it out to look at all, or name some")
    return found
