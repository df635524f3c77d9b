# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics, groups and people on a real broker, all of them gone after the test, and the check that looks at them."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
import typing as t
import uuid
from pathlib import Path

from ansible_collections.incident.response.plugins.module_utils.checks.kafka_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

PEOPLE = Path(__file__).with_name("kafka_people.py")
LONG = 40.0


def brokers(*services: str, default: tuple[int, ...]) -> list[str]:
    """Addresses of the lab's brokers; ports follow the lab's own variables."""
    offset = int(os.environ.get("LAB_PORT_OFFSET", "0"))
    names = [f"LAB_{service.upper().replace('-', '_')}_PORT" for service in services]
    return [f"127.0.0.1:{os.environ.get(name) or port + offset}" for name, port in zip(names, default, strict=True)]


def until(condition: t.Callable[[], t.Any], what: str, seconds: float = LONG) -> t.Any:
    """Ask until it is true; no longer than so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"in vain for {seconds:g} s: {what}"
        time.sleep(0.1)


class House:
    """One broker and what a test makes on it."""

    def __init__(self, bootstrap: list[str]) -> None:
        self.bootstrap = bootstrap
        self.mark = f"it-{uuid.uuid4().hex[:8]}"
        self.admin = self._connect()
        self._topics: list[str] = []
        self._groups: list[str] = []
        self._people: list[subprocess.Popen[str]] = []

    def topic(
        self, name: str = "letters", partitions: int = 1, replication: int = 1, records: int = 0, **config: str
    ) -> str:
        name = f"{self.mark}.{name}"
        self.admin.create_topics(
            {name: {"num_partitions": partitions, "replication_factor": replication, "configs": config}}
        )
        self._topics.append(name)
        self.admin.wait_for_topics([name], timeout_ms=30_000)
        if records:
            self.write(name, records, partitions)
        return name

    def write(self, topic: str, records: int, partitions: int = 1, size: int = 10) -> None:
        """All of them in one batch, where they fit."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5000, batch_size=64 * 1024)
        for number in range(records):
            producer.send(topic, b"x" * size, partition=number % partitions)
        producer.flush()
        producer.close()

    def group(self, name: str) -> str:
        name = f"{self.mark} {name}"
        self._groups.append(name)
        return name

    def commit(self, group: str, topic: str, offset: int, partition: int = 0) -> None:
        at = {TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)}

        def done() -> bool:
            try:
                answers = self.admin.alter_group_offsets(group, at)
            except KafkaError:
                return False
            return all(error.errno == 0 for error in answers.values())

        until(done, f"commit {offset} for {group}")

    def end(self, topic: str, partition: int = 0) -> int:
        key = TopicPartition(topic, partition)
        return self.admin.list_partition_offsets({key: OffsetSpec.LATEST})[key].offset

    def drop_before(self, topic: str, offset: int) -> None:
        self.admin.delete_records({TopicPartition(topic, 0): offset})

    def person(self, role: str, topic: str, group: str) -> subprocess.Popen[str]:
        """Start one of kafka_people; return when it says that it has begun."""
        person = subprocess.Popen(
            [sys.executable, str(PEOPLE), role, self.bootstrap[0], topic, group],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._people.append(person)
        assert person.stdout is not None
        said, _writable, _odd = select.select([person.stdout], [], [], LONG)
        assert said, f"{role} did not begin within {LONG:g} s"
        assert person.stdout.readline() == "ready\n", f"{role} ended at once"
        return person

    def look(self, **options: t.Any) -> dict[str, t.Any]:
        """The check's result, about this house's groups and topics only unless told otherwise."""
        values = {name: spec.get("default") for name, spec in CHECK.spec.options.items()}
        mine = {"groups": [f"{self.mark} *"], "topics": [f"{self.mark}.*"]}
        quick = {"samples": 3, "interval": 1.0, "commit_interval": 1.0}
        return perform(CHECK, {**values, "bootstrap_servers": self.bootstrap, **mine, **quick, **options})

    def close(self) -> None:
        for person in self._people:
            person.stdin.close()
        for person in self._people:
            try:
                person.wait(15)
            except subprocess.TimeoutExpired:
                person.kill()
                person.wait()
            person.stdout.close()
        until(self._groups_gone, "groups to go")
        for topic in self._topics:
            with contextlib.suppress(KafkaError):
                self.admin.delete_topics([topic])
        self.admin.close()

    def _connect(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=15_000)

    def _groups_gone(self) -> bool:
        """A group can be deleted once its last member has gone, by itself or by its session's timeout."""
        left = {item["group_id"] for item in self.admin.list_groups()} & set(self._groups)
        if left:
            # A client asks the coordinator that it once knew for ever; after a broker was away that is another one.
            self.admin.close()
            self.admin = self._connect()
            with contextlib.suppress(KafkaError):
                self.admin.delete_groups(sorted(left))
        return not left


def ids(result: dict[str, t.Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def finding(result: dict[str, t.Any], wanted: str) -> dict[str, t.Any]:
    found = [item for item in result["findings"] if item["id"] == wanted]
    assert len(found) == 1, f"{wanted} in {ids(result)}"
    return found[0]


def verdicts(result: dict[str, t.Any]) -> set[str]:
    return {part["verdict"] for group in result["snapshot"]["groups"] for part in group["partitions"]}
