# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as Kubernetes writes them (500m, 1.5Gi, 129e6), and counts that may be a percentage. Pure."""

from __future__ import annotations

import math
import re
import typing as t
from decimal import Decimal

_AMOUNT = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]i?|Ki))?")
_FACTORS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("0.001"), "k": Decimal(1000)}
_FACTORS.update({letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", start=2)})
_FACTORS.update({f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)})


def amount(text: t.Any) -> Decimal:
    """The number of an amount. Raises ValueError for what is none."""
    match = _AMOUNT.fullmatch(str(text).strip()) if not isinstance(text, bool) else None
    if match is None or (match.group(3) and match.group(3) not in _FACTORS):
        raise ValueError(f"{text!r} is no amount: write for example 256Mi, 1.5Gi, or a number of bytes")
    number = Decimal(match.group(1) + (match.group(2) or ""))
    return number * _FACTORS[match.group(3)] if match.group(3) else number


def amount_or(text: t.Any, otherwise: Decimal | None) -> Decimal | None:
    """Of what a server sent: absent or unreadable is `otherwise`, never an error."""
    try:
        return amount(text) if text is not None else otherwise
    except ValueError:
        return otherwise


def share(value: t.Any, whole: int, up: bool) -> int:
    """A count, or a percentage of whole, rounded up or down. Raises ValueError for what is neither."""
    text = str(value).strip()
    if text.endswith("%"):
        exact = Decimal(whole) * Decimal(int(text[:-1])) / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(text)


def human(size: Decimal | int) -> str:
    """Bytes for people, in the unit that a manifest would have."""
    number = Decimal(size)
    for unit, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if abs(number) >= factor:
            return f"{number / factor:.1f}".rstrip("0").rstrip(".") + unit
    return f"{number.normalize():f}"
