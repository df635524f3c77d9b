# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real servers for tests: each one misbehaves in its own way until its block ends."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Serve = Callable[["Visit"], None]


class Visit:
    """One connection, after its request was read."""

    def __init__(self, sock: socket.socket, request: bytes, number: int, ended: threading.Event) -> None:
        self.sock = sock
        self.request = request.decode("latin-1")
        self.number = number
        self.ended = ended

    @property
    def path(self) -> str:
        return self.request.split(" ")[1]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, body: bytes = b"ok", status: int = 200, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Server: stub", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def forever(self, piece: bytes, pause: float = 0.0) -> None:
        """The same piece again and again, until the visitor or the test has gone."""
        while not self.ended.wait(pause) if pause else not self.ended.is_set():
            self.send(piece)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """Listens on a port of 127.0.0.1. requests: what came."""

    def __init__(self, serve: Serve, context: ssl.SSLContext | None, eager: bool) -> None:
        self.eager = eager
        self.requests: list[str] = []
        self.ended = threading.Event()
        self._serve = serve
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path: str = "/health", host: str = "127.0.0.1", scheme: str = "") -> str:
        return f"{scheme or ('https' if self._context else 'http')}://{host}:{self.port}{path}"

    def close(self) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._visit, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _visit(self, sock: socket.socket) -> None:
        sock.settimeout(30)
        with contextlib.suppress(OSError), sock:
            inner = self._context.wrap_socket(sock, server_side=True) if self._context else sock
            with inner:
                request = b""
                while b"\r\n\r\n" not in request and not (self.eager and request):
                    part = inner.recv(65536)
                    if not part:
                        return
                    request += part
                self.requests.append(request.decode("latin-1"))
                self._serve(Visit(inner, request, len(self.requests), self.ended))


@contextlib.contextmanager
def serving(serve: Serve, context: ssl.SSLContext | None = None, eager: bool = False) -> Iterator[Server]:
    """eager: it answers to the first bytes, whatever they are."""
    server = Server(serve, context, eager)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def deaf(backlog: int = 16) -> Iterator[int]:
    """A port that listens, and nobody accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield int(listener.getsockname()[1])


@contextlib.contextmanager
def full() -> Iterator[int]:
    """A port whose queue is full, so that the kernel answers no further attempt."""
    with deaf(0) as port, contextlib.ExitStack() as held:
        for _turn in range(64):
            sock = held.enter_context(socket.socket())
            sock.settimeout(0.3)
            try:
                sock.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port


def refusing() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def certificate(where: Path, name: str, starts: float = -1.0, ends: float = 90.0, address: str = "127.0.0.1") -> Path:
    """A self-signed certificate with its key in one file. starts, ends: in days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=starts))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = where / f"{name}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


def tls(file: Path, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context
