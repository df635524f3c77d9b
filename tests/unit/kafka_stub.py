# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka broker of a few lines, for what a real one can't do on demand; and ports that are no broker at all.

The stub speaks the real protocol: its frames are encoded and decoded by kafka-python's own message classes.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

from kafka.protocol.admin import (
    DescribeClusterRequest,
    DescribeClusterResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    ListGroupsRequest,
    ListGroupsResponse,
    ListTransactionsRequest,
    ListTransactionsResponse,
)
from kafka.protocol.consumer import ListOffsetsRequest, ListOffsetsResponse, OffsetFetchRequest, OffsetFetchResponse
from kafka.protocol.metadata import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    MetadataRequest,
    MetadataResponse,
)

PAIRS = {
    "versions": (ApiVersionsRequest, ApiVersionsResponse),
    "metadata": (MetadataRequest, MetadataResponse),
    "cluster": (DescribeClusterRequest, DescribeClusterResponse),
    "configs": (DescribeConfigsRequest, DescribeConfigsResponse),
    "list_groups": (ListGroupsRequest, ListGroupsResponse),
    "describe_groups": (DescribeGroupsRequest, DescribeGroupsResponse),
    "coordinator": (FindCoordinatorRequest, FindCoordinatorResponse),
    "offset_fetch": (OffsetFetchRequest, OffsetFetchResponse),
    "list_offsets": (ListOffsetsRequest, ListOffsetsResponse),
    "quorum": (DescribeQuorumRequest, DescribeQuorumResponse),
    "log_dirs": (DescribeLogDirsRequest, DescribeLogDirsResponse),
    "transactions": (ListTransactionsRequest, ListTransactionsResponse),
}
NAMES = {request.API_KEY: name for name, (request, _response) in PAIRS.items()}

GROUP_AUTHORIZATION_FAILED = 30
COORDINATOR_NOT_AVAILABLE = 15


@contextlib.contextmanager
def listener(handle: t.Callable[[socket.socket], None]) -> t.Iterator[str]:
    """A port; each connection is handed to its own thread."""
    server = socket.create_server(("127.0.0.1", 0), backlog=50)
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            handle(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = server.accept()
                connections.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        for item in (server, *connections):
            item.close()


class HangUp(Exception):
    """The stub closes the connection instead of an answer."""


class StubBroker:
    """groups: name -> committed offset of every partition. denied: groups that we may not read. hooks: name of the
    question -> function(number of times asked, request) that may raise HangUp, sleep, or return an answer."""

    def __init__(self, topics: dict[str, int] | None = None, groups: dict[str, int] | None = None) -> None:
        self.topics = {"orders": 2} if topics is None else topics
        self.groups = groups or {}
        self.end = 100
        self.denied: set[str] = set()
        self.hooks: dict[str, t.Callable[[int, t.Any], t.Any]] = {}
        self.asked: dict[str, int] = {}
        self.address = ""

    @contextlib.contextmanager
    def running(self) -> t.Iterator[StubBroker]:
        with listener(self._talk) as address:
            self.address = address
            yield self

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def _talk(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while True:
            size = stream.read(4)
            if len(size) < 4:
                return
            frame = stream.read(struct.unpack(">i", size)[0])
            key, version, number = struct.unpack(">hhi", frame[:8])
            name = NAMES.get(key)
            if name is None:
                connection.close()
                return
            try:
                answer = self._answer(name, version, frame)
            except HangUp:
                connection.shutdown(socket.SHUT_RDWR)
                return
            answer.API_VERSION = version
            answer.with_header(number)
            connection.sendall(answer.encode(header=True, framed=True))

    def _answer(self, name: str, version: int, frame: bytes) -> t.Any:
        request_class, response_class = PAIRS[name]
        request = request_class.decode(frame, version=version, header=True)
        self.asked[name] = self.asked.get(name, 0) + 1
        if name in self.hooks:
            answer = self.hooks[name](self.asked[name], request)
            if answer is not None:
                return answer
        return getattr(self, f"_{name}")(response_class, request)

    def _versions(self, response: t.Any, _request: t.Any) -> t.Any:
        keys = [
            response.ApiVersion(api_key=request.API_KEY, min_version=0, max_version=request.max_version)
            for request, _response in PAIRS.values()
        ]
        return response(error_code=0, api_keys=keys, throttle_time_ms=0)

    def _metadata(self, response: t.Any, request: t.Any) -> t.Any:
        names = list(self.topics) if request.topics is None else [topic.name for topic in request.topics]
        topic, part = response.MetadataResponseTopic, response.MetadataResponseTopic.MetadataResponsePartition
        return response(
            brokers=[
                response.MetadataResponseBroker(node_id=1, host="127.0.0.1", port=self.port, rack=None)
            ],
            cluster_id="stub",
            controller_id=1,
            topics=[
                topic(
                    error_code=0,
                    name=name,
                    topic_id=None,
                    is_internal=False,
                    partitions=[
                        part(error_code=0, partition_index=index, leader_id=1, leader_epoch=0,
                             replica_nodes=[1], isr_nodes=[1], offline_replicas=[])
                        for index in range(self.topics.get(name, 0))
                    ],
                    authorized_operations=set(),
                )
                for name in names
            ],
            throttle_time_ms=0,
        )  # fmt: skip

    def _cluster(self, response: t.Any, _request: t.Any) -> t.Any:
        broker = response.DescribeClusterBroker(broker_id=1, host="127.0.0.1", port=self.port, rack=None)
        return response(error_code=0, error_message=None, cluster_id="stub", controller_id=1, brokers=[broker],
                        authorized_operations=set(), throttle_time_ms=0, endpoint_type=1)  # fmt: skip

    def _configs(self, response: t.Any, _request: t.Any) -> t.Any:
        return response(results=[], throttle_time_ms=0)

    def _list_groups(self, response: t.Any, _request: t.Any) -> t.Any:
        listed = [
            response.ListedGroup(group_id=name, protocol_type="consumer", group_state="Empty", group_type="classic")
            for name in self.groups
        ]
        return response(error_code=0, groups=listed, throttle_time_ms=0)

    def _describe_groups(self, response: t.Any, request: t.Any) -> t.Any:
        return response(
            groups=[
                response.DescribedGroup(
                    error_code=0, error_message=None, group_id=name, group_state="Empty", protocol_type="consumer",
                    protocol_data="", members=[], authorized_operations=set(),
                )
                for name in request.groups
            ],
            throttle_time_ms=0,
        )  # fmt: skip

    def _coordinator(self, response: t.Any, request: t.Any) -> t.Any:
        found = [
            response.Coordinator(key=key, node_id=1, host="127.0.0.1", port=self.port, error_code=0, error_message=None)
            for key in request.coordinator_keys
        ]
        return response(coordinators=found, throttle_time_ms=0)

    def _offset_fetch(self, response: t.Any, request: t.Any) -> t.Any:
        group = response.OffsetFetchResponseGroup
        topic = group.OffsetFetchResponseTopics
        part = topic.OffsetFetchResponsePartitions
        found = []
        for item in request.groups:
            denied = item.group_id in self.denied
            topics = [
                topic(name=name, partitions=[
                    part(partition_index=index, committed_offset=self.groups[item.group_id], committed_leader_epoch=0,
                         metadata="", error_code=0)
                    for index in range(count)
                ])
                for name, count in self.topics.items()
            ]  # fmt: skip
            code = GROUP_AUTHORIZATION_FAILED if denied else 0
            found.append(group(group_id=item.group_id, topics=[] if denied else topics, error_code=code))
        return response(groups=found, error_code=0, throttle_time_ms=0)

    def _list_offsets(self, response: t.Any, request: t.Any) -> t.Any:
        topic, part = response.ListOffsetsTopicResponse, response.ListOffsetsTopicResponse.ListOffsetsPartitionResponse
        return response(
            topics=[
                topic(name=item.name, partitions=[
                    part(partition_index=wanted.partition_index, error_code=0, leader_epoch=0,
                         offset=0 if int(wanted.timestamp) == -2 else self.end, timestamp=-1)
                    for wanted in item.partitions
                ])
                for item in request.topics
            ],
            throttle_time_ms=0,
        )  # fmt: skip

    def _quorum(self, response: t.Any, _request: t.Any) -> t.Any:
        topic, part = response.TopicData, response.TopicData.PartitionData
        voter = part.ReplicaState(replica_id=1, log_end_offset=5, last_fetch_timestamp=1, last_caught_up_timestamp=1)
        data = part(partition_index=0, error_code=0, error_message=None, leader_id=1, leader_epoch=1, high_watermark=5,
                    current_voters=[voter], observers=[])  # fmt: skip
        return response(error_code=0, error_message=None, topics=[topic(topic_name="m", partitions=[data])], nodes=[])

    def _log_dirs(self, response: t.Any, _request: t.Any) -> t.Any:
        result = response.DescribeLogDirsResult
        item = result(error_code=0, log_dir="/data", topics=[], total_bytes=100, usable_bytes=50)
        return response(error_code=0, results=[item], throttle_time_ms=0)

    def _transactions(self, response: t.Any, _request: t.Any) -> t.Any:
        return response(error_code=0, unknown_state_filters=[], transaction_states=[], throttle_time_ms=0)
