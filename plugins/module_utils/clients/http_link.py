# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection for one question: every address tried, TLS told apart by what is wrong, every byte within a budget."""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import ssl
import time
import typing as t

from ..core.http_snapshot import Attempt
from .deadline import Deadline
from .errors import CollectError
from .http_options import HttpOptions, Target
from .http_resolve import Address, Resolver

CHUNK = 65536
CERTIFICATE = {
    9: ("tls_early", "it is not valid yet"),
    10: ("tls_expired", "it has expired"),
    18: ("tls_untrusted", "it is self-signed"),
    19: ("tls_untrusted", "a self-signed certificate is in its chain"),
    20: ("tls_untrusted", "its authority is not known"),
    21: ("tls_untrusted", "its chain is not whole"),
    62: ("tls_hostname", "it is for another host name"),
    64: ("tls_hostname", "it is for another address"),
}
"""Verify codes of OpenSSL -> kind, and what they mean."""
NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM)
CLIENT_ALERTS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_EXPIRED")
LEAST = 0.001


class Late(Exception):
    """Nothing came in time. first: not even the first byte did."""

    def __init__(self, first: bool) -> None:
        super().__init__("the answer is not whole in time")
        self.first = first


class TooMuch(Exception):
    """More bytes came than are read."""


class Wire(io.RawIOBase):
    """The receiving side of a socket: the budget is for the answer, however slowly its bytes come."""

    def __init__(self, sock: socket.socket, first_byte: float, whole: float, limit: int) -> None:
        super().__init__()
        self._sock = sock
        self._limit = limit
        self.asked = time.monotonic()
        self._first_end = self.asked + min(first_byte, whole)
        self._end = self.asked + whole
        self.received = 0
        self.first_at = 0.0
        self.encrypted = isinstance(sock, ssl.SSLSocket)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        left = (self._end if self.received else self._first_end) - time.monotonic()
        if left <= LEAST:
            raise Late(not self.received)
        self._sock.settimeout(left)
        try:
            count = self._sock.recv_into(buffer)
        except (TimeoutError, socket.timeout):
            raise Late(not self.received) from None
        if count and not self.received:
            self.first_at = time.monotonic()
        self.received += count
        if self.received > self._limit:
            raise TooMuch
        return count


class Link(t.NamedTuple):
    """A connection that stands, and how it came about. Milliseconds."""

    sock: socket.socket
    attempts: tuple[Attempt, ...]
    dns: float
    connect: float
    tls: float


class ConnectError(CollectError):
    """A CollectError with the addresses that were tried and the milliseconds of each phase (dns, connect, tls)."""

    def __init__(
        self, kind: str, message: str, attempts: t.Sequence[Attempt] = (), spent: t.Sequence[float] = ()
    ) -> None:
        super().__init__(kind, message)
        self.attempts = tuple(attempts)
        self.spent = (*spent, 0.0, 0.0, 0.0)[:3]


def connect(target: Target, options: HttpOptions, resolver: Resolver, deadline: Deadline) -> Link:
    """To the first address that answers. Raises ConnectError."""
    try:
        addresses, dns = resolver.addresses(target.host, target.port, deadline)
    except CollectError as error:
        raise ConnectError(error.kind, error.message) from None
    started = time.monotonic()
    sock, tried = _first(addresses, options.connect_timeout, deadline)
    spent = (time.monotonic() - started) * 1000
    if sock is None:
        worst = tried[-1] if tried else Attempt(target.host, "deadline", "no time was left to connect")
        kind = next((a.kind for a in tried if a.kind != "unreachable"), worst.kind)
        why = next((a.message for a in tried if a.kind == kind), worst.message)
        raise ConnectError(kind, f"{target.shown}: {why}", tried, (dns, spent))
    if target.scheme == "http":
        return Link(sock, tuple(tried), dns, spent, 0.0)
    started = time.monotonic()
    try:
        safe = _encrypt(sock, target, options, deadline)
    except CollectError as error:
        sock.close()
        took = (time.monotonic() - started) * 1000
        raise ConnectError(error.kind, error.message, tried, (dns, spent, took)) from None
    return Link(safe, tuple(tried), dns, spent, (time.monotonic() - started) * 1000)


def _first(
    addresses: t.Sequence[Address], timeout: float, deadline: Deadline
) -> tuple[socket.socket | None, list[Attempt]]:
    tried: list[Attempt] = []
    for address in addresses:
        if deadline.expired():
            break
        sock, attempt = attempt_one(address, timeout, deadline)
        tried.append(attempt)
        if sock is not None:
            return sock, tried
    return None, tried


def attempt_one(address: Address, timeout: float, deadline: Deadline) -> tuple[socket.socket | None, Attempt]:
    """Connect to one address; the socket, or None, and what became of it."""
    family, where = address
    name = str(where[0])
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return None, Attempt(name, "unreachable", f"no socket of its kind here: {error.strerror}")
    sock.settimeout(max(LEAST, deadline.cap(timeout)))
    try:
        sock.connect(where)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock, Attempt(name, "ok")
    except OSError as error:
        sock.close()
        return None, Attempt(name, *_refusal(error, timeout))


def _refusal(error: OSError, timeout: float) -> tuple[str, str]:
    if isinstance(error, ConnectionRefusedError):
        return "refused", "connection refused"
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return "timeout", f"no answer to the connection attempt in {timeout:g} s"
    if error.errno in NO_WAY:
        return "unreachable", str(error.strerror)
    if isinstance(error, ConnectionResetError):
        return "reset", "the connection was reset at once"
    return "failed", f"{type(error).__name__}: {error}"


def _encrypt(sock: socket.socket, target: Target, options: HttpOptions, deadline: Deadline) -> ssl.SSLSocket:
    """TLS over a connection. A handshake has as long as a first byte: for its caller it is the same silence."""
    sock.settimeout(max(LEAST, deadline.cap(options.timeout)))
    try:
        return options.ssl_context.wrap_socket(sock, server_hostname=target.host)
    except ssl.SSLCertVerificationError as error:
        kind, what = CERTIFICATE.get(error.verify_code, ("tls_failed", "it is refused"))
        raise CollectError(kind, f"{what} ({error.verify_message})") from None
    except (TimeoutError, socket.timeout):
        raise CollectError("silent", "it accepts the connection and never answers the TLS handshake") from None
    except ssl.SSLError as error:
        raise CollectError(*tls_failure(error, options)) from None
    except OSError as error:
        raise CollectError("tls_failed", f"the connection ended in the TLS handshake: {error.strerror}") from None


def tls_failure(error: ssl.SSLError, options: HttpOptions) -> tuple[str, str]:
    """Kind and message of an error of TLS that is not about the server's certificate."""
    reason = str(error.reason or error)
    if "ALERT" in reason and any(word in reason.upper() for word in CLIENT_ALERTS):
        with_one = "refuses this check's certificate" if options.client_cert else "wants a certificate of its client"
        if "HANDSHAKE_FAILURE" not in reason.upper():
            return "tls_client", f"the server {with_one} ({reason})"
    if "WRONG_VERSION" in reason.upper() or "HTTP_REQUEST" in reason.upper():
        return "tls_failed", f"what answers there speaks no TLS ({reason})"
    return "tls_failed", f"the handshake fails: {reason}"


def shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.close()
