# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that others wrote, made inert: nothing in it moves a cursor, colours a terminal or breaks a decoder.

Jinja's braces stay: they are text, and who templates a result marks it unsafe.
"""

from __future__ import annotations

import re

LIMIT = 64 * 1024
"""Characters of one string that are kept."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]?"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS: titles
    r"|\x1b[ -/]{0,8}[0-~]?"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LINES = re.compile("\r\n?|\x85|\u2028|\u2029")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def inert(text: str) -> str:
    """Without escape sequences and control characters (but newline and tab), without half characters."""
    if not _SUSPECT.search(text):
        return text
    text = _LINES.sub("\n", _ESCAPES.sub("", text))
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def cut(text: str, limit: int = LIMIT) -> str:
    """At most limit characters, with a mark that says how many there were."""
    if len(text) <= limit:
        return text
    mark = f" ... [cut, {len(text)} characters in all]"
    end = limit - len(mark)
    inside = text.rfind("[redacted", end - 24, end)
    return text[: inside if inside >= 0 and "]" not in text[inside:end] else end] + mark
