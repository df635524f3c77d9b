# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything that redis_health_info judges, over one connection, within one deadline.

The doctor must not kill the patient: no KEYS, no MONITOR, no DEBUG; the scan is bounded in keys and seconds and runs
while the window of the two INFOs passes.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..core import redis_parse as parse
from ..core.redis_snapshot import OK, BigKey, Keys, Master, Probe, RedisSnapshot
from .deadline import Deadline
from .errors import CollectError
from .redis_link import Link, ReplyError
from .redis_options import RedisOptions
from .redis_probe import probe

OPTIONAL: tuple[tuple[str | int, ...], ...] = (
    ("TIME",),
    ("CLIENT", "ID"),
    ("ACL", "WHOAMI"),
    ("CLIENT", "LIST"),
    ("SLOWLOG", "GET", 25),
    ("LATENCY", "LATEST"),
    ("CONFIG", "GET", "save"),
    ("CONFIG", "GET", "maxclients"),
    ("CONFIG", "GET", "slowlog-log-slower-than"),
    ("CONFIG", "GET", "latency-monitor-threshold"),
)
AUXILIARY = frozenset(("TIME", "CLIENT ID", "ACL WHOAMI"))
"""What is handy and not missed: where a server or a user has it not, nothing becomes unknown by that."""
HOPELESS = frozenset(("MAXCLIENTS", "DENIED"))
PINGS = 3
SCAN_STEP = 100
BIGGEST = 10
DOOR_TRIES = 10
DOOR_PAUSE = 0.1


@dataclasses.dataclass(frozen=True)
class Wanted:
    """How far to look. window: seconds between two INFOs, 0 for one only. scan: seconds and keys of the scan."""

    window: float = 2.0
    scan_seconds: float = 1.0
    scan_keys: int = 5000


@dataclasses.dataclass
class _Look:
    """A snapshot while it is being made."""

    link: Link
    wanted: Wanted
    data: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    denied: int = 0

    def refuse(self, name: str, error: ReplyError) -> None:
        self.denied += error.word == "NOPERM"
        if name not in AUXILIARY:
            self.refused.setdefault(name, error.text)


def collect(options: RedisOptions, wanted: Wanted, deadline: Deadline) -> RedisSnapshot:
    """One look. It raises nothing for a sick server: what could not be read is not in the snapshot, which says why."""
    first = _knock(options, deadline)
    if first.kind != OK or first.error in HOPELESS:
        return RedisSnapshot(options.address, first)
    with Link(options, deadline) as link:
        try:
            link.open()
        except ReplyError as error:
            return RedisSnapshot(options.address, first, login=error.text, login_kind=error.word)
        except CollectError as error:
            return RedisSnapshot(options.address, _lost(first, error))
        if first.error == "NOAUTH" and not options.password:
            return RedisSnapshot(options.address, first, login=first.text, login_kind="NOAUTH")
        look = _Look(link, wanted)
        broken = ""
        try:
            _look(look)
        except CollectError as error:
            broken = error.message
        return RedisSnapshot(
            options.address, first, broken=broken, refused=look.refused, own_denied=look.denied, **look.data
        )


def _knock(options: RedisOptions, deadline: Deadline) -> Probe:
    """The first PING. At maxclients it is tried again for a second: connections come and go."""
    found = probe(options, deadline)
    for _turn in range(DOOR_TRIES):
        if found.error != "MAXCLIENTS" or not deadline.wait(DOOR_PAUSE):
            break
        found = probe(options, deadline)
    return found


def _lost(first: Probe, error: CollectError) -> Probe:
    """PING was answered and the login is not: that is what counts."""
    return dataclasses.replace(first, kind="silent" if error.kind == "timeout" else error.kind, message=error.message)


def _look(look: _Look) -> None:
    look.data["now"] = time.time()
    _pings(look)
    started, sent = time.monotonic(), look.link.sent
    if not _info(look, "info"):
        return
    data = look.data["info"]
    if data.get("redis_mode", data.get("server_mode")) == "sentinel":
        _sentinel(look)
        return
    _optional(look)
    if data.get("cluster_enabled") == "1":
        _cluster(look)
    if not look.wanted.window or data.get("loading") == "1":
        _keys(look, started + look.wanted.scan_seconds)
        return
    _keys(look, started + min(look.wanted.scan_seconds, look.wanted.window))
    look.link.deadline.wait(max(0.0, started + look.wanted.window - time.monotonic()))
    if _info(look, "later"):
        look.data["window"] = time.monotonic() - started
        look.data["own_commands"] = look.link.sent - sent


def _info(look: _Look, where: str) -> bool:
    """INFO of all sections. Older servers and forks don't know `everything` and answer with nothing, or refuse it."""
    for section in (("everything",), ("all",), ()):
        try:
            found = parse.info(parse.text(look.link.ask("INFO", *section)))
        except ReplyError as error:
            if error.word in ("UNKNOWN", "ERR") and section:
                continue
            look.data["ping_error"], look.data["ping_text"] = error.word, error.text
            look.refuse("INFO", error)
            return False
        if found.get("redis_version") or not section:
            look.data[where] = found
            return True
    return False


def _pings(look: _Look) -> None:
    times = []
    for _turn in range(PINGS):
        started = time.perf_counter()
        try:
            look.link.ask("PING")
        except ReplyError as error:
            look.data["ping_error"], look.data["ping_text"] = error.word, error.text
            if error.word == "NOPERM":
                look.refuse("PING", error)
            break
        times.append(round((time.perf_counter() - started) * 1000, 3))
    look.data["pings"] = tuple(times)


def _optional(look: _Look) -> None:
    """Everything beside INFO, sent at once. What is refused is noted by name, and the rest is used."""
    config: dict[str, str] = {}
    for words, answer in zip(OPTIONAL, look.link.ask_all(OPTIONAL)):
        name = " ".join(str(word) for word in words[:2] if not isinstance(word, int))
        if isinstance(answer, ReplyError):
            look.refuse(name, answer)
        elif name == "CONFIG GET":
            config.update(parse.pairs(answer))
        else:
            READERS[name](look.data, answer)
    look.data["config"] = config if "CONFIG GET" not in look.refused else None


def _time(data: dict[str, t.Any], reply: t.Any) -> None:
    data["now"] = parse.whole(parse.text(reply[0])) + parse.whole(parse.text(reply[1])) / 1e6


READERS: dict[str, t.Callable[[dict[str, t.Any], t.Any], None]] = {
    "TIME": _time,
    "CLIENT ID": lambda data, reply: data.update(own_id=parse.whole(reply)),
    "ACL WHOAMI": lambda data, reply: data.update(user=parse.safe_name(parse.text(reply))),
    "CLIENT LIST": lambda data, reply: data.update(clients=parse.clients(parse.text(reply))),
    "SLOWLOG GET": lambda data, reply: data.update(slowlog=parse.slowlog(reply)),
    "LATENCY LATEST": lambda data, reply: data.update(latency=parse.latency(reply)),
}


def _cluster(look: _Look) -> None:
    try:
        look.data["cluster"] = parse.info(parse.text(look.link.ask("CLUSTER", "INFO")))
    except ReplyError as error:
        look.refuse("CLUSTER INFO", error)


def _sentinel(look: _Look) -> None:
    try:
        known = [parse.pairs(master) for master in look.link.ask("SENTINEL", "MASTERS")]
    except ReplyError as error:
        look.refuse("SENTINEL MASTERS", error)
        return
    masters = []
    for master in known:
        try:
            look.link.ask("SENTINEL", "CKQUORUM", master.get("name", ""))
            problem = ""
        except ReplyError as error:
            problem = error.text
        masters.append(Master(master.get("name", ""), master.get("flags", ""), problem))
    look.data["masters"] = tuple(masters)


def _keys(look: _Look, end: float) -> None:
    """A bounded scan: so many keys and so many seconds, whichever ends first."""
    wanted = look.wanted
    if not wanted.scan_keys or not wanted.scan_seconds:
        return
    cursor, scanned, biggest, complete = "0", 0, [], False
    while scanned < wanted.scan_keys and time.monotonic() < end:
        name = "SCAN"
        try:
            cursor, keys = _step(look, cursor)
            name = "MEMORY USAGE"
            biggest += _sizes(look, keys)
        except ReplyError as error:
            look.refuse(name, error)
            return
        scanned += len(keys)
        biggest = sorted(biggest, key=lambda key: -key.bytes)[:BIGGEST]
        complete = cursor == "0"
        if complete:
            break
    look.data["keys"] = Keys(scanned, complete, look.link.options.db, tuple(biggest))


def _step(look: _Look, cursor: str) -> tuple[str, list[bytes]]:
    following, keys = look.link.ask("SCAN", cursor, "COUNT", SCAN_STEP)
    return parse.text(following), list(keys)


def _sizes(look: _Look, keys: t.Sequence[bytes]) -> list[BigKey]:
    answers = look.link.ask_all([("MEMORY", "USAGE", key, "SAMPLES", 5) for key in keys])
    refused = [answer for answer in answers if isinstance(answer, ReplyError)]
    if refused:
        look.denied += len(refused) - 1
        raise refused[0]
    pairs = zip(keys, answers)
    return [BigKey(parse.text(key), size, look.link.options.db) for key, size in pairs if isinstance(size, int)]
