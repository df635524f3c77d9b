# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server answers to a connection attempt, read from its own protocol: SQLSTATE and routine, not translated
words.

Asked only where libpq could not connect: a healthy server sees one connection, not two.
"""

from __future__ import annotations

import socket
import ssl
import struct
import typing as t

from ..core.postgresql_snapshot import OK, Answer
from .deadline import Deadline
from .errors import CollectError
from .postgresql_login import LoginError, Scram, md5
from .postgresql_names import addresses
from .postgresql_options import APPLICATION, Login
from .tcp import CERTIFICATE_ERRORS

PROTOCOL = 196608
SSL_REQUEST = 80877103
LARGEST = 64 * 1024
NUDGE_SECONDS = 0.5
KNOWN = b"REKSZNvGcdADTtWHI123nsEC"
"""First bytes of the messages that a server may send; anything else is another protocol."""

AUTH_OK, AUTH_CLEAR, AUTH_MD5, AUTH_SASL, AUTH_SASL_GO, AUTH_SASL_END = 0, 3, 5, 10, 11, 12


def probe(login: Login, deadline: Deadline) -> Answer:
    """Never raises: whatever happens is the answer."""
    talk = _Talk(login, deadline)
    try:
        talk.open()
        return talk.start()
    except CollectError as error:
        if error.kind == "silent" and talk.nudge():
            error = CollectError("not_protocol", "something answers there, but it does not speak PostgreSQL's protocol")
        return Answer(login.address, error.kind, error.message, authenticated=talk.authenticated)
    finally:
        talk.close()


class _Talk:
    """One conversation, from the name to the first sign of a server that is ready."""

    def __init__(self, login: Login, deadline: Deadline) -> None:
        self._login = login
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._scram: Scram | None = None
        self._heard = False
        self.authenticated = False

    def nudge(self) -> bool:
        """Whether something that said nothing so far answers to an empty line: what does is no PostgreSQL."""
        if self._socket is None or self._heard:
            return False
        try:
            self._socket.settimeout(NUDGE_SECONDS)
            self._socket.sendall(b"\r\n\r\n")
            return bool(self._socket.recv(1))
        except OSError:
            return False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def open(self) -> None:
        self._socket = self._connect()
        if not self._login.local and self._login.ssl_mode not in ("disable", "allow"):
            self._secure()

    def _connect(self) -> socket.socket:
        if self._login.local:
            return self._dial(socket.AF_UNIX, self._login.address)
        found = addresses(self._login.host, self._login.port, self._deadline.left())
        failure: CollectError | None = None
        for family, address in found:
            try:
                return self._dial(family, address)
            except CollectError as error:
                failure = failure if failure and failure.kind == "timeout" else error
        raise failure or CollectError("dns", f"the name {self._login.host} has no address")

    def _dial(self, family: int, address: t.Any) -> socket.socket:
        link = socket.socket(family, socket.SOCK_STREAM)
        link.settimeout(max(0.05, self._deadline.left()))
        try:
            link.connect(address)
        except (TimeoutError, socket.timeout) as error:
            link.close()
            raise CollectError("timeout", "the connection attempt gets no answer") from error
        except FileNotFoundError as error:
            link.close()
            raise CollectError("refused", f"there is no socket {address}") from error
        except OSError as error:
            link.close()
            kind = "refused" if isinstance(error, ConnectionRefusedError) else "timeout"
            raise CollectError(kind, f"the connection attempt fails: {error.strerror or error}") from error
        return link

    def _secure(self) -> None:
        self._send(struct.pack(">ii", 8, SSL_REQUEST))
        said = self._read(1)
        if said == b"S":
            self._handshake()
        elif said == b"N":
            if self._login.ssl_mode != "prefer":
                raise CollectError("tls", f"the server speaks no TLS, and ssl_mode is {self._login.ssl_mode}")
        elif said == b"E":
            self._reopen()
        else:
            raise CollectError("not_protocol", f"it answers {said!r} where PostgreSQL says S or N")

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise AssertionError("it is connected first")
        return self._socket

    def _reopen(self) -> None:
        """An error before TLS (all slots taken, starting up) is repeated to a plain start."""
        self.close()
        self._socket = self._connect()

    def _handshake(self) -> None:
        try:
            self._socket = self._login.ssl_context().wrap_socket(self._open(), server_hostname=self._login.host)
        except ssl.SSLCertVerificationError as error:
            why = CERTIFICATE_ERRORS.get(error.verify_code, error.verify_message)
            raise CollectError("tls", f"the TLS handshake fails: {why}") from error
        except (TimeoutError, socket.timeout) as error:
            raise CollectError("silent", "it says nothing in the TLS handshake") from error
        except (ssl.SSLError, OSError) as error:
            raise CollectError("tls", f"the TLS handshake fails: {getattr(error, 'reason', None) or error}") from error

    def start(self) -> Answer:
        """Send the start-up message and read on, through the login, until ready or refused."""
        values = ("user", self._login.user, "database", self._login.database, "application_name", APPLICATION)
        body = struct.pack(">i", PROTOCOL) + b"".join(value.encode() + b"\0" for value in values) + b"\0"
        self._send(struct.pack(">i", len(body) + 4) + body)
        while True:
            kind, data = self._message()
            if kind == b"E":
                return self._refused(data)
            if kind == b"Z":
                return self._done(OK, "it is ready for queries")
            if kind == b"R":
                try:
                    other = self._authenticate(data)
                except (LoginError, ValueError) as error:
                    raise CollectError("auth", f"the login fails: {error}") from error
                if other:
                    return self._done("unsupported", other)

    def _done(self, kind: str, message: str) -> Answer:
        return Answer(self._login.address, kind, message, authenticated=self.authenticated)

    def _authenticate(self, data: bytes) -> str:
        """Answer one request; what it is where nothing here can answer it, else an empty text."""
        code, rest = struct.unpack(">i", data[:4])[0], data[4:]
        if code == AUTH_OK:
            self.authenticated = True
        elif code == AUTH_CLEAR:
            self._reply(self._login.password.encode() + b"\0")
        elif code == AUTH_MD5:
            self._reply(md5(self._login.user, self._login.password, rest[:4]))
        elif code == AUTH_SASL and Scram.NAME in rest.split(b"\0"):
            self._scram = Scram(self._login.password)
            self._reply(self._scram.first())
        elif code == AUTH_SASL_GO and self._scram:
            self._reply(self._scram.answer(rest))
        elif code == AUTH_SASL_END and self._scram:
            self._scram.verify(rest)
        else:
            return f"it wants a login (method {code}) that only a complete client can do"
        return ""

    def _refused(self, data: bytes) -> Answer:
        fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in data.split(b"\0") if part}
        message = fields.get(b"M") or data.decode("utf-8", "replace").strip("\0 \n")
        return Answer(
            self._login.address,
            "error",
            message[:500],
            sqlstate=fields.get(b"C", ""),
            routine=fields.get(b"R", ""),
            authenticated=self.authenticated,
        )

    def _reply(self, data: bytes) -> None:
        self._send(b"p" + struct.pack(">i", len(data) + 4) + data)

    def _message(self) -> tuple[bytes, bytes]:
        kind = self._read(1)
        length = struct.unpack(">i", self._read(4))[0]
        if kind not in KNOWN or not 4 <= length <= LARGEST:
            raise CollectError("not_protocol", "something answers there, but it does not speak PostgreSQL's protocol")
        return kind, self._read(length - 4)

    def _send(self, data: bytes) -> None:
        link = self._open()
        link.settimeout(max(0.05, self._deadline.left()))
        try:
            link.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes, within what is left of the deadline in all: one byte a second does not keep us
        here."""
        link = self._open()
        found = b""
        while len(found) < size:
            left = self._deadline.left()
            if left <= 0:
                raise CollectError("silent", "it accepts the connection and then says nothing")
            link.settimeout(max(0.05, left))
            try:
                chunk = link.recv(size - len(found))
            except OSError as error:
                raise self._broken(error) from error
            if not chunk:
                raise CollectError("reset", "it accepts the connection and closes it without an answer")
            self._heard = True
            found += chunk
        return found

    @staticmethod
    def _broken(error: OSError) -> CollectError:
        if isinstance(error, (TimeoutError, socket.timeout)):
            return CollectError("silent", "it accepts the connection and then says nothing")
        return CollectError("reset", f"the connection breaks: {error.strerror or error}")
