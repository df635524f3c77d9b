# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the goroutines of a program wait on, from the texts of its goroutine profile. Pure.

debug=1 has each stack once with its count, without the runtime's frames; debug=2 has each goroutine with the state that
the runtime gives it. Arguments, addresses and labels are not kept.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

MOST_FRAMES = 64

_TOTAL = re.compile(r"goroutine profile: total (\d+)")
_GROUP = re.compile(r"(\d+) @(?: 0x[0-9a-f]+)*\s*$")
_FRAME = re.compile(r"#\t0x[0-9a-f]+\t(.+?)\+0x[0-9a-f]+\t")
_STATE = re.compile(r"goroutine \d+(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\]]*)\]:?")
_MINUTES = re.compile(r"(\d+) minutes")

POOL = "a connection of the database pool"
CONNECT = "a new database connection"
REDIS = "a connection of the Redis pool"
NETWORK = "the network"
LOCK = "a lock"
GROUP = "other goroutines (WaitGroup)"
SLEEP = "the clock"
OWN = "a channel or select"
RUNS = "nothing: it runs"
DATABASE = (POOL, CONNECT)


class StackError(ValueError):
    """The text is no goroutine profile."""


@dataclasses.dataclass(frozen=True)
class Stack:
    """Goroutines with the same stack. frames: functions, the innermost first."""

    count: int
    frames: tuple[str, ...]

    @property
    def waits_on(self) -> str:
        return waits_on(self.frames)

    @property
    def where(self) -> str:
        """The innermost function that is the program's own, as far as it can be told."""
        for frame in self.frames:
            if not is_library(frame):
                return frame
        return self.frames[-1] if self.frames else "?"


@dataclasses.dataclass(frozen=True)
class Reason:
    """How many goroutines the runtime says wait for that, and the longest of them in minutes."""

    state: str
    count: int
    minutes: int


def parse_stacks(text: str) -> tuple[int, list[Stack]]:
    """(goroutines in all, stacks, the most frequent first) of a profile with debug=1. Raises StackError."""
    first = _TOTAL.match(text)
    if not first:
        raise StackError("it does not begin as a goroutine profile")
    counts: collections.Counter[tuple[str, ...]] = collections.Counter()
    count, frames = 0, []  # type: int, list[str]
    for line in [*text.splitlines()[1:], ""]:
        group = _GROUP.match(line)
        if group or not line.strip():
            if count:
                counts[tuple(frames)] += count
            count, frames = (int(group.group(1)) if group else 0), []
            continue
        frame = _FRAME.match(line)
        if frame and len(frames) < MOST_FRAMES:
            frames.append(frame.group(1))
    stacks = [Stack(number, found) for found, number in counts.items()]
    return int(first.group(1)), sorted(stacks, key=lambda stack: (-stack.count, stack.frames))


def parse_reasons(text: str) -> list[Reason]:
    """States of a profile with debug=2, the most frequent first; what runs is among them. Raises StackError."""
    found: dict[str, list[int]] = collections.defaultdict(list)
    for line in text.splitlines():
        match = _STATE.match(line) if line.startswith("goroutine ") else None
        if match:
            minutes = _MINUTES.search(match.group(1))
            found[match.group(1).split(",")[0].strip()].append(int(minutes.group(1)) if minutes else 0)
    if not found:
        raise StackError("it has no goroutine")
    rows = [Reason(state, len(minutes), max(minutes)) for state, minutes in found.items()]
    return sorted(rows, key=lambda row: (-row.count, row.state))


def is_library(frame: str) -> bool:
    """A package of the standard library, or of a driver that only passes a wait on."""
    package = frame.split("(")[0]
    path = package.rpartition("/")[0]
    if path.startswith(("golang.org/x/", "github.com/jackc/", "github.com/lib/pq", "github.com/redis/")):
        return True
    first = (path or package.split(".")[0]).split("/")[0]
    return bool(_STANDARD.fullmatch(first))


_STANDARD = re.compile(
    "archive|bufio|bytes|cmp|compress|container|context|crypto|database|debug|embed|encoding|errors|expvar|flag|fmt|go"
    "|hash|html|image|index|internal|io|iter|log|maps|math|mime|net|os|path|plugin|reflect|regexp|runtime|slices|sort"
    "|strconv|strings|structs|sync|syscall|testing|text|time|unicode|unique|unsafe|vendor|weak"
)


def waits_on(frames: t.Sequence[str]) -> str:
    """What a stack waits on. Without the runtime's frames a channel and a select look alike, and like work."""
    if not frames:
        return "the runtime"
    first, near = frames[0], frames[:4]
    pool = _of_a_pool(first, near)
    if pool:
        return pool
    for said, starts in KNOWN:
        if first.startswith(starts):
            return said
    return OWN


KNOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (RUNS, ("runtime/pprof.", "runtime.goexit")),
    (NETWORK, ("internal/poll.", "net.", "syscall.", "os.(*File)", "net/http.(*persistConn)")),
    (GROUP, ("sync.(*WaitGroup).", "sync.runtime_SemacquireWaitGroup")),
    (LOCK, ("sync.", "internal/sync.", "golang.org/x/sync/semaphore.")),
    (SLEEP, ("time.",)),
    ("a signal", ("os/signal.",)),
)


def _of_a_pool(first: str, near: t.Sequence[str]) -> str:
    if first == "database/sql.(*DB).conn":
        return POOL
    if first.startswith(("database/sql.(*DB).connectionOpener", "database/sql.(*DB).connectionCleaner")):
        return OWN
    waiting = first.startswith(("golang.org/x/sync/semaphore.", "sync.", "internal/sync.")) or "/puddle" in first
    puddle = [frame for frame in near if "/puddle" in frame]
    if waiting and puddle:
        if first in puddle and "initResourceValue" in first:
            return CONNECT
        return POOL if any("cquire" in frame for frame in puddle) else ""
    if "redis" in first and (".waitTurn" in first or ".getConn" in first):
        return REDIS
    return ""


def grown(before: t.Iterable[Stack], after: t.Iterable[Stack]) -> list[Stack]:
    """Stacks with how many goroutines more they have than before, the most first."""
    counts = {stack.frames: stack.count for stack in before}
    more = [Stack(stack.count - counts.get(stack.frames, 0), stack.frames) for stack in after]
    return sorted((s for s in more if s.count > 0), key=lambda stack: (-stack.count, stack.frames))


def by_wait(stacks: t.Iterable[Stack]) -> list[tuple[str, int]]:
    """How many goroutines wait on what, the most first."""
    counts: collections.Counter[str] = collections.Counter()
    for stack in stacks:
        counts[stack.waits_on] += stack.count
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))
