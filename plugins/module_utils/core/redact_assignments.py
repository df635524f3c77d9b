# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NAME=value, NAME: value and "NAME": "value" inside a text, where the name says that the value is a secret."""

from __future__ import annotations

import re

from .redact_names import NO, STRONG, is_secret, looks_secret, mask, name_kind

WORDS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "dsn",
    "cookie",
    "sess",
    "sas",
    "sig",
    "jwt",
    "pw",
    "salt",
    "webhook",
    "bearer",
    "jaas",
    "connectionstring",
    "connection_string",
    "connection-string",
)
_LEFT = re.compile(r"[A-Za-z0-9_.\-]*")
_ASSIGN = re.compile(r"([A-Za-z0-9_.\-]{0,48})(\\{0,3}[\"']?\s{0,3}(?:=>|[:=]{1,2})\s{0,3})")
_VALUE = re.compile(
    r"\\\"(?P<e>(?:[^\"\\\n]|\\(?!\")[^\n])*)|\"(?P<d>(?:[^\"\\]|\\.)*)|'(?P<s>(?:[^'\\]|\\.|'')*)"
    r"|(?P<u>(?:[^\s\"'&<>,;\\]|[,;](?!\s|$|[A-Za-z_.\-]{1,30}\s{0,3}[=:])){1,256})",
    re.S,
)
_MORE = re.compile(r"[^\s\"'&<>,;\\]*")


def _hits(text: str, lower: str) -> list[tuple[int, re.Match[str]]]:
    """Where a word that may mean a secret is followed by = or a colon: (start of the word, the match after it)."""
    found = []
    for word in WORDS:
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            match = _ASSIGN.match(text, end)
            if match:
                found.append((at, match))
            at = lower.find(word, end)
    return sorted(found, key=lambda hit: (hit[1].end(), hit[0]))


def mask_assignments(text: str, lower: str) -> tuple[str, int]:
    """The text without those values, and how many there were. lower: the text in lower case."""
    parts: list[str] = []
    last = count = before = 0
    for at, match in _hits(text, lower):
        if at < last or match.end() == before:
            continue
        left = _LEFT.match(text[max(0, at - 48) : at][::-1])
        name = (left.group()[::-1] if left else "") + text[at : match.end(1)]
        before = match.end()
        span = None if name_kind(name) == NO else _value_span(text, name, match)
        if span:
            parts += [text[last : span[0]], mask(text[span[0] : span[1]])]
            last = span[1]
            count += 1
    return ("".join(parts) + text[last:], count) if count else (text, 0)


def _value_span(text: str, name: str, match: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret after NAME= starts and ends, if it is one."""
    value = _VALUE.match(text, match.end())
    if value is None or value.lastgroup is None:
        return None
    start, end = value.span(value.lastgroup)
    secret = value.group(value.lastgroup)
    if value.lastgroup == "u":
        secret = secret.rstrip(",;)}")
        if _is_prose(name, match.group(2), secret):
            return None
        end = start + len(secret)
        more = _MORE.match(text, end) if len(secret) == 256 else None
        end = more.end() if more else end
    return (start, end) if is_secret(name, secret) and not secret.startswith("[redacted") else None


def _is_prose(name: str, separator: str, value: str) -> bool:
    """host:port, and "auth: connection refused" in a sentence."""
    if "=" in separator:
        return False
    if separator == ":" and re.match(r"\d{1,5}(?!\w)|//", value):
        return True
    return (separator == ":" or name_kind(name) != STRONG) and not looks_secret(value)
