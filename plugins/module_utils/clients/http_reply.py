# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1 answer as it comes off a wire: status, headers, then the body in parts.

It reads what http.client reads, with its limits, in a fraction of the time: http.client gives each header to the parser
of mail. A tidy head is split here; any other one (folded, without a colon, odd line ends) goes to that parser still.
"""

from __future__ import annotations

import io
import re
import typing as t

LONGEST_LINE = 65536
MOST_HEADERS = 100
"""Lines of a head, its empty last one included."""
CONTINUE = 100
EMPTY = (204, 304)
"""What has no body, whatever its headers say; nor has anything below 200."""
_TIDY = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n")


class NotHttp(Exception):
    """What came is no HTTP. The text says what is wrong with it."""


class CutOff(Exception):
    """The connection ended within a chunk."""


class Reply:
    """status, headers in order (the name as it was sent, its value), and length: bytes of the body that are still to
    come, None where only its end tells."""

    def __init__(self, raw: io.RawIOBase) -> None:
        """Reads the head. Raises NotHttp, ConnectionResetError where nothing comes, and what raw raises."""
        self._file = io.BufferedReader(raw, 8192)
        version, self.status = self._first_line()
        while self.status == CONTINUE:
            self._head()
            version, self.status = self._first_line()
        if not version.startswith("HTTP/1.") and version != "HTTP/0.9":
            raise NotHttp(f"it speaks {version[:20]!r}")
        self.headers = _pairs(self._head())
        first: dict[str, str] = {}
        for name, value in self.headers:
            first.setdefault(name.lower(), value)
        self._chunked = first.get("transfer-encoding", "").lower() == "chunked"
        self._chunk: int | None = None
        self.length = None if self._chunked else _length(first.get("content-length", ""))
        if self.status in EMPTY or self.status < 200:
            self.length = 0
        self._over = False

    def read(self, most: int) -> bytes:
        """The next bytes of the body, fewer than most only where it ends. Raises CutOff, NotHttp, and what raw does."""
        if self._over or not most:
            return b""
        if self._chunked:
            return self._read_chunks(most)
        data = self._file.read(most if self.length is None else min(most, self.length))
        if self.length is not None:
            self.length -= len(data)
        self._over = not data or self.length == 0
        return data

    def close(self) -> None:
        """Let go of the wire; the socket below stays open."""
        self._file.close()

    def _line(self, what: str) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise NotHttp(f"{what} is longer than {LONGEST_LINE // 1024} KiB")
        return line

    def _first_line(self) -> tuple[str, int]:
        line = self._line("its first line").decode("latin-1")
        if not line:
            raise ConnectionResetError("it ended without an answer")
        version, status, *_reason = (*line.split(None, 2), "", "")
        if not version.startswith("HTTP/"):
            raise NotHttp("its first line does not begin with HTTP/")
        try:
            number = int(status)
        except ValueError:
            number = 0
        if not 100 <= number <= 999:
            raise NotHttp("its first line has no status")
        return version, number

    def _head(self) -> list[bytes]:
        """All lines up to the empty one, or to the end of what comes."""
        lines: list[bytes] = []
        while True:
            line = self._line("a header")
            lines.append(line)
            if len(lines) > MOST_HEADERS:
                raise NotHttp(f"it has more than {MOST_HEADERS} headers")
            if line in (b"\r\n", b"\n", b""):
                return lines

    def _read_chunks(self, most: int) -> bytes:
        parts: list[bytes] = []
        while most and not self._over:
            left = self._chunk or self._next_chunk()
            if left:
                parts.append(self._exactly(min(most, left)))
                self._chunk = left - len(parts[-1])
                most -= len(parts[-1])
        return b"".join(parts)

    def _next_chunk(self) -> int:
        """The size of the chunk that begins now; after the last one the body is over."""
        if self._chunk is not None:
            self._exactly(2)
        try:
            size = int(self._line("the size of a chunk").partition(b";")[0], 16)
        except ValueError:
            raise CutOff from None
        self._chunk = size
        if size < 0:
            raise NotHttp("the size of a chunk is below zero")
        if not size:
            while self._line("a trailer") not in (b"\r\n", b"\n", b""):
                pass
            self._over = True
        return size

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise CutOff
        return data


def _length(value: str) -> int | None:
    try:
        length = int(value)
    except ValueError:
        return None
    return length if length >= 0 else None


def _pairs(lines: t.Sequence[bytes]) -> list[tuple[str, str]]:
    matches = [_TIDY.fullmatch(line) for line in lines[:-1]]
    if all(matches):
        return [(match[1].decode("latin-1"), match[2].decode("latin-1")) for match in matches if match]
    import http.client  # and the parser of mail with it: nobody else needs them

    return http.client.parse_headers(io.BytesIO(b"".join(lines))).items()
