"""What the lab asks of Kafka and tells it, over the published port."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import GroupIdNotFoundError, NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from kafka.protocol.consumer import OffsetSpec
from kafka.structs import OffsetAndMetadata, TopicPartition

from lab.errors import LabError

BOOTSTRAP_TIMEOUT_MS = 4000
REQUEST_TIMEOUT_MS = 10000
BATCH_TIMEOUT = 60.0
KNOCK_TIMEOUT = 2.0


def knock(port: int) -> None:
    """Raise unless a broker answers on this port of the loopback address: one request for its API versions.

    The library's client takes seconds to find out that nobody is there, and leaves a thread behind each time.
    """
    client_id = b"lab"
    request = struct.pack(">hhih", 18, 0, 7, len(client_id)) + client_id
    with socket.create_connection(("127.0.0.1", port), timeout=KNOCK_TIMEOUT) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        answer = link.recv(10, socket.MSG_WAITALL)
    if len(answer) < 10 or struct.unpack(">ih", answer[4:]) != (7, 0):
        raise LabError(f"no Kafka broker answers on port {port}", "lab logs kafka")


@contextmanager
def admin(brokers: str | Sequence[str]) -> Iterator[Kafka]:
    client = KafkaAdminClient(
        bootstrap_servers=brokers,
        client_id="lab",
        bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )
    try:
        yield Kafka(client)
    finally:
        client.close()


class Kafka:
    def __init__(self, client: KafkaAdminClient) -> None:
        self.client = client

    def topics(self) -> set[str]:
        return set(self.client.list_topics())

    def partitions(self, topic: str) -> list[dict]:
        for found in self.client.describe_topics([topic]):
            if found["name"] == topic and found["error_code"] == 0:
                return found["partitions"]
        return []

    def create(self, topic: str, partitions: int, replication: int = 1, **options) -> None:
        """Create the topic unless it is there; return when every partition has a leader."""
        new = {topic: {"num_partitions": partitions, "replication_factor": replication, **options}}
        with suppress(TopicAlreadyExistsError):
            self.client.create_topics(new)
        self.client.wait_for_topics([topic])

    def delete(self, topics: Sequence[str]) -> None:
        for topic in topics:
            try:
                self.client.delete_topics([topic])
            except UnknownTopicOrPartitionError:
                continue

    def group(self, group: str) -> dict:
        """The group's description; a group that nobody knows is Dead and without members."""
        try:
            return self.client.describe_groups([group])[group]
        except GroupIdNotFoundError:
            return {"group_state": "Dead", "members": []}

    def assigned(self, group: str, topic: str) -> int:
        """How many of the topic's partitions the group's members hold."""
        count = 0
        for member in self.group(group)["members"]:
            assignment = member.get("member_assignment")
            for part in assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []:
                if part["topic"] == topic:
                    count += len(part["partitions"])
        return count

    def committed(self, group: str, topic: str) -> dict[TopicPartition, int]:
        offsets = self.client.list_group_offsets({group: None})[group]
        return {
            partition: at.offset for partition, at in offsets.items() if partition.topic == topic and at.offset >= 0
        }

    def ends(self, topic: str) -> dict[TopicPartition, int]:
        return self._offsets(topic, OffsetSpec.LATEST)

    def starts(self, topic: str) -> dict[TopicPartition, int]:
        return self._offsets(topic, OffsetSpec.EARLIEST)

    def _offsets(self, topic: str, spec: OffsetSpec) -> dict[TopicPartition, int]:
        wanted = {TopicPartition(topic, part["partition_index"]): spec for part in self.partitions(topic)}
        if not wanted:
            raise LabError(f"there is no topic {topic}")
        return {partition: at.offset for partition, at in self.client.list_partition_offsets(wanted).items()}

    def lags(self, group: str, topic: str) -> dict[TopicPartition, int]:
        """Lag by partition; committed before end, so that it is never negative."""
        committed = self.committed(group, topic)
        starts = self.starts(topic)
        return {
            partition: max(0, end - committed.get(partition, starts[partition]))
            for partition, end in self.ends(topic).items()
        }

    def commit(self, group: str, offsets: dict[TopicPartition, int]) -> None:
        """Set the offsets of a group without members."""
        answer = self.client.alter_group_offsets(
            group, {partition: OffsetAndMetadata(offset, "", None) for partition, offset in offsets.items()}
        )
        failed = {partition: error.__name__ for partition, error in answer.items() if error is not NoError}
        if failed:
            raise LabError(f"the offsets of group {group} could not be set: {failed}")

    def delete_records(self, before: dict[TopicPartition, int]) -> None:
        self.client.delete_records(before, timeout_ms=REQUEST_TIMEOUT_MS)

    def delete_group(self, group: str) -> None:
        self.client.delete_groups([group])


def produce(brokers: str | Sequence[str], topic: str, records: Sequence[tuple[int, bytes]]) -> list[int]:
    """Write (partition, value) records; return their offsets."""
    producer = KafkaProducer(
        bootstrap_servers=brokers, client_id="lab", acks="all", linger_ms=20, bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS
    )
    try:
        sent = [producer.send(topic, value=value, partition=partition) for partition, value in records]
        producer.flush(timeout=BATCH_TIMEOUT)
        return [future.get(timeout=BATCH_TIMEOUT).offset for future in sent]
    finally:
        producer.close(timeout=5)
