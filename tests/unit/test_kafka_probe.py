# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which an address can fail has its own name, within its own time."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import time

import pytest

pytest.importorskip("kafka", minversion="3.0.12")

from ansible_collections.incident.response.plugins.module_utils.clients import kafka_probe
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.kafka import Wanted, collect
from ansible_collections.incident.response.plugins.module_utils.clients.kafka_options import KafkaOptions
from ansible_collections.incident.response.plugins.module_utils.clients.kafka_probe import Asking, probe, split_address
from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import judge
from kafka_stub import StubBroker, listener


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(kafka_probe, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(kafka_probe, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(kafka_probe, "NUDGE_SECONDS", 0.3)


def ask(address, **options):
    return probe(address, KafkaOptions((address,), **options), Deadline(10))


def hold(connection):
    """Accepts, reads and says nothing."""
    while connection.recv(4096):
        pass


def hang_up(connection):
    connection.recv(4096)
    connection.close()


def reset(connection):
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def says(data: bytes, first: bool = False):
    def handle(connection):
        if not first:
            connection.recv(4096)
        connection.sendall(data)
        hold(connection)

    return handle


def line_based(connection):
    """An HTTP server waits for the end of the header before it complains."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    hold(connection)


def drip(connection):
    """A frame that is announced and then comes one byte at a time."""
    connection.recv(4096)
    connection.sendall(struct.pack(">i", 1000))
    for _count in range(100):
        connection.sendall(b"\0")
        time.sleep(0.05)


def test_a_broker_is_ok():
    with StubBroker().running() as stub:
        found = ask(stub.address)
    assert (found.kind, found.message) == ("ok", "")


def test_refused():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert ask(f"127.0.0.1:{port}").kind == "refused"


@pytest.mark.parametrize("name", ["no-such-host.invalid:9092", "a" * 70 + ":9092", "ho st:9092"])
def test_dns(name):
    assert ask(name).kind == "dns"


def test_connect_timeout():
    """A full accept queue leaves the attempt unanswered, as a dropping firewall does."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    for _count in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        waiting.append(client)
    try:
        found = ask(f"127.0.0.1:{server.getsockname()[1]}")
    finally:
        for item in (*waiting, server):
            item.close()
    assert found.kind == "timeout"


@pytest.mark.parametrize(
    ("handle", "kind"),
    [
        (hold, "silent"),
        (hang_up, "reset"),
        (reset, "reset"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not_protocol"),
        (says(b"220 mail ready\r\n", first=True), "not_protocol"),
        (says(b"-ERR unknown command\r\n"), "not_protocol"),
        (line_based, "not_protocol"),
        (says(struct.pack(">iih", 6, 999, 0)), "not_protocol"),
        (says(struct.pack(">i", 2**31 - 1)), "not_protocol"),
        (says(b"\0\0"), "not_protocol"),
        (says(b"\x15\x03\x03\x00\x02\x02\x0a"), "tls"),
        (drip, "silent"),
    ],
)
def test_what_answers_there(handle, kind):
    with listener(handle) as address:
        started = time.monotonic()
        found = ask(address)
        took = time.monotonic() - started
    assert found.kind == kind, found.message
    assert took < 5


def test_hostile_bytes_are_not_repeated():
    with listener(says(b"\x1b[31m\x07{{ x }}")) as address:
        message = ask(address).message
    assert "\x1b" not in message
    assert "\x07" not in message


@pytest.mark.parametrize("handle", [hold, hang_up, says(b"HTTP/1.1 400\r\n\r\n")])
def test_tls_asked_of_what_does_not_speak_it(handle):
    with listener(handle) as address:
        found = ask(address, security_protocol="SSL")
    assert found.kind in ("tls", "silent", "reset")
    assert (found.kind == "silent") == (handle is hold)


def certificate(where, name: str, days: int, host: str) -> tuple[str, str]:
    """Files of a self-signed certificate that ends in so many days, and of its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    files = where / f"{name}.pem", where / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(private)
    return str(files[0]), str(files[1])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """For this host, for another one, and one that has expired."""
    where = tmp_path_factory.mktemp("tls")
    wanted = {"good": (2, "localhost"), "other": (2, "elsewhere"), "expired": (-1, "localhost")}
    return {name: certificate(where, name, *how) for name, how in wanted.items()}


@contextlib.contextmanager
def tls_port(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)

    def handle(connection):
        try:
            hold(context.wrap_socket(connection, server_side=True))
        except (OSError, ssl.SSLError):
            connection.close()

    with listener(handle) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(
    ("certificate", "trusted", "says"),
    [("good", "", "trusted"), ("other", "other", "host name"), ("expired", "expired", "expired")],
)
def test_certificates(certificates, certificate, trusted, says):
    with tls_port(certificates[certificate]) as address:
        found = ask(address, security_protocol="SSL", ssl_cafile=certificates[trusted][0] if trusted else None)
    assert found.kind == "tls"
    assert says in found.message


def test_certificate_that_is_not_verified_gets_past_tls(certificates):
    with tls_port(certificates["expired"]) as address:
        found = ask(address, security_protocol="SSL", validate_certs=False)
    assert found.kind == "silent", "the port speaks TLS and no Kafka"


def test_plaintext_to_a_tls_port(certificates):
    with tls_port(certificates["good"]) as address:
        found = ask(address)
    assert found.kind == "tls"
    assert "without TLS" in found.message


def test_unreadable_tls_file_is_told_as_such():
    with listener(hold) as address:
        found = ask(address, security_protocol="SSL", ssl_cafile="/nowhere.pem")
    assert (found.kind, "/nowhere.pem" in found.message) == ("tls", True)


# Login


def sasl_server(handshake_code: int, login_code: int, offered=(b"PLAIN", b"SCRAM-SHA-256")):
    """Answers ApiVersions, SaslHandshake and SaslAuthenticate."""

    def handle(connection):
        stream = connection.makefile("rb")
        while True:
            head = stream.read(4)
            if len(head) < 4:
                return
            key, _version, number = struct.unpack(">hhi", stream.read(struct.unpack(">i", head)[0])[:8])
            names = b"".join(struct.pack(">h", len(name)) + name for name in offered)
            why = b"Authentication failed" if login_code else b""
            body = {
                18: struct.pack(">hi", 0, 0),
                17: struct.pack(">hi", handshake_code, len(offered)) + names,
                36: struct.pack(">hh", login_code, len(why)) + why + struct.pack(">i", 0),
            }[key]
            connection.sendall(struct.pack(">ii", len(body) + 4, number) + body)

    return handle


LOGIN = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "app", "sasl_plain_password": "hush-hush"}


@pytest.mark.parametrize(
    ("handle", "kind", "says"),
    [
        (sasl_server(0, 0), "ok", ""),
        (sasl_server(0, 58), "auth", "Authentication failed"),
        (sasl_server(33, 0, (b"GSSAPI",)), "auth", "it offers GSSAPI, not PLAIN"),
        (sasl_server(34, 0), "auth", "no login"),
        (hang_up, "auth", "closes the connection during the login"),
    ],
)
def test_login(handle, kind, says):
    with listener(handle) as address:
        found = ask(address, security_protocol="SASL_PLAINTEXT", **LOGIN)
    assert found.kind == kind
    assert says in found.message
    assert "hush" not in found.message


# All together


def test_a_dead_address_costs_its_time_once():
    with listener(hold) as first, listener(hold) as second, listener(hold) as third:
        started = time.monotonic()
        found = Asking([(address, None) for address in (first, second, third)], KafkaOptions(()), Deadline(10)).all()
        took = time.monotonic() - started
    assert [item.kind for item in found] == ["silent"] * 3
    assert took < 3 * 0.8


def test_one_good_broker_is_enough_and_the_dead_one_is_told():
    with StubBroker(groups={"billing": 100}).running() as stub, listener(hold) as silent:
        options = KafkaOptions((silent, stub.address, "no-such-host.invalid:9092"))
        snapshot = collect(options, Wanted(rounds=1), Deadline(20))
    assert [item.kind for item in snapshot.probes] == ["silent", "ok", "dns"]
    assert {finding.id for finding in judge(snapshot)} == {"kafka.broker.silent", "kafka.broker.dns"}
    assert {finding.severity for finding in judge(snapshot)} == {"P2"}
    assert snapshot.samples


def test_all_addresses_dead_is_the_worst_and_ends_before_the_deadline():
    with listener(hold) as silent:
        snapshot = collect(KafkaOptions((silent,)), Wanted(), Deadline(20))
    found = judge(snapshot)
    assert [(finding.id, finding.severity) for finding in found] == [("kafka.broker.silent", "P1")]
    assert not snapshot.reachable


def test_advertised_listener_that_is_not_reachable():
    from kafka.protocol.metadata import MetadataResponse

    stub = StubBroker(groups={"billing": 100})

    def elsewhere(_times, request):
        answer = stub._metadata(MetadataResponse, request)
        answer.brokers[0].host = "no-such-host.invalid"
        return answer

    stub.hooks["metadata"] = elsewhere
    with stub.running():
        started = time.monotonic()
        snapshot = collect(KafkaOptions((stub.address,)), Wanted(rounds=1), Deadline(20))
        took = time.monotonic() - started
    found = {finding.id: finding for finding in judge(snapshot)}
    assert found["kafka.listener.unreachable"].severity == "P1"
    assert "kafka.unmeasured" in found
    assert took < 10


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a:1", ("a", 1)),
        ("a", ("a", 9092)),
        ("PLAINTEXT://a:1", ("a", 1)),
        ("[::1]:5", ("::1", 5)),
        ("[::1]", ("::1", 9092)),
        ("::1", ("::1", 9092)),
        (" a:1 ", ("a", 1)),
    ],
)
def test_split_address(address, expected):
    assert split_address(address) == expected


@pytest.mark.parametrize("address", ["a:", "a:x", "a:0", "a:65536", "a:-1"])
def test_addresses_without_a_valid_port(address):
    with pytest.raises(CollectError):
        split_address(address)
