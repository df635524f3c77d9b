# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, sizes and numbers as every finding, summary and plan writes them for people. Pure."""

from __future__ import annotations

DAY = 86400.0
UNITS_OF_TIME = (("days", DAY), ("h", 3600.0), ("min", 60.0))
UNITS_OF_SIZE = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def span(seconds: float) -> str:
    """A length of time to two digits at least: 250 ms, 3.4 s, 15 min, 36 h, 400 days. One below 0 is 0: clocks differ.

    A unit begins at two of it, so that none is ever in the singular and 90 s stay 90 s.
    """
    for unit, factor in UNITS_OF_TIME:
        if seconds >= 2 * factor:
            return f"{_short(seconds / factor)} {unit}"
    return f"{_short(seconds * 1000)} ms" if 0 < seconds < 1 else f"{_short(max(0.0, seconds))} s"


def _short(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def size(number: float) -> str:
    """Bytes to four digits, so that a use just below its limit does not look like the limit: 64 MiB, 1.234 GiB."""
    for unit, factor in UNITS_OF_SIZE:
        if abs(number) >= factor:
            amount = number / factor
            return f"{amount:.4g} {unit}" if abs(amount) < 9999 else f"{amount:.0f} {unit}"
    return f"{number:.0f} B"


def count(number: float, word: str) -> str:
    """A number of things: 1 topic, 2 topics. number is whole."""
    return f"{number:.0f} {word}" if number == 1 else f"{number:.0f} {word}s"
