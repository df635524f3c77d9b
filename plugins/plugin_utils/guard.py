# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a function in a forked child with a hard limit, so that a hang or a crash of a library can't take the play
along."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
import typing as t
import warnings

CHUNK = 65536


class GuardError(Exception):
    """The child gave no result: it crashed, it hung, or it raised. The text says which."""


def call(function: t.Callable[[], dict[str, t.Any]], limit: float) -> dict[str, t.Any]:
    """function() in a child of this process; its result travels as JSON. Raises GuardError after limit seconds."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The child runs nothing of the parent's other threads; it writes one message and leaves by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _child(function, reader, writer)
    os.close(writer)
    try:
        data = _read(reader, time.monotonic() + limit)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise GuardError(f"it did not end within {limit:.0f} s and was stopped") from None
    finally:
        os.close(reader)
        _pid, status = os.waitpid(child, 0)
    if not data:
        raise GuardError(f"it ended without a result ({_ending(status)})")
    answer = json.loads(data)
    if "error" in answer:
        raise GuardError(answer["error"])
    return dict(answer["result"])


def _child(function: t.Callable[[], dict[str, t.Any]], reader: int, writer: int) -> t.NoReturn:
    code = 1
    try:
        os.close(reader)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        try:
            message = json.dumps({"result": function()}, default=str)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            message = json.dumps(
                {"error": f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"}
            )
        with os.fdopen(writer, "wb") as handle:
            handle.write(message.encode())
        code = 0
    finally:
        os._exit(code)


def _read(reader: int, end: float) -> bytes:
    parts: list[bytes] = []
    while True:
        ready, _w, _x = select.select([reader], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(reader, CHUNK)
        if not chunk:
            return b"".join(parts)
        parts.append(chunk)


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit status {os.WEXITSTATUS(status)}"
