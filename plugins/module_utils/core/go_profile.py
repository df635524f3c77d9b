# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of Go programs: profile.proto read into functions and bytes, and written again without what may be secret.

Pure. A profile is gzipped protobuf; what else comes under its address (a page, half a file, a bomb) is told apart.
"""

from __future__ import annotations

import collections
import dataclasses
import gzip
import typing as t
import zlib

from .go_wire import WireError, fields, numbers, signed, write_field

LIMIT = 8 * 1024 * 1024
"""Bytes of a profile, packed and unpacked: a large program's has one or two MiB."""
SPACE = "inuse_space"

SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING = 1, 2, 3, 4, 5, 6
COPIED = (7, 8, 9, 10, 11, 12, 14)
"""drop_frames, keep_frames, times, period and the default type. Not copied: comments (13) and links."""
UNKNOWN = ("?",)
RUNTIME = ("runtime.", "internal/runtime/")


class ProfileError(ValueError):
    """It is no profile. kind: html, not_gzip, damaged, truncated, too_large, not_profile."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclasses.dataclass(frozen=True)
class Profile:
    """types: names of the numbers of a sample, with their units. samples: (innermost function first, numbers)."""

    types: tuple[tuple[str, str], ...]
    samples: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    at: float = 0.0

    def column(self, name: str) -> int:
        """The place of a number in a sample, by its name: programs may have other ones before it."""
        for place, (found, _unit) in enumerate(self.types):
            if found == name:
                return place
        raise ProfileError("not_profile", f"it has no {name}, only {', '.join(n for n, _u in self.types) or 'nothing'}")


@dataclasses.dataclass(frozen=True)
class Holder:
    """One function. flat: bytes that it allocated itself and that are in use. cum: with what it called."""

    function: str
    flat: int
    cum: int
    caller: str = ""


def unpack(data: bytes, limit: int = LIMIT) -> bytes:
    """The protobuf inside, never more than limit bytes of it. Raises ProfileError."""
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise ProfileError("html", "it is a web page, no profile: a login or an error page answers there")
    if not data.startswith(b"\x1f\x8b"):
        raise ProfileError("not_gzip", f"it is no gzipped profile, it begins with {data[:8]!r}")
    packer = zlib.decompressobj(31)
    try:
        plain = packer.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProfileError("damaged", f"its gzip stream is damaged: {error}") from None
    if len(plain) > limit:
        raise ProfileError("too_large", f"it unpacks to more than {limit} bytes from {len(data)}")
    if not packer.eof:
        raise ProfileError("truncated", f"it ends in the middle, after {len(data)} bytes")
    return plain


def read(data: bytes) -> Profile:
    """A gzipped profile. Raises ProfileError."""
    plain = unpack(data)
    try:
        return _read(plain)
    except (WireError, IndexError, UnicodeDecodeError) as error:
        raise ProfileError("not_profile", f"it is no profile: {error}") from None


def _read(plain: bytes) -> Profile:
    parts: dict[int, list[bytes]] = collections.defaultdict(list)
    nanos = 0
    for number, value in fields(plain):
        if isinstance(value, bytes):
            parts[number].append(value)
        elif number == 9:
            nanos = signed(value)
    if not parts[SAMPLE_TYPE]:
        raise WireError("it has no sample types")
    names = [text.decode("utf-8", "replace") for text in parts[STRING]]
    functions = dict(_function(value, names) for value in parts[FUNCTION])
    locations = dict(_location(value, functions) for value in parts[LOCATION])
    return Profile(
        types=tuple(_value_type(value, names) for value in parts[SAMPLE_TYPE]),
        samples=tuple(_sample(value, locations) for value in parts[SAMPLE]),
        at=nanos / 1e9,
    )


def _ints(message: bytes) -> dict[int, int]:
    return {number: value for number, value in fields(message) if isinstance(value, int)}


def _value_type(message: bytes, names: t.Sequence[str]) -> tuple[str, str]:
    found = _ints(message)
    return names[found.get(1, 0)], names[found.get(2, 0)]


def _function(message: bytes, names: t.Sequence[str]) -> tuple[int, str]:
    found = _ints(message)
    return found.get(1, 0), names[found.get(2, 0)]


def _location(message: bytes, functions: t.Mapping[int, str]) -> tuple[int, tuple[str, ...]]:
    """Its functions, the innermost of inlined ones first; an address where there is no function."""
    identifier = address = 0
    lines = []
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            identifier = value
        elif number == 3 and isinstance(value, int):
            address = value
        elif number == 4 and isinstance(value, bytes):
            lines.append(functions.get(_ints(value).get(1, 0), "?"))
    return identifier, tuple(lines) or (f"0x{address:x}",)


def _sample(message: bytes, locations: t.Mapping[int, tuple[str, ...]]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    stack: list[str] = []
    values: list[int] = []
    for number, value in fields(message):
        if number == 1:
            for identifier in numbers(value):
                stack += locations.get(identifier, UNKNOWN)
        elif number == 2:
            values += [signed(item) for item in numbers(value)]
    return tuple(stack), tuple(values)


def holders(profile: Profile, name: str = SPACE) -> list[Holder]:
    """Functions by what they hold, the largest first. The runtime's own frames count for the function that called."""
    place = profile.column(name)
    flat: collections.Counter[str] = collections.Counter()
    cum: collections.Counter[str] = collections.Counter()
    callers: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for stack, values in profile.samples:
        held = values[place] if place < len(values) else 0
        if held <= 0 or not stack:
            continue
        frames = own(stack)
        flat[frames[0]] += held
        for function in frozenset(frames):
            cum[function] += held
        if len(frames) > 1:
            callers[frames[0]][frames[1]] += held
    found = [
        Holder(function, held, cum[function], callers[function].most_common(1)[0][0] if callers[function] else "")
        for function, held in flat.items()
    ]
    return sorted(found, key=lambda holder: (-holder.flat, holder.function))


def own(stack: tuple[str, ...]) -> tuple[str, ...]:
    """Without the runtime's frames at the inner end, unless there are no others."""
    for place, function in enumerate(stack):
        if not function.startswith(RUNTIME):
            return stack[place:]
    return stack


def total(profile: Profile, name: str = SPACE) -> int:
    place = profile.column(name)
    return sum(values[place] for _stack, values in profile.samples if place < len(values))


def growth(before: t.Mapping[str, int], after: t.Mapping[str, int]) -> list[tuple[str, int]]:
    """What each function holds more than before, the most first; without those that hold less."""
    grown = [(function, held - before.get(function, 0)) for function, held in after.items()]
    return sorted((row for row in grown if row[1] > 0), key=lambda row: (-row[1], row[0]))


def stripped(data: bytes) -> bytes:
    """The same profile, gzipped, for `go tool pprof`, without labels, comments and strings that only those used.

    A program labels its goroutines with what it works on: names of users, paths, tokens. Raises ProfileError.
    """
    plain = unpack(data)
    try:
        if all(number != SAMPLE_TYPE for number, _value in fields(plain)):
            raise WireError("it has no sample types")
        return gzip.compress(_strip(plain), 6, mtime=0)
    except (WireError, IndexError) as error:
        raise ProfileError("not_profile", f"it is no profile: {error}") from None


def _strip(plain: bytes) -> bytes:
    out: list[bytes] = []
    strings: list[bytes] = []
    used = {0}
    for number, value in fields(plain):
        if number == STRING and isinstance(value, bytes):
            strings.append(value)
        elif number == SAMPLE and isinstance(value, bytes):
            out.append(write_field(number, _strip_sample(value, used)))
        elif number in (SAMPLE_TYPE, 11, MAPPING, LOCATION, FUNCTION) and isinstance(value, bytes):
            used |= _used(number, value)
            out.append(write_field(number, value))
        elif number in COPIED:
            if number in (7, 8, 14) and isinstance(value, int):
                used.add(value)
            out.append(write_field(number, value))
    if max(used) >= len(strings):
        raise WireError("it names a text that it does not have")
    out += [write_field(STRING, text if place in used else b"") for place, text in enumerate(strings)]
    return b"".join(out)


TEXTS = {SAMPLE_TYPE: (1, 2), 11: (1, 2), MAPPING: (5, 6), LOCATION: (), FUNCTION: (2, 3, 4)}
"""Message -> its fields that are places in the table of strings."""


def _used(number: int, message: bytes) -> set[int]:
    found = _ints(message)
    return {found[place] for place in TEXTS[number] if place in found}


def _strip_sample(message: bytes, used: set[int]) -> bytes:
    """Numeric labels stay (the size of an object is one), those with a text go."""
    out = []
    for number, value in fields(message):
        if number == 3 and isinstance(value, bytes):
            label = _ints(value)
            if label.get(2) or not label.get(3):
                continue
            used |= {label.get(1, 0), label.get(4, 0)}
        if number in (1, 2, 3):
            out.append(write_field(number, value))
    return b"".join(out)
