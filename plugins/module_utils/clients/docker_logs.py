# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a container's log, bounded in lines and bytes whatever the log is like.

Docker frames the two streams of a container without a terminal (8 bytes before each piece) and sends a terminal's as it
is. A line beyond 16 KiB comes in pieces, each with a time of its own; less than the first piece of it is kept here.
"""

from __future__ import annotations

import collections
import typing as t

from ..core.log_lines import Line, line_from_bytes
from .deadline import Deadline

LONGEST_LINE = 8 * 1024
MOST_READ = 8 * 1024 * 1024


class Tail(t.NamedTuple):
    lines: list[Line]
    cut: bool


class _Collector:
    """Keeps the last lines, and of each line its beginning."""

    def __init__(self, lines: int, budget: int) -> None:
        self._lines: collections.deque[tuple[bytes, int]] = collections.deque()
        self._most = lines
        self._budget = budget
        self._size = 0
        self._open: dict[int, bytes] = {}
        self._whole: dict[int, int] = {}
        self.cut = False

    def piece(self, data: bytes, stream: int) -> None:
        """Whole lines, or a part of one."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            self._add(stream, line)
            self._close(stream)
        if rest:
            self._add(stream, rest)

    def _add(self, stream: int, data: bytes) -> None:
        before = self._open.get(stream, b"")
        self._whole[stream] = self._whole.get(stream, 0) + len(data)
        self._open[stream] = before + data[: max(0, LONGEST_LINE - len(before))]

    def _close(self, stream: int) -> None:
        data, whole = self._open.pop(stream, b""), self._whole.pop(stream, 0)
        if whole > len(data):
            data += b" ... [cut, %d bytes in all]" % whole
            self.cut = True
        self._lines.append((data, stream))
        self._size += len(data)
        while len(self._lines) > self._most or self._size > self._budget:
            self.cut = self.cut or len(self._lines) <= self._most
            self._size -= len(self._lines.popleft()[0])

    def lines(self) -> list[Line]:
        for stream in sorted(self._open):
            self._close(stream)
        return [line_from_bytes(data, stream) for data, stream in self._lines]


Read = t.Callable[[int], bytes]


def read_tail(read: Read, tty: bool, lines: int, budget: int, deadline: Deadline) -> Tail:
    """read(n) gives up to n bytes, nothing at the end."""
    collector = _Collector(lines, budget)
    pieces = _terminal(read) if tty else _framed(read)
    total = 0
    for stream, data in pieces:
        collector.piece(data, stream)
        total += len(data)
        if total > MOST_READ or deadline.expired():
            collector.cut = True
            break
    return Tail(collector.lines(), collector.cut)


def _exactly(read: Read, size: int) -> bytes:
    parts = []
    while size > 0:
        data = read(size)
        if not data:
            break
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _framed(read: Read) -> t.Iterator[tuple[int, bytes]]:
    while True:
        header = _exactly(read, 8)
        if len(header) < 8:
            return
        size = int.from_bytes(header[4:], "big")
        while size > 0:
            data = _exactly(read, min(size, 64 * 1024))
            if not data:
                return
            size -= len(data)
            yield (header[0] or 1), data


def _terminal(read: Read) -> t.Iterator[tuple[int, bytes]]:
    while True:
        data = read(64 * 1024)
        if not data:
            return
        yield 1, data
