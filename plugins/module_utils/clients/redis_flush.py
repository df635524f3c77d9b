# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples the keys that would go, and removes them: by SCAN and UNLINK at a limited rate, or FLUSHDB ASYNC."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..core import redis_parse as parse
from ..core.redis_flush_gate import PREFIXES, Sampled
from .deadline import Deadline
from .errors import CollectError
from .redis_link import Link, ReplyError

STEP = 200
SAMPLE_KEYS = 1000
SAMPLE_SECONDS = 3.0
POLL = 0.05
RESERVE = 5.0
"""Seconds before the deadline at which no more keys are removed, so that what was done can still be said."""


@dataclasses.dataclass(frozen=True)
class Removed:
    """keys: how many were removed. complete: everything that was to go is gone, and its memory given back."""

    keys: int
    complete: bool
    pending: int = 0


def info(link: Link) -> dict[str, str]:
    found = parse.info(parse.text(link.must("INFO", "everything")))
    return found if found.get("run_id") else parse.info(parse.text(link.must("INFO")))


def scan(link: Link, pattern: str, end: float) -> t.Iterator[list[bytes]]:
    """The keys of the database in steps; the last step is empty where all were seen, and missing where time ran out."""
    cursor, words = "0", (["MATCH", pattern] if pattern else [])
    while time.monotonic() < end:
        following, keys = link.must("SCAN", cursor, *words, "COUNT", STEP)
        cursor = parse.text(following)
        if keys:
            yield list(keys)
        if cursor == "0":
            yield []
            return


def sample(link: Link, pattern: str, prefixes: t.Sequence[str] = ()) -> Sampled:
    """Look at up to SAMPLE_KEYS keys: do they expire, are they streams, and what are they called?"""
    names = tuple(prefix.lower() for prefix in (*PREFIXES, *prefixes))
    seen, expiring, streams, telling, complete = 0, 0, [], [], False
    for keys in scan(link, pattern, time.monotonic() + SAMPLE_SECONDS):
        complete = not keys
        answers = link.ask_all([word for key in keys for word in (("TYPE", key), ("PTTL", key))])
        for key, kind, left in zip(keys, answers[::2], answers[1::2]):
            if isinstance(kind, ReplyError) or isinstance(left, ReplyError):
                raise CollectError(
                    "permission", f"TYPE and PTTL are refused: {kind if isinstance(kind, ReplyError) else left}"
                )
            seen += 1
            expiring += int(left) > 0
            name = parse.text(key)
            if parse.text(kind) == "stream":
                streams.append(name)
            if tells(name, names):
                telling.append(name)
        if seen >= SAMPLE_KEYS:
            break
    return Sampled(seen, expiring, tuple(streams[:10]), tuple(telling[:10]), complete)


def tells(name: str, prefixes: t.Iterable[str]) -> bool:
    """Whether a key is called like a queue, a lock or a session, also behind a prefix of its own (app:lock:7)."""
    low = name.lower()
    return any(low.startswith(prefix) or f":{prefix}" in low for prefix in prefixes)


def remove_all(link: Link, deadline: Deadline) -> Removed:
    """FLUSHDB ASYNC of the selected database, and wait until its memory is given back."""
    before = parse.whole(link.must("DBSIZE"))
    link.must("FLUSHDB", "ASYNC")
    return Removed(before, True, _settle(link, deadline))


def remove_matching(link: Link, pattern: str, rate: float, deadline: Deadline) -> Removed:
    """SCAN and UNLINK, no more keys a second than rate, so that nobody notices."""
    started, removed, complete = time.monotonic(), 0, False
    end = started + deadline.left() - min(RESERVE, deadline.left() / 4)
    for keys in scan(link, pattern, end):
        complete = not keys
        if keys:
            removed += parse.whole(link.must("UNLINK", *keys))
        ahead = started + removed / rate - time.monotonic()
        if ahead > 0:
            deadline.wait(min(ahead, max(0.0, end - time.monotonic())))
    return Removed(removed, complete, _settle(link, deadline))


def _settle(link: Link, deadline: Deadline) -> int:
    """Objects that still wait to be freed: memory is not to be judged before there are none."""
    while True:
        data = parse.info(parse.text(link.must("INFO", "memory")))
        pending = parse.whole(data.get("lazyfree_pending_objects"))
        if not pending or deadline.left() < 1 or not deadline.wait(POLL):
            return pending
