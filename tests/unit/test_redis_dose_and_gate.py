# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients may go and how few, what has to hold before keys are removed, and whether a copy is whole."""

from __future__ import annotations

import dataclasses
import random
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import (
    redis_clients,
    redis_flush,
    redis_health,
    redis_wait,
)
from ansible_collections.incident.response.plugins.module_utils.clients.redis_flush import tells
from ansible_collections.incident.response.plugins.module_utils.core import redis_flush_gate as gate
from ansible_collections.incident.response.plugins.module_utils.core import redis_rdb as rdb
from ansible_collections.incident.response.plugins.module_utils.core.redis_dose import (
    Wish,
    changed,
    choose,
    in_network,
    protected,
)
from ansible_collections.incident.response.plugins.module_utils.core.redis_snapshot import Client
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from redis_made import ANSWERED

MIB = 1024 * 1024


def client(number: int, idle: int = 600, **changes: t.Any) -> Client:
    return Client(
        **{"id": number, "address": f"10.0.0.1:{number}", "idle": idle, "age": idle + 10, "command": "get", **changes}
    )


def crowd(count: int) -> list[Client]:
    return [client(n, idle=1000 - n) for n in range(1, count + 1)]


# The dose


def test_without_a_filter_nobody_fits() -> None:
    assert choose(crowd(100), 0, 100, Wish()).go == ()


def test_the_longest_idle_go_first_and_only_as_many_as_needed() -> None:
    choice = choose(crowd(95), 0, 100, Wish(min_idle=1, headroom=20.0))
    assert (choice.needed, choice.limit, [c.id for c in choice.go]) == (15, 23, list(range(1, 16)))
    assert {kept.why for kept in choice.kept} == {"enough others go"}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(min_idle=1), 25),
        (Wish(min_idle=1, count=3), 3),
        (Wish(min_idle=1, headroom=1.0), 1),
        (Wish(min_idle=1, headroom=99.0), 25),
        (Wish(min_idle=1, headroom=99.0, max_share=1.0), 99),
        (Wish(min_idle=1, max_share=0.001), 0),
        (Wish(min_idle=900), 25),
        (Wish(min_idle=999), 1),
    ],
)
def test_never_more_than_the_share_the_headroom_and_the_count(wish: Wish, expected: int) -> None:
    assert len(choose(crowd(100), 0, 100, wish).go) == expected


def test_its_own_connection_is_neither_counted_nor_touched() -> None:
    choice = choose(crowd(4), 1, 100, Wish(min_idle=1, max_share=1.0))
    assert [c.id for c in choice.go] == [2, 3, 4]


PROTECTED = [
    ({"flags": "S"}, "it is a link of replication"),
    ({"flags": "M"}, "it is a link of replication"),
    ({"flags": "P"}, "it subscribes to channels"),
    ({"subscriptions": 1}, "it subscribes to channels"),
    ({"flags": "b"}, "it waits for work by design"),
    ({"command": "blpop"}, "it waits for work by design"),
    ({"command": "xreadgroup"}, "it waits for work by design"),
    ({"name": "sentinel-f00-cmd"}, "its name is protected"),
    ({"name": "backup-1"}, "its name is protected"),
    ({"user": "admin"}, "its user is protected"),
    ({"address": "192.168.5.6:7"}, "its address is protected"),
    ({"address": ""}, "its identity is unknown"),
    ({"flags": "N"}, ""),
    ({"flags": "x"}, ""),
    ({"name": "app"}, ""),
]
GUARDED = Wish(
    min_idle=1,
    max_share=1.0,
    protected_names=("sentinel-*", "backup-*"),
    protected_users=("admin",),
    protected_addresses=("192.168.0.0/16",),
)


@pytest.mark.parametrize(("changes", "why"), PROTECTED)
def test_who_is_protected_and_why(changes: dict[str, t.Any], why: str) -> None:
    one = client(1, **changes)
    assert protected(one, GUARDED) == why
    choice = choose([one], 0, 100, GUARDED)
    assert len(choice.go) == (0 if why else 1)
    assert [kept.why for kept in choice.kept] == ([why] if why else [])


@pytest.mark.parametrize(
    ("place", "fits"),
    [
        ("10.0.0.1", True),
        ("10.0.0.1:5", True),
        ("10.0.0.1:6", False),
        ("10.0.0.0/24", True),
        ("10.0.0", False),
        ("", False),
    ],
)
def test_places(place: str, fits: bool) -> None:
    assert in_network(client(5), [place]) is fits


def test_everything_that_is_given_has_to_fit() -> None:
    one = client(5, name="app-1", user="web")
    both = Wish(names=("app-*",), users=("batch",), max_share=1.0)
    assert choose([one], 0, 10, both).go == ()
    assert choose([one], 0, 10, dataclasses.replace(both, users=("web",))).go == (one,)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({}, ""),
        ({"idle": 601, "age": 611}, ""),
        ({"idle": 0}, "it was at work meanwhile"),
        ({"idle": 599}, "it was at work meanwhile"),
        ({"age": 5}, "its id belongs to another client now"),
        ({"address": "10.0.0.9:1"}, "its id belongs to another client now"),
        ({"name": "other"}, "its id belongs to another client now"),
        ({"flags": "P"}, "it subscribes to channels"),
    ],
)
def test_looked_at_once_more_right_before(now: dict[str, t.Any], why: str) -> None:
    one = client(1)
    assert changed(one, one._replace(**now), Wish(min_idle=1)) == why
    assert changed(one, None, Wish(min_idle=1)) == "it is gone by itself"


# The gate: each refusal alone, and its twin

GOOD = gate.Facts(
    info={**ANSWERED, "maxmemory_policy": "allkeys-lru", "db0": "keys=1000,expires=950", "db3": "keys=5,expires=0"},
    db=0,
    role="cache",
    sampled=gate.Sampled(keys=1000, expiring=950),
    postgresql_headroom=30.0,
)


def with_info(**changes: str) -> gate.Facts:
    return dataclasses.replace(GOOD, info={**GOOD.info, **changes})


def failed(facts: gate.Facts) -> list[str]:
    return [answer.name for answer in gate.refused(gate.conditions(facts))]


def test_the_twin_of_every_refusal_passes() -> None:
    assert failed(GOOD) == []
    assert len(gate.conditions(GOOD)) == 12


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (dataclasses.replace(GOOD, role=""), "role"),
        (dataclasses.replace(GOOD, role="store"), "role"),
        (with_info(db0="keys=1000,expires=899"), "expiry"),
        (with_info(maxmemory_policy="noeviction"), "policy"),
        (dataclasses.replace(GOOD, sampled=gate.Sampled(1000, 950, streams=("events",))), "streams"),
        (dataclasses.replace(GOOD, sampled=gate.Sampled(1000, 950, telling=("lock:1",))), "names"),
        (with_info(role="slave"), "replica"),
        (dataclasses.replace(GOOD, expected_keys=2000), "database"),
        (with_info(cluster_enabled="1"), "cluster"),
        (with_info(aof_enabled="1"), "aof"),
        (dataclasses.replace(GOOD, postgresql_headroom=29.9), "postgresql"),
        (dataclasses.replace(GOOD, postgresql_headroom=None), "postgresql"),
        (with_info(rdb_last_bgsave_status="err"), "saving"),
        (with_info(loading="1"), "saving"),
        (with_info(used_memory_rss="7999900000"), "memory"),
        (dataclasses.replace(GOOD, memory_limit=1000), "memory"),
        (with_info(total_system_memory=""), "memory"),
    ],
)
def test_one_condition_alone_refuses_by_its_name(facts: gate.Facts, name: str) -> None:
    assert failed(facts) == [name]
    text = gate.refusal(gate.conditions(facts))
    assert text.startswith("Refused, nothing was removed.")
    assert f" {name}: " in text


@pytest.mark.parametrize(
    "facts",
    [
        with_info(db0="keys=1000,expires=900"),
        dataclasses.replace(GOOD, expected_keys=1100),
        dataclasses.replace(with_info(cluster_enabled="1"), cluster_acknowledged=True),
        dataclasses.replace(with_info(aof_enabled="1"), aof_acknowledged=True),
        dataclasses.replace(GOOD, postgresql_headroom=None, without_postgresql=True),
        dataclasses.replace(with_info(rdb_last_bgsave_status="err"), without_copy=True),
        dataclasses.replace(with_info(total_system_memory=""), memory_limit=10**9),
    ],
)
def test_what_opens_a_condition(facts: gate.Facts) -> None:
    assert failed(facts) == []


def test_the_wrong_database_is_named_with_all_of_them() -> None:
    facts = dataclasses.replace(GOOD, db=7)
    assert failed(facts) == ["expiry", "database"]
    assert "db 0: 1000 keys, db 3: 5 keys" in gate.refusal(gate.conditions(facts))


def test_a_pattern_is_judged_by_its_own_keys() -> None:
    own = dataclasses.replace(with_info(db0="keys=1000,expires=0"), pattern="page:*", sampled=gate.Sampled(50, 50))
    assert failed(own) == []
    assert failed(dataclasses.replace(own, sampled=gate.Sampled(50, 10))) == ["expiry"]
    assert failed(dataclasses.replace(own, sampled=gate.Sampled())) == ["expiry", "database"]


def test_all_refusals_are_known_at_once() -> None:
    worst = dataclasses.replace(
        with_info(role="slave", maxmemory_policy="noeviction", aof_enabled="1", db0="keys=9,expires=0"),
        role="",
        postgresql_headroom=None,
        sampled=gate.Sampled(9, 0, ("s",), ("lock:1",)),
    )
    assert failed(worst) == ["role", "expiry", "policy", "streams", "names", "replica", "aof", "postgresql"]


@pytest.mark.parametrize(
    ("copy", "without", "ok"),
    [
        (gate.Copy("/backup/x.rdb", 100, "abc"), False, True),
        (gate.Copy("", 0, "", "its checksum is wrong"), False, False),
        (None, False, False),
        (None, True, True),
    ],
)
def test_no_copy_no_removal(copy: gate.Copy | None, without: bool, ok: bool) -> None:
    assert gate.copied(dataclasses.replace(GOOD, without_copy=without), copy).ok is ok


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lock:1", True),
        ("app:lock:1", True),
        ("celery-task", True),
        ("unlock:1", False),
        ("block:1", False),
        ("page:1", False),
    ],
)
def test_names_that_tell(name: str, expected: bool) -> None:
    assert tells(name, gate.PREFIXES) is expected


# The copy


def test_the_checksum_is_redis_own() -> None:
    """The value that Redis' own test of crc64.c expects."""
    assert rdb.crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def made_rdb(body: bytes) -> bytes:
    data = b"REDIS0010" + body + b"\xff"
    return data + rdb.crc64(data).to_bytes(8, "little")


def whole(data: bytes, chunk: int = 7) -> str:
    problem = rdb.shape(data[:9], data[-9:], len(data))
    return problem or rdb.verify((data[n : n + chunk] for n in range(0, len(data), chunk)), data[-9:])


def test_a_whole_file_and_every_damage_to_it() -> None:
    random.seed(7)
    good = made_rdb(random.randbytes(500))
    assert [whole(good, chunk) for chunk in (1, 7, 8, 9, 5000)] == [""] * 5
    for at in range(0, len(good), 13):
        bad = bytearray(good)
        bad[at] ^= 0x10
        assert whole(bytes(bad)), f"a damaged byte {at} is not noticed"
    for size in (0, 5, 17, 100, len(good) - 1):
        assert whole(good[:size]), f"a file cut to {size} bytes is not noticed"
    assert whole(b"hello world, this is no such file")


def test_a_server_that_writes_no_checksum_is_believed() -> None:
    data = b"REDIS0010" + b"x" * 50 + b"\xff" + bytes(8)
    assert whole(data) == ""


# Options that make no sense


def defaults(spec: t.Any, **changes: t.Any) -> dict[str, t.Any]:
    return {**{name: option.get("default") for name, option in spec.options.items()}, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 0}, {"port": 70000}, {"host": " "}, {"db": -1}, {"username": "u"}, {"timeout": 0}, {"deadline": 0},
        {"patience": -1}, {"window": -1}, {"window": 31}, {"scan_limit": -1},
        {"memory_limit": -5}, {"lookback": float("nan")},
        {"thresholds": {"memory_percent": {"warn": 99, "crit": 90}}},
        {"thresholds": {"memory_percent": {"warn": 0.9}}},
        {"thresholds": {"no_such": {"warn": 1}}}, {"thresholds": {"latency_ms": {"warn": True}}},
    ],
)  # fmt: skip
def test_misuse_of_the_check(changes: dict[str, t.Any]) -> None:
    with pytest.raises(Misuse):
        redis_health.run(defaults(redis_health.SPEC, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "say whom"),
        ({"names": []}, "an empty list is not all"),
        ({"clients": [{"id": 1}]}, "needs id and addr"),
        ({"min_idle": 0}, "min_idle"),
        ({"min_idle": 5, "headroom": 0.2}, "write 20"),
        ({"min_idle": 5, "max_share": 25}, "write 0.25"),
        ({"min_idle": 5, "count": 0}, "count"),
    ],
)
def test_misuse_of_redis_clients(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        redis_clients.perform(defaults(redis_clients.SPEC, **changes), True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pattern": ""}, "empty pattern"),
        ({"pattern": "*"}, "whole=true"),
        ({"pattern": "?*"}, "whole=true"),
        ({"whole": True}, "copy_dir"),
        ({"whole": True, "copy_dir": "/no/such/place"}, "no directory"),
        ({"whole": True, "without_copy": True, "postgresql_headroom": 0.5}, "write 50"),
        ({"pattern": "a*", "without_copy": True, "rate": 0}, "rate"),
    ],
)
def test_misuse_of_redis_flush(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        redis_flush.perform(defaults(redis_flush.SPEC, **changes), True)


def test_misuse_of_redis_wait() -> None:
    with pytest.raises(Misuse):
        redis_wait.perform(defaults(redis_wait.SPEC, wait=-1), True)
