# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that an Alertmanager hands out: which receivers there are, and its text without what is secret.

Pure, and without a YAML library: it is written by the server itself, always in the same form. It masks what it calls
secret, but not the URLs of webhooks, which are as good as a password.
"""

from __future__ import annotations

import re

LONGEST = 256 * 1024
MASK = "[redacted]"

_SECTION = re.compile(r"([a-z_]+):(?:\s.*)?")
_RECEIVER = re.compile(r"- name: (.*)")
_INTEGRATION = re.compile(r"  ([a-z0-9]+)_configs:")
_PAIR = re.compile(r"(\s*(?:- )?)([A-Za-z0-9_]+):(?: (.*))?")
_HARMLESS = re.compile(r"true|false|null|-?\d{1,9}|\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smh]))*|\[\]|\{\}|")
_OPEN = ("route", "inhibit_rules", "mute_time_intervals", "time_intervals")
"""Sections without anything secret: they hold names, labels and times."""


def receivers(text: str) -> dict[str, tuple[str, ...]] | None:
    """Receiver -> its integrations (none: it sends nothing anywhere); None where the text can't be told apart."""
    found: dict[str, list[str]] = {}
    section = name = ""
    for line in text[:LONGEST].split("\n"):
        top = _SECTION.fullmatch(line)
        if top:
            section = top.group(1)
            continue
        if section != "receivers":
            continue
        receiver, integration = _RECEIVER.fullmatch(line), _INTEGRATION.fullmatch(line)
        if receiver:
            name = _plain(receiver.group(1))
            found[name] = []
        elif integration and name in found:
            found[name].append(integration.group(1))
    return {name: tuple(kinds) for name, kinds in found.items()} or None


def _plain(text: str) -> str:
    """A scalar without the quotes that YAML puts around names such as "null"."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text


def redacted(text: str) -> str:
    """The text for evidence. Outside of routes, of all values only names of receivers, numbers, times and yes or no
    stay; what is no plain pair is masked as a whole."""
    lines = []
    section = ""
    for line in text[:LONGEST].split("\n"):
        top = _SECTION.fullmatch(line)
        if top:
            section = top.group(1)
        lines.append(line if section in _OPEN else _masked(line))
    return "\n".join(lines)


def _masked(line: str) -> str:
    if not line.strip() or _RECEIVER.fullmatch(line):
        return line
    pair = _PAIR.fullmatch(line)
    if pair is None:
        indent = line[: len(line) - len(line.lstrip())]
        return indent + MASK
    value = pair.group(3)
    if value is None or _HARMLESS.fullmatch(value.strip()):
        return line
    return f"{pair.group(1)}{pair.group(2)}: {MASK}"
