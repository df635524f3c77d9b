# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this file a whole RDB? Its header, its end, and its checksum (CRC-64 as Redis has it). Pure."""

from __future__ import annotations

import typing as t

POLYNOMIAL = 0x95AC9329AC4BC9B5
"""The polynomial of Jones, reflected."""
END = 0xFF
TAIL = 9
"""End marker and checksum."""


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _bit in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc64(data: bytes, crc: int = 0) -> int:
    """Goes on from the crc of what came before."""
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def shape(head: bytes, tail: bytes, size: int) -> str:
    """What is wrong with the first and the last nine bytes of a file of this size; "" where nothing is."""
    if size < TAIL * 2:
        return f"it has only {size} bytes"
    if head[:5] not in (b"REDIS", b"VALKE") or not head[5:9].strip(b"Y").isdigit():
        return "it does not begin as an RDB"
    if tail[-TAIL] != END:
        return "it does not end as an RDB: it is cut off"
    return ""


def checksum(tail: bytes) -> int | None:
    """The checksum that the file ends with; None where the server does not write one (rdbchecksum no)."""
    found = int.from_bytes(tail[-8:], "little")
    return found or None


def verify(chunks: t.Iterable[bytes], tail: bytes) -> str:
    """Compare the checksum over everything before it. What is wrong, "" where nothing is."""
    wanted = checksum(tail)
    if wanted is None:
        return ""
    crc, held = 0, b""
    for chunk in chunks:
        held += chunk
        crc, held = crc64(held[:-8], crc), held[-8:]
    return "" if crc == wanted else "its checksum is wrong: it is damaged"
