# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a certificate is valid, out of its DER. Pure.

Python's ssl module tells it only of certificates that it verified; this is read of every one.
"""

from __future__ import annotations

import datetime

from .http_snapshot import Certificate

SEQUENCE = 0x30
VERSION = 0xA0
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18


def validity(der: bytes | None) -> Certificate:
    """notBefore and notAfter; both None for what is no certificate."""
    try:
        body = _enter(_enter(der or b"", 0), 0)
        at = 0
        if body[0] == VERSION:
            at = _span(body, at)[1]
        for _skipped in ("serial number", "signature", "issuer"):
            at = _span(body, at)[1]
        period = _enter(body, at)
        start, end = _span(period, 0)
        return Certificate(_time(period, 0, start, end), _time(period, end, *_span(period, end)))
    except (IndexError, ValueError, OverflowError):
        return Certificate()


def _span(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at this place begins and ends."""
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("cut off")
    return start, start + length


def _enter(data: bytes, at: int) -> bytes:
    if data[at] != SEQUENCE:
        raise ValueError("no sequence")
    start, end = _span(data, at)
    return data[start:end]


def _time(data: bytes, at: int, start: int, end: int) -> float:
    text = data[start:end].decode("ascii")
    if data[at] == UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif data[at] != GENERALIZED_TIME:
        raise ValueError("no time")
    found = datetime.datetime.strptime(text[:14], "%Y%m%d%H%M%S")
    return found.replace(tzinfo=datetime.timezone.utc).timestamp()
