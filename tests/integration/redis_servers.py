# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private Redis servers for tests: each on a free port, in a directory of its own, gone with the test."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
import servers
from ansible_collections.incident.response.plugins.module_utils.checks.redis_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import free_port

from lab import config, packages

BINARY = packages.redis_server(config.load().state)
CALM = {"latency_ms": {"warn": 800, "crit": 5000}}
"""A busy machine of tests is no slow Redis."""
QUICK = {"window": 0.4, "scan_seconds": 0.2, "timeout": 0.5, "patience": 0.5, "lookback": 2.0, "deadline": 15.0}
"""A look that does not take long; what a test wants otherwise it says."""


def until(what: str, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    return servers.until(what, condition, seconds, (redis.RedisError, OSError))


VERSION = re.search(r"v=(\d+)\.(\d+)", subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout)
OLD = VERSION is not None and int(VERSION[1]) < 7


def for_version(options: tuple[str, ...]) -> list[str]:
    """The options as this server calls them: before 7.0 DEBUG is always allowed, and scripts have another limit."""
    words = [word for option in options for word in (option.split() or [option])]
    if OLD and "--enable-debug-command" in words:
        at = words.index("--enable-debug-command")
        del words[at : at + 2]
    return ["--lua-time-limit" if OLD and word == "--busy-reply-threshold" else word for word in words]


class Server(servers.Process):
    """One redis-server process."""

    def __init__(self, directory: Path, *options: str, port: int = 0) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.options = for_version(options)
        self.old = OLD

    def start(self, ready: bool = True) -> Server:
        self.directory.mkdir(parents=True, exist_ok=True)
        words = [BINARY, "--port", str(self.port), "--dir", str(self.directory), "--bind", "127.0.0.1"]
        log = (self.directory / "log").open("ab")
        rest = ["--save", "", *self.options] if "--save" not in self.options else list(self.options)
        self.process = subprocess.Popen([*map(str, words), *rest], stdout=log, stderr=log)
        log.close()
        if ready:
            until("the server to answer", self.answers)
        return self

    def answers(self) -> bool:
        try:
            with contextlib.closing(self.client()) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.ResponseError as error:
            return "MASTERDOWN" in str(error) or type(error).__name__ == "MasterDownError"

    def client(self, **options: Any) -> redis.Redis:
        settings = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 20, "protocol": 2, **options}
        return redis.Redis(port=self.port, **settings)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port))

    def look(self, **options: Any) -> dict[str, Any]:
        return look(port=self.port, **options)


def look(**options: Any) -> dict[str, Any]:
    """One run of the check with its defaults, as a module would run it."""
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    options["thresholds"] = {**CALM, **options.get("thresholds", {})}
    return perform(CHECK, {**params, **QUICK, **options})


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def finding(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in result["findings"] if found["id"] == name)


@contextlib.contextmanager
def running(directory: Path, *options: str, **more: Any) -> Iterator[Server]:
    server = Server(directory, *options, **more)
    try:
        yield server.start()
    finally:
        server.stop()


def resp(*words: str) -> bytes:
    """A command on the wire, for a client that does nothing else."""
    return f"*{len(words)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in words)


def is_busy(server: Server) -> bool:
    try:
        server.client().ping()
    except redis.ResponseError as error:
        return "BUSY" in str(error)
    return False


def is_shut(server: Server) -> bool:
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.settimeout(1)
        try:
            link.sendall(b"PING\r\n")
            return b"max number" in link.recv(64)
        except ConnectionError:
            return True
