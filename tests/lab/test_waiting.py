"""Awaiting a condition, and knocking at a broker's door, without an engine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import kafka_admin
from lab.errors import LabError
from lab.waiting import wait_until


def test_it_returns_as_soon_as_the_condition_holds() -> None:
    answers = iter(["not yet", "not yet", None])
    assert wait_until("it", lambda: next(answers), 5, every=0.01) < 1


def test_the_last_reason_is_the_error() -> None:
    with pytest.raises(LabError, match=r"it: not within 0 s \(two of three\)"):
        wait_until("it", lambda: "two of three", 0.05, every=0.01)


def test_a_refusal_means_not_yet() -> None:
    def reason() -> str | None:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(LabError, match="nobody there"):
        wait_until("it", reason, 0.05, every=0.01)


def test_a_mistake_of_ours_is_not_waited_for() -> None:
    def reason() -> str | None:
        raise TypeError("a mistake")

    with pytest.raises(TypeError):
        wait_until("it", reason, 5, every=0.01)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Something on a port that answers the first request with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.recv(1024)
                link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=5)


def test_a_broker_opens_when_knocked_at() -> None:
    with answering(struct.pack(">iihi", 10, 7, 0, 0)) as port:
        kafka_admin.knock(port)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", struct.pack(">iihi", 10, 7, 35, 0)])
def test_what_is_no_broker_does_not_open(answer: bytes) -> None:
    with answering(answer) as port, pytest.raises(LabError, match="no Kafka broker answers"):
        kafka_admin.knock(port)
