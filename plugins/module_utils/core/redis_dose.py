# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients of Redis may go, and how few of them are enough. Pure: CLIENT LIST in, a choice with reasons out."""

from __future__ import annotations

import dataclasses
import fnmatch
import ipaddress
import math
import typing as t

from .redis_parse import safe_name
from .redis_snapshot import BLOCKING, Client

SENTINELS = ("sentinel-*",)
"""How Sentinels name their connections: without them nobody would notice that the primary is gone."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """Who is meant (all that is given has to fit), how many at most, and who is protected whatever else fits.

    headroom: percent of maxclients that should be free; None: all that fit, up to the dose. only: id and address of the
    very clients. An empty filter fits nobody.
    """

    min_idle: float | None = None
    names: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    only: tuple[tuple[int, str], ...] | None = None
    headroom: float | None = None
    max_share: float = 0.25
    count: int | None = None
    protected_names: tuple[str, ...] = SENTINELS
    protected_addresses: tuple[str, ...] = ()
    protected_users: tuple[str, ...] = ()

    @property
    def says_whom(self) -> bool:
        return any(x is not None for x in (self.min_idle, self.names, self.addresses, self.users, self.only))


@dataclasses.dataclass(frozen=True)
class Kept:
    client: Client
    why: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """go: who goes, the longest idle first. kept: who fits and stays, and why. needed: None without a headroom."""

    go: tuple[Client, ...]
    kept: tuple[Kept, ...]
    needed: int | None
    limit: int


def choose(clients: t.Sequence[Client], own_id: int, maxclients: int, wish: Wish) -> Choice:
    """The smallest dose: oldest first, no more than headroom needs, than count says and than max_share allows."""
    others = [client for client in clients if client.id != own_id]
    fitting = [client for client in others if fits(client, wish)]
    kept = [Kept(client, why) for client in fitting if (why := protected(client, wish))]
    spared = {item.client.id for item in kept}
    free = sorted((c for c in fitting if c.id not in spared), key=lambda c: (-c.idle, -c.age, c.id))
    needed = None
    if wish.headroom is not None and maxclients:
        needed = max(0, len(others) - math.floor(maxclients * (100.0 - wish.headroom) / 100.0))
    limit = math.floor(len(others) * wish.max_share)
    most = min(x for x in (limit, needed, wish.count) if x is not None)
    why = _over(most, limit, needed)
    return Choice(tuple(free[:most]), (*kept, *(Kept(client, why) for client in free[most:])), needed, limit)


def _over(most: int, limit: int, needed: int | None) -> str:
    if needed is not None and most == needed:
        return "enough others go"
    return "one run ends no more than its dose" if most == limit else "no more were asked for"


def fits(client: Client, wish: Wish) -> bool:
    """Whether everything that the wish says is true of this client; without a filter nobody fits."""
    tests: tuple[tuple[t.Any, t.Callable[[], bool]], ...] = (
        (wish.min_idle, lambda: client.idle >= (wish.min_idle or 0)),
        (wish.names, lambda: matches(client.name, wish.names)),
        (wish.users, lambda: matches(client.user, wish.users)),
        (wish.addresses, lambda: in_network(client, wish.addresses)),
        (wish.only, lambda: (client.id, client.address) in (wish.only or ())),
    )
    return wish.says_whom and all(test() for given, test in tests if given is not None)


def matches(text: str, patterns: t.Iterable[str] | None) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns or ())


def in_network(client: Client, places: t.Iterable[str] | None) -> bool:
    """A place is an address, an address with port, or a network such as 10.0.0.0/8."""
    for place in places or ():
        if place in (client.address, client.host):
            return True
        try:
            if ipaddress.ip_address(client.host) in ipaddress.ip_network(place, strict=False):
                return True
        except ValueError:
            continue
    return False


def protected(client: Client, wish: Wish) -> str:
    """Why a client is never touched, "" where nothing protects it."""
    if not client.id or not client.address:
        return "its identity is unknown"
    if set(client.flags) & set("SM"):
        return "it is a link of replication"
    if "P" in client.flags or client.subscriptions:
        return "it subscribes to channels"
    if "b" in client.flags or client.command in BLOCKING:
        return "it waits for work by design"
    if matches(client.name, wish.protected_names):
        return "its name is protected"
    if matches(client.user, wish.protected_users):
        return "its user is protected"
    if in_network(client, wish.protected_addresses):
        return "its address is protected"
    return ""


def changed(before: Client, now: Client | None, wish: Wish) -> str:
    """Why a client that was chosen is not the same any more, "" where it is."""
    if now is None:
        return "it is gone by itself"
    if (now.address, now.name, now.user) != (before.address, before.name, before.user) or now.age < before.age:
        return "its id belongs to another client now"
    if now.idle < before.idle or not fits(now, wish):
        return "it was at work meanwhile"
    return protected(now, wish)


def describe(client: Client) -> dict[str, t.Any]:
    """A client as a result shows it."""
    return {
        "id": client.id,
        "addr": safe_name(client.address),
        "name": safe_name(client.name),
        "user": safe_name(client.user),
        "idle": client.idle,
        "age": client.age,
        "db": client.database,
        "command": safe_name(client.command),
    }
