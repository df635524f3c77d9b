# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends clients of Redis, each one looked at once more right before; and scripts that hold the server."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core import redis_parse as parse
from ..core.redis_dose import Choice, Wish, changed
from ..core.redis_snapshot import Client
from .redis_link import Link, ReplyError

CHUNK = 50


@dataclasses.dataclass
class Ended:
    """gone: who was told to go and is gone. skipped: who was chosen and stays, with the reason."""

    gone: list[Client] = dataclasses.field(default_factory=list)
    skipped: list[tuple[Client, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Seen:
    """The server and its clients at one moment."""

    info: t.Mapping[str, str]
    clients: tuple[Client, ...]
    own_id: int
    maxclients: int


def look(link: Link) -> Seen:
    """Raises CollectError, with the missing right where it is one."""
    info = parse.info(parse.text(link.must("INFO", "everything")))
    if not info.get("run_id"):
        info = parse.info(parse.text(link.must("INFO")))
    own = parse.whole(link.must("CLIENT", "ID"))
    limit = parse.whole(info.get("maxclients"))
    if not limit:
        limit = parse.whole(parse.pairs(link.must("CONFIG", "GET", "maxclients")).get("maxclients"))
    return Seen(info, listed(link), own, limit)


def listed(link: Link) -> tuple[Client, ...]:
    return parse.clients(parse.text(link.must("CLIENT", "LIST")))


def end(link: Link, choice: Choice, wish: Wish) -> Ended:
    """Kill by id and address together, so that nobody else can be hit, in groups that are looked at right before."""
    done = Ended()
    told: list[Client] = []
    for start in range(0, len(choice.go), CHUNK):
        part = choice.go[start : start + CHUNK]
        now = {client.id: client for client in _again(link, part)}
        ready = []
        for client in part:
            why = changed(client, now.get(client.id), wish)
            if why:
                done.skipped.append((client, why))
            else:
                ready.append(client)
        kills = [("CLIENT", "KILL", "ID", c.id, "ADDR", c.address, "SKIPME", "yes") for c in ready]
        for client, answer in zip(ready, link.ask_all(kills)):
            if isinstance(answer, ReplyError):
                done.skipped.append((client, answer.text))
            elif answer:
                told.append(client)
            else:
                done.skipped.append((client, "it is gone by itself"))
    left = {client.id for client in listed(link)} if told else set()
    done.gone = [client for client in told if client.id not in left]
    done.skipped += [(client, "it was told to go, and is still there") for client in told if client.id in left]
    return done


def _again(link: Link, clients: t.Sequence[Client]) -> tuple[Client, ...]:
    """These clients as they are now; servers before 6.2 only list all of them."""
    try:
        return parse.clients(parse.text(link.ask("CLIENT", "LIST", "ID", *(client.id for client in clients))))
    except ReplyError:
        return listed(link)


def busy(link: Link) -> str:
    """What holds the server: script, function, or "" where it answers."""
    try:
        link.ask("PING")
    except ReplyError as error:
        if error.word == "BUSY":
            return "function" if "FUNCTION" in error.text.upper() else "script"
    return ""


def kill_script(link: Link, kind: str) -> str:
    """Stop what holds the server; the error's text where Redis refuses, "" where it is done."""
    try:
        link.ask("FUNCTION" if kind == "function" else "SCRIPT", "KILL")
    except ReplyError as error:
        return "" if error.text.startswith("NOTBUSY") else error.text
    return ""
