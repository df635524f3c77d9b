# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option thresholds that every check has."""

from __future__ import annotations

import typing as t

from ..core import thresholds
from .check import Misuse


def merged_thresholds(defaults: thresholds.Pairs, params: t.Mapping[str, t.Any]) -> dict[str, dict[str, float]]:
    """The defaults of a check with its option over them. Raises Misuse."""
    try:
        return thresholds.merge(defaults, params.get("thresholds"))
    except ValueError as error:
        raise Misuse(str(error)) from None
