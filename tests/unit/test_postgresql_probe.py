# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw start of the protocol against servers that misbehave on demand, and its passwords against the RFC."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import postgresql_probe
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_login import LoginError, Scram, md5
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_options import (
    Login,
    PostgresqlOptions,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import Answer

Talk = t.Callable[[socket.socket], None]
PASSWORD = "plain-Word7"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body


def error(code: str, text: str, routine: str = "Routine") -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": text, "R": routine}
    return message(b"E", b"".join(k.encode() + v.encode() + b"\0" for k, v in fields.items()) + b"\0")


READY = message(b"R", struct.pack(">i", 0)) + message(b"S", b"a\0b\0") + message(b"Z", b"I")


@contextlib.contextmanager
def serving(talk: Talk) -> t.Iterator[int]:
    """A server that takes connections, one after the other, and says what talk says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _address = listener.accept()
                with link, contextlib.suppress(OSError):
                    talk(link)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def login(port: int, **changes: t.Any) -> Login:
    values = {"host": "127.0.0.1", "port": port, "database": "shop", "user": "me", "ssl_mode": "disable"}
    return Login(**{**values, "password": PASSWORD, **changes})


def ask(talk: Talk, seconds: float = 2.0, **changes: t.Any) -> Answer:
    with serving(talk) as port:
        return postgresql_probe.probe(login(port, **changes), Deadline(seconds))


def after_start(*answers: bytes) -> Talk:
    def talk(link: socket.socket) -> None:
        link.recv(4096)
        for answer in answers:
            link.sendall(answer)
        link.recv(4096)

    return talk


def silent(link: socket.socket) -> None:
    while link.recv(4096):
        pass


def web(link: socket.socket) -> None:
    """An HTTP server: it waits for the end of a request, and then complains."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += link.recv(4096)
    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_ready_without_a_password() -> None:
    assert ask(after_start(READY)).kind == "ok"


@pytest.mark.parametrize(
    ("code", "text"),
    [("53300", "tut mir leid, schon zu viele Verbindungen"), ("57P03", "das Datenbanksystem startet"), ("28000", "x")],
)
def test_a_refusal_before_the_login(code: str, text: str) -> None:
    answer = ask(after_start(error(code, text, "InitProcess")))
    assert (answer.kind, answer.sqlstate, answer.message, answer.routine) == ("error", code, text, "InitProcess")
    assert not answer.authenticated


def test_a_refusal_after_the_login() -> None:
    """Reserved slots and missing databases are told only to who has logged in."""

    def talk(link: socket.socket) -> None:
        link.recv(4096)
        link.sendall(message(b"R", struct.pack(">i", 3)))
        assert PASSWORD.encode() in link.recv(4096)
        link.sendall(message(b"R", struct.pack(">i", 0)) + error("3D000", "weg", "InitPostgres"))

    answer = ask(talk)
    assert (answer.sqlstate, answer.authenticated) == ("3D000", True)
    assert PASSWORD not in repr(answer)


def test_md5_is_answered() -> None:
    def talk(link: socket.socket) -> None:
        link.recv(4096)
        link.sendall(message(b"R", struct.pack(">i", 5) + b"salt"))
        right = md5("me", PASSWORD, b"salt") in link.recv(4096)
        link.sendall(READY if right else error("28P01", "no"))

    assert ask(talk).kind == "ok"


def test_a_login_that_is_not_known_here_is_not_a_fault_of_the_server() -> None:
    answer = ask(after_start(message(b"R", struct.pack(">i", 7))))
    assert answer.kind == "unsupported" and "method 7" in answer.message


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (silent, "silent"),
        (web, "not_protocol"),
        (after_start(b"SSH-2.0-OpenSSH_9.2\r\n"), "not_protocol"),
        (after_start(message(b"R", b"x" * 100_000)), "not_protocol"),
        (lambda link: link.close(), "reset"),
    ],
    ids=["silent", "http", "ssh", "too long", "closes"],
)
def test_what_is_no_postgresql(talk: Talk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_probe, "NUDGE_SECONDS", 0.2)
    assert ask(talk, 0.3).kind == kind


def test_one_byte_at_a_time_does_not_keep_us() -> None:
    """A total deadline, not one for each read."""
    stop = threading.Event()

    def talk(link: socket.socket) -> None:
        link.recv(4096)
        for byte in message(b"R", b"y" * 1000):
            link.sendall(bytes([byte]))
            if stop.wait(0.02):
                return

    assert ask(talk, 0.3).kind == "silent"
    stop.set()


def test_names_and_ports_that_lead_nowhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert postgresql_probe.probe(login(port), Deadline(1.0)).kind == "refused"
    assert postgresql_probe.probe(login(port, host="does-not-exist.invalid"), Deadline(2.0)).kind == "dns"
    assert postgresql_probe.probe(login(port, host="/no/such/directory"), Deadline(1.0)).kind == "refused"


@pytest.mark.parametrize(
    ("said", "mode", "kind"),
    [(b"N", "require", "tls"), (b"N", "prefer", "ok"), (b"X", "require", "not_protocol"), (b"S", "require", "tls")],
)
def test_tls(said: bytes, mode: str, kind: str) -> None:
    def talk(link: socket.socket) -> None:
        assert struct.unpack(">ii", link.recv(8)) == (8, postgresql_probe.SSL_REQUEST)
        link.sendall(said)
        link.recv(4096)
        link.sendall(READY)

    assert ask(talk, ssl_mode=mode).kind == kind


def test_an_error_instead_of_an_answer_to_tls_is_read() -> None:
    """A server without slots says so before it says anything about TLS."""
    assert ask(after_start(error("53300", "zu viele")), ssl_mode="prefer").sqlstate == "53300"


def test_scram_as_the_rfc_has_it() -> None:
    scram = Scram("pencil", b"rOprNGfwEbeRWgbNEkqO")
    scram._bare = b"n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert scram.answer(challenge).endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(LoginError):
        scram.verify(b"v=AAAA")


@pytest.mark.parametrize(
    "challenge", [b"r=another,s=AAAA,i=4096", b"r=mine,s=AAAA,i=99999999999", b"", b"r=mine,s=AAAA,i=0"]
)
def test_a_challenge_that_makes_no_sense(challenge: bytes) -> None:
    with pytest.raises(LoginError):
        Scram("pencil", b"mine").answer(challenge)


def test_md5_as_the_server_makes_it() -> None:
    assert md5("md5user", "md5pw", b"\x01\x02\x03\x04") == b"md532dc36143915a32d8eb9ef38c9c44218\0"


def test_options_keep_passwords_to_themselves() -> None:
    params = {
        "host": "db", "port": 5432, "database": "d", "user": "u", "password": PASSWORD, "ssl_mode": "prefer",
        "reserve_user": "r", "reserve_password": PASSWORD, "pgbouncer_host": "p", "pgbouncer_port": 6432,
        "pgbouncer_ssl_mode": "disable", "connect_timeout": 3.0,
    }  # fmt: skip
    options = PostgresqlOptions.from_params(params)
    assert PASSWORD not in repr(options)
    assert options.reserve and options.reserve.user == "r"
    assert options.pooler and (options.pooler.user, options.pooler.database) == ("u", "pgbouncer")
    assert "options" not in options.ordinary.parameters(), "PgBouncer refuses start-up options"
