# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GET to a Go program: no redirect, no proxy, no endless answer, and every way in which it fails has its name."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import socket
import ssl
import threading
import time
import typing as t
import urllib.parse

from .deadline import Deadline
from .errors import CollectError
from .go_options import GoOptions
from .pool import gather

CHUNK = 64 * 1024
MOST = 8 * 1024 * 1024
STATUSES = {401: "forbidden", 403: "forbidden", 404: "absent", 405: "absent", 410: "absent"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """A whole answer with status 200. body is empty where the caller took it piece by piece."""

    body: bytes
    kind: str
    ms: float


class HttpError(CollectError):
    """It answered, or failed to. kind beyond those of CollectError: stalled, forbidden, absent, status, redirect,
    too_large, truncated, encoded. status: 0 where there was none."""

    def __init__(self, kind: str, message: str, address: str = "", status: int = 0) -> None:
        super().__init__(kind, message, address)
        self.status = status


def get(
    url: str,
    options: GoOptions,
    deadline: Deadline,
    feed: t.Callable[[bytes], None] | None = None,
    most: int = MOST,
    accept: str = "*/*",
) -> Answer:
    """The answer to one GET. feed takes the body in pieces of any number; without it most bytes are kept at most.

    Raises HttpError. It is over at the deadline, also where a byte comes now and then.
    """
    started = time.monotonic()
    parts = urllib.parse.urlsplit(url)
    deadline.check(f"asking {parts.netloc}")
    connection = _connection(parts, options, deadline)
    watchdog = _Watchdog(connection, deadline)
    try:
        _connect(connection, parts, watchdog, Deadline(deadline.cap(options.timeout)))
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        with _named(parts.netloc, watchdog, "silent"):
            connection.request("GET", path, headers={**options.headers(), "Accept": accept})
            response = connection.getresponse()
        with response, _named(parts.netloc, watchdog, "stalled"):
            _judge_status(response, parts.netloc)
            body = _body(response, feed, most, parts.netloc)
        return Answer(body, response.headers.get("Content-Type", ""), (time.monotonic() - started) * 1000)
    finally:
        watchdog.stop()
        connection.close()


class _Watchdog:
    """Shuts the connection at the deadline: a header that comes byte by byte never runs into a timeout."""

    def __init__(self, connection: http.client.HTTPConnection, deadline: Deadline) -> None:
        self.fired = False
        self.sock: socket.socket | None = None
        self._connection = connection
        self._timer = threading.Timer(max(0.05, deadline.left()), self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self) -> None:
        self.fired = True
        sock = self.sock or self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._timer.cancel()


def _connection(parts: urllib.parse.SplitResult, options: GoOptions, deadline: Deadline) -> http.client.HTTPConnection:
    limit = max(0.05, deadline.cap(options.timeout))
    if parts.scheme != "https":
        return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=limit)
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
        if not options.validate_certs:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.cert_file:
            context.load_cert_chain(options.cert_file, options.key_file)
    except (OSError, ValueError) as error:
        raise HttpError("tls", f"ca_file, cert_file or key_file can't be used: {error}", parts.netloc) from None
    return http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=limit, context=context)


def _resolve(parts: urllib.parse.SplitResult, patience: Deadline) -> None:
    """Ask for the name in a thread: the resolver has timeouts of its own, which are longer than any deadline."""

    def ask() -> None:
        try:
            socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise HttpError("dns", f"{parts.hostname} does not resolve: {why}", parts.netloc) from None

    found = gather({"name": ask}, patience)["name"]
    if isinstance(found, HttpError):
        raise found
    if isinstance(found, CollectError):
        raise HttpError("dns", f"nobody resolves {parts.hostname} in time", parts.netloc)


def _connect(
    connection: http.client.HTTPConnection, parts: urllib.parse.SplitResult, watchdog: _Watchdog, patience: Deadline
) -> None:
    where = parts.netloc
    _resolve(parts, patience)
    try:
        connection.connect()
        watchdog.sock = connection.sock
    except socket.gaierror as error:
        raise HttpError("dns", f"{parts.hostname} does not resolve: {error.strerror or error}", where) from None
    except ssl.SSLError as error:
        raise HttpError("tls", f"TLS handshake with {where} failed: {error.reason or error}", where) from None
    except ConnectionRefusedError:
        raise HttpError("refused", f"{where} refuses connections", where) from None
    except (socket.timeout, TimeoutError):  # two different ones on Python 3.9
        raise HttpError("timeout", f"{where} does not accept a connection in time", where) from None
    except (OSError, ValueError) as error:
        kind = "deadline" if watchdog.fired else "failed"
        raise HttpError(kind, f"no connection to {where}: {error}", where) from None


@contextlib.contextmanager
def _named(where: str, watchdog: _Watchdog, pause: str) -> t.Iterator[None]:
    """Every way in which an exchange breaks, as an HttpError. pause: what a time without a byte is called."""
    late = HttpError("stalled", f"{where} was not done at the deadline", where)
    try:
        yield
        if watchdog.fired:
            raise late
    except HttpError as error:
        raise (late if watchdog.fired else error) from None
    except (socket.timeout, TimeoutError):
        said = "says nothing" if pause == "silent" else "stopped in the middle of its answer"
        raise HttpError(pause, f"{where} accepted the question and {said}", where) from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise (late if watchdog.fired else _broken(error, where)) from None


def _broken(error: Exception, where: str) -> HttpError:
    if isinstance(error, http.client.IncompleteRead):
        return HttpError("truncated", f"{where} closed the connection in the middle of its answer", where)
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
        return HttpError("reset", f"{where} closed the connection without an answer", where)
    if isinstance(error, http.client.HTTPException):
        return HttpError("not_protocol", f"{where} does not speak HTTP ({type(error).__name__})", where)
    return HttpError("failed", f"{where}: {type(error).__name__}: {error}", where)


def _judge_status(response: http.client.HTTPResponse, where: str) -> None:
    status = response.status
    if status == 200:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise HttpError("encoded", f"{where} sends {encoding}, which was not asked for", where, status)
        return
    if 300 <= status < 400:
        host = _host(response.headers.get("Location", "")) or "another path of it"
        raise HttpError("redirect", f"{where} answers {status} and sends to {host}: name that address", where, status)
    raise HttpError(STATUSES.get(status, "status"), f"{where} answers with status {status}", where, status)


def _host(url: str) -> str:
    """The host of an address, without a login in it; "" where there is none."""
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _body(response: http.client.HTTPResponse, feed: t.Callable[[bytes], None] | None, most: int, where: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    expected = response.length
    while True:
        chunk = response.read1(CHUNK)
        if not chunk:
            break
        size += len(chunk)
        if feed:
            feed(chunk)
            continue
        if size > most:
            raise HttpError("too_large", f"{where} answers with more than {most} bytes", where, response.status)
        parts.append(chunk)
    if expected is not None and size < expected:
        raise HttpError("truncated", f"{where} sent {size} of {expected} bytes", where, response.status)
    return b"".join(parts)
