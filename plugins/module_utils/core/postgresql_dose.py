# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who of the sessions goes, how many, and why not the others. Pure.

The dose is the smallest that restores the wanted headroom, the oldest first. Whoever is protected stays, whatever
the need:
each reason is tried on its own, and the first that holds is told.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .postgresql_locks import chains
from .postgresql_protect import NOBODY, Protection, matches, protected
from .postgresql_snapshot import PostgresqlSnapshot, Session, Slots

IDLE, IDLE_IN_TRANSACTION, BLOCKING, LONG = "idle", "idle_in_transaction", "blocking", "long"
CRITERIA = (IDLE, IDLE_IN_TRANSACTION, BLOCKING, LONG)
CANCEL, TERMINATE = "cancel", "terminate"
ACTIONS = (CANCEL, TERMINATE)


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a caller asks for. only: identities; where given, nobody else is chosen. count: at most so many."""

    criteria: str
    action: str
    min_age: float
    headroom_percent: float | None = None
    max_share: float = 0.25
    count: int | None = None
    users: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    only: tuple[t.Mapping[str, t.Any], ...] = ()
    protection: Protection = NOBODY


@dataclasses.dataclass(frozen=True)
class Kept:
    """A session that stays, and why."""

    session: Session
    why: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """go: in the order in which they go. needed: how many would restore the headroom, None where that is not the
    aim."""

    go: tuple[Session, ...]
    kept: tuple[Kept, ...]
    needed: int | None
    limit: int


def needed_for(slots: Slots, headroom_percent: float) -> int:
    """How many sessions have to go until so many percent of the slots are free."""
    allowed = math.floor(slots.capacity * (1.0 - headroom_percent / 100.0))
    return max(0, slots.used - allowed)


def most_of(slots: Slots, max_share: float) -> int:
    """How many sessions one run may end at most; at least one, so that a small server can be helped too."""
    return max(1, math.floor(slots.used * max_share))


def choose(snapshot: PostgresqlSnapshot, wish: Wish) -> Choice:
    """Raises ValueError where the snapshot can't tell."""
    if snapshot.slots is None or snapshot.sessions is None:
        raise ValueError("the sessions could not be read")
    limit = most_of(snapshot.slots, wish.max_share)
    needed = None
    if wish.headroom_percent is not None:
        needed = needed_for(snapshot.slots, wish.headroom_percent)
    most = min(item for item in (limit, needed, wish.count) if item is not None)
    blockers = {chain.root for chain in chains(snapshot)}
    go: list[Session] = []
    kept: list[Kept] = []
    for session in sorted(snapshot.sessions, key=lambda s: (s.since is None, s.since or 0.0, s.pid)):
        why = reason_to_keep(session, snapshot, wish, blockers)
        if why is None and len(go) >= most:
            enough = needed is not None and len(go) >= needed
            why = "not needed for the headroom" if enough else f"beyond the dose of {most}"
        if why is None:
            go.append(session)
        elif why:
            kept.append(Kept(session, why))
    return Choice(tuple(go), tuple(kept), needed, limit)


def reason_to_keep(
    session: Session, snapshot: PostgresqlSnapshot, wish: Wish, blockers: t.Collection[int]
) -> str | None:
    """None: it may go. An empty text: it is not what was asked for, so nothing has to be said about it."""
    if not _wanted(session, wish, blockers):
        return ""
    return protected(session, snapshot, wish.protection) or _not_yet(session, snapshot, wish)


def _wanted(session: Session, wish: Wish, blockers: t.Collection[int]) -> bool:
    """Whether the session is of the kind that was asked for. Workers are, so that it is said why they stay."""
    if wish.only and not any(_same(session, identity) for identity in wish.only):
        return False
    for allowed, value in ((wish.users, session.user), (wish.databases, session.database)):
        if allowed and not matches(value, allowed):
            return False
    if wish.applications and not matches(session.application, wish.applications):
        return False
    if wish.criteria == IDLE:
        return session.idle
    if wish.criteria == IDLE_IN_TRANSACTION:
        return session.idle_in_transaction
    if wish.criteria == LONG:
        return session.state == "active" and session.wait_type != "Lock"
    return session.pid in blockers


def _same(session: Session, identity: t.Mapping[str, t.Any]) -> bool:
    """pid and start of the session; the state may have changed, the statement that ends it looks at that."""
    return session.pid == identity.get("pid") and session.started == identity.get("backend_start")


def _not_yet(session: Session, snapshot: PostgresqlSnapshot, wish: Wish) -> str | None:
    since = session.query_at if wish.criteria == LONG else session.since
    seconds = 0.0 if since is None else snapshot.now - since
    if since is None or seconds < wish.min_age:
        return f"in its state for {seconds:.0f} s only, asked for are {wish.min_age:g} s"
    if wish.action == CANCEL and session.state != "active":
        return f"{session.state}: it runs nothing that could be cancelled"
    return None
