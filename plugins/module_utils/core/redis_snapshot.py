# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Redis server said in one look, without judgement. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import typing as t

OK = "ok"
BLOCKING = frozenset(
    ("blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread", "xreadgroup")
    + ("wait", "waitaof")
)
"""Commands that wait by design: whoever is in one of them is a consumer at work, however long it is idle."""
WRITES = frozenset(
    (
        "set",
        "setex",
        "psetex",
        "setnx",
        "mset",
        "msetnx",
        "getset",
        "getdel",
        "getex",
        "append",
        "incr",
        "incrby",
        "decr",
    )
    + ("decrby", "incrbyfloat", "setrange", "del", "unlink", "expire", "pexpire", "expireat", "pexpireat", "persist")
    + (
        "hset",
        "hmset",
        "hdel",
        "hincrby",
        "hsetnx",
        "sadd",
        "srem",
        "spop",
        "zadd",
        "zrem",
        "zincrby",
        "lpush",
        "rpush",
    )
    + (
        "lpop",
        "rpop",
        "ltrim",
        "lrem",
        "xadd",
        "xack",
        "xdel",
        "xtrim",
        "publish",
        "eval",
        "evalsha",
        "pfadd",
        "pfcount",
    )
    + ("rename", "copy", "restore", "flushdb", "flushall")
)
"""Commands that CLIENT PAUSE WRITE holds back, as CLIENT LIST names them."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """What the address answered to a first PING, before the library was asked.

    kind: ok, or a kind of CollectError (dns, refused, timeout, silent, reset, not_protocol, tls), or paused.
    error: first word of an error reply (LOADING, BUSY, NOAUTH, DENIED, MAXCLIENTS ...), "" for PONG. text: the reply.
    ms: until the answer. connect_ms: until the connection stood.
    """

    address: str
    kind: str
    message: str = ""
    error: str = ""
    text: str = ""
    ms: float = 0.0
    connect_ms: float = 0.0


class Client(t.NamedTuple):
    """One line of CLIENT LIST, as far as anything here needs it; a tuple, since there may be thousands."""

    id: int
    address: str
    name: str = ""
    user: str = ""
    age: int = 0
    idle: int = 0
    flags: str = "N"
    command: str = ""
    subscriptions: int = 0
    memory: int = 0
    query_buffer: int = 0
    output_memory: int = 0
    database: int = 0

    @property
    def host(self) -> str:
        """The address without its port."""
        return self.address.rpartition(":")[0].strip("[]") or self.address


@dataclasses.dataclass(frozen=True)
class Slow:
    """One entry of the slowlog: never its values. at: when it ended, in epoch seconds of the server's clock."""

    at: float
    seconds: float
    command: str
    key: str = ""


@dataclasses.dataclass(frozen=True)
class LatencyEvent:
    """One event of LATENCY LATEST. at: epoch seconds of the server's clock."""

    name: str
    at: float
    ms: float
    worst_ms: float


@dataclasses.dataclass(frozen=True)
class BigKey:
    key: str
    bytes: int
    database: int = 0


@dataclasses.dataclass(frozen=True)
class Keys:
    """A bounded SCAN: how much of the keyspace was seen, and the biggest keys of it."""

    scanned: int
    complete: bool
    database: int
    biggest: tuple[BigKey, ...] = ()


@dataclasses.dataclass(frozen=True)
class Master:
    """One master as a Sentinel sees it. quorum_error: what CKQUORUM said, "" where the quorum stands."""

    name: str
    flags: str
    quorum_error: str = ""


Info = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class RedisSnapshot:
    """All of one look. None says: not asked or not answered; refused says why (command -> the server's words).

    info, later: INFO at the start and after the window of seconds. login: why the login failed, "" where it did not.
    pings: milliseconds of each PING. ping_error: first word of the error that PING gets. config: of CONFIG GET, without
    any secret. own_denied, own_commands: how often the look itself was refused by ACL, and how many commands it sent
    within the window, so that they are not taken for somebody else's.
    """

    address: str
    probe: Probe
    login: str = ""
    login_kind: str = ""
    broken: str = ""
    info: Info = dataclasses.field(default_factory=dict)
    later: Info = dataclasses.field(default_factory=dict)
    window: float = 0.0
    now: float = 0.0
    own_id: int = 0
    user: str = ""
    pings: tuple[float, ...] = ()
    ping_error: str = ""
    ping_text: str = ""
    clients: tuple[Client, ...] | None = None
    slowlog: tuple[Slow, ...] | None = None
    latency: tuple[LatencyEvent, ...] | None = None
    config: t.Mapping[str, str] | None = None
    keys: Keys | None = None
    cluster: Info | None = None
    masters: tuple[Master, ...] | None = None
    refused: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    own_denied: int = 0
    own_commands: int = 0

    @property
    def reachable(self) -> bool:
        """The server itself answered, were it only with an error."""
        return self.probe.kind == OK

    @property
    def last(self) -> Info:
        """The newest INFO there is."""
        return self.later or self.info

    def number(self, name: str, default: float | None = None) -> float | None:
        """A field of the newest INFO as a number; default where it is not there or no number."""
        return number(self.last.get(name), default)

    def delta(self, name: str) -> float | None:
        """How much a counter grew within the window; a restarted one counts from zero. None: not measured."""
        if not self.later:
            return None
        before, after = number(self.info.get(name), None), number(self.later.get(name), None)
        if after is None:
            return None
        return growth(before or 0.0, after)

    @property
    def role(self) -> str:
        return self.last.get("role", "")

    @property
    def mode(self) -> str:
        return self.last.get("redis_mode", self.last.get("server_mode", ""))


def growth(before: float, after: float) -> float:
    return after - before if after >= before else after


def number(text: str | None, default: float | None) -> float | None:
    """A number as INFO writes it, also with a unit or a percent sign behind it."""
    if text is None:
        return default
    try:
        return float(text.rstrip("%"))
    except ValueError:
        return default
