#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at 1,000 HTTP endpoints costs: http_health_info in a play, beside a plain asyncio script.

All endpoints are served by one asyncio server, in a process of its own on this machine. The plain script asks each as
often as the check does and reads status, body and the time it took; it judges nothing. What the check adds to an empty
play is compared with the whole script, and the check in a warm process with the same function in a warm process.
The mix replaces 60 of the endpoints by 20 that accept and say nothing, 20 that answer late and 20 that refuse.
Variants take turns; the figures are medians. It needs no lab.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t
from pathlib import Path

import _measuring as measuring
from _measuring import in_turns, playbook, run

ENDPOINTS = 1000
QUICK = 200
ODD = 20
LATE = 1.0
TIMEOUT = 2.0
AT_ONCE = 100
BODY = b'{"status":"ok","service":"bench","dependencies":{"postgres":{"status":"ok"},"kafka":{"status":"ok"}}}\n'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nDate: Sat, 28 Nov 2026 12:00:00 GMT\r\n"
    b"Connection: close\r\nContent-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


# The server


class Peer(asyncio.Protocol):
    """One connection. Its path says how it is answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = t.cast(asyncio.Transport, transport)
        self.request = b""

    def data_received(self, data: bytes) -> None:
        self.request += data
        if b"\r\n\r\n" not in self.request:
            return
        if b" /late" in self.request:
            asyncio.get_running_loop().call_later(LATE, self.answer)
        elif b" /silent" not in self.request:
            self.answer()

    def answer(self) -> None:
        self.transport.write(ANSWER)
        self.transport.close()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def served() -> t.Iterator[int]:
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def refusing() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def urls(port: int, count: int, mixed: bool) -> list[str]:
    found = [f"http://127.0.0.1:{port}/health/{number}" for number in range(count)]
    if mixed:
        closed = refusing()
        odd = [f"http://127.0.0.1:{port}/{what}/{n}" for what in ("silent", "late") for n in range(ODD)]
        odd += [f"http://127.0.0.1:{closed}/{n}" for n in range(ODD)]
        step = count // len(odd)
        for number, url in enumerate(odd):
            found[number * step] = url
    return found


# The plain script


async def fetch(url: str, turn: asyncio.Semaphore) -> tuple[int, str, float]:
    """What anybody would write with asyncio: status, body, seconds; 0 where there was none."""
    host, _slash, path = url.removeprefix("http://").partition("/")
    name, _colon, port = host.partition(":")
    async with turn:
        started = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await asyncio.open_connection(name, int(port))
                writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read()
                writer.close()
        except (OSError, TimeoutError) as error:
            return 0, type(error).__name__, time.monotonic() - started
        head, _end, body = answer.partition(b"\r\n\r\n")
        json.loads(body)
        return int(head.split(b" ", 2)[1]), body.decode(), time.monotonic() - started


async def fetch_all(wanted: t.Sequence[str], samples: int) -> list[list[tuple[int, str, float]]]:
    turn = asyncio.Semaphore(AT_ONCE)
    rounds = [await asyncio.gather(*(fetch(url, turn) for url in wanted))]
    again = [url for url, found in zip(wanted, rounds[0], strict=True) if found[0] or found[1] != "TimeoutError"]
    for _turn in range(samples - 1):
        rounds.append(await asyncio.gather(*(fetch(url, turn) for url in again)))
    return rounds


def plain(wanted: t.Sequence[str], samples: int) -> int:
    """How many answered well."""
    return sum(found[0] == 200 for found in asyncio.run(fetch_all(wanted, samples))[0])


# The check


def options(wanted: t.Sequence[str], samples: int) -> dict[str, t.Any]:
    rows = [{"health_url": url} for url in wanted]
    return {"endpoints": rows, "samples": samples, "interval": 0.0, "timeout": TIMEOUT, "deadline": 60.0}


def check(wanted: t.Sequence[str], samples: int) -> dict[str, t.Any]:
    return measuring.check("http_health", options(wanted, samples))


def peak_mb(file: Path, samples: int, what: str) -> float:
    return measuring.peak_mb("http_health", f"b.{what}(json.load(open({str(file)!r})), {samples})")


# Plays


def measure(wanted: t.Sequence[str], samples: int, runs: int) -> None:
    good, result = plain(wanted, samples), check(wanted, samples)
    print(
        f"  the script got {good} answers; the check: {result['snapshot']['answers']},"
        f" {result['status']}, {len(json.dumps(result)) // 1024} KiB"
    )
    task = [{"name": "Look", "incident.response.http_health_info": options(wanted, samples)}]
    single = [{"name": "Look", "incident.response.http_health_info": options(wanted[1:2], samples)}]
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        file = where / "urls.json"
        file.write_text(json.dumps(wanted))
        script = [sys.executable, __file__, "--plain", str(file), "--samples", str(samples)]
        variants: dict[str, t.Callable[[], t.Any]] = {
            "plain asyncio script, whole process": lambda: run(script),
            "plain asyncio, warm": lambda: plain(wanted, samples),
            "the check, warm": lambda: check(wanted, samples),
            "play without a task": lambda: playbook(where, "empty", []),
            "play with a look at one endpoint": lambda: playbook(where, "single", single),
            "play with a look at all": lambda: playbook(where, "look", task),
        }
        middle = in_turns(variants, runs)
        middle["what the look adds to the play"] = middle["play with a look at all"] - middle["play without a task"]
        first = middle["play with a look at one endpoint"] - middle["play without a task"]
        middle["of that, before the second endpoint"] = first
        for name, seconds in middle.items():
            print(f"  {name:42} {seconds:8.3f} s")
        whole = middle["what the look adds to the play"] / middle["plain asyncio script, whole process"]
        warm = middle["the check, warm"] / middle["plain asyncio, warm"]
        print(f"  the look adds {whole:.2f} times what the whole script takes (goal: 2 at most); warm {warm:.2f} times")
        for what in ("plain", "check"):
            print(f"  {what + ', whole process':42} {peak_mb(file, samples, what):8.0f} MB at peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=0, help="questions to each endpoint (default: 1, then 3)")
    parser.add_argument("--quick", action="store_true", help="one run with fewer endpoints, as a smoke test")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve())
        return
    if given.plain:
        plain(json.loads(given.plain.read_text()), given.samples or 1)
        return
    runs, count = (1, QUICK) if given.quick else (given.runs, ENDPOINTS)
    with served() as port:
        for samples in [given.samples] if given.samples else [1, 3]:
            print(f"{count} healthy endpoints, each asked {samples} times:")
            measure(urls(port, count, False), samples, runs)
        print(f"{count} endpoints, {ODD} silent, {ODD} late, {ODD} refusing, each asked once:")
        measure(urls(port, count, True), given.samples or 1, runs)


if __name__ == "__main__":
    main()
