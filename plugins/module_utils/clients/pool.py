# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many small calls at once, a bounded number of threads, one deadline for all."""

from __future__ import annotations

import queue
import threading
import typing as t

from .deadline import Deadline
from .errors import CollectError

Key = t.TypeVar("Key", bound=t.Hashable)


def gather(jobs: t.Mapping[Key, t.Callable[[], t.Any]], deadline: Deadline, workers: int = 16) -> dict[Key, t.Any]:
    """Run all jobs; key -> result, or the CollectError that it raised: of kind deadline for what is not done in time.

    Threads are daemons and are left behind when time is up: a call that hangs costs its thread, not the run.
    """
    waiting: queue.SimpleQueue[tuple[Key, t.Callable[[], t.Any]] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Key, t.Any]] = queue.SimpleQueue()
    for item in jobs.items():
        waiting.put(item)
    threads = min(workers, len(jobs))
    for _number in range(threads):
        waiting.put(None)
        threading.Thread(target=_work, args=(waiting, done, deadline), daemon=True).start()
    results: dict[Key, t.Any] = {}
    while len(results) < len(jobs):
        try:
            key, result = done.get(timeout=max(0.001, deadline.left()))
        except queue.Empty:
            break
        results[key] = result
    late = CollectError("deadline", f"not done within {deadline.seconds:g} s")
    return {key: results.get(key, late) for key in jobs}


def _work(waiting: queue.SimpleQueue[t.Any], done: queue.SimpleQueue[t.Any], deadline: Deadline) -> None:
    while True:
        item = waiting.get()
        if item is None or deadline.expired():
            return
        key, job = item
        try:
            done.put((key, job()))
        except CollectError as error:
            done.put((key, error))
        except Exception as error:
            done.put((key, CollectError("failed", f"{type(error).__name__}: {error}")))
