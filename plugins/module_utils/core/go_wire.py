# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protobuf wire format, as far as profile.proto needs it: fields in, fields out. Pure.

Reading is total: what is no valid message raises WireError, whatever the bytes are.
"""

from __future__ import annotations

import typing as t

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

Value = t.Union[int, bytes]


class WireError(ValueError):
    """The bytes are no message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """(number, position behind it)."""
    if at < len(data) and data[at] < 0x80:  # nearly all of them
        return data[at], at + 1
    number = shift = 0
    for end in range(at, min(len(data), at + 10)):
        byte = data[end]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, end + 1
        shift += 7
    raise WireError(f"a number that does not end, at byte {at}")


def fields(data: bytes) -> t.Iterator[tuple[int, Value]]:
    """(field number, value) of each field in order; a value is a number, or bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise WireError(f"field number 0 at byte {at}")
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            length, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"wire type {kind} at byte {at}")
        if at + length > end:
            raise WireError(f"field {number} wants {length} bytes at byte {at}, {end - at} are there")
        yield number, data[at : at + length]
        at += length


def numbers(value: Value) -> t.Iterator[int]:
    """A repeated number, packed or not."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = varint(value, at)
        yield number


def signed(number: int) -> int:
    """An int64 as it was before it was written."""
    return number - (1 << 64) if number >= 1 << 63 else number


def write_varint(number: int) -> bytes:
    out = bytearray()
    number &= 0xFFFFFFFFFFFFFFFF
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def write_field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return write_varint(number << 3 | VARINT) + write_varint(value)
    return write_varint(number << 3 | BYTES) + write_varint(len(value)) + value
