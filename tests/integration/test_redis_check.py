# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_health_info against real servers: each fault gives exactly its findings, and the healthy twin gives none."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis_servers import OLD, Server, finding, free_port, ids, is_busy, is_shut, look, resp, running, until

DEBUG = ("--enable-debug-command", "local")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "redis", *DEBUG) as found:
        yield found


@contextlib.contextmanager
def in_background(server: Server, *words: str) -> Iterator[None]:
    """A command of somebody else, sent before the block begins; nobody reads its answer."""
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(resp(*words))
        yield


def test_a_healthy_server_is_silent_and_says_what_was_measured(server: Server) -> None:
    server.client().mset({f"key{n}": "x" * 100 for n in range(200)})
    result = server.look()
    assert (ids(result), result["status"], result["reachable"]) == ([], "ok", True)
    assert "sizes of 200 keys" in result["measured"]
    assert result["snapshot"]["deltas"]["rejected_connections"] == 0


def test_one_connection_at_a_time(server: Server) -> None:
    """A look opens two connections, one after the other, and leaves none."""
    admin = server.client()
    before = admin.info("stats")["total_connections_received"]
    server.look()
    until("the look's connections to be gone", lambda: admin.info("clients")["connected_clients"] == 1)
    assert admin.info("stats")["total_connections_received"] - before == 2


def test_refused() -> None:
    result = look(port=free_port())
    assert (ids(result), result["reachable"]) == (["redis.server.refused"], False)


def test_a_name_that_does_not_resolve() -> None:
    assert ids(look(host="redis.invalid")) == ["redis.server.dns"]


def answering(data: bytes) -> Iterator[int]:
    """A listener that sends this to whoever connects, and then waits."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _address = listener.accept()
                held.append(link)
                if data:
                    link.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.close()
    for link in held:
        link.close()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "redis.server.not_redis"),
        (b"\x16\x03\x03\x00\x05", "redis.server.tls"),
        (b"", "redis.server.silent"),
        (b"+PO", "redis.server.silent"),
    ],
)
def test_what_is_no_redis(data: bytes, expected: str) -> None:
    for port in answering(data):
        assert ids(look(port=port)) == [expected]


def test_stopped_by_a_signal(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    result = server.look()
    server.signal(signal.SIGCONT)
    assert ids(result) == ["redis.server.silent"]


def test_held_up_by_a_command_that_ends(server: Server) -> None:
    with in_background(server, "DEBUG", "SLEEP", "2"):
        result = server.look(patience=10.0, lookback=60.0)
    assert ids(result) == ["redis.latency.high"]
    assert finding(result, "redis.latency.high")["details"]["commands"] == ["debug sleep"]
    until("the look back to pass", lambda: ids(server.look(lookback=0.1)) == [])


def test_all_commands_paused(server: Server) -> None:
    server.client().execute_command("CLIENT", "PAUSE", "3000", "ALL")
    result = server.look()
    assert ids(result) == ["redis.server.paused"]
    assert finding(result, "redis.server.paused")["details"]["held"] == "all"
    until("the pause to end", lambda: server.client(socket_timeout=0.2).ping())
    assert ids(server.look()) == []


def test_writes_paused_while_ping_says_pong(server: Server) -> None:
    admin = server.client()
    admin.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
    with in_background(server, "SET", "a", "1"):
        until("the writer to be held", lambda: any("b" in c["flags"] for c in admin.client_list()))
        result = server.look()
    assert admin.ping()
    assert ids(result) == ["redis.server.paused"]
    assert finding(result, "redis.server.paused")["details"]["held"] == "writes"
    admin.execute_command("CLIENT", "UNPAUSE")
    assert ids(server.look()) == []


def test_consumers_that_wait_are_no_pause(server: Server) -> None:
    admin = server.client()
    with (
        in_background(server, "BLPOP", "queue", "0"),
        in_background(server, "XREAD", "BLOCK", "0", "STREAMS", "s", "$"),
    ):
        until("both to wait", lambda: admin.info("clients")["blocked_clients"] == 2)
        assert ids(server.look()) == []
        assert ids(server.look(expected_blocked=2)) == []
        assert ids(server.look(expected_blocked=0)) == ["redis.clients.blocked"]


def test_a_busy_script(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--busy-reply-threshold", "50") as server:
        with in_background(server, "EVAL", "while true do end", "0"):
            until("the script to be busy", lambda: is_busy(server))
            result = server.look()
        assert ids(result) == ["redis.server.busy"]
        server.client().script_kill()
        until("the script to be gone", server.answers)
        assert ids(server.look(lookback=0.0)) == []


def fill(server: Server, size: int = 1000, most: int = 20000) -> None:
    client = server.client()
    with contextlib.suppress(redis.OutOfMemoryError):
        for number in range(most):
            client.set(f"fill:{number}", "x" * size)


def test_memory_full_though_ping_says_pong(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        fill(server)
        assert server.client().ping()
        result = server.look()
        assert ids(result) == ["redis.memory.full"]
        server.client().flushdb()
        assert ids(server.look()) == []


def test_writes_refused_while_one_looks(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        fill(server)
        stop = threading.Event()

        def write() -> None:
            client = server.client()
            while not stop.is_set():
                with contextlib.suppress(redis.OutOfMemoryError):
                    client.set("more", "x" * 1000)
                stop.wait(0.02)

        thread = threading.Thread(target=write)
        thread.start()
        result = server.look()
        stop.set()
        thread.join()
    assert ids(result) == ["redis.memory.full", "redis.writes.refused"]
    assert set(finding(result, "redis.writes.refused")["observed"]["errors"]) == {"OOM"}


def test_a_cache_that_evicts_is_full_by_design(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru", *DEBUG) as server:
        server.client().execute_command("DEBUG", "POPULATE", "20000", "key", "1000")
        assert server.look()["snapshot"]["memory"]["used_memory"] > 0.95 * 20 * 2**20
        assert ids(server.look(lookback=0.0)) == []


def test_a_volatile_policy_without_anything_volatile_does_not_evict(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxmemory", "3mb", "--maxmemory-policy", "volatile-lru") as server:
        fill(server)
        assert ids(server.look()) == ["redis.memory.full"]


@pytest.mark.parametrize(("clients", "expected"), [(2, []), (8, ["redis.clients.high"]), (9, ["redis.clients.full"])])
def test_number_of_clients(tmp_path: Path, clients: int, expected: list[str]) -> None:
    """The look is one more; with nine others of ten it takes the last place."""
    with running(tmp_path / "redis", "--maxclients", "10") as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _n in range(clients)]
        for link in held:
            link.sendall(b"PING\r\n")
            assert link.recv(16) == b"+PONG\r\n"
        options: dict[str, Any] = {"thresholds": {"clients_percent": {"warn": 80}}}
        assert ids(server.look(**options)) == expected
        for link in held:
            link.close()


def test_no_place_for_the_look_itself(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxclients", "5") as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _n in range(8)]
        until("the door to be shut", lambda: is_shut(server) or held.append(server.connect()))
        result = server.look()
        assert ids(result) == ["redis.clients.full"]
        assert finding(result, "redis.clients.full")["details"]["at_the_door"] is True
        for link in held:
            link.close()


def test_a_place_that_comes_free_is_taken(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxclients", "5") as server:
        held = [server.connect() for _n in range(5)]
        timer = threading.Timer(0.3, lambda: [link.close() for link in held[:4]])
        timer.start()
        result = server.look()
        timer.join()
        held[4].close()
    assert result["snapshot"]["server"]["redis_version"]


def test_a_save_that_fails(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--save", "3600 1") as server:
        client = server.client()
        client.set("a", "1")
        (server.directory / "dump.rdb").mkdir()
        (server.directory / "dump.rdb" / "x").touch()
        client.bgsave()
        until("the save to fail", lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        result = server.look()
        assert ids(result) == ["redis.persistence.failing"]
        assert finding(result, "redis.persistence.failing")["details"]["refuses_writes"] is True
        (server.directory / "dump.rdb" / "x").unlink()
        (server.directory / "dump.rdb").rmdir()
        client.bgsave()
        until("the save to succeed", lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")
        assert ids(server.look()) == []


@pytest.mark.skipif(OLD, reason="before 7.0 a load can't be slowed down by an option")
def test_loading_with_its_end_in_sight(tmp_path: Path) -> None:
    server = Server(tmp_path / "redis", "--save", "3600 100000000", *DEBUG)
    try:
        server.start()
        server.client().execute_command("DEBUG", "POPULATE", "60000")
        server.client().save()
        server.stop()
        slow = Server(server.directory, "--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024")
        server = slow.start(ready=False)
        until("the server to load", lambda: is_loading(server))
        result = server.look()
        assert ids(result) == ["redis.server.loading"]
        assert finding(result, "redis.server.loading")["details"]["eta_seconds"] is not None
    finally:
        server.stop()


def is_loading(server: Server) -> bool:
    try:
        server.client().ping()
    except redis.BusyLoadingError:
        return True
    return False


@pytest.mark.parametrize("stale", ["yes", "no"])
def test_a_replica_without_its_primary(tmp_path: Path, stale: str) -> None:
    with running(
        tmp_path / "redis", "--replicaof", f"127.0.0.1 {free_port()}", "--replica-serve-stale-data", stale
    ) as server:
        result = server.look()
    assert ids(result) == ["redis.replication.down"]
    assert finding(result, "redis.replication.down")["details"]["refuses_reads"] is (stale == "no")


def test_a_primary_and_its_replica(tmp_path: Path) -> None:
    with running(tmp_path / "a", "--repl-diskless-sync-delay", "0") as primary:
        assert ids(primary.look(expected_replicas=1)) == ["redis.replication.missing"]
        with running(tmp_path / "b", "--replicaof", f"127.0.0.1 {primary.port}") as replica:
            client = replica.client()
            until("the link to be up", lambda: client.info("replication")["master_link_status"] == "up")
            until(
                "the replica to be online", lambda: primary.client().info("replication")["slave0"]["state"] == "online"
            )
            assert (ids(primary.look(expected_replicas=1)), ids(replica.look())) == ([], [])
            stop = threading.Event()
            thread = threading.Thread(target=write_to_a_replica, args=(replica, stop))
            thread.start()
            result = replica.look()
            stop.set()
            thread.join()
    assert ids(result) == ["redis.writes.refused"]
    assert set(finding(result, "redis.writes.refused")["observed"]["errors"]) == {"READONLY"}


def write_to_a_replica(server: Server, stop: threading.Event) -> None:
    client = server.client()
    while not stop.is_set():
        with contextlib.suppress(redis.ReadOnlyError):
            client.set("a", "1")
        stop.wait(0.02)


def test_evicting(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        fill(server, most=4000)
        stop = threading.Event()
        thread = threading.Thread(target=fill_on, args=(server, stop))
        thread.start()
        results = [ids(server.look(role=role)) for role in ("store", "cache")]
        stop.set()
        thread.join()
    assert results == [["redis.evicting"], []]


def fill_on(server: Server, stop: threading.Event) -> None:
    """A few keys a second: nothing to a cache, lost data to a store."""
    client, number = server.client(), 0
    while not stop.is_set():
        client.set(f"more:{number}", "x" * 1000)
        number += 1
        stop.wait(0.05)


def test_a_big_key_is_found_within_bounds(server: Server) -> None:
    client = server.client()
    client.set("small", "x")
    client.set("big", b"x" * 12_000_000)
    result = server.look()
    assert ids(result) == ["redis.keys.big"]
    assert finding(result, "redis.keys.big")["details"]["keys"][0]["name"] == "big"
    assert ids(server.look(scan_limit=0)) == []


def test_hits(server: Server) -> None:
    def miss() -> None:
        pipe = server.client().pipeline(transaction=False)
        for number in range(2000):
            pipe.get(f"nothing:{number}")
        pipe.execute()

    timer = threading.Timer(0.2, miss)
    timer.start()
    result = server.look(window=1.5)
    timer.join()
    assert (ids(result), finding(result, "redis.hits.low")["severity"]) == (["redis.hits.low"], "P4")


PASSWORD = "c4nary-Pa55word"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"password": PASSWORD}, []),
        ({"password": "wrong-one-9"}, ["redis.auth.rejected"]),
        ({}, ["redis.auth.rejected"]),
        ({"username": "nobody", "password": PASSWORD}, ["redis.auth.rejected"]),
    ],
)
def test_credentials(tmp_path: Path, options: dict[str, str], expected: list[str]) -> None:
    with running(tmp_path / "redis", "--requirepass", PASSWORD) as server:
        result = server.look(**options)
    assert ids(result) == expected
    assert not {PASSWORD, "wrong-one-9"} & set(json.dumps(result).split('"'))


def test_somebody_elses_wrong_password_is_noise(tmp_path: Path) -> None:
    with running(tmp_path / "redis", "--requirepass", PASSWORD) as server:
        timer = threading.Timer(0.5, lambda: knock(server))
        timer.start()
        result = server.look(window=1.5, password=PASSWORD)
        timer.join()
    assert ids(result) == ["redis.auth.failures"]


def knock(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(b"AUTH wrong\r\n")
        link.recv(64)


def test_a_deadline_holds_whatever_the_server_does(server: Server) -> None:
    """The socket's timeout is far beyond the deadline; the watchdog ends the look."""
    admin = server.client()
    timer = threading.Timer(0.5, lambda: admin.execute_command("CLIENT", "PAUSE", "20000", "ALL"))
    timer.start()
    result = server.look(window=1.0, timeout=30.0, patience=30.0, deadline=2.0)
    timer.join()
    assert ids(result) == ["redis.unmeasured"]
    assert result["duration_ms"] < 10000
