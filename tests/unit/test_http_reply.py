# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our reader of HTTP answers beside http.client: the same bytes give the same answer, or fail in the same way."""

from __future__ import annotations

import http.client
import io
import random
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients.http_reply import CutOff, NotHttp, Reply

STEP = 16384
OK = b"HTTP/1.1 200 OK\r\n"


class Drip(io.RawIOBase):
    """A wire that gives a few bytes at a time, and breaks after the last one where it is told to."""

    def __init__(self, data: bytes, step: int = 7, breaks: bool = False) -> None:
        super().__init__()
        self._left, self._step, self._breaks = data, step, breaks

    def readable(self) -> bool:
        return True

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 8192)

    def readinto(self, buffer: Any) -> int:
        if not self._left and self._breaks:
            raise TimeoutError
        step = min(self._step, len(buffer))
        part, self._left = self._left[:step], self._left[step:]
        buffer[: len(part)] = part
        return len(part)


def ours(data: bytes, step: int, breaks: bool) -> Any:
    try:
        reply = Reply(Drip(data, step, breaks))
        parts = []
        while part := reply.read(STEP):
            parts.append(part)
    except TimeoutError:
        return "late"
    except (CutOff, OSError):
        return "cut off"
    except NotHttp:
        return "not HTTP"
    return reply.status, reply.headers, b"".join(parts), reply.length or None


def theirs(data: bytes, step: int, breaks: bool) -> Any:
    try:
        reply = http.client.HTTPResponse(Drip(data, step, breaks), method="GET")  # type: ignore[arg-type]
        reply.begin()
        parts = []
        while part := reply.read(STEP):
            parts.append(part)
    except TimeoutError:
        return "late"
    except (http.client.IncompleteRead, OSError):
        return "cut off"
    except (http.client.HTTPException, ValueError):
        return "not HTTP"
    return reply.status, reply.getheaders(), b"".join(parts), reply.length or None


def same(data: bytes, step: int = 7, breaks: bool = False) -> Any:
    found = ours(data, step, breaks)
    assert found == theirs(data, step, breaks), data
    return found


WHOLE = [
    OK + b"Content-Length: 5\r\nServer: x\r\n\r\nhello and more",
    OK + b"\r\nuntil the end",
    OK + b"Content-Length: 50\r\n\r\nends early",
    OK + b"Content-Length: 0\r\n\r\nx",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\nmore",
    OK + b"transfer-encoding: Chunked\r\nContent-Length: 3\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"A: 1\r\na: 2\r\nA: 3\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nbody",
    OK + b"Folded: one\r\n two\r\n\tthree\r\nAfter: x\r\n\r\nbody",
    OK + b" begins folded\r\nAfter: x\r\n\r\nbody",
    OK + b"Good: x\r\nno colon here\r\nContent-Length: 3\r\n\r\nbody",
    OK + b": no name\r\nAfter: x\r\n\r\nbody",
    OK + b"Two words: x\r\nAfter: x\r\n\r\nbody",
    OK + b"From me: x\r\nFrom : y\r\nAfter: x\r\n\r\nbody",
    OK + b"Bare: return\rin: it\r\nAfter: x\r\n\r\nbody",
    OK + b"Spaces:  \t around \t \r\nEmpty:\r\nHigh: \xe4\xff\x85\x0b\x00\r\n\r\nbody",
    OK + b"N\xe4me: x\r\nAfter: x\r\n\r\nbody",
    OK.replace(b"\r", b"") + b"Line-Ends: bare\nContent-Length: 4\n\nbody",
    OK + b"Content-Length: 3\r\n",
    OK + b"Content-Len",
    OK,
    b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 100\r\n\r\n" + OK + b"\r\nbody",
    b"HTTP/1.0 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
    b"HTTP/1.1 304 Not Modified\r\n\r\nbody",
    b"HTTP/1.1 101 Switching\r\n\r\nbody",
    b"HTTP/0.9 200\r\n\r\nbody",
    b"HTTP/1.7 200 a reason with words\r\n\r\nbody",
    *(
        OK + b"Content-Length: " + size + b"\r\n\r\nbody"
        for size in (b"-1", b"x", b"", b" 3 ", b"+3", b"1_0", b"9" * 40)
    ),
    OK + b"X: " + b"y" * 65530 + b"\r\n\r\nbody",
    OK + b"X: y\r\n" * 99 + b"\r\nbody",
]


@pytest.mark.parametrize("data", WHOLE)
@pytest.mark.parametrize("step", [7, 65536])
def test_answers_are_read_as_http_client_reads_them(data: bytes, step: int) -> None:
    assert isinstance(same(data, step), tuple)


BROKEN = {
    "cut off": [
        b"",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        *(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + body
            for body in (b"", b"5\r\nhel", b"5\r\nhello", b"x\r\nhello")
        ),
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ],
    "not HTTP": [
        b"\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x15\x03\x01\x00\x02\x02",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 1000 x\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 65536,
        OK + b"X: " + b"y" * 65536 + b"\r\n\r\nbody",
        OK + b"X: y\r\n" * 100 + b"\r\nbody",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 65537,
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"t" * 65537,
    ],
}


@pytest.mark.parametrize(("how", "data"), [(how, data) for how, several in BROKEN.items() for data in several])
@pytest.mark.parametrize("step", [7, 65536])
def test_what_is_broken_fails_as_with_http_client(how: str, data: bytes, step: int) -> None:
    assert same(data, step) == how


PIECES = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b"\0", b"\xff", b"x", b"5", b"0", b"-", b"\r\n\r\n", b"From "),
    *(b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Server: x\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"),
    *(b"HTTP/1.1 ", b"200", b"100 Continue\r\n\r\n", OK),
]


@pytest.mark.parametrize("breaks", [False, True], ids=["ends", "stalls"])
def test_random_mixtures_are_read_as_http_client_reads_them(breaks: bool) -> None:
    source = random.Random(11)
    for _turn in range(4000):
        head = OK if source.random() < 0.8 else b""
        data = head + b"".join(source.choice(PIECES) for _piece in range(source.randint(0, 14)))
        same(data, source.choice((1, 3, 4096)), breaks)


def test_the_file_of_a_body_is_let_go_and_the_wire_with_it() -> None:
    wire = Drip(OK + b"\r\nbody")
    Reply(wire).close()
    assert wire.closed
