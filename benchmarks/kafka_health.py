#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at Kafka costs: kafka_health_info beside the two commands of the runbook, on the same broker.

The commands are `kafka-consumer-groups --describe --all-groups` and `kafka-broker-api-versions`, in the broker's
container as the runbook has them. The check does what both do and judges it. Variants take turns; the figures are
medians. With --scale the same on a broker of its own with 1,000 groups, 10 partitions each, and 10,000 partitions.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import typing as t
from pathlib import Path

import _measuring as measuring
from _measuring import in_turns, playbook, run

TOOLS = ("kafka-consumer-groups --describe --all-groups", "kafka-broker-api-versions")
TASKS = 5
SCALE = {"topics": 100, "partitions": 100, "groups": 1000, "each": 10}
PATIENCE = 900
"""Seconds for a busy machine to settle what a quiet one settles in 30."""
SCALE_NAME = "kafka-health-benchmark"


class Broker(t.NamedTuple):
    bootstrap: str
    container: str
    inside: str


def container_of(bootstrap: str) -> str:
    port = bootstrap.rpartition(":")[2]
    found = run(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"]).split()
    if not found:
        sys.exit(f"No container publishes port {port}: start the lab (lab up), or name the broker with --bootstrap")
    return found[0]


# The runbook's commands


def tools(broker: Broker) -> None:
    for tool in TOOLS:
        run(["docker", "exec", broker.container, *tool.split(), "--bootstrap-server", broker.inside])


def tools_peak_mb(broker: Broker) -> float:
    """The largest resident set of the tools' processes, which are this machine's too."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    peak[0] = max(peak[0], _tool_mb(process))
            ended.wait(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    tools(broker)
    ended.set()
    watcher.join()
    return peak[0]


def _tool_mb(process: Path) -> float:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        command = (process / "cmdline").read_bytes()
        if b"java" in command and (b"ConsumerGroupCommand" in command or b"BrokerApiVersionsCommand" in command):
            lines = (process / "status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    return 0.0


# The check


def options(broker: Broker) -> dict[str, t.Any]:
    return {"bootstrap_servers": [broker.bootstrap], "samples": 1, "deadline": 60.0}


def check(broker: Broker) -> dict[str, t.Any]:
    return measuring.check("kafka_health", options(broker))


def check_peak_mb(broker: Broker) -> float:
    return measuring.peak_mb("kafka_health", f"b.check(b.Broker(*{tuple(broker)!r}))")


def looks(broker: Broker, count: int) -> list[dict[str, t.Any]]:
    module = "incident.response.kafka_health_info"
    return [{"name": f"Look {number}", module: options(broker)} for number in range(count)]


# Both


def measure(broker: Broker, runs: int, ansible: bool) -> None:
    check(broker)
    result = check(broker)
    if not result["reachable"]:
        sys.exit(f"{broker.bootstrap} does not answer: {result['findings'][0]['summary']}")
    totals = result["snapshot"]
    print(
        f"  groups: {totals['groups_total']}, partitions: {totals['partitions_total']};"
        f" the check's result: {result['status']}, {len(json.dumps(result)) // 1024} KiB"
    )
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        variants: dict[str, t.Callable[[], t.Any]] = {
            "the two commands": lambda: tools(broker),
            "the check in a warm process": lambda: check(broker),
        }
        if ansible:
            variants["ansible-playbook, no task"] = lambda: playbook(where, "empty", [])
            variants["ansible-playbook, one look"] = lambda: playbook(where, "one", looks(broker, 1))
            variants[f"ansible-playbook, {TASKS} looks"] = lambda: playbook(where, "more", looks(broker, TASKS))
        middle = in_turns(variants, runs)
    if ansible:
        added = (middle[f"ansible-playbook, {TASKS} looks"] - middle["ansible-playbook, no task"]) / TASKS
        middle["one more look in a play"] = max(0.0, added)
    report(middle)
    memory = {"the two commands": tools_peak_mb(broker), "the check, whole process": check_peak_mb(broker)}
    for name, peak in memory.items():
        print(f"  {name:34} {peak:8.0f} MB at peak")


def report(middle: dict[str, float]) -> None:
    base = middle["the two commands"]
    for name, seconds in middle.items():
        ratio = base / seconds if seconds else float("inf")
        print(f"  {name:34} {seconds:8.3f} s   the commands take {ratio:6.1f} times as long")


# Scale


@contextlib.contextmanager
def large_broker(source: str) -> t.Iterator[Broker]:
    """A broker of its own from the lab's image, gone afterwards."""
    image = run(["docker", "inspect", "--format", "{{.Image}}", source]).strip()
    port = "39492"
    run(
        ["docker", "run", "-d", "--rm", "--name", SCALE_NAME, "--hostname", "kafka", 
         "--memory", "1600m", "--memory-swap", "1600m", "-e", f"EXTERNAL_PORT={port}", "-e", "HEAP=900m",
         "-p", f"127.0.0.1:{port}:19092", image]
    )  # fmt: skip
    try:
        yield Broker(f"127.0.0.1:{port}", SCALE_NAME, "localhost:9092")
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", SCALE_NAME], capture_output=True, check=False)


def fill(broker: Broker) -> None:
    """Topics, and groups that committed in them without ever having had a member."""
    from kafka import KafkaAdminClient, TopicPartition
    from kafka.errors import KafkaError
    from kafka.structs import OffsetAndMetadata

    end = time.monotonic() + PATIENCE
    while True:
        try:
            admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap, request_timeout_ms=60_000)
            break
        except KafkaError:
            if time.monotonic() > end:
                raise
    topics = [f"scale-{number}" for number in range(SCALE["topics"])]
    for start in range(0, len(topics), 20):
        part = topics[start : start + 20]
        admin.create_topics(
            {name: {"num_partitions": SCALE["partitions"], "replication_factor": 1} for name in part},
            timeout_ms=60_000,
        )
        admin.wait_for_topics(part, timeout_ms=1000 * PATIENCE)
    for number in range(SCALE["groups"]):
        topic = topics[number % len(topics)]
        first = (number // len(topics)) * SCALE["each"] % SCALE["partitions"]
        offsets = {TopicPartition(topic, first + index): OffsetAndMetadata(0, "", -1) for index in range(SCALE["each"])}
        while time.monotonic() < end:
            with contextlib.suppress(KafkaError):
                admin.alter_group_offsets(f"scale {number}", offsets)
                break
            time.sleep(0.2)
    admin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--bootstrap", default="127.0.0.1:" + (os.environ.get("LAB_KAFKA_PORT") or "9092"))
    parser.add_argument("--inside", default="localhost:9092", help="the broker's address for tools in its container")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one run of everything, as a smoke test")
    parser.add_argument(
        "--scale", action="store_true", help="also 1,000 groups on 10,000 partitions, on a broker of its own"
    )
    given = parser.parse_args()
    runs = 1 if given.quick else given.runs
    source = container_of(given.bootstrap)
    print(f"The lab's broker, {source}:")
    measure(Broker(given.bootstrap, source, given.inside), runs, ansible=True)
    if given.scale:
        with large_broker(source) as broker:
            print("A broker of its own:")
            fill(broker)
            measure(broker, runs, ansible=True)


if __name__ == "__main__":
    main()
