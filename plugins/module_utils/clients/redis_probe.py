# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the address answers to one PING, before the library is asked: name, connection, TLS, protocol, and silence.

Redis that is held up and Redis that is paused both say nothing. They are told apart by a line that is no command:
the server refuses it while it reads, before any command waits, so an answer shows that the process is alive.
"""

from __future__ import annotations

import socket
import ssl
import time

from ..core.redis_parse import error_word
from ..core.redis_snapshot import OK, Probe
from . import tcp
from .deadline import Deadline
from .errors import CollectError
from .redis_link import Link, ReplyError
from .redis_options import RedisOptions

DOOR_PAUSE = 0.1
PING = b"PING\r\n"
NO_COMMAND = b'"\r\n'
"""An unbalanced quote: the reader refuses it (Protocol error) whoever is paused, and closes the connection."""
LARGEST_LINE = 4096


def probe(options: RedisOptions, deadline: Deadline) -> Probe:
    """Ask the address once; every failure has a kind, and nothing is ever asked twice of a server that is silent."""
    started = time.monotonic()
    connected = 0.0
    try:
        with connect(options, deadline) as sock:
            connected = time.monotonic() - started
            line = _exchange(sock, options, deadline, started)
    except CollectError as error:
        return _failed(options, error.kind, error.message, started, connected)
    except OSError as error:
        return _failed(options, "failed", f"{type(error).__name__}: {error}", started, connected)
    text = line.decode("utf-8", "replace").strip()
    spoken = error_word(text[1:]) if text.startswith("-") else ""
    return Probe(options.address, OK, "", spoken, options.hide(text), _ms(started), connected * 1000)


def _failed(options: RedisOptions, kind: str, message: str, started: float, connected: float) -> Probe:
    return Probe(options.address, kind, options.hide(message), "", "", _ms(started), connected * 1000)


def _ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 2)


def connect(options: RedisOptions, deadline: Deadline) -> socket.socket:
    """A socket to the server, through TLS where it is asked for. Raises CollectError."""
    if options.unix_socket:
        plain = _connect_unix(options, deadline)
    else:
        plain = tcp.connect(options.host, options.port, options.timeout, deadline)
    if not options.tls:
        return plain
    try:
        return options.ssl_context().wrap_socket(plain, server_hostname=options.host)
    except ssl.SSLCertVerificationError as error:
        raise tcp.certificate_refused(error) from error
    except (TimeoutError, socket.timeout) as error:
        raise CollectError("silent", "it accepts the connection but never answers the TLS handshake") from error
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise CollectError("tls", f"the TLS handshake fails: {reason} (does it speak TLS on this port?)") from error


def _connect_unix(options: RedisOptions, deadline: Deadline) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(max(0.05, deadline.cap(options.timeout)))
    try:
        sock.connect(options.unix_socket or "")
    except OSError as error:
        sock.close()
        kind = "timeout" if isinstance(error, socket.timeout) else "refused"
        raise CollectError(kind, f"{options.unix_socket}: {error.strerror or error}") from error
    return sock


def _exchange(sock: socket.socket, options: RedisOptions, deadline: Deadline, started: float) -> bytes:
    """One line for one PING. Silence is waited out for the option patience: who is only held up then answers."""
    try:
        sock.sendall(PING)
        return _line(sock, options, min(deadline.left(), options.timeout))
    except (TimeoutError, socket.timeout):
        pass
    except ConnectionError as error:
        raise CollectError("reset", "it closes the connection without an answer") from error
    if not options.tls and alive(options, deadline):
        raise CollectError(
            "paused", f"PING has no answer for {time.monotonic() - started:.1f} s, but what is no command has"
        )
    try:
        return _line(sock, options, min(deadline.left(), options.patience))
    except (TimeoutError, socket.timeout):
        silence = time.monotonic() - started
        raise CollectError("silent", f"it accepts the connection and says nothing for {silence:.1f} s") from None
    except ConnectionError as error:
        raise CollectError("reset", "it closes the connection without an answer") from error


def _line(sock: socket.socket, options: RedisOptions, seconds: float) -> bytes:
    """The first line of a reply. A slow sender can't stretch it: the whole line has one limit."""
    limit = time.monotonic() + max(0.05, seconds)
    data = b""
    while b"\n" not in data and len(data) < LARGEST_LINE:
        left = limit - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer comes too slowly")
        sock.settimeout(left)
        chunk = sock.recv(256)
        if not chunk:
            break
        data += chunk
        if data[:1] not in b"+-":
            raise _foreign(data, options)
    if not data:
        raise ConnectionResetError("connection closed")
    return data.split(b"\n")[0]


def _foreign(data: bytes, options: RedisOptions) -> CollectError:
    if data[:1] in b"\x15\x16" and not options.tls:
        return CollectError("tls", "it speaks TLS, and the option tls is off")
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data[:24])
    return CollectError("not_protocol", f"it answers {shown!r}, which is not Redis' protocol")


def alive(options: RedisOptions, deadline: Deadline) -> bool:
    """Whether the server still reads: it answers a line that is no command."""
    try:
        with connect(options, deadline) as sock:
            sock.sendall(NO_COMMAND)
            sock.settimeout(max(0.05, deadline.cap(min(1.0, options.timeout))))
            return sock.recv(64).startswith(b"-")
    except (OSError, CollectError):
        return False


def enter(options: RedisOptions, deadline: Deadline) -> Link:
    """An open connection for a module that acts. Where maxclients is reached it knocks until a place comes free."""
    said = ""
    while not said or deadline.wait(DOOR_PAUSE):
        first = probe(options, deadline)
        if first.kind != OK:
            raise CollectError(first.kind, f"Redis at {options.address}: {first.message}. Nothing was changed")
        said = first.text
        if first.error != "MAXCLIENTS":
            link = Link(options, deadline)
            try:
                link.open()
                return link
            except ReplyError as error:
                said = error.text
                if error.word != "MAXCLIENTS":
                    raise CollectError("auth", f"Redis at {options.address} refuses the login: {said}") from None
            except CollectError as error:
                said = error.message
    raise CollectError("failed", f"No place came free at {options.address} within {deadline.seconds:g} s: {said}")
