#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at Redis costs: redis_health_info beside the runbook's redis-cli, three times, and beside plain redis-py.

The runbook asks for ping, info and the client list, each with redis-cli through docker compose exec. The plain script
connects once with the same driver and reads the same facts with the same commands; it judges nothing. The counters are
read once in all of them: the two seconds that the check otherwise waits between two readings are no cost.
Variants take turns; the figures are medians. With --scale the same on a server of its own with 5,000 clients.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t

import _measuring as measuring
from _measuring import run

QUESTIONS = (("ping",), ("info",), ("client", "list"))
CLIENTS = 5000
PATIENCE = 60.0
SCAN_STEP = 100


class Server(t.NamedTuple):
    port: int
    exec: tuple[str, ...]


def lab_server() -> tuple[Server, dict[str, str]]:
    """The lab's server, and the environment in which docker-compose means the lab."""
    from lab import config, stack

    found = config.load()
    environment = {**os.environ, **stack.compose_environment(found)}
    return Server(found.ports["redis"], (*stack.compose_program(), "exec", "-T", "redis", "redis-cli")), environment


# The runbook's commands


def cli(server: Server, environment: dict[str, str]) -> None:
    for question in QUESTIONS:
        run([*server.exec, *question], env=environment)


# The plain script


def plain(server: Server) -> dict[str, t.Any]:
    """What anybody would write with the driver: connect, read, close."""
    import redis

    client = redis.Redis(port=server.port, protocol=2, socket_timeout=5)
    facts: dict[str, t.Any] = {"pings": [client.ping() for _turn in range(4)]}
    facts["info"] = client.info("everything")
    pipe = client.pipeline(transaction=False)
    pipe.time().client_id().acl_whoami().client_list().slowlog_get(25).latency_latest()
    for name in ("save", "maxclients", "slowlog-log-slower-than", "latency-monitor-threshold"):
        pipe.config_get(name)
    facts["rest"] = pipe.execute()
    facts["sizes"], cursor = {}, 0
    while len(facts["sizes"]) < 5000:
        cursor, keys = client.scan(cursor, count=SCAN_STEP)
        for key in keys:
            pipe.memory_usage(key, samples=5)
        facts["sizes"].update(zip(keys, pipe.execute(), strict=True))
        if cursor == 0:
            break
    client.close()
    return facts


# The check


def options(server: Server) -> dict[str, t.Any]:
    return {"port": server.port, "window": 0.0, "scan_seconds": 5.0}


def check(server: Server) -> dict[str, t.Any]:
    return measuring.check("redis_health", options(server))


# Plays


def naive(server: Server) -> list[dict[str, t.Any]]:
    """The runbook's commands as tasks."""
    return [
        {"name": " ".join(question), "ansible.builtin.command": {"argv": [*server.exec, *question]}}
        for question in QUESTIONS
    ]


def measure(server: Server, environment: dict[str, str], runs: int) -> None:
    check(server)
    result, facts = check(server), plain(server)
    print(
        f"  clients: {result['snapshot']['clients']['listed']} (plain: {len(facts['rest'][3]) - 1}), keys:"
        f" {result['snapshot']['biggest_keys']['scanned']} (plain: {len(facts['sizes'])}); the check's result:"
        f" {result['status']}, {len(json.dumps(result)) // 1024} KiB"
    )
    subject = measuring.Subject(
        benchmark="redis_health",
        argument=f"b.Server(*{tuple(server)!r})",
        plain=lambda: plain(server),
        check=lambda: check(server),
        look={"incident.response.redis_health_info": options(server)},
        typed={"redis-cli three times, as in the runbook": lambda: cli(server, environment)},
    )
    measuring.beside_a_driver(subject, naive(server), environment, runs)


# Scale


@contextlib.contextmanager
def large_server() -> t.Iterator[Server]:
    """A server of its own, gone afterwards."""
    from lab import config, packages

    program = packages.redis_server(config.load().state)
    packages.need({"redis-cli": "redis-tools"}, config.load().state / "log")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    with tempfile.TemporaryDirectory() as scratch:
        words = [program, "--port", str(port), "--dir", scratch, "--save", "", "--maxclients", str(2 * CLIENTS)]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            ready(port)
            yield Server(port, ("redis-cli", "-p", str(port)))
        finally:
            process.terminate()
            process.wait(30)


def ready(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"PING\r\n")
            if link.recv(16) == b"+PONG\r\n":
                return
        time.sleep(0.1)
    sys.exit("The server of the benchmark did not get ready")


@contextlib.contextmanager
def crowd(server: Server) -> t.Iterator[None]:
    """Five thousand clients, each with a name."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 3 * CLIENTS), most))
    links = []
    try:
        for number in range(CLIENTS):
            link = socket.create_connection(("127.0.0.1", server.port))
            link.sendall(f"CLIENT SETNAME app-{number}\r\n".encode())
            link.recv(16)
            links.append(link)
        yield
    finally:
        for link in links:
            link.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="one run of everything, as a smoke test")
    parser.add_argument("--scale", action="store_true", help=f"also {CLIENTS} clients, on a server of its own")
    given = parser.parse_args()
    runs = 1 if given.quick else given.runs
    server, environment = lab_server()
    print(f"The lab's server, port {server.port}:")
    measure(server, environment, runs)
    if given.scale:
        with large_server() as large, crowd(large):
            print(f"A server of its own, with {CLIENTS} clients:")
            measure(large, environment, runs)


if __name__ == "__main__":
    main()
