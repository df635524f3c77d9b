# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs functions in forked children with a hard limit each, so that a hang or a crash of a library can't take the play
along, and so that many can look at the same time."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import select
import signal
import time
import traceback
import typing as t
import warnings

CHUNK = 65536


Work = t.Callable[[], "dict[str, t.Any]"]


class GuardError(Exception):
    """The child gave no result: it crashed, it hung, or it raised. The text says which."""


Answer = t.Union["dict[str, t.Any]", GuardError]
Chain = t.Generator[tuple[Work, float], Answer, t.Any]
"""Work that follows from the result of work: yields a function and its limit in seconds, and is sent what it gave."""


@dataclasses.dataclass
class _Job:
    """A child at work. end: when it is stopped, by the monotonic clock."""

    number: int
    child: int
    reader: int
    limit: float
    end: float
    parts: list[bytes] = dataclasses.field(default_factory=list)
    late: bool = False


def call(function: Work, limit: float) -> dict[str, t.Any]:
    """function() in a child of this process; its result travels as JSON. Raises GuardError after limit seconds."""
    found = together([(function, limit)])[0]
    if isinstance(found, GuardError):
        raise found
    return found


def together(wanted: t.Sequence[tuple[Work, float]], most: int = 8) -> list[Answer]:
    """Many functions, each in a child of its own with its own limit in seconds, at most so many at a time; what each
    one gave, in the order in which they were given."""
    return t.cast("list[Answer]", chains([_single(work, limit) for work, limit in wanted], most))


def _single(work: Work, limit: float) -> Chain:
    return (yield work, limit)


def chains(wanted: t.Sequence[Chain], most: int) -> list[t.Any]:
    """What each chain returned, in their order. All go on at the same time, with at most so many children."""
    results: dict[int, t.Any] = {}
    waiting = list(enumerate(wanted))
    running: list[_Job] = []
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number, chain = waiting.pop(0)
                running += _go_on(number, chain, None, results)
            for job in _ended(running) if running else ():
                running.remove(job)
                running += _go_on(job.number, wanted[job.number], _result(job), results)
    finally:
        for job in running:
            os.kill(job.child, signal.SIGKILL)
            _leave(job)
    return [results[number] for number in range(len(wanted))]


def _go_on(number: int, chain: Chain, answer: Answer | None, results: dict[int, t.Any]) -> list[_Job]:
    """The next work of a chain, begun; none where it has ended, which leaves its result."""
    try:
        function, limit = next(chain) if answer is None else chain.send(answer)
    except StopIteration as end:
        results[number] = end.value
        return []
    return [_start(number, function, limit)]


def _start(number: int, function: Work, limit: float) -> _Job:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The child runs nothing of the parent's other threads; it writes one message and leaves by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _child(function, reader, writer)
    os.close(writer)
    return _Job(number, child, reader, limit, time.monotonic() + limit)


def _ended(running: t.Sequence[_Job]) -> list[_Job]:
    """Waits until somebody has written or is late; returns who has written everything, or is late."""
    soonest = min(job.end for job in running)
    readers = [job.reader for job in running]
    ready, _w, _x = select.select(readers, [], [], max(0.0, soonest - time.monotonic()))
    ended = []
    for job in running:
        chunk = os.read(job.reader, CHUNK) if job.reader in ready else None
        if chunk:
            job.parts.append(chunk)
        elif chunk is not None:
            ended.append(job)
        elif time.monotonic() >= job.end:
            job.late = True
            os.kill(job.child, signal.SIGKILL)
            ended.append(job)
    return ended


def _leave(job: _Job) -> int:
    """Close the pipe and take leave of the child; its status."""
    os.close(job.reader)
    return os.waitpid(job.child, 0)[1]


def _result(job: _Job) -> Answer:
    status = _leave(job)
    if job.late:
        return GuardError(f"it did not end within {job.limit:.0f} s and was stopped")
    data = b"".join(job.parts)
    if not data:
        return GuardError(f"it ended without a result ({_ending(status)})")
    answer = json.loads(data)
    return GuardError(answer["error"]) if "error" in answer else dict(answer["result"])


def _child(function: t.Callable[[], dict[str, t.Any]], reader: int, writer: int) -> t.NoReturn:
    code = 1
    # What came from the parent stays: to search it for garbage would copy all of its memory.
    gc.freeze()
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


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit status {os.WEXITSTATUS(status)}"
