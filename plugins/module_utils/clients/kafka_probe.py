# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one address answers, before any Kafka library is asked: name, connection, TLS, Kafka protocol, login.

A Kafka library says the same "unable to bootstrap" for all of these, after its own long timeout. Here each gets its
own kind, all addresses are asked at once, and a dead one costs its timeout once.
"""

from __future__ import annotations

import queue
import socket
import ssl
import struct
import threading
import time
import typing as t

from ..core.kafka_snapshot import OK, Probe
from .deadline import Deadline
from .errors import CollectError
from .kafka_options import KafkaOptions
from .tcp import certificate_refused, connect

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
NUDGE_SECONDS = 0.5
LARGEST_FRAME = 4 * 1024 * 1024
CLIENT = b"incident.response"

API_VERSIONS = 18
SASL_HANDSHAKE = 17
SASL_AUTHENTICATE = 36
ILLEGAL_SASL_STATE = 34
UNSUPPORTED_MECHANISM = 33
AUTHENTICATION_FAILED = 58


class Asking:
    """Probes that run, one thread an address. Results come as they are ready."""

    def __init__(
        self, addresses: t.Sequence[tuple[str, int | None]], options: KafkaOptions, deadline: Deadline
    ) -> None:
        self._queue: queue.Queue[Probe] = queue.Queue()
        self._left = len(addresses)
        self._deadline = deadline
        self.done: list[Probe] = []
        self._order = [address for address, _node in addresses]
        for address, node_id in addresses:
            threading.Thread(target=self._ask, args=(address, node_id, options), daemon=True).start()

    def _ask(self, address: str, node_id: int | None, options: KafkaOptions) -> None:
        self._queue.put(probe(address, options, self._deadline, node_id))

    def _next(self) -> bool:
        """Wait for one more result; False when there is none left to wait for."""
        if not self._left:
            return False
        try:
            self.done.append(self._queue.get(timeout=self._deadline.left() + 0.2))
        except queue.Empty:
            self._left = 0
            return False
        self._left -= 1
        return True

    def first_ok(self) -> list[Probe]:
        """Wait until one address answers well, or all have failed; the good ones so far."""
        while not any(item.kind == OK for item in self.done) and self._next():
            pass
        while self._left and not self._queue.empty() and self._next():
            pass
        return [item for item in self.done if item.kind == OK]

    def all(self) -> list[Probe]:
        """Wait for every address; in the order given. One that did not end in time is a timeout."""
        while self._next():
            pass
        found = {item.address: item for item in self.done}
        late = "the probe did not end before the deadline"
        return [found.get(address, Probe(address, "timeout", late)) for address in self._order]


def probe(address: str, options: KafkaOptions, deadline: Deadline, node_id: int | None = None) -> Probe:
    """Ask one address; every failure has a kind."""
    started = time.monotonic()
    kind, message = OK, ""
    try:
        host, port = split_address(address)
        with connect(host, port, CONNECT_SECONDS, deadline) as plain:
            _talk(plain, host, address, options, deadline)
    except CollectError as error:
        kind, message = error.kind, error.message
    except (OSError, ValueError, struct.error) as error:
        kind, message = "failed", f"{type(error).__name__}: {error}"
    return Probe(address, kind, message, round((time.monotonic() - started) * 1000, 1), node_id)


def split_address(address: str) -> tuple[str, int]:
    """host:port, [ipv6]:port or host (port 9092)."""
    text = address.split("://", 1)[-1].strip()
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (host.count(":") and not host.startswith("[")):
        return text.strip("[]"), 9092
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CollectError("failed", f"{address!r} has no valid port", address)
    return host.strip("[]"), int(port)


def _talk(plain: socket.socket, host: str, address: str, options: KafkaOptions, deadline: Deadline) -> None:
    plain.settimeout(max(0.05, deadline.cap(ANSWER_SECONDS)))
    conversation = _Conversation(plain, options.tls)
    if options.tls:
        conversation.sock = _handshake(plain, host, options)
    try:
        conversation.ask(API_VERSIONS, 0, b"")
        if options.sasl_mechanism:
            _login(conversation, host, options)
    except (ConnectionError, ssl.SSLError, EOFError) as error:
        raise _closed(error, address, options, deadline) from error
    finally:
        if options.tls:
            conversation.sock.close()


def _handshake(plain: socket.socket, host: str, options: KafkaOptions) -> ssl.SSLSocket:
    try:
        return options.ssl_context().wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise certificate_refused(error) from error
    except (TimeoutError, socket.timeout) as error:
        raise CollectError("silent", "it accepts the connection but never answers the TLS handshake") from error
    except ConnectionError as error:
        raise CollectError("reset", "it closes the connection during the TLS handshake") from error
    except ssl.SSLEOFError as error:
        raise CollectError("tls", "it closes the connection during the TLS handshake: it may not speak TLS") from error
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        hint = "it does not speak TLS" if reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL") else reason
        raise CollectError("tls", f"the TLS handshake fails: {hint}") from error


class _Conversation:
    """Requests and answers in Kafka's framing on one socket."""

    def __init__(self, sock: socket.socket, tls: bool) -> None:
        self.sock = sock
        self.tls = tls
        self._number = 0

    def ask(self, api: int, version: int, body: bytes) -> bytes:
        """Send one request (header version 1) and return the answer's body."""
        self._number += 1
        header = struct.pack(">hhih", api, version, self._number, len(CLIENT)) + CLIENT
        self.sock.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        frame = self._frame()
        if struct.unpack(">i", frame[:4])[0] != self._number:
            raise CollectError("not_protocol", "the answer belongs to no question: it is not a Kafka broker")
        return frame[4:]

    def _frame(self) -> bytes:
        try:
            first = self._read(1)
        except (TimeoutError, socket.timeout):
            raise self._silence() from None
        if first in b"\x15\x16" and not self.tls:
            raise CollectError("tls", "it speaks TLS, and security_protocol is one without TLS")
        head = first + self._peek(3)
        size = struct.unpack(">i", head)[0] if len(head) == 4 else -1
        if not 4 <= size <= LARGEST_FRAME:
            raise CollectError("not_protocol", f"it answers {_printable(head)}, which is not Kafka's protocol")
        try:
            return self._read(size)
        except (TimeoutError, socket.timeout):
            raise CollectError("silent", "it began to answer and then stopped") from None

    def _peek(self, size: int) -> bytes:
        try:
            return self._read(size)
        except (TimeoutError, socket.timeout, EOFError):
            return b""

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes. A slow sender can't stretch it: the whole read has one limit."""
        limit = time.monotonic() + (self.sock.gettimeout() or ANSWER_SECONDS)
        data = b""
        while len(data) < size:
            if time.monotonic() > limit:
                raise TimeoutError("the answer comes too slowly")
            chunk = self.sock.recv(min(65536, size - len(data)))
            if not chunk:
                raise EOFError("connection closed")
            data += chunk
        return data

    def _silence(self) -> CollectError:
        """A line-based server waits for the end of a line: end it, and see whether another protocol answers."""
        try:
            self.sock.settimeout(NUDGE_SECONDS)
            self.sock.sendall(b"\r\n\r\n")
            said = self.sock.recv(64)
        except OSError:
            said = b""
        if said:
            return CollectError("not_protocol", f"it answers {_printable(said)}, which is not Kafka's protocol")
        return CollectError("silent", "it accepts the connection and sends nothing")


def _printable(data: bytes) -> str:
    text = data[:24].decode("ascii", "replace")
    return repr("".join(char if " " <= char <= "~" else "." for char in text))


def _closed(error: Exception, address: str, options: KafkaOptions, deadline: Deadline) -> CollectError:
    """It hung up without an answer: a listener that expects TLS does that too."""
    if not options.tls and _speaks_tls(address, deadline):
        return CollectError("tls", "it speaks TLS, and security_protocol is one without TLS")
    if isinstance(error, ssl.SSLError):
        hint = "is a client certificate required?"
        return CollectError("tls", f"TLS fails after the handshake: {error.reason or error} ({hint})")
    if options.sasl_mechanism:
        return CollectError("auth", "it closes the connection during the login")
    return CollectError("reset", "it accepts the connection and closes it without an answer")


def _speaks_tls(address: str, deadline: Deadline) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        host, port = split_address(address)
        sock = socket.create_connection((host, port), timeout=max(0.05, deadline.cap(2.0)))
        with sock, context.wrap_socket(sock, server_hostname=host):
            return True
    except ssl.SSLError as error:
        return "CERTIFICATE_REQUIRED" in str(error.reason)
    except (OSError, CollectError):
        return False


def _login(conversation: _Conversation, host: str, options: KafkaOptions) -> None:
    """The login, with kafka-python's own mechanisms: its bootstrap loop would swallow the failure."""
    from kafka.net.sasl import get_sasl_mechanism

    name = str(options.sasl_mechanism)
    answer = conversation.ask(SASL_HANDSHAKE, 1, _string(name.encode()))
    code = struct.unpack(">h", answer[:2])[0]
    if code:
        offered = ", ".join(_strings(answer[2:]))
        unknown = code == UNSUPPORTED_MECHANISM
        why = f"it offers {offered}, not {name}" if unknown else f"it wants no login here (code {code})"
        raise CollectError("auth", why)
    try:
        mechanism = get_sasl_mechanism(name)(host=host, **options.client_config())
        while not mechanism.is_done():
            token = mechanism.auth_bytes()
            body = conversation.ask(SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
            mechanism.receive(_authenticated(body))
    except (KeyError, ValueError, ImportError, RuntimeError) as error:
        raise CollectError("auth", f"the login with {name} fails: {type(error).__name__}") from error


def _authenticated(body: bytes) -> bytes:
    code = struct.unpack(">h", body[:2])[0]
    length = struct.unpack(">h", body[2:4])[0]
    rest = body[4 + max(0, length) :]
    if code:
        said = body[4 : 4 + max(0, length)].decode("utf-8", "replace")
        raise CollectError("auth", f"the broker refuses the login: {said or f'code {code}'}")
    size = struct.unpack(">i", rest[:4])[0]
    return rest[4 : 4 + max(0, size)]


def _string(data: bytes) -> bytes:
    return struct.pack(">h", len(data)) + data


def _strings(data: bytes) -> list[str]:
    names: list[str] = []
    number, at = struct.unpack(">i", data[:4])[0], 4
    for _index in range(max(0, min(number, 50))):
        size = struct.unpack(">h", data[at : at + 2])[0]
        names.append(data[at + 2 : at + 2 + size].decode("utf-8", "replace"))
        at += 2 + size
    return names
