# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_flush against real servers: each refusal has a twin that passes, and the copy restores byte-equal."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import redis_flush as module
from ansible_collections.incident.response.plugins.module_utils.clients import redis_copy
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from redis_servers import Server, free_port, resp, running, until

CACHE = ("--maxmemory", "200mb", "--maxmemory-policy", "allkeys-lru", "--enable-debug-command", "local")


def fill_cache(server: Server, db: int = 0, keys: int = 500) -> None:
    """What a cache holds: everything expires, of every type, any bytes, and a few other databases."""
    client = server.client(db=db)
    pipe = client.pipeline(transaction=False)
    for number in range(keys):
        pipe.set(f"page:{number}", bytes([number % 256]) * (number % 97 + 1), ex=3600)
    pipe.hset("user:1", mapping={"name": "ö", b"\xff\x00": b"\x00\xfe"})
    pipe.zadd("top", {"a": 1.5, "b": 2})
    pipe.rpush("recent", *range(20))
    pipe.sadd("tags", *range(300))
    for name in ("user:1", "top", "recent", "tags"):
        pipe.expire(name, 3600)
    pipe.execute()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "redis", *CACHE) as server:
        fill_cache(server)
        yield server


def flush(server: Server, directory: Path, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in module.SPEC.options.items()}
    good = {"port": server.port, "whole": True, "role": "cache", "postgresql_headroom": 50.0, "deadline": 60.0}
    directory.mkdir(exist_ok=True)
    if options.get("pattern"):
        good["whole"] = False
    return module.perform({**params, **good, "copy_dir": str(directory), **options}, check_mode)


def refused(result: dict[str, Any]) -> set[str]:
    return {answer["name"] for answer in result["conditions"] if not answer["ok"]}


def everything(server: Server) -> dict[tuple[int, bytes], bytes]:
    """Each key of each database as DUMP writes it."""
    found = {}
    for name in server.client().info("keyspace"):
        number = int(name[2:])
        client = server.client(db=number)
        found.update({(number, key): client.dump(key) for key in client.scan_iter(count=500)})
    return found


def test_a_flush_keeps_other_databases_and_its_copy_restores_byte_equal(cache: Server, tmp_path: Path) -> None:
    cache.client(db=3).set("other", "stays")
    before, last_save = everything(cache), cache.client().lastsave()
    result = flush(cache, tmp_path / "copies")
    assert "problem" not in result, result
    assert (result["changed"], result["databases"]) == (True, {"3": 1})
    assert result["databases_before"] == {"0": 504, "3": 1}
    assert cache.client(db=3).get("other") == b"stays"
    assert cache.client().lastsave() > last_save
    path = Path(result["saved"]["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(path, restored / "dump.rdb")
    with running(restored) as server:
        assert everything(server) == before
        assert server.client().ttl("page:1") > 3000


def test_only_async_is_ever_sent(cache: Server, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", cache.port)) as link, link.makefile("rb") as lines:
        link.sendall(resp("MONITOR"))
        assert lines.readline() == b"+OK\r\n"
        flush(cache, tmp_path / "copies")
        cache.client().echo("end of test")
        sent = []
        while not sent or b"end of test" not in sent[-1]:
            sent.append(lines.readline())
    commands = [match[1].upper() for line in sent if (match := re.search(rb'\] ("[^"]+"(?: "[^"]*")*)', line))]
    flushes = [command for command in commands if command.startswith(b'"FLUSH')]
    assert flushes == [b'"FLUSHDB" "ASYNC"']
    assert not any(command.startswith((b'"KEYS"', b'"MONITOR"', b'"DEBUG"')) for command in commands)


def test_check_mode_asks_the_gate_and_changes_nothing(cache: Server, tmp_path: Path) -> None:
    before = everything(cache)
    result = flush(cache, tmp_path / "copies", check_mode=True)
    assert (result["changed"], refused(result)) == (True, set())
    assert everything(cache) == before
    assert not list((tmp_path / "copies").iterdir())


def test_a_pattern_goes_at_its_rate_and_the_rest_stays(cache: Server, tmp_path: Path) -> None:
    result = flush(cache, tmp_path / "copies", pattern="page:1*", rate=100.0)
    assert result["removed"] == 111
    assert {key for (_db, key) in everything(cache) if key.startswith(b"page:1")} == set()
    assert cache.client().dbsize() == 504 - 111


def test_the_time_is_up_in_the_middle_of_a_pattern(cache: Server, tmp_path: Path) -> None:
    result = flush(cache, tmp_path / "copies", pattern="page:*", rate=20.0, deadline=8.0, without_copy=True)
    assert "Run it again" in result["problem"]
    assert 0 < result["removed"] < 500
    assert cache.client().dbsize() == 504 - result["removed"]


# Each refusal, alone, beside the twin of it that the tests above are: the same cache, flushed.


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"role": None}, {"role"}),
        ({"role": "store"}, {"role"}),
        ({"postgresql_headroom": 29.0}, {"postgresql"}),
        ({"postgresql_headroom": None}, {"postgresql"}),
        ({"postgresql_headroom": None, "without_postgresql": True}, set()),
        ({"db": 5}, {"expiry", "database"}),
        ({"expected_size": 5000}, {"database"}),
        ({"expected_size": 510}, set()),
        ({"memory_limit": 1000000}, {"memory"}),
        ({"memory_limit": 1000000, "without_copy": True}, set()),
        ({"protected_prefixes": ["page:"]}, {"names"}),
        ({"pattern": "nothing:*"}, {"expiry", "database"}),
    ],
)
def test_refused_by_options(cache: Server, tmp_path: Path, options: dict[str, Any], expected: set[str]) -> None:
    result = flush(cache, tmp_path / "copies", check_mode=True, **options)
    assert refused(result) == expected
    assert ("problem" in result) is bool(expected)
    for name in expected:
        assert f"{name}: " in result["problem"]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], set()),
        ([("CONFIG", "SET", "maxmemory-policy", "noeviction")], {"policy"}),
        ([("XADD", "events", "*", "a", "1"), ("EXPIRE", "events", "3600")], {"streams"}),
        ([("SET", "app:lock:7", "me", "EX", "3600")], {"names"}),
        ([("SET", "celery-task-meta-1", "x", "EX", "3600")], {"names"}),
        ([("DEBUG", "POPULATE", "100", "order")], {"expiry"}),
        ([("CONFIG", "SET", "appendonly", "yes")], {"aof"}),
    ],
)
def test_refused_by_the_data(
    cache: Server, tmp_path: Path, commands: list[tuple[str, ...]], expected: set[str]
) -> None:
    client = cache.client()
    for command in commands:
        client.execute_command(*command)
    until("rewrites to end", lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    assert refused(flush(cache, tmp_path / "copies", check_mode=True)) == expected


def test_an_acknowledged_aof_keeps_its_history(cache: Server, tmp_path: Path) -> None:
    client = cache.client()
    client.config_set("appendonly", "yes")
    until("the rewrite to end", lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    result = flush(cache, tmp_path / "copies", aof_acknowledged=True)
    assert "undo: CONFIG SET auto-aof-rewrite-percentage 100" in result["note"]
    assert client.config_get("auto-aof-rewrite-percentage") == {"auto-aof-rewrite-percentage": "0"}


def test_a_replica_is_refused(cache: Server, tmp_path: Path) -> None:
    with running(tmp_path / "replica", *CACHE, "--replicaof", f"127.0.0.1 {cache.port}") as replica:
        until("the link to be up", lambda: replica.client().info("replication")["master_link_status"] == "up")
        assert refused(flush(replica, tmp_path / "copies", check_mode=True)) == {"replica"}
        flush(cache, tmp_path / "copies")
        until("the replica to be empty too", lambda: replica.client().dbsize() == 0)


def test_a_save_that_fails_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "redis", *CACHE) as server:
        fill_cache(server)
        blocked = server.directory / "dump.rdb"
        blocked.mkdir()
        (blocked / "x").touch()
        result = flush(server, tmp_path / "copies")
        assert refused(result) == {"copy"}
        assert server.client().dbsize() == 504
        assert not list((tmp_path / "copies").iterdir()), "a copy that is no good is not left behind"
        until("the failure to be known", lambda: server.client().info("persistence")["rdb_last_bgsave_status"] == "err")
        assert refused(flush(server, tmp_path / "copies", check_mode=True)) == {"saving"}
        (blocked / "x").unlink()
        blocked.rmdir()
        server.client().save()
        assert "problem" not in flush(server, tmp_path / "copies")


def test_another_server_is_refused(cache: Server, tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="restarted meanwhile"):
        flush(cache, tmp_path / "copies", identity={"run_id": "1" * 40})
    assert cache.client().dbsize() == 504


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="refuses the connection"):
        flush(Server(tmp_path, port=free_port()), tmp_path / "copies")


def command(words: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_damaged_copy_is_noticed(cache: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the checksum in Python alone, and by the tool alone."""
    good = Path(flush(cache, tmp_path / "copies")["saved"]["path"])
    assert redis_copy.check(str(good), Deadline(30)) == ""
    data = bytearray(good.read_bytes())
    data[len(data) // 2] ^= 0x01
    bad, short = tmp_path / "bad.rdb", tmp_path / "short.rdb"
    bad.write_bytes(data)
    short.write_bytes(good.read_bytes()[:-20])
    assert "cut off" in redis_copy.check(str(short), Deadline(30))
    tool = shutil.which("redis-check-rdb")
    if tool and redis_copy._by_tool(tool, str(good), Deadline(30), command) == "":
        with monkeypatch.context() as patch:
            patch.setattr(redis_copy, "verify", lambda chunks, tail: "")
            assert "rejects it" in redis_copy.check(str(bad), Deadline(30), command)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "checksum is wrong" in redis_copy.check(str(bad), Deadline(30))
    assert redis_copy.check(str(good), Deadline(30)) == ""


def test_with_a_password_and_meanwhile_written(tmp_path: Path) -> None:
    """The copy is one moment's data, whole, although clients go on writing."""
    stop = threading.Event()
    with running(tmp_path / "redis", *CACHE) as server:
        fill_cache(server)
        server.client().config_set("requirepass", "c4nary-Pa55")

        def write() -> None:
            client, number = server.client(password="c4nary-Pa55"), 0
            while not stop.is_set():
                client.set(f"page:w{number % 50}", "x" * 100, ex=3600)
                number += 1

        thread = threading.Thread(target=write)
        thread.start()
        try:
            result = flush(server, tmp_path / "copies", password="c4nary-Pa55")
        finally:
            stop.set()
            thread.join()
    assert "problem" not in result
    assert "c4nary-Pa55" not in str(result)
