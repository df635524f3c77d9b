# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what Redis replies, of any version and of its forks: total functions, hostile text included. Pure."""

from __future__ import annotations

import functools
import operator
import re
import typing as t

from .hostile import cut, inert
from .redact import clean_text
from .redact_names import NO, mask, name_kind
from .redis_snapshot import Client, LatencyEvent, Slow

NAME_LIMIT = 96
CLIENT_FIELDS = (
    "addr", "name", "user", "flags", "cmd", "id", "age", "idle", "sub", "psub", "ssub", "tot-mem", "qbuf", "omem", "db",
)  # fmt: skip
"""What is needed of a line of CLIENT LIST: with thousands of clients every other field would cost."""
SENSITIVE = frozenset(
    ("auth", "hello", "config", "acl", "migrate", "eval", "evalsha", "eval_ro", "function", "fcall", "script", "debug")
    + ("module", "client", "sentinel", "psync", "replconf")
)
"""Commands whose arguments are never shown, not even the first one."""
CONTAINERS = frozenset(
    (
        "config",
        "acl",
        "client",
        "script",
        "debug",
        "function",
        "memory",
        "object",
        "xinfo",
        "cluster",
        "module",
        "latency",
    )
)
ERROR_WORD = re.compile(r"-?([A-Z][A-Z0-9_]{2,})(?:\s|$)")
ERROR_TEXTS = (
    ("max number of clients", "MAXCLIENTS"),
    ("protected mode", "DENIED"),
    ("unknown command", "UNKNOWN"),
    ("unknown subcommand", "UNKNOWN"),
    ("invalid password", "WRONGPASS"),
    ("operation not permitted", "NOAUTH"),
    ("no permissions", "NOPERM"),
    ("loading the dataset", "LOADING"),
    ("syntax error", "UNKNOWN"),
    ("wrong number of arguments", "UNKNOWN"),
)
"""Errors that older servers, forks and redis-py name by their text only."""


def error_word(text: str) -> str:
    """LOADING, BUSY, NOPERM ...: what kind of error a reply is. ERR where it has no kind of its own."""
    low = text.lower()
    for part, word in ERROR_TEXTS:
        if part in low:
            return word
    found = ERROR_WORD.match(text)
    return found.group(1) if found else "ERR"


def place(address: str) -> str:
    """An address that the server itself wrote: it holds nothing that somebody chose but the path of a socket."""
    return cut(inert(address), NAME_LIMIT)


@functools.lru_cache(maxsize=4096)
def safe_name(text: str) -> str:
    """A name that others chose (client, key, user), fit to be shown: inert, short, and nothing in it is a secret."""
    shown = clean_text(cut(inert(text), 4 * NAME_LIMIT)).replace("\n", " ")
    if shown == text and name_kind(text) != NO and not text.replace("_", "-").islower():
        return mask(text)
    return cut(shown, NAME_LIMIT)


def info(text: str) -> dict[str, str]:
    """INFO as a flat mapping; the last of duplicate lines counts, what is no line of it is skipped."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name and not line.startswith("#"):
            found[inert(name.strip())] = inert(value.strip())
    return found


def fields(text: str, pair: str = ",", equals: str = "=") -> dict[str, str]:
    """keys=1,expires=2 as a mapping."""
    return {name: value for name, sign, value in (part.partition(equals) for part in text.split(pair)) if sign}


def databases(data: t.Mapping[str, str]) -> dict[int, dict[str, int]]:
    """db number -> keys and expires, out of INFO keyspace."""
    found: dict[int, dict[str, int]] = {}
    for name, value in data.items():
        if re.fullmatch(r"db\d+", name):
            parts = fields(value)
            found[int(name[2:])] = {key: whole(parts.get(key)) for key in ("keys", "expires")}
    return found


def whole(text: t.Any, default: int = 0) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        return default


def errors(data: t.Mapping[str, str]) -> dict[str, int]:
    """errorstats: kind of error -> how often it was given."""
    return {
        name[len("errorstat_") :]: whole(fields(value).get("count"))
        for name, value in data.items()
        if name.startswith("errorstat_")
    }


def clients(text: str) -> tuple[Client, ...]:
    """CLIENT LIST. A name may hold anything but spaces and newlines.

    A server writes the same fields in the same order in every line, so a pattern made from one line reads those after
    it, which is much faster than field by field; a line of another shape makes another pattern.
    """
    match: t.Callable[[str], re.Match[str] | None] = re.compile("(?!)").match
    pick: _Pick = tuple
    found = []
    for line in (line.rstrip("\r") for line in text.split("\n") if line.startswith("id=")):
        values = match(line)
        if values is None:
            match, pick = _layout(line)
            values = match(line)
        if values is not None:
            found.append(_client(pick((*values.groups(), ""))))
    return tuple(found)


_Pick = t.Callable[[tuple[str, ...]], tuple[str, ...]]


def _layout(line: str) -> tuple[t.Callable[[str], re.Match[str] | None], _Pick]:
    """What matches a line of this order, and what takes CLIENT_FIELDS out of its groups, with an empty text behind them
    for a field that is not there."""
    words = [word.partition("=")[0] for word in line.split(" ")]
    parts = [f"{re.escape(name)}=([^ ]*)" if name in CLIENT_FIELDS else f"{re.escape(name)}[^ ]*" for name in words]
    place_of = {name: number for number, name in enumerate(name for name in words if name in CLIENT_FIELDS)}
    pick = operator.itemgetter(*(place_of.get(name, -1) for name in CLIENT_FIELDS))
    return re.compile(" ".join(parts)).fullmatch, pick


def _client(values: tuple[str, ...]) -> Client:
    """values: as CLIENT_FIELDS are."""
    address, name, user, flags, command, *numbers = values
    try:
        found = list(map(int, numbers))
    except ValueError:
        found = [whole(number) for number in numbers]
    number, age, idle, sub, psub, ssub, *rest = found
    return Client(number, address, name, user, age, idle, flags, command.lower(), sub + psub + ssub, *rest)


def slowlog(reply: t.Any) -> tuple[Slow, ...]:
    """SLOWLOG GET without any value: the command, and the key where the first argument is one."""
    found = []
    for entry in reply if isinstance(reply, (list, tuple)) else ():
        if not isinstance(entry, (list, tuple)) or len(entry) < 4 or not isinstance(entry[3], (list, tuple)):
            continue
        words = [text(word) for word in entry[3]]
        command, key = _command(words)
        found.append(Slow(float(whole(entry[1])), whole(entry[2]) / 1e6, command, key))
    return tuple(found)


def _command(words: t.Sequence[str]) -> tuple[str, str]:
    if not words:
        return "", ""
    first = inert(words[0]).lower()[:32]
    rest = list(words[1:])
    if first in CONTAINERS and rest:
        return f"{first} {inert(rest[0]).lower()[:32]}", ""
    return first, safe_name(rest[0]) if rest and first not in SENSITIVE else ""


def latency(reply: t.Any) -> tuple[LatencyEvent, ...]:
    found = []
    for entry in reply if isinstance(reply, (list, tuple)) else ():
        if isinstance(entry, (list, tuple)) and len(entry) >= 4:
            at, last, worst = (float(whole(value)) for value in entry[1:4])
            found.append(LatencyEvent(inert(text(entry[0]))[:NAME_LIMIT], at, last, worst))
    return tuple(found)


def pairs(reply: t.Any) -> dict[str, str]:
    """A flat list of names and values (RESP2), or a mapping (RESP3)."""
    if isinstance(reply, t.Mapping):
        return {text(name): text(value) for name, value in reply.items()}
    items = [text(item) for item in reply] if isinstance(reply, (list, tuple)) else []
    return dict(zip(items[::2], items[1::2]))


def text(value: t.Any) -> str:
    """Bytes of any encoding as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
