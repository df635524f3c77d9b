# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds as options: pairs of warn and crit over a check's defaults, with everything ambiguous refused."""

from __future__ import annotations

import typing as t

Pairs = t.Mapping[str, t.Mapping[str, float]]


def merge(defaults: Pairs, given: t.Mapping[str, t.Any] | None) -> dict[str, dict[str, float]]:
    """The defaults with what was given over them; higher is worse. Raises ValueError that names what is wrong."""
    merged = {name: dict(pair) for name, pair in defaults.items()}
    for name, pair in (given or {}).items():
        if name not in merged:
            raise ValueError(f"thresholds: there is no {name!r}; there are {', '.join(sorted(merged))}")
        if not isinstance(pair, t.Mapping) or not pair or set(pair) - {"warn", "crit"}:
            raise ValueError(f"thresholds: {name} takes warn and crit, as in {{warn: 1, crit: 2}}, not {pair!r}")
        merged[name].update({key: _number(f"{name}.{key}", value) for key, value in pair.items()})
    for name, limits in merged.items():
        if limits["warn"] > limits["crit"]:
            warn, crit = limits["warn"], limits["crit"]
            raise ValueError(f"thresholds: {name} has warn {warn:g}, which is above its crit {crit:g}")
    return merged


def _number(name: str, value: t.Any) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise ValueError(f"thresholds: {name} is a number from 0 up, not {value!r}")
    if "percent" in name and 0 < number <= 1:
        raise ValueError(f"thresholds: {name} is in percent: {value!r} would be a ratio; write {number * 100:g} or 0")
    return number


class HasThresholds:
    """What the settings of every check can say of a value; thresholds is a field of theirs."""

    thresholds: Pairs

    def level(self, name: str, value: float) -> str | None:
        """critical, warning, or None for a value below both."""
        pair = self.thresholds[name]
        if value >= pair["crit"]:
            return "critical"
        return "warning" if value >= pair["warn"] else None

    def pair(self, name: str) -> dict[str, float]:
        """The two limits, for a finding to show."""
        return dict(self.thresholds[name])
