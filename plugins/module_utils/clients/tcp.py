# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP connection to a server, and why there is none: what probes without a library have in common."""

from __future__ import annotations

import socket
import ssl

from .deadline import Deadline
from .errors import CollectError

CERTIFICATE_ERRORS = {
    9: "the certificate is not valid yet (or a clock is wrong)",
    10: "the certificate has expired",
    18: "the certificate is self-signed and not trusted",
    19: "the certificate's authority is not trusted",
    20: "the certificate's authority is not trusted",
    62: "the certificate is for another host name",
    64: "the certificate is for another IP address",
}
"""Code of OpenSSL's verification -> what is wrong, for people."""


def connect(host: str, port: int, seconds: float, deadline: Deadline) -> socket.socket:
    """A socket to the first address of a host that takes it, all of them within these seconds. Raises CollectError."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CollectError("dns", f"{host} does not resolve: {error}") from error
    failure = CollectError("dns", f"{host} has no address")
    for family, kind, protocol, _name, target in infos:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(max(0.05, deadline.cap(seconds) / len(infos)))
        try:
            sock.connect(target)
            return sock
        except OSError as error:
            sock.close()
            failure = _connect_failure(error, str(target[0]), port)
    raise failure


def _connect_failure(error: OSError, host: str, port: int) -> CollectError:
    if isinstance(error, ConnectionRefusedError):
        return CollectError("refused", f"{host} port {port} refuses the connection")
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError)):
        return CollectError("reset", f"{host} port {port} resets the connection")
    return CollectError("timeout", f"{host} port {port} does not answer: {error.strerror or error}")


def certificate_refused(error: ssl.SSLCertVerificationError) -> CollectError:
    said = CERTIFICATE_ERRORS.get(error.verify_code, "the certificate is refused")
    return CollectError("tls", f"{said} ({error.verify_message})")
