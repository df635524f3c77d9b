# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted canaries: none may come out. Harmless twins: all must come out as they went in."""

from __future__ import annotations

import base64
import json
import random
import time
import urllib.parse

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import redact

CANARY = "Canary7Xq"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
    "MIICanary7XqAAAAAAAAAAAAAA\nBBBB==\n-----END RSA PRIVATE KEY-----"
)

SECRET_TEXTS = [
    f"postgres://app:{CANARY}@db:5432/orders?sslmode=disable",
    f"postgres://app:{CANARY}@x/y@db:5432/orders",
    f"redis://:{CANARY}@cache:6379/0",
    f"https://host/path?token={CANARY}&x=1",
    f"https://host/path?a=1&key={CANARY}",
    f"https://host/p?X-Amz-Signature={CANARY}",
    f"host=db port=5432 user=app password={CANARY} dbname=x",
    f"host=db password='two words {CANARY}' user=x",
    f"sslpassword={CANARY}",
    f"jdbc:postgresql://db/x?user=a&password={CANARY}",
    f"db:5432:orders:app:{CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"authorization: Basic {CANARY}==",
    f'Authorization: Digest username="x", response="{CANARY}"',
    f"Cookie: theme=dark; sid={CANARY}",
    f"Set-Cookie: sid={CANARY}; HttpOnly",
    f"X-Api-Key: {CANARY}",
    f"curl -H 'Authorization: Bearer {CANARY}' http://x",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ{CANARY}.sig{CANARY}",
    "key AKIAIOSFODNN7CANARY1 leaked",
    PEM,
    PEM.replace("\n", "\\n"),
    PEM[:90],
    f"xoxb-123456789012-{CANARY}",
    f"ghp_{CANARY}abcdefghijklmnop",
    f"https://hooks.slack.com/services/T000/B000/{CANARY}",
    f"requirepass {CANARY}",
    f'"requirepass" "{CANARY}"',
    f"masterauth {CANARY}",
    f"CONFIG SET requirepass {CANARY}",
    f"user alice on >{CANARY} ~* +@all",
    f"ACL SETUSER alice on >{CANARY} ~*",
    f'"AUTH" "default" "{CANARY}"',
    f"AUTH {CANARY}",
    f"ALTER ROLE app WITH PASSWORD '{CANARY}'",
    f"create user app password '{CANARY}' login",
    f'sasl.jaas.config=org.apache.kafka.PlainLoginModule required username="{CANARY}" password="{CANARY}";',
    f"ssl.keystore.password = {CANARY}",
    f"SCRAM-SHA-256=[iterations=8192,password={CANARY}]",
    f"SCRAM-SHA-256$4096:{CANARY}salt==${CANARY}:{CANARY}",
    f'{{"db": {{"password": "{CANARY}"}}}}',
    f'msg="{{\\"password\\":\\"{CANARY}\\"}}"',
    f"config: {{'api_key': '{CANARY}'}}",
    f"--password {CANARY}",
    f"--requirepass={CANARY}",
    f"MYSQL_ROOT_PASSWORD={CANARY}",
    f"password={CANARY},user=x",
    f"password: {CANARY}",
    f"pass\x1b[31mword={CANARY}",
    f"pass\x00word={CANARY}",
    f"client_secret={CANARY}",
    f"secret: {CANARY}",
    f"db_pwd => {CANARY}",
    "token aGVsbG8gQ2FuYXJ5N1hxIHdvcmxkIHRoaXMgaXMgcmFuZG9tMTIz end",
    "Canary7Xq".join(["card 4111 1111 1111 1111 ", ""]).replace(CANARY, ""),
]


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_canary_in_text(text):
    out = redact.clean_text(text)
    assert CANARY not in out
    assert "[redacted" in out
    for part in ("AKIAIOSFODNN7", "4111 1111", "aGVsbG8g", "MIICanary"):
        assert part not in out


HARMLESS_TEXTS = [
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "container 4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736 is gone",
    "550e8400-e29b-41d4-a716-446655440000",
    "02:42:ac:11:00:02",
    "fe80::42:acff:fe11:2",
    "auth: connection refused",
    "http://auth:8081/health",
    "http://token-api:9090/metrics",
    "container:auth",
    "monkey=1 keyspace=2 author=bob offsets=3 passes=4",
    "key=orders-1 partition=3",
    "error: invalid token: signature mismatch",
    'password authentication failed for user "app"',
    "NOAUTH Authentication required.",
    "notification-service-7d9f8b6c5d-x2k4j",
    "org.apache.kafka.clients.consumer.internals.AbstractCoordinatorRebalanceInProgress",
    "container_memory_working_set_bytes_total_recorded_by_rule",
    "/var/lib/docker/overlay2/0a1b2c3d/merged/usr/local/lib/Python3",
    "1700000000123456789 4111111111111111112",
    "2024-01-01T00:00:00.123456789Z",
    "1@kafka-1:9093,2@kafka-2:9093",
    "http://h:8080/a@b",
    "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d",
    "{{ lookup('pipe', 'id') }}",
    "password_encryption = scram-sha-256",
    "session_timeout_ms=45000 auth_method=trust",
    "https://example.com/?page=2&sort=key",
    "user > 5 rows",
    "AUTH service is down",
    "token_file=/var/run/secrets/token",
]


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
def test_harmless_text_survives(text):
    assert redact.clean_text(text) == text
    assert redact.redact_text(text) == (text, 0)


SECRET_VALUES = [
    {"password": CANARY},
    {"DB_PASSWORD": CANARY},
    {"PGPASSWORD": CANARY},
    {"dbPassword": CANARY},
    {"secrets": {"db": CANARY}},
    {"secrets": [CANARY]},
    {"Authorization": CANARY},
    {"headers": {"X-Api-Key": CANARY, "Set-Cookie": CANARY}},
    {"STRIPE_KEY": CANARY},
    {"aws_secret_access_key": CANARY},
    {"redis_auth": CANARY},
    {"dsn": CANARY},
    {"sas": CANARY},
    {"sasl.jaas.config": CANARY},
    {"ssl.key.password": CANARY},
    {"auths": {"registry": {"auth": CANARY}}},
    {"Env": ["PATH=/bin", f"DB_PASSWORD={CANARY} with spaces", f"API_KEY={CANARY}"]},
    {"env": [{"name": "DB_PASSWORD", "value": CANARY}]},
    {"Cmd": ["redis-server", "--requirepass", CANARY]},
    {"Cmd": ["redis-cli", "AUTH", CANARY]},
    {"kind": "Secret", "data": {"x": CANARY}, "stringData": {"y": CANARY}},
    {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}},
    {"nested": [[{"a": {"token": CANARY}}]]},
    {f"password={CANARY}": 1},
    {"password": CANARY.encode()},
    ({"passwd": CANARY},),
]


@pytest.mark.parametrize("value", SECRET_VALUES)
def test_canary_in_values(value):
    out = json.dumps(redact.clean(value))
    assert CANARY not in out
    assert "[redacted" in out


def test_harmless_values_survive():
    value = {
        "services": {
            "auth": {"status": "running"},
            "session": {"status": "exited"},
            "token-store": {"status": "running"},
        },
        "keyspace": {"db0": "keys=12,expires=3,avg_ttl=0"},
        "monkey": "George4Curious",
        "author": "Bob42Smith",
        "offsets": {"0": 17},
        "key": "node.kubernetes.io/not-ready",
        "primary_key": "Id42Order",
        "tokens": 12,
        "session_timeout_ms": "45000",
        "delegation.token.expiry.time.ms": "86400000",
        "password_encryption": "scram-sha-256",
        "auth_method": "trust",
        "secretName": "db-credentials",
        "image": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "container_id": "4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736",
        "password": "",
        "PWD": "/app",
        "expired_keys": 5,
        "restart_count": 3,
        "ratio": 0.25,
        "none": None,
        "ok": True,
        "Env": ["PATH=/usr/bin:/bin", "GOMEMLIMIT=90MiB"],
        "networks": {"lab": "172.18.0.4"},
    }
    assert redact.clean(value) == value


def test_length_class_is_kept():
    assert redact.clean({"password": "abc"})["password"] == "[redacted:short]"
    assert redact.clean({"password": "a" * 12})["password"] == "[redacted:medium]"
    assert redact.clean({"password": "a" * 40})["password"] == "[redacted:long]"


HOSTILE = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b]0;title\x07text", "text"),
    ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x9b31mred", "red"),
    ("a\x00b\x07c\x08d", "abcd"),
    ("tab\tnew\nline\r\nend\rlast", "tab\tnew\nline\nend\nlast"),
    ("half \ud83d and \udcff", "half \ufffd and \ufffd"),
    ("\u202eevil\u202c", "evil"),
    ("emoji 😀 ﷽ שלום", "emoji 😀 ﷽ שלום"),
    ("{{ 7 * 7 }}{% raw %}", "{{ 7 * 7 }}{% raw %}"),
]


@pytest.mark.parametrize(("text", "expected"), HOSTILE)
def test_hostile_text_is_inert(text, expected):
    assert redact.clean_text(text) == expected
    assert redact.clean({text: text}) == {expected: expected}


def test_long_strings_are_cut_with_a_mark():
    out = redact.clean_text("x" * 1_000_000)
    assert len(out) <= 64 * 1024
    assert "1000000 characters in all" in out
    assert redact.clean_text(out) == out
    secret = "y" * (64 * 1024 - 60) + " password=" + CANARY * 30
    assert CANARY[:5] not in redact.clean_text(secret)


def test_total_on_odd_values():
    class Odd:
        def __str__(self):
            raise ValueError(CANARY)

    deep = []
    for _level in range(5000):
        deep = [deep]
    value = {"f": float("nan"), "i": float("inf"), "n": 10**5000, "o": Odd(), 5: {1, 2}, None: b"\xff", "deep": deep}
    out = redact.clean(value)
    assert CANARY not in json.dumps(out)
    assert out["f"] == "NaN" and out["i"] == "+Inf"
    assert redact.clean(out) == out
    assert redact.clean({"a\x00": 1, "a": 2}) == {"a": 1, "a (2)": 2}


def test_idempotent_on_everything_here():
    for text in SECRET_TEXTS + HARMLESS_TEXTS + [text for text, _expected in HOSTILE]:
        once = redact.clean_text(text)
        assert redact.clean_text(once) == once
    for value in SECRET_VALUES:
        once = redact.clean(value)
        assert redact.clean(once) == once


def test_idempotent_on_random_mixtures():
    pieces = [
        "password",
        "token",
        "auth",
        "key",
        "=",
        ":",
        ": ",
        " ",
        '"',
        "'",
        "\\",
        "\n",
        ",",
        ";",
        "@",
        "://",
        "a1B2c3D4e5",
        "x",
    ]
    pieces += [
        PEM,
        "[redacted:short]",
        "[redacted",
        "]",
        "Bearer ",
        "Cookie: ",
        "user ",
        ">",
        "AUTH ",
        "\x1b[",
        "?",
        "&",
        "eyJ",
        ".",
    ]
    source = random.Random(7)
    for _turn in range(3000):
        text = "".join(source.choice(pieces) for _piece in range(source.randint(2, 24)))
        once = redact.clean_text(text)
        assert redact.clean_text(once) == once, repr(text)
        redact.redact_sql(text)


SQL = [
    ("SELECT * FROM users WHERE name = 'Canary' AND n = 42", "SELECT * FROM users WHERE name = '?' AND n = ?"),
    ("SELECT 'it''s' , E'a\\'b', $1, t1.c2", "SELECT '?' , '?', $1, t1.c2"),
    ("INSERT INTO t VALUES (1.5, 0xFF, .5, 1e-3)", "INSERT INTO t VALUES (?, ?, ?, ?)"),
    ("SELECT $$Canary$$, $q$ it's Canary $q$ x", "SELECT '?', '?' x"),
    ("SELECT 'Canary cut off", "SELECT '?'"),
    ('SELECT 1 -- Canary\nFROM "Odd 1 Name" /* Canary */', 'SELECT ? /* ? */\nFROM "Odd 1 Name" /* ? */'),
    ("ALTER ROLE app PASSWORD 'Canary'", "ALTER ROLE app PASSWORD '?'"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), SQL)
def test_sql_keeps_its_shape_only(text, expected):
    assert redact.redact_sql(text) == expected
    assert redact.redact_sql(expected) == expected


KNOWN = "hunter two/+&"


def forms(secret):
    raw = secret.encode()
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    for prefix in (b"", b"u", b"u:"):
        yield base64.b64encode(prefix + raw + b":end").decode()


def test_known_values_in_every_form():
    redactor = redact.Redactor([KNOWN, "abc"])
    for form in forms(KNOWN):
        out = redactor.text(f"x {form} y")
        assert form not in out and "[redacted" in out, form
    assert redactor.count >= 6
    assert redactor.clean({"a": [f"see {KNOWN}"]}) == {"a": ["see [redacted:known]"]}
    assert redactor.text("abc is too short to be searched for") == "abc is too short to be searched for"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 5000])
def test_stream_catches_secrets_across_chunks(size):
    text = "".join(
        f"line {n} password={CANARY} and {KNOWN} 😀\n{PEM}\nAuthorization: Bearer {CANARY}\n" for n in range(20)
    )
    redactor = redact.Redactor([KNOWN])
    data = text.encode()
    out = "".join(redactor.feed(data[at : at + size]) for at in range(0, len(data), size)) + redactor.close()
    assert CANARY not in out and KNOWN not in out and "MIICanary" not in out
    assert out.count("😀") == 20
    assert out == redact.Redactor([KNOWN]).text(text)


def test_stream_without_line_ends_stays_bounded():
    redactor = redact.Redactor([KNOWN])
    out, longest = [], 0
    for number in range(4000):
        out.append(redactor.feed(f"part {number} {KNOWN} password={CANARY} "))
        longest = max(longest, len(redactor._held))
    text = "".join(out) + redactor.close()
    assert CANARY not in text and KNOWN not in text
    assert "part 3999" in text
    assert longest < 200_000


def test_stream_of_one_endless_word():
    redactor = redact.Redactor([])
    out = [redactor.feed("a" * 10_000) for _turn in range(100)]
    assert len("".join(out) + redactor.close()) < 200_000


ADVERSARIAL = [
    "a",
    "eyJ",
    "-----BEGIN RSA KEY-----",
    "://",
    "password=",
    'password="',
    "a@",
    "user ",
    "AUTH \n",
    "\x1b[",
    "$a$ ",
    "\\",
]


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_no_pattern_explodes(piece):
    text = piece * (300_000 // len(piece))
    started = time.process_time()
    redact.redact_text(text)
    redact.redact_sql(text)
    redact.clean(text)
    assert time.process_time() - started < 20, (
        "a quadratic pattern needs minutes here; a linear one less than two seconds"
    )
