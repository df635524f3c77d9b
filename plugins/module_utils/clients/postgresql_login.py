# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The passwords of PostgreSQL's protocol: clear text, md5 and SCRAM-SHA-256, so that what comes after a login can be
read.

libpq keeps the SQLSTATE of a refused connection to itself, and its words are translated; that is why this exists.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

ITERATIONS = (1, 10_000_000)
"""A server may ask for this many rounds; more would be an attack on us."""


class LoginError(Exception):
    """The server asks for something that is not known here, or its proof is wrong."""


def md5(user: str, password: str, salt: bytes) -> bytes:
    """PasswordMessage of the method md5."""
    inner = _md5(password.encode() + user.encode()).encode()
    return b"md5" + _md5(inner + salt).encode() + b"\0"


def _md5(data: bytes) -> str:
    return hashlib.new("md5", data, usedforsecurity=False).hexdigest()


class Scram:
    """One SCRAM-SHA-256 exchange without channel binding (RFC 5802, RFC 7677)."""

    NAME = b"SCRAM-SHA-256"

    def __init__(self, password: str, nonce: bytes | None = None) -> None:
        self._password = password.encode()
        self._nonce = nonce or base64.b64encode(os.urandom(18))
        self._bare = b"n=,r=" + self._nonce
        self._expected = b""

    def first(self) -> bytes:
        """SASLInitialResponse."""
        message = b"n,," + self._bare
        return self.NAME + b"\0" + len(message).to_bytes(4, "big") + message

    def answer(self, challenge: bytes) -> bytes:
        """SASLResponse to the server's first message."""
        parts = _attributes(challenge)
        nonce, rounds = parts.get("r", b""), int(parts.get("i", b"0"))
        if not nonce.startswith(self._nonce) or not ITERATIONS[0] <= rounds <= ITERATIONS[1]:
            raise LoginError("the server's SCRAM challenge makes no sense")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(parts.get("s", b"")), rounds)
        without_proof = b"c=biws,r=" + nonce
        signed = b",".join((self._bare, challenge, without_proof))
        client = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client).digest(), signed)
        self._expected = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), signed))
        proof = bytes(a ^ b for a, b in zip(client, signature))
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, final: bytes) -> None:
        """The server has to prove that it knows the password too."""
        if not hmac.compare_digest(_attributes(final).get("v", b""), self._expected):
            raise LoginError("the server does not know the password that it was given: it is another server")


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _attributes(message: bytes) -> dict[str, bytes]:
    found = {}
    for part in message.split(b","):
        name, equals, value = part.partition(b"=")
        if equals:
            found[name.decode("ascii", "replace")] = value
    return found
