# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true before keys are removed from Redis. Pure: facts in, one answer for each condition out.

A cache may lose its keys, and nothing else may. That it is one is declared by a person, and the data has to agree.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .quantities import size
from .redis_parse import databases, safe_name
from .redis_snapshot import number

FEWEST_EXPIRING = 90.0
FEWEST_HEADROOM = 30.0
COW_SHARE = 0.1
"""Of the used memory: what a save copies at least while the server goes on writing."""
PREFIXES = (
    "bull:",
    "celery",
    "sidekiq",
    "queue:",
    "lock:",
    "redlock:",
    "session:",
    "sess:",
    "spring:session:",
    "_kombu",
)
"""Names of queues, locks and sessions: to lose one is to lose work, or to let two hold the same lock."""


@dataclasses.dataclass(frozen=True)
class Sampled:
    """What a bounded SCAN saw of the keys that would go. telling: names that look like queues, locks or sessions."""

    keys: int = 0
    expiring: int = 0
    streams: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    complete: bool = False


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of the data elsewhere. problem: why it can't be relied on, "" where it can."""

    path: str
    bytes: int
    sha256: str
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """Everything that the gate looks at. info: INFO of the server. expected_keys: what the plan saw in that db."""

    info: t.Mapping[str, str]
    db: int
    role: str = ""
    pattern: str = ""
    sampled: Sampled = Sampled()
    expected_keys: int | None = None
    memory_limit: int | None = None
    aof_acknowledged: bool = False
    cluster_acknowledged: bool = False
    postgresql_headroom: float | None = None
    without_postgresql: bool = False
    without_copy: bool = False


@dataclasses.dataclass(frozen=True)
class Condition:
    """One answer. override: the option that opens it, "" where none does."""

    name: str
    ok: bool
    reason: str
    override: str = ""

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def conditions(facts: Facts) -> tuple[Condition, ...]:
    """All conditions that can be told before anything is copied, so that every refusal is known at once."""
    tests = (
        _role,
        _expiry,
        _policy,
        _streams,
        _names,
        _replica,
        _database,
        _cluster,
        _aof,
        _postgresql,
        _saving,
        _memory,
    )
    return tuple(test(facts) for test in tests)


def copied(facts: Facts, copy: Copy | None) -> Condition:
    """The last condition: a copy that can be restored, or the word of a person that none is wanted."""
    if copy is not None and not copy.problem:
        return Condition("copy", True, f"{size(copy.bytes)} in {copy.path}, sha256 {copy.sha256[:12]}")
    if facts.without_copy:
        return Condition("copy", True, "no copy was taken; without_copy says that the data may be lost")
    why = copy.problem if copy else "no copy was taken"
    return Condition("copy", False, why, "without_copy")


def refused(answers: t.Iterable[Condition]) -> list[Condition]:
    return [answer for answer in answers if not answer.ok]


def refusal(answers: t.Sequence[Condition]) -> str:
    """The text of a refusal: every failed condition by name, what opens it, and that nothing was changed."""
    parts = [
        f"{answer.name}: {answer.reason}" + (f" ({answer.override} opens it)" if answer.override else "")
        for answer in refused(answers)
    ]
    return f"Refused, nothing was removed. {'; '.join(parts)}"


def _role(facts: Facts) -> Condition:
    if facts.role == "cache":
        return Condition("role", True, "it is declared a cache")
    said = f"it is declared a {facts.role}" if facts.role else "nobody declared it a cache"
    return Condition("role", False, said, "role=cache, if it is one,")


def _expiry(facts: Facts) -> Condition:
    if facts.pattern:
        keys, expires, what = facts.sampled.keys, facts.sampled.expiring, "sampled keys that match"
    else:
        found = databases(facts.info).get(facts.db, {"keys": 0, "expires": 0})
        keys, expires, what = found["keys"], found["expires"], f"keys of db {facts.db}"
    share = 100.0 * expires / keys if keys else 0.0
    text = f"{expires} of {keys} {what} expire ({share:.0f} %)"
    if share >= FEWEST_EXPIRING:
        return Condition("expiry", True, text)
    return Condition("expiry", False, f"{text}; a cache has {FEWEST_EXPIRING:.0f} % at least: this is a store's data")


def _policy(facts: Facts) -> Condition:
    policy = facts.info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return Condition("policy", True, f"its policy is {safe_name(policy)}: it may lose keys anyway")
    return Condition("policy", False, "its policy is noeviction: somebody wanted every key to stay")


def _streams(facts: Facts) -> Condition:
    found = facts.sampled.streams
    if not found:
        return Condition("streams", True, f"no stream among {facts.sampled.keys} sampled keys")
    return Condition("streams", False, f"there are streams, such as {safe_name(found[0])}: they hold work, not a cache")


def _names(facts: Facts) -> Condition:
    found = facts.sampled.telling
    if not found:
        return Condition("names", True, "no name of a queue, lock or session among the sampled keys")
    return Condition("names", False, f"there are queues, locks or sessions, such as {safe_name(found[0])}")


def _replica(facts: Facts) -> Condition:
    if facts.info.get("role") == "master":
        return Condition("replica", True, "it is no replica")
    primary = f"{facts.info.get('master_host', '?')}:{facts.info.get('master_port', '?')}"
    return Condition("replica", False, f"it is a replica of {safe_name(primary)}: only the primary can be written to")


def _database(facts: Facts) -> Condition:
    found = databases(facts.info)
    keys = found.get(facts.db, {"keys": 0})["keys"]
    listing = ", ".join(f"db {n}: {db['keys']} keys" for n, db in sorted(found.items())) or "no database has keys"
    if not keys:
        return Condition("database", False, f"db {facts.db} is empty ({listing}): is it the right one?")
    if facts.pattern and not facts.sampled.keys:
        return Condition("database", False, f"no key of db {facts.db} matches {safe_name(facts.pattern)} ({listing})")
    wanted = facts.expected_keys
    if wanted is not None and abs(keys - wanted) > max(10, 0.1 * wanted):
        return Condition("database", False, f"db {facts.db} has {keys} keys, expected were about {wanted} ({listing})")
    return Condition("database", True, f"db {facts.db} has {keys} keys ({listing})")


def _cluster(facts: Facts) -> Condition:
    if facts.info.get("cluster_enabled") != "1":
        return Condition("cluster", True, "it is no cluster node")
    text = "it is one node of a cluster: only this node's keys would go"
    return Condition(
        "cluster", facts.cluster_acknowledged, text, "" if facts.cluster_acknowledged else "cluster_node_only"
    )


def _aof(facts: Facts) -> Condition:
    if facts.info.get("aof_enabled") != "1":
        return Condition("aof", True, "no AOF keeps the removal")
    text = "the removal is appended to the AOF, and the next rewrite makes it final"
    return Condition("aof", facts.aof_acknowledged, text, "" if facts.aof_acknowledged else "aof_acknowledged")


def _postgresql(facts: Facts) -> Condition:
    if facts.postgresql_headroom is None:
        if facts.without_postgresql:
            return Condition("postgresql", True, "without_postgresql says that no database has to bear the misses")
        reason = "nobody said how much headroom the database behind it has; all misses go there at once"
        return Condition("postgresql", False, reason, "postgresql_headroom or without_postgresql")
    text = f"the database behind it has {facts.postgresql_headroom:.0f} % of its slots free"
    if facts.postgresql_headroom >= FEWEST_HEADROOM:
        return Condition("postgresql", True, text)
    return Condition("postgresql", False, f"{text}; all misses go there at once, {FEWEST_HEADROOM:.0f} % are needed")


def _saving(facts: Facts) -> Condition:
    if facts.without_copy:
        return Condition("saving", True, "no copy is wanted")
    if facts.info.get("loading") == "1":
        return Condition("saving", False, "it still loads its data: a copy would not be whole")
    if facts.info.get("rdb_last_bgsave_status", "ok") != "ok":
        return Condition("saving", False, "its last save failed: a copy can't be taken", "without_copy")
    return Condition("saving", True, "its last save succeeded")


def _memory(facts: Facts) -> Condition:
    """A save forks: what is written meanwhile is copied, and where that does not fit the kernel kills the server."""
    if facts.without_copy:
        return Condition("memory", True, "no copy is wanted")
    used = number(facts.info.get("used_memory"), 0.0) or 0.0
    resident = max(used, number(facts.info.get("used_memory_rss"), 0.0) or 0.0)
    extra = max(COW_SHARE * used, number(facts.info.get("rdb_last_cow_size"), 0.0) or 0.0)
    limits = [x for x in (facts.memory_limit, number(facts.info.get("total_system_memory"), None)) if x]
    if not limits:
        return Condition("memory", False, "how much memory there is can't be told: name it", "memory_limit")
    text = f"{size(resident)} resident and {size(extra)} that a save copies, of {size(min(limits))}"
    return Condition(
        "memory", resident + extra <= min(limits), text, "" if resident + extra <= min(limits) else "without_copy"
    )
