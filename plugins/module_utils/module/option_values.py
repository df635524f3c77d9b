# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What values of options are refused, in the same words by every check. All raise Misuse."""

from __future__ import annotations

import math
import typing as t

from .check import Misuse

Params = t.Mapping[str, t.Any]


def seconds_above_0(params: Params, *names: str) -> None:
    for name in names:
        if not 0 < params[name] < math.inf:
            raise Misuse(f"{name}: {params[name]} is not a number of seconds above 0")


def seconds_from_0(params: Params, *names: str) -> None:
    for name in names:
        if not 0 <= params[name] < math.inf:
            raise Misuse(f"{name}: {params[name]} is not a number of seconds from 0 up")


def number_within(params: Params, name: str, least: int, most: int) -> None:
    if not least <= params[name] <= most:
        raise Misuse(f"{name}: {params[name]} is not a number from {least} to {most}")


def samples_within_deadline(params: Params) -> None:
    """For checks that take samples at an interval, all of them within the deadline."""
    needed = (params["samples"] - 1) * params["interval"]
    if needed >= params["deadline"]:
        raise Misuse(
            f"{params['samples']} samples {params['interval']:g} s apart take {needed:g} s, but deadline is"
            f" {params['deadline']:g} s: raise deadline, or lower samples or interval"
        )
