# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What spares rules their work spares no secret: the quick pass gives what a pass of each rule over each text gives."""

from __future__ import annotations

import random
import re

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import redact
from ansible_collections.incident.response.plugins.module_utils.core import redact_once as module
from ansible_collections.incident.response.plugins.module_utils.core.redact_assignments import mask_assignments
from ansible_collections.incident.response.plugins.module_utils.core.redact_once import redact_once
from ansible_collections.incident.response.plugins.module_utils.core.redact_patterns import (
    CARD,
    HEADERS,
    RANDOM,
    RULES,
    Rule,
)
from test_redact import ADVERSARIAL, HARMLESS_TEXTS, SECRET_TEXTS

FOLDED = str.maketrans({"İ": "i", "ı": "i", "ſ": "s", "K": "k"})
STATEMENTS = [rule for rule in RULES if "insert " in rule.words]
"""Its words are narrower than its pattern: prose like selected 'x' is no statement."""


def lower(text: str) -> str:
    return "".join(char.translate(FOLDED) if char in "İıſK" else char.lower() for char in text)


def thorough(text: str) -> tuple[str, int]:
    """Every rule over the text, whatever is in it."""
    total = 0
    small = lower(text)

    def run(rules: tuple[Rule, ...]) -> None:
        nonlocal text, total
        for rule in rules:

            def replace(match: re.Match[str], rule: Rule = rule) -> str:
                nonlocal total
                new = rule.replace(match)
                total += new != match.group()
                return new

            if rule not in STATEMENTS or any(word in small for word in rule.words):
                text = rule.pattern.sub(replace, text)

    run(HEADERS)
    text, more = mask_assignments(text, lower(text))
    total += more
    run((*RULES, CARD, RANDOM))
    return text, total


PIECES = [
    *(
        "password",
        "passwd",
        "token",
        "auth",
        "AUTH",
        "AUTH2",
        "Auth",
        "key",
        "secret",
        "sig",
        "code",
        "word",
        "ss",
        "pa",
    ),
    *(
        "=",
        ":",
        ": ",
        " ",
        '"',
        "'",
        "\\",
        "\n",
        "\t",
        ",",
        ";",
        "@",
        "://",
        "-",
        "_",
        "/",
        "?",
        "&",
        ".",
        "$",
        "\u00a0",
    ),
    *(
        "select ",
        "insert into",
        "delete from",
        "alter role",
        "values (",
        "call ",
        "do $",
        "update x set ",
        "where a = '",
    ),
    *(
        " and b = '",
        " or ",
        "like",
        "$1 = '",
        "$a$",
        "user ",
        "acl setuser",
        "setuser",
        ">",
        "#",
        "<",
        "!",
        "PASSWORD '",
    ),
    *(
        "Bearer ",
        "bearer\t",
        "Cookie: ",
        "Authorization: ",
        "authorization=",
        "Digest ",
        "digest ",
        "sasl.jaas.config=",
    ),
    *(
        "eyJ",
        "eyJhbGciOiJI.",
        "-----BEGIN RSA KEY-----",
        "-----END RSA KEY-----",
        "AKIA",
        "ASIA",
        "AKIAIOSFODNN7CANARY1",
    ),
    *("ghp_", "gho_a1B2c3D4e5F6g7H8", "github_pat_", "glpat-", "sk_live_", "sk-", "npm_", "AIza", "xoxb-", "xapp-"),
    *("hooks.slack.com/services/", "/api/webhooks/", "webhook.office.com/", "?key=", "&sig=", "?X-Amz-Signature="),
    *(
        "requirepass ",
        "masterauth ",
        "masteruser ",
        "auth-pass m ",
        "--",
        "--password ",
        "--api-key",
        "SCRAM-SHA-256$4096:",
    ),
    *("md5", "0123456789abcdef" * 2, "$2b$10$" + "a" * 53, "db:5432:a:b:", "me", "me.example.com", "9999", "5432"),
    *(
        "4111 1111 1111 1111",
        "4111111111111111",
        "4111-1111-1111-1111",
        "aGVsbG8gQ2FuYXJ5N1hxIHdvcmxkIHRo",
        "a1B2c3D4e5",
    ),
    *("[redacted:short]", "[redacted", "]", "{", "}", "(", "é", "ſ", "K", "İ", "ı", "ſecret", "toKen", "paſſword", "ß"),
]


@pytest.fixture(autouse=True, params=[module.LONG, 0], ids=["as it is", "every text is a long one"])
def _from_which_length_on_a_text_is_long(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG", request.param)


def same(text: str) -> None:
    assert redact_once(text) == thorough(text), repr(text)


@pytest.mark.parametrize("text", [*SECRET_TEXTS, *HARMLESS_TEXTS, *(piece * 40 for piece in ADVERSARIAL), *PIECES])
def test_the_quick_pass_is_the_thorough_one(text: str) -> None:
    for shape in (text, text.upper(), text.title(), f"x{text}", f"{text}\n{text}", text.replace(" ", "\t")):
        same(shape)


def test_the_quick_pass_is_the_thorough_one_on_random_mixtures() -> None:
    source = random.Random(23)
    for _turn in range(15000):
        same("".join(source.choice(PIECES) for _piece in range(source.randint(1, 14))))


def test_the_quick_pass_is_the_thorough_one_on_damaged_secrets() -> None:
    source = random.Random(29)
    for _turn in range(8000):
        chars = list(source.choice(SECRET_TEXTS))
        for _change in range(source.randint(1, 3)):
            at = source.randrange(len(chars))
            chars[at] = source.choice(("", chars[at].swapcase(), chars[at] * 2, source.choice(PIECES)))
        same("".join(chars))


def test_a_secret_in_one_of_many_lines_that_differ_by_numbers_is_found() -> None:
    source = random.Random(31)
    for secret in SECRET_TEXTS:
        lines = [f"{number}\tapp\t2026-11-{number % 30:02}T08:45:43.{number:06}\tidle" for number in range(60)]
        lines[source.randrange(60)] += f" {secret}"
        lines[source.randrange(60)] = "4111 1111 1111 1111" if source.random() < 0.5 else "4111 1111 1111 1112"
        same("\n".join(lines))


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_what_was_seen_before_is_masked_again(text: str) -> None:
    assert redact.clean_text(text) == redact.clean_text(text) == redact.redact_text(redact.inert(text))[0]


@pytest.mark.parametrize(
    "text",
    ["Bearer\tCanary7Xq.a-b", "AUTH\tCanary7Xq", "requİrepass Canary7Xq", "Cookıe: a=Canary7Xq"],
)
def test_what_only_looks_like_a_space_or_a_letter_hides_nothing(text: str) -> None:
    assert "Canary7Xq" not in redact.clean_text(text)
