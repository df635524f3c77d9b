# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for whom: lock waits as chains that end in their root. Pure."""

from __future__ import annotations

import dataclasses

from .postgresql_snapshot import PostgresqlSnapshot, Waiter


@dataclasses.dataclass(frozen=True)
class Chain:
    """A root that waits for nobody, and all who wait for it, directly or not. root 0: a prepared transaction."""

    root: int
    waiters: tuple[Waiter, ...]

    @property
    def since(self) -> float | None:
        return min((waiter.since for waiter in self.waiters if waiter.since is not None), default=None)


def chains(snapshot: PostgresqlSnapshot) -> list[Chain]:
    """All chains, the one with most waiters first. Who waits behind several roots counts for the first of them."""
    waiting = {waiter.pid: waiter for waiter in snapshot.waiters or () if waiter.blockers}
    behind: dict[int, list[Waiter]] = {}
    for waiter in waiting.values():
        behind.setdefault(root_of(waiter.pid, waiting), []).append(waiter)
    found = [
        Chain(root, tuple(sorted(waiters, key=lambda w: (w.since or 0.0, w.pid)))) for root, waiters in behind.items()
    ]
    return sorted(found, key=lambda chain: (-len(chain.waiters), chain.since or 0.0, chain.root))


def root_of(pid: int, waiting: dict[int, Waiter]) -> int:
    """The session at the end of the wait. In a circle (a deadlock that is not resolved yet) the lowest pid stands
    for all."""
    seen: list[int] = []
    while pid in waiting:
        if pid in seen:
            return min(seen[seen.index(pid) :])
        seen.append(pid)
        pid = min(waiting[pid].blockers)
    return pid
