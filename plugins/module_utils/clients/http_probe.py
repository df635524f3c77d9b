# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask an endpoint once: connect, send, read within one budget, follow a few redirects. Every failure is a Probe.

The answer is read out of a Wire that stops at the budget: slow headers, a body without end and a packed bomb all cost
a bounded time and a bounded memory.
"""

from __future__ import annotations

import socket
import ssl
import time
import typing as t
import urllib.parse
import zlib

from ..core.http_certificate import validity
from ..core.http_metrics import BadSeries
from ..core.http_snapshot import OK, Attempt, Certificate, Probe, Times
from .deadline import Deadline
from .errors import CollectError
from .http_link import ConnectError, Late, Link, TooMuch, Wire, attempt_one, connect, shut, tls_failure
from .http_options import HttpOptions, Target, target
from .http_reply import CutOff, NotHttp, Reply
from .http_resolve import Resolver

BODY_LIMIT = 256 * 1024
"""Bytes of a health page that are read, packed and unpacked."""
OVERHEAD = 128 * 1024
"""Bytes of headers and of chunk lengths that may come beside the body."""
STEP = 16384
REDIRECTS = (301, 302, 303, 307, 308)
KEPT = ("server", "date", "content-type", "retry-after", "via", "www-authenticate")
PACKED = ("gzip", "x-gzip", "deflate")


class Failure(Exception):
    """How one question ended without a whole answer. status and headers, where they came by then."""

    def __init__(self, kind: str, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.answer = answer


class Answer(t.NamedTuple):
    status: int
    headers: t.Mapping[str, str]
    response: Reply


class Asker:
    """Asks one endpoint after the other; shared by threads, holds no state but the names that were resolved.

    limit: bytes of a body that are read, packed and unpacked.
    """

    def __init__(
        self,
        options: HttpOptions,
        deadline: Deadline,
        resolver: Resolver,
        keep: t.Iterable[str] = (),
        limit: int = BODY_LIMIT,
    ) -> None:
        self.options = options
        self.deadline = deadline
        self.resolver = resolver
        self.keep = (*KEPT, *(name for name in keep if name not in KEPT))
        self.limit = limit

    def probe(self, url: str, accepts: t.Callable[[int], bool]) -> Probe:
        """Ask, and follow redirects; one whose status is accepted is the answer itself. Its login stays at home."""
        first = here = target(url)
        seen: list[str] = []
        budget = Deadline(self.deadline.cap(self.options.connect_timeout + self.options.read_timeout))
        while True:
            result = self._once(here, here.origin == first.origin, budget)
            where = result.headers.get("location", "")
            if result.status not in REDIRECTS or accepts(result.status) or not where:
                return result._replace(redirects=tuple(seen))
            try:
                after = follow(here, where)
            except ValueError as error:
                return result._replace(kind="redirect_bad", message=str(error), redirects=tuple(seen))
            seen.append(after.shown)
            if len(seen) > self.options.max_redirects:
                message = f"it redirects more than {self.options.max_redirects} times, last to {after.shown}"
                return result._replace(kind="redirects", message=message, redirects=tuple(seen))
            here = after

    def others(self, url: str) -> tuple[Attempt, ...]:
        """Connect to every address of a name but the first, which was asked already."""
        here = target(url)
        try:
            addresses, _ms = self.resolver.addresses(here.host, here.port, self.deadline)
        except CollectError:
            return ()
        found = []
        for address in addresses[1:]:
            sock, attempt = attempt_one(address, self.options.connect_timeout, self.deadline)
            if sock is not None:
                shut(sock)
            found.append(attempt)
        return tuple(found)

    def _once(self, here: Target, home: bool, budget: Deadline) -> Probe:
        started = time.monotonic()
        if budget.expired() or self.deadline.expired():
            return Probe("endless" if self.deadline.left() else "deadline", "no time was left to ask it")
        try:
            link = connect(here, self.options, self.resolver, budget)
        except ConnectError as error:
            times = Times(error.spent[0], error.spent[1], error.spent[2], 0.0, _ms(started))
            return Probe(error.kind, error.message, times=times, attempts=error.attempts)
        except CollectError as error:
            return Probe("failed", error.message)
        try:
            return self._in_time(self._exchange(here, home, link, budget, started))
        finally:
            shut(link.sock)

    def _in_time(self, result: Probe) -> Probe:
        """Nobody is called silent who was not given the time: where the whole check ran out of it, that is said."""
        given = {"silent": self.options.timeout, "endless": self.options.read_timeout}
        if not self.deadline.expired() or result.times.total >= 1000 * given.get(result.kind, 0.0):
            return result
        return result._replace(kind="deadline", message=f"no time was left: {result.message}")

    def _exchange(self, here: Target, home: bool, link: Link, budget: Deadline, started: float) -> Probe:
        certificate = certificate_of(link)
        wire = open_wire(link, self.options, budget, self.limit + OVERHEAD)
        kind, message, answer, body, cut = OK, "", None, b"", False
        try:
            answer = ask(here, home, link, wire, self.options, self.keep)
            body, cut = read_body(answer, self.limit)
        except Failure as error:
            kind, message, answer = error.kind, error.message, error.answer or answer
        first = (wire.first_at - wire.asked) * 1000 if wire.first_at else 0.0
        return Probe(
            kind,
            message,
            answer.status if answer else 0,
            answer.headers if answer else {},
            body.decode("utf-8", "replace"),
            cut,
            Times(link.dns, link.connect, link.tls, first, _ms(started)),
            link.attempts,
            certificate,
        )


def _ms(started: float) -> float:
    return (time.monotonic() - started) * 1000


def certificate_of(link: Link) -> Certificate | None:
    if not isinstance(link.sock, ssl.SSLSocket):
        return None
    return validity(link.sock.getpeercert(binary_form=True))


def open_wire(link: Link, options: HttpOptions, budget: Deadline, limit: int) -> Wire:
    return Wire(link.sock, budget.cap(options.timeout), budget.cap(options.read_timeout), limit)


def ask(
    here: Target,
    home: bool,
    link: Link,
    wire: Wire,
    options: HttpOptions,
    keep: t.Iterable[str],
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    """Send the request (its body is JSON) and read status and headers. Raises Failure."""
    request = f"{method} {here.path} HTTP/1.1\r\nHost: {here.host_header}\r\n".encode("ascii", "replace")
    if body is not None:
        request += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n".encode()
    secret = options.secret_lines if home else b""
    with Told(wire, options):
        link.sock.settimeout(max(0.001, options.timeout))
        link.sock.sendall(request + options.open_lines + secret + b"\r\n" + (body or b""))
        response = Reply(wire)
    wanted = (*keep, "location", "content-encoding")
    found = {name.lower(): value for name, value in response.headers}
    return Answer(response.status, {name: found[name] for name in wanted if name in found}, response)


def read_body(answer: Answer, limit: int = BODY_LIMIT) -> tuple[bytes, bool]:
    """The body, unpacked, and whether more of it was left unread. Raises Failure with the answer so far."""
    parts: list[bytes] = []
    size = 0
    with Told(None, None, answer):
        for part in unpacked(answer, limit):
            parts.append(part)
            size += len(part)
            if size > limit:
                return b"".join(parts)[:limit], True
    return b"".join(parts), False


def unpacked(answer: Answer, limit: int) -> t.Iterator[bytes]:
    """The body in parts of a bounded size, whatever it grows to. limit: bytes, after which nobody asks for more."""
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in PACKED:
        yield from _parts(answer)
        return
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    total = 0
    for part in _parts(answer):
        while part and total <= limit:
            done = unpacker.decompress(part, STEP)
            total += len(done)
            yield done
            part = unpacker.unconsumed_tail
        if unpacker.eof:
            return
    if not unpacker.eof:
        raise Failure("broken", "its packed body is cut off", answer)


def _parts(answer: Answer) -> t.Iterator[bytes]:
    """The body as it comes. One that is shorter than announced is cut off."""
    while part := answer.response.read(STEP):
        yield part
    if answer.response.length:
        raise Failure("broken", f"its body ends {answer.response.length} bytes early, in the middle", answer)


class Told:
    """Turns what the reply, sockets and TLS raise while an answer is read into a Failure of the right kind."""

    def __init__(self, wire: Wire | None, options: HttpOptions | None, answer: Answer | None = None) -> None:
        self.wire = wire
        self.options = options or HttpOptions()
        self.answer = answer

    def __enter__(self) -> Told:
        return self

    def __exit__(self, _type: t.Any, error: BaseException | None, _trace: t.Any) -> None:
        if error is None or isinstance(error, (Failure, BadSeries)) or not isinstance(error, Exception):
            return
        kind, message = self._kind(error)
        raise Failure(kind, message, self.answer) from None

    def _kind(self, error: Exception) -> tuple[str, str]:
        begun = self.answer is not None or bool(self.wire and self.wire.received)
        if isinstance(error, (Late, TimeoutError, socket.timeout)):
            return ("endless", "its answer is not whole in time") if begun else ("silent", "no byte came in time")
        if isinstance(error, TooMuch):
            return "endless", "its answer has more bytes than are read"
        if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return tls_failure(error, self.options)
        if isinstance(error, (CutOff, OSError)):
            if begun:
                return "broken", "the connection ended in the middle"
            more = ", after the TLS handshake: it may want a client certificate" if self._safe() else ""
            return "reset", f"it ended without a byte{more}"
        if isinstance(error, zlib.error):
            return "broken", "its packed body is damaged"
        if isinstance(error, NotHttp):
            return "not_http", f"its answer is no HTTP: {error}"
        return "failed", f"{type(error).__name__}: {error}"

    def _safe(self) -> bool:
        return self.wire is not None and self.wire.encrypted


def follow(here: Target, where: str) -> Target:
    """Where a redirect leads. Raises ValueError where nobody should follow."""
    try:
        after = target(urllib.parse.urljoin(here.shown, where.strip()))
    except ValueError as error:
        raise ValueError(f"it redirects to no HTTP address: {error}") from None
    if here.scheme == "https" and after.scheme == "http":
        raise ValueError(f"it redirects from https to {after.shown}, which is not encrypted")
    return after
