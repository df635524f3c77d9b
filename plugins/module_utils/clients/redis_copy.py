# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a server's data, taken and verified before anything is removed.

The server saves (a BGSAVE, which moves LASTSAVE) and hands the file over as it would to a replica, so that the copy
lies where this module runs and not beside the original, which the next save overwrites.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import time
import typing as t

from ..core import redis_parse as parse
from ..core.redis_flush_gate import Copy
from ..core.redis_rdb import TAIL, shape, verify
from .deadline import Deadline
from .errors import CollectError
from .redis_link import Link
from .redis_options import RedisOptions
from .redis_probe import connect

CHUNK = 1024 * 1024
CHECKED_HERE = 4 * CHUNK
"""Above this the checksum is left to redis-check-rdb where there is one: Python does about 10 MB a second."""
POLL = 0.1
TIMED_OUT = 124
"""What timeout, of coreutils, exits with."""


Run = t.Callable[[list[str]], tuple[int, str, str]]
"""Runs a command; returns its exit status and what it said: run_command of a module."""


def take(link: Link, directory: str, deadline: Deadline, run: Run | None = None) -> Copy:
    """Copy everything into a new file in directory. A copy that can't be relied on says so in its problem."""
    options = link.options
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = "".join(char if char.isalnum() else "-" for char in options.address)
    path = os.path.join(directory, f"redis-{name}-{stamp}.rdb")
    try:
        before = _lastsave(link, deadline)
        received = _receive(options, path, deadline)
        problem = _saved(link, before, deadline) or check(path, deadline, run)
    except CollectError as error:
        return _useless(path, f"the copy failed: {error.message}")
    except OSError as error:
        return _useless(path, f"the copy can't be written to {directory}: {error.strerror or error}")
    return _useless(path, problem) if problem else Copy(path, received[0], received[1])


def _useless(path: str, problem: str) -> Copy:
    """A copy that can't be relied on is taken away: nobody is to believe in it later."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    return Copy("", 0, "", problem)


def _lastsave(link: Link, deadline: Deadline) -> int:
    """LASTSAVE counts whole seconds: let the present one pass, so that it can be seen to move."""
    last = parse.whole(link.must("LASTSAVE"))
    while parse.whole(parse.text(link.must("TIME")[0])) <= last:
        if not deadline.wait(POLL):
            break
    return last


def _saved(link: Link, before: int, deadline: Deadline) -> str:
    """What is wrong with the save behind the copy; "" where it went well."""
    while True:
        info = parse.info(parse.text(link.must("INFO", "persistence")))
        if info.get("rdb_bgsave_in_progress") != "1" and parse.whole(link.must("LASTSAVE")) > before:
            break
        if info.get("rdb_last_bgsave_status", "ok") != "ok":
            return "the save failed (the server's log says why)"
        if not deadline.wait(POLL):
            return "the save did not end in time: LASTSAVE has not moved"
    return "" if info.get("rdb_last_bgsave_status") == "ok" else "the save failed (the server's log says why)"


def _receive(options: RedisOptions, path: str, deadline: Deadline) -> tuple[int, str]:
    """Play a replica until the file is here: SYNC, its length, its bytes. Size and sha256."""
    with connect(options, deadline) as sock:
        reader = _Reader(sock, deadline)
        if options.password:
            words = [options.username] if options.username else []
            reader.command("AUTH", *words, options.password)
            _expect_ok(reader.line(), "the login", options)
        reader.command("SYNC")
        head = reader.line()
        while not head:
            head = reader.line()
        if not head.startswith(b"$") or not head[1:].isdigit():
            said = options.hide(head.decode("utf-8", "replace"))
            raise CollectError("permission" if b"NOPERM" in head else "failed", f"SYNC is refused: {said}")
        return _store(reader, int(head[1:]), path)


def _expect_ok(line: bytes, what: str, options: RedisOptions) -> None:
    if not line.startswith(b"+"):
        raise CollectError("auth", f"{what} is refused: {options.hide(line.decode('utf-8', 'replace'))}")


def _store(reader: _Reader, size: int, path: str) -> tuple[int, str]:
    digest, left = hashlib.sha256(), size
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while left:
            chunk = reader.some(min(CHUNK, left))
            file.write(chunk)
            digest.update(chunk)
            left -= len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


class _Reader:
    """Lines and bytes of one socket, within one deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._held = b""

    def command(self, *words: str) -> None:
        data = f"*{len(words)}\r\n".encode()
        for word in words:
            raw = word.encode()
            data += b"$%d\r\n%s\r\n" % (len(raw), raw)
        self._sock.settimeout(max(0.05, self._deadline.left()))
        self._sock.sendall(data)

    def line(self) -> bytes:
        while b"\n" not in self._held:
            self._held += self._more(4096)
        line, self._held = self._held.split(b"\n", 1)
        return line.rstrip(b"\r")

    def some(self, most: int) -> bytes:
        data, self._held = (self._held, b"") if self._held else (self._more(most), b"")
        self._held = data[most:]
        return data[:most]

    def _more(self, most: int) -> bytes:
        self._deadline.check("receiving the copy")
        self._sock.settimeout(max(0.05, self._deadline.left()))
        try:
            data = self._sock.recv(most)
        except OSError as error:
            raise CollectError("reset", f"the connection broke: {error}") from None
        if not data:
            raise CollectError("reset", "the server closed the connection")
        return data


def check(path: str, deadline: Deadline, run: Run | None = None) -> str:
    """What is wrong with an RDB file: by its own checksum, and by redis-check-rdb where there is one."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(TAIL)
        file.seek(max(0, size - TAIL))
        tail = file.read(TAIL)
    problem = shape(head, tail, size)
    if problem:
        return problem
    tool = shutil.which("redis-check-rdb") or shutil.which("valkey-check-rdb")
    said = _by_tool(tool, path, deadline, run) if tool and run else None
    if said is not None and (said or size > CHECKED_HERE):
        return said
    try:
        return verify(_chunks(path, deadline), tail)
    except CollectError:
        return "its checksum could not be verified in time: install redis-check-rdb, or raise the deadline"


def _chunks(path: str, deadline: Deadline) -> t.Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            deadline.check("verifying the copy")
            yield chunk


def _by_tool(tool: str, path: str, deadline: Deadline, run: Run) -> str | None:
    """What the tool says is wrong, "" where nothing is; None where the file's format is too new for it to tell."""
    name = os.path.basename(tool)
    status, said, more = run(["timeout", str(max(1, round(deadline.left()))), tool, path])
    if status == TIMED_OUT:
        return f"{name} gave no answer in time"
    if status and "RDB format version" in said + more:
        return None
    return "" if status == 0 else f"{name} rejects it (exit status {status})"
