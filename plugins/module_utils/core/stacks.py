# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks in a log: where a runtime's dump begins, bounded. Pure."""

from __future__ import annotations

import re
import typing as t

from .hostile import inert
from .log_lines import Line

MOST_LINES = 400
MOST_CHARACTERS = 32 * 1024
_BEGINNINGS = (
    ("go", re.compile(r"SIGQUIT: quit\b|goroutine \d+ .*\[[^\]]+\]:")),
    ("java", re.compile(r"Full thread dump ")),
)


def stacks(lines: t.Sequence[Line]) -> tuple[str, str, int, bool]:
    """(kind, text, lines of the whole dump, whether it was cut); kind is '' where there is none."""
    for number, line in enumerate(lines):
        for kind, beginning in _BEGINNINGS:
            if beginning.match(line.text):
                return kind, *_bounded([inert(each.text) for each in lines[number:]])
    return "", "", 0, False


def _bounded(lines: t.Sequence[str]) -> tuple[str, int, bool]:
    text = "\n".join(lines[:MOST_LINES])
    return text[:MOST_CHARACTERS], len(lines), len(lines) > MOST_LINES or len(text) > MOST_CHARACTERS
