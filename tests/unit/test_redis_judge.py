# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_health_info's judgement: each row of the catalogue with the twin that stays silent, and hostile replies."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import redis_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core.redis_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.redis_judge_clients import holders
from ansible_collections.incident.response.plugins.module_utils.core.redis_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.redis_snapshot import (
    BigKey,
    Client,
    Keys,
    LatencyEvent,
    Master,
    RedisSnapshot,
    Slow,
)
from ansible_collections.incident.response.plugins.module_utils.core.redis_summary import (
    attachments,
    measured,
    sample,
    summary,
)
from redis_made import ADDRESS, ANSWERED, NOW, made, silent

MIB = 1024 * 1024


def ids(snapshot: RedisSnapshot, history: t.Sequence[t.Mapping[str, t.Any]] = (), **settings: t.Any) -> list[str]:
    return sorted(finding.id for finding in judge(snapshot, Settings(**settings), history))


def crowd(count: int, **changes: t.Any) -> tuple[Client, ...]:
    return tuple(Client(**{"id": n + 10, "address": f"10.0.0.{n % 5}:{n}", **changes}) for n in range(count))


def test_a_healthy_server_is_silent_and_says_what_was_measured() -> None:
    assert ids(made()) == []
    assert "INFO twice, 2.0 s apart" in measured(made())
    assert "once: no deltas" in " ".join(measured(made(later=None)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refused", "redis.server.refused"),
        ("dns", "redis.server.dns"),
        ("timeout", "redis.server.timeout"),
        ("deadline", "redis.server.timeout"),
        ("silent", "redis.server.silent"),
        ("reset", "redis.server.reset"),
        ("not_protocol", "redis.server.not_redis"),
        ("tls", "redis.server.tls"),
        ("paused", "redis.server.paused"),
        ("failed", "redis.unmeasured"),
        ("something new", "redis.unmeasured"),
    ],
)
def test_every_way_of_not_answering_has_its_own_name(kind: str, expected: str) -> None:
    found = judge(silent(kind))
    assert [finding.id for finding in found] == [expected]
    assert found[0].severity == ("P3" if expected == "redis.unmeasured" else "P1")
    assert found[0].state == ("unknown" if expected == "redis.unmeasured" else "critical")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"probe": {"error": "MAXCLIENTS"}}, ["redis.clients.full"]),
        ({"login": "ERR max number of clients reached", "login_kind": "MAXCLIENTS"}, ["redis.clients.full"]),
        ({"probe": {"error": "DENIED"}}, ["redis.auth.rejected"]),
        ({"login": "WRONGPASS no", "login_kind": "WRONGPASS"}, ["redis.auth.rejected"]),
        ({"probe": {"error": "NOAUTH"}, "login": "NOAUTH", "login_kind": "NOAUTH"}, ["redis.auth.rejected"]),
        ({"probe": {"error": "NOAUTH"}}, []),
        ({"probe": {"error": "LOADING"}, "info": {"loading": "1"}}, ["redis.server.loading"]),
        ({"info": {"loading": "1"}}, ["redis.server.loading"]),
        ({"probe": {"error": "BUSY"}, "info": {}, "refused": {"INFO": "BUSY script"}}, ["redis.server.busy"]),
        ({"probe": {"error": "MISCONF"}, "ping_error": "MISCONF"}, ["redis.persistence.failing"]),
        (
            {"probe": {"error": "MASTERDOWN"}, "info": {"role": "slave", "master_link_status": "down"}},
            ["redis.replication.down"],
        ),
    ],
)
def test_errors_to_ping_are_states_of_a_server_that_is_up(changes: dict[str, t.Any], expected: list[str]) -> None:
    snapshot = made(**changes)
    assert snapshot.reachable
    assert ids(snapshot) == expected


def memory(used: float, policy: str, **more: str) -> RedisSnapshot:
    return made(info={"maxmemory": "1000000", "used_memory": str(int(used)), "maxmemory_policy": policy, **more})


@pytest.mark.parametrize(
    ("used", "policy", "expires", "expected"),
    [
        (899_000, "noeviction", 9, []),
        (900_000, "noeviction", 9, ["redis.memory.high"]),
        (980_000, "noeviction", 9, ["redis.memory.full"]),
        (1_000_000, "allkeys-lru", 0, []),
        (1_000_000, "allkeys-lfu", 0, []),
        (1_000_000, "volatile-lru", 9, []),
        (1_000_000, "volatile-lru", 0, ["redis.memory.full"]),
        (1_000_000, "a policy of the future", 9, ["redis.memory.full"]),
    ],
)
def test_memory_is_a_finding_only_where_it_makes_writes_fail(
    used: float, policy: str, expires: int, expected: list[str]
) -> None:
    assert ids(memory(used, policy, db0=f"keys=10,expires={expires},avg_ttl=0")) == expected


def test_buffers_that_do_not_count_are_not_counted() -> None:
    assert ids(memory(990_000, "noeviction", mem_not_counted_for_evict="200000")) == []


@pytest.mark.parametrize(
    ("rss", "limit", "expected"),
    [
        (95 * MIB, None, []),
        (95 * MIB, 100 * MIB, ["redis.memory.unlimited"]),
        (85 * MIB, 100 * MIB, []),
        (7_500_000_000, None, ["redis.memory.unlimited"]),
    ],
)
def test_without_maxmemory_the_limit_is_the_containers_or_the_machines(
    rss: int, limit: int | None, expected: list[str]
) -> None:
    assert ids(made(info={"used_memory_rss": str(rss)}), memory_limit=limit) == expected


@pytest.mark.parametrize("kind", ["OOM", "MISCONF", "NOREPLICAS", "READONLY"])
def test_writes_are_judged_by_the_errors_that_others_got(kind: str) -> None:
    name = f"errorstat_{kind}"
    assert ids(made(info={name: "count=5"})) == [], "what is past is past"
    assert ids(made(info={name: "count=5"}, later={name: "count=6"})) == ["redis.writes.refused"]
    assert ids(made(later={name: "count=1"})) == ["redis.writes.refused"]
    assert ids(made(info={name: "count=5"}, later={name: "count=0"})) == [], "a restarted counter"


@pytest.mark.parametrize(
    ("evicted", "role", "expected"),
    [
        (1, "store", True),
        (1, "cache", False),
        (1, "", False),
        (200, "cache", True),
        (200, "", True),
        (199, "cache", False),
    ],
)
def test_evicted_keys_are_lost_data_to_a_store_only(evicted: int, role: str, expected: bool) -> None:
    assert ids(made(later={"evicted_keys": str(evicted)}), role=role) == (["redis.evicting"] if expected else [])


@pytest.mark.parametrize(
    ("connected", "rejected", "expected"),
    [
        (899, 0, []),
        (900, 0, ["redis.clients.high"]),
        (998, 0, ["redis.clients.high"]),
        (999, 0, ["redis.clients.full"]),
        (10, 1, ["redis.clients.full"]),
    ],
)
def test_clients(connected: int, rejected: int, expected: list[str]) -> None:
    info = {"maxclients": "1000", "connected_clients": str(connected + 1)}
    assert ids(made(info=info, later={"rejected_connections": str(rejected)})) == expected


def test_an_old_server_says_its_limit_by_config_only_or_not_at_all() -> None:
    old = {name: value for name, value in ANSWERED.items() if name != "maxclients"}
    snapshot = made(info={"connected_clients": "96"}, config={"maxclients": "100"})
    object.__setattr__(snapshot, "info", {**old, "connected_clients": "96"})
    object.__setattr__(snapshot, "later", {})
    assert ids(snapshot) == ["redis.clients.high"]
    object.__setattr__(snapshot, "config", None)
    assert ids(snapshot) == []


def past(blocked: float, age: float, **more: t.Any) -> dict[str, t.Any]:
    return {"at": NOW - age, "blocked": blocked, "run_id": ANSWERED["run_id"], **more}


@pytest.mark.parametrize(
    ("blocked", "history", "declared", "expected"),
    [
        (50, [], None, []),
        (50, [past(5, 400)], None, ["redis.clients.blocked"]),
        (50, [past(5, 60)], None, []),
        (50, [past(5, 400, run_id="another")], None, []),
        (50, [past(40, 400)], None, []),
        (50, [past(5, 400)], 50, []),
        (50, [], 3, ["redis.clients.blocked"]),
        (1, [past(0, 400)], None, []),
        (50, [{"at": None, "blocked": "x"}], None, []),
    ],
)
def test_blocked_consumers_are_no_fault_by_themselves(
    blocked: int, history: list[dict[str, t.Any]], declared: int | None, expected: list[str]
) -> None:
    snapshot = made(info={"blocked_clients": str(blocked)})
    assert ids(snapshot, history, expected_blocked=declared) == expected


@pytest.mark.parametrize(
    ("flags", "command", "expected"),
    [
        ("b", "set", ["redis.server.paused"]),
        ("b", "blpop", []),
        ("b", "xreadgroup", []),
        ("b", "ft.search", []),
        ("N", "set", []),
    ],
)
def test_who_waits_in_a_write_was_paused(flags: str, command: str, expected: list[str]) -> None:
    assert ids(made(clients=crowd(1, flags=flags, command=command))) == expected


def test_newer_servers_say_that_they_are_paused() -> None:
    assert ids(made(info={"paused_actions": "write", "paused_timeout_milliseconds": "5000"})) == ["redis.server.paused"]
    assert ids(made(info={"paused_actions": "none"})) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pings": (99.0, 99.0, 99.0)}, None),
        ({"pings": (1.0, 500.0, 1.0)}, None),
        ({"pings": (150.0, 150.0, 150.0)}, "warning"),
        ({"pings": (1500.0, 1500.0, 1500.0)}, "critical"),
        ({"probe": {"ms": 3000.0}}, "critical"),
        ({"slowlog": (Slow(NOW - 30, 2.0, "keys", ""),)}, "critical"),
        ({"slowlog": (Slow(NOW - 90, 2.0, "keys", ""),)}, None),
        ({"slowlog": (Slow(NOW - 30, 0.05, "keys", ""),)}, None),
        ({"latency": (LatencyEvent("fork", NOW - 10, 300, 900),)}, "warning"),
        ({"latency": (LatencyEvent("fork", NOW - 100, 300, 900),)}, None),
        ({"info": {"instantaneous_eventloop_duration_usec": "200000"}}, "warning"),
    ],
)
def test_latency(changes: dict[str, t.Any], expected: str | None) -> None:
    found = judge(made(**changes))
    assert [(finding.id, finding.state) for finding in found] == (
        [("redis.latency.high", expected)] if expected else []
    )


def test_what_held_it_up_is_named_and_advised_about() -> None:
    event = LatencyEvent("aof-fsync-always", NOW - 1, 300, 300)
    found = judge(made(slowlog=(Slow(NOW - 5, 0.2, "lrange", "feed:1"),), latency=(event,)))[0]
    assert "lrange" in found.summary
    assert any("everysec" in cause for cause in found.causes)
    slow_network = judge(made(probe={"ms": 200.0, "connect_ms": 180.0}))[0]
    assert "network" in slow_network.causes[0]


@pytest.mark.parametrize("name", ["rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"])
def test_persistence(name: str) -> None:
    assert ids(made(info={name: "err"})) == ["redis.persistence.failing"]


@pytest.mark.parametrize(
    ("age_hours", "rules", "changes", "aof", "expected"),
    [
        (49, "900 1", 5, "0", True),
        (47, "900 1", 5, "0", False),
        (49, "", 5, "0", False),
        (49, "900 1", 0, "0", False),
        (49, "900 1", 5, "1", False),
    ],
)
def test_an_old_save_counts_only_where_it_is_meant_to_save(
    age_hours: int, rules: str, changes: int, aof: str, expected: bool
) -> None:
    info = {"rdb_last_save_time": str(int(NOW) - age_hours * 3600), "rdb_changes_since_last_save": str(changes)}
    snapshot = made(info={**info, "aof_enabled": aof}, config={"save": rules})
    assert ids(snapshot) == (["redis.persistence.stale"] if expected else [])


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"role": "slave", "master_link_status": "up"}, []),
        ({"role": "slave", "master_link_status": "down"}, ["redis.replication.down"]),
        ({"connected_slaves": "1", "slave0": "ip=10.0.0.2,port=6379,state=online,offset=0,lag=0"}, []),
        (
            {"master_repl_offset": str(20 * MIB), "slave0": "ip=10.0.0.2,port=6379,state=online,offset=0,lag=9"},
            ["redis.replication.lagging"],
        ),
        ({"slave0": "ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0"}, ["redis.replication.lagging"]),
    ],
)
def test_replication(info: dict[str, str], expected: list[str]) -> None:
    assert ids(made(info=info)) == expected


def test_replicas_are_missed_where_they_are_declared() -> None:
    assert ids(made(), expected_replicas=1) == ["redis.replication.missing"]
    assert ids(made(info={"connected_slaves": "1"}), expected_replicas=1) == []


def fragments(peak: int = 100 * MIB, used: int = 0, **ratios: tuple[float, int]) -> RedisSnapshot:
    names = {
        "total": ("mem_fragmentation_ratio", "mem_fragmentation_bytes"),
        "allocator": ("allocator_frag_ratio", "allocator_frag_bytes"),
    }
    info = {"used_memory_peak": str(peak), "used_memory": str(used or peak), "used_memory_rss": str(2 * peak)}
    for name, (ratio, wasted) in ratios.items():
        info.update(zip(names[name], (str(ratio), str(wasted)), strict=True))
    return made(info=info)


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (fragments(total=(1.5, 21 * MIB)), True),
        (fragments(total=(1.5, 9 * MIB)), False),
        (fragments(total=(1.3, 500 * MIB)), False),
        (fragments(allocator=(1.2, 11 * MIB)), True),
        (fragments(allocator=(1.2, 9 * MIB)), False),
        (fragments(peak=MIB, total=(14.0, 30 * MIB)), False),
        (fragments(used=50 * MIB, total=(3.0, 100 * MIB)), False),
        (
            made(
                info={
                    "used_memory": str(100 * MIB),
                    "used_memory_rss": str(50 * MIB),
                    "used_memory_peak": str(100 * MIB),
                }
            ),
            True,
        ),
    ],
)
def test_fragmentation_counts_only_with_bytes_behind_it(snapshot: RedisSnapshot, expected: bool) -> None:
    assert ids(snapshot) == (["redis.memory.fragmented"] if expected else [])


def test_buffers_of_clients() -> None:
    assert ids(made(info={"mem_clients_normal": str(3 * MIB)}, clients=crowd(10))) == ["redis.clients.buffers"]
    assert ids(made(info={"mem_clients_normal": str(MIB)}, clients=crowd(10))) == []
    assert ids(made(info={"mem_clients_slaves": str(11 * MIB)}, clients=crowd(1))) == ["redis.clients.buffers"]
    assert ids(made(clients=crowd(3, memory=MIB))) == ["redis.clients.buffers"], "without INFO's sum the list has it"


@pytest.mark.parametrize(("number", "state"), [(9, None), (11, "warning"), (101, "critical")])
def test_big_keys(number: int, state: str | None) -> None:
    found = judge(made(keys=Keys(5, True, 0, (BigKey("feed", number * MIB),))))
    assert [(finding.id, finding.state) for finding in found] == ([("redis.keys.big", state)] if state else [])


@pytest.mark.parametrize(
    ("usec", "used", "expected"),
    [(50_000, 10 * MIB, False), (400_000, 1024 * MIB, True), (100_000, 4096 * MIB, False)],
)
def test_a_fork_counts_only_where_it_stood_in_the_way(usec: int, used: int, expected: bool) -> None:
    info = {"latest_fork_usec": str(usec), "used_memory": str(used), "used_memory_rss": str(used)}
    assert ids(made(info=info)) == (["redis.fork.slow"] if expected else [])


@pytest.mark.parametrize(
    ("hits", "misses", "expected"), [(100, 800, False), (100, 900, True), (900, 100, False), (790, 210, True)]
)
def test_hits_count_from_a_thousand_lookups_on(hits: int, misses: int, expected: bool) -> None:
    found = judge(made(later={"keyspace_hits": str(hits), "keyspace_misses": str(misses)}))
    assert [(finding.id, finding.severity) for finding in found] == ([("redis.hits.low", "P4")] if expected else [])


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        (None, []),
        ({"cluster_state": "ok", "cluster_slots_fail": "0", "cluster_slots_pfail": "0"}, []),
        ({"cluster_state": "fail"}, ["redis.cluster.down"]),
        ({"cluster_state": "ok", "cluster_slots_pfail": "5"}, ["redis.cluster.down"]),
        ({}, ["redis.cluster.down"]),
    ],
)
def test_cluster(cluster: dict[str, str] | None, expected: list[str]) -> None:
    assert ids(made(cluster=cluster)) == expected


def test_sentinel() -> None:
    assert ids(made(masters=(Master("main", "master"),))) == []
    assert ids(made(masters=(Master("main", "master", "NOQUORUM 1 usable"),))) == ["redis.sentinel.failing"]
    assert ids(made(masters=(Master("main", "master,o_down"),))) == ["redis.sentinel.failing"]


def test_refused_logins_of_others_count_and_its_own_do_not() -> None:
    later = {"errorstat_NOPERM": "count=3"}
    assert ids(made(later=later, own_denied=3)) == []
    assert ids(made(later=later, own_denied=2)) == ["redis.auth.failures"]
    assert ids(made(later={"errorstat_WRONGPASS": "count=1"})) == ["redis.auth.failures"]
    assert ids(made(info={"errorstat_NOAUTH": "count=9"})) == []


def test_each_part_that_is_refused_is_unknown_and_never_ok() -> None:
    for name in ("INFO", "PING", "CLIENT LIST", "SLOWLOG GET", "LATENCY LATEST", "CONFIG GET", "SCAN", "MEMORY USAGE"):
        for why, expected in (("NOPERM no", "redis.auth.forbidden"), ("ERR unknown command", "redis.unmeasured")):
            info = {} if name == "INFO" else None
            found = judge(made(info=info, refused={name: why}))
            assert [(f.id, f.state) for f in found] == [(expected, "unknown")]
            assert name in found[0].summary
    assert ids(made(broken="the connection broke")) == ["redis.unmeasured"]


def test_what_is_missing_is_said_as_a_rule_that_can_be_granted() -> None:
    found = judge(made(user="doctor", refused={"CLIENT LIST": "NOPERM", "INFO": "NOPERM"}))[0]
    assert found.details["rules"] == "+client|list +info"
    assert "ACL SETUSER doctor '+client|list' +info" in found.remedies[0].command


# Replies


def test_info_of_any_server() -> None:
    text = (
        "# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.0.1\r\nnot a line\r\n"
        "db0:keys=1\r\ndb0:keys=2\r\n:x\r\na:b:c\r\n"
    )
    assert parse.info(text) == {"redis_version": "7.2.4", "valkey_version": "8.0.1", "db0": "keys=2", "a": "b:c"}
    assert parse.info("") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LOADING Redis is loading the dataset in memory", "LOADING"),
        ("BUSY Redis is busy running a script.", "BUSY"),
        ("ERR max number of clients reached", "MAXCLIENTS"),
        ("max number of clients + cluster connections reached", "MAXCLIENTS"),
        ("DENIED Redis is running in protected mode", "DENIED"),
        ("ERR unknown command 'CONFIG', with args", "UNKNOWN"),
        ("ERR Unknown subcommand or wrong number of arguments", "UNKNOWN"),
        ("NOPERM this user has no permissions to run the 'info' command", "NOPERM"),
        ("ERR operation not permitted", "NOAUTH"),
        ("ERR invalid password", "WRONGPASS"),
        ("something else entirely", "ERR"),
        ("", "ERR"),
    ],
)
def test_kinds_of_errors(text: str, expected: str) -> None:
    assert parse.error_word(text) == expected


def test_client_list_with_hostile_names() -> None:
    text = (
        "id=3 addr=[::1]:5 name=a=b\x1b[31m flags=N idle=x cmd=get tot-mem=5\n"
        "id=9 addr=/tmp/s:0 name= resp=3 new=field\nrubbish\n"
    )
    first, second = parse.clients(text)
    assert (first.id, first.host, first.name, first.idle) == (3, "::1", "a=b\x1b[31m", 0)
    assert (second.id, second.command) == (9, "")
    assert holders([first])[0]["name"] == "a=b"


def test_names_with_numbers_are_one_group() -> None:
    rows = holders([Client(n, f"10.0.0.1:{n}", name=f"pool-{n}") for n in range(9)])
    assert [(row["name"], row["clients"]) for row in rows] == [("pool-*", 9)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([b"GET", b"user:1"], ("get", "user:1")),
        ([b"SET", b"k", b"hunter2-value"], ("set", "k")),
        ([b"AUTH", b"hunter2"], ("auth", "")),
        ([b"HELLO", b"3", b"AUTH", b"u", b"hunter2"], ("hello", "")),
        ([b"CONFIG", b"SET", b"requirepass", b"hunter2"], ("config set", "")),
        ([b"ACL", b"SETUSER", b"u", b">hunter2"], ("acl setuser", "")),
        ([b"MIGRATE", b"h", b"1", b"k", b"AUTH", b"hunter2"], ("migrate", "")),
        ([b"EVAL", b"return 'hunter2'", b"0"], ("eval", "")),
        ([], ("", "")),
        ([b"\xff\xfe"], ("\ufffd\ufffd", "")),
    ],
)
def test_the_slowlog_keeps_no_value(words: list[bytes], expected: tuple[str, str]) -> None:
    (entry,) = parse.slowlog([[1, 1700000000, 2_000_000, words, b"1.2.3.4:5", b""]])
    assert (entry.command, entry.key) == expected
    assert "hunter2" not in repr(entry)


def test_replies_that_are_none() -> None:
    assert parse.slowlog(None) == parse.slowlog([[1, 2]]) == parse.slowlog([5]) == ()
    assert parse.latency(None) == parse.latency([[b"x"]]) == ()
    assert parse.pairs([b"a", b"1", b"b"]) == {"a": "1"}
    assert parse.pairs({b"a": b"1"}) == {"a": "1"}
    assert parse.databases({"db0": "keys=x", "dbx": "keys=1"}) == {0: {"keys": 0, "expires": 0}}


def test_every_planted_secret_stays_inside() -> None:
    secret = "hunter2-Canary-9Zq"
    clients = (
        Client(1, "10.0.0.1:1", name=f"svc?password={secret}", user="u"),
        Client(2, "10.0.0.1:2", name=f"redis://u:{secret}@h:1"),
    )
    slow = parse.slowlog([[1, int(NOW), 5_000_000, [b"AUTH", secret.encode()], b"", b""]])
    snapshot = made(
        clients=clients,
        slowlog=slow,
        info={"connected_clients": "9999"},
        keys=Keys(1, True, 0, (BigKey(f"token={secret}", 20 * MIB),)),
    )
    out = (
        json.dumps([f.to_dict() for f in judge(snapshot)])
        + json.dumps(summary(snapshot))
        + json.dumps(attachments(snapshot))
    )
    assert "redis.keys.big" in out
    assert secret not in out


def test_a_sample_is_one_small_row() -> None:
    (row,) = sample(made())
    assert row["blocked"] == 0
    assert row["run_id"] == ANSWERED["run_id"]
    assert sample(silent("refused")) == []


def test_ten_thousand_clients_are_a_short_summary() -> None:
    text = "\n".join(
        f"id={n} addr=10.0.{n % 250}.1:{n} name=app-{n} idle={n} flags=N cmd=get tot-mem={n}" for n in range(10_000)
    )
    snapshot = made(clients=parse.clients(text))
    assert summary(snapshot)["clients"]["listed"] == 9_999 + (snapshot.own_id not in range(10_000))
    assert len(json.dumps(summary(snapshot))) < 20_000
    assert len(attachments(snapshot)["clients.txt"].splitlines()) == 500


def test_a_command_line_to_paste() -> None:
    assert (
        Settings(address=ADDRESS).command("ACL", "SETUSER", "a b")
        == "redis-cli -h cache.example -p 6379 ACL SETUSER 'a b'"
    )
    assert Settings(address="/run/redis.sock").command("PING") == "redis-cli -s /run/redis.sock PING"
