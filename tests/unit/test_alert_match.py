# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matchers against labels: the four operators, missing labels, anchors, what fits everything, what is never tried."""

from __future__ import annotations

import time

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.alert_match import (
    LONGEST,
    LONGEST_VALUE,
    Matcher,
    Unjudged,
    all_fit,
    chooses_nobody,
    fits,
    fits_everything,
    known_part,
    pattern,
    shown,
)

LABELS = {"alertname": "ServiceDown", "service": "orders", "env": ""}
OPERATORS = {"=": (False, True), "!=": (False, False), "=~": (True, True), "!~": (True, False)}


def made(name: str, operator: str, value: str) -> Matcher:
    regex, equal = OPERATORS[operator]
    return Matcher(name, value, regex, equal)


@pytest.mark.parametrize(
    ("name", "operator", "value", "fitting"),
    [
        ("service", "=", "orders", True),
        ("service", "=", "Orders", False),
        ("service", "=", "order", False),
        ("service", "!=", "orders", False),
        ("service", "!=", "auth", True),
        ("service", "=~", "orders", True),
        ("service", "=~", "order", False),  # anchored at its end
        ("service", "=~", "rders", False),  # and at its beginning
        ("service", "=~", "ord.*", True),
        ("service", "=~", "auth|orders", True),
        ("service", "=~", "auth|order", False),  # the anchors hold for each branch
        ("service", "=~", "^orders$", True),
        ("service", "=~", "(?i)ORDERS", True),
        ("service", "!~", "ord.*", False),
        ("service", "!~", "ord", True),
        ("missing", "=", "", True),
        ("missing", "=", "x", False),
        ("missing", "!=", "", False),
        ("missing", "!=", "x", True),
        ("missing", "=~", ".*", True),
        ("missing", "=~", ".+", False),
        ("missing", "=~", "x|", True),
        ("missing", "!~", ".+", True),
        ("env", "=", "", True),
        ("env", "=~", ".+", False),
        ("service", "=", "o.*s", False),  # an exact value is no pattern
    ],
)
def test_one_matcher(name: str, operator: str, value: str, fitting: bool) -> None:
    assert fits(made(name, operator, value), LABELS) is fitting


@pytest.mark.parametrize("value", ["a\nb", "\u00e9", "{{ x }}", 'say "x"', "\\", "\x1b[31m"])
def test_values_are_taken_as_they_are(value: str) -> None:
    assert fits(Matcher("note", value), {"note": value})
    assert not fits(Matcher("note", value), {"note": value + "x"})


def test_a_trailing_newline_is_no_end() -> None:
    """Python's $ would stop before it."""
    assert not fits(made("a", "=~", "x"), {"a": "x\n"})


def test_all_have_to_fit_and_none_is_nobody() -> None:
    service, name = made("service", "=", "orders"), made("alertname", "=~", "Service.*")
    assert all_fit([service, name], LABELS)
    assert not all_fit([service, made("alertname", "=", "Other")], LABELS)
    assert not all_fit([], LABELS)


@pytest.mark.parametrize(
    "text", ["(", "[", "*x", r"\p{L}+", r"\Qa\E(", "a{2,1}", "(?P<n>a)(?P<n>b)", "x" * (LONGEST + 1)]
)
def test_what_python_can_not_read_is_not_judged(text: str) -> None:
    with pytest.raises(Unjudged):
        fits(made("service", "=~", text), LABELS)


@pytest.mark.parametrize(
    "text",
    ["(a+)+b", "(a*)*b", "((a)+)+b", "(a|aa)+b", "(?:a|a)*b", "([a-z]+)*1", "(a+){20}b", ".*.*.*.*.*x", "(x(a|b)y)*"],
)
def test_what_would_take_forever_is_not_tried(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(Unjudged, match="repeats"):
        fits(made("service", "=~", text), {"service": "a" * 200})
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "text",
    ["a+b+", "(foo|bar)", "(foo|bar)-[0-9]+", r"\(a+\)+", "[(a+)]+", ".*a.*|.*b.*|.*c.*|.*d.*", "(?i)a(b)?c", "x{3}"],
)
def test_what_is_harmless_is_judged(text: str) -> None:
    started = time.monotonic()
    pattern(text).fullmatch("a" * LONGEST_VALUE)
    assert time.monotonic() - started < 2


def test_a_long_value_is_not_held_against_a_pattern_but_is_compared() -> None:
    labels = {"a": "x" * (LONGEST_VALUE + 1)}
    with pytest.raises(Unjudged):
        fits(made("a", "=~", "x+"), labels)
    assert fits(made("a", "=", labels["a"]), labels)


def test_one_that_does_not_fit_decides_beside_one_that_can_not_be_judged() -> None:
    odd = made("service", "=~", "(")
    assert not all_fit([odd, made("alertname", "=", "Other")], LABELS)
    with pytest.raises(Unjudged):
        all_fit([odd, made("alertname", "=", "ServiceDown")], LABELS)


@pytest.mark.parametrize(
    ("name", "operator", "value", "nobody"),
    [
        ("alertname", "=~", ".*", True),
        ("alertname", "=~", ".+", True),
        ("alertname", "!=", "", True),
        ("alertname", "!=", "Watchdog", True),
        ("alertname", "!~", "Watchdog|Info.*", True),
        ("alertname", "=~", "[^x].*", True),
        ("alertname", "=", "", False),  # no alert has an empty name
        ("alertname", "=~", "S.*", False),
        ("alertname", "=", "ServiceDown", False),
        ("service", "=", "", True),  # every alert without that label
        ("service", "=", "orders", False),
        ("service", "=~", ".*", True),
        ("service", "=~", ".+", False),  # only alerts that have it
        ("service", "=~", "|.+", True),
        ("service", "!=", "orders", True),
        ("service", "!=", "", False),
        ("service", "!~", "x.*", True),
    ],
)
def test_matchers_that_choose_nobody(name: str, operator: str, value: str, nobody: bool) -> None:
    assert chooses_nobody(made(name, operator, value)) is nobody


def test_a_silence_fits_everything_only_where_each_matcher_does() -> None:
    wide, narrow = made("alertname", "=~", ".+"), made("service", "=", "orders")
    assert fits_everything([wide, made("service", "!=", "x")])
    assert not fits_everything([wide, narrow])
    assert fits_everything([]), "no matcher leaves nothing out"
    assert not fits_everything([made("a", "=~", "("), narrow])
    with pytest.raises(Unjudged):
        fits_everything([made("a", "=~", "("), wide])


@pytest.mark.parametrize(
    ("matchers", "part"),
    [
        ([("service", "=", "orders")], "all"),
        ([("service", "=~", "ord.*"), ("alertname", "=~", ".+")], "all"),
        ([("service", "=", "orders"), ("alertname", "=", "HighLag")], "some"),
        ([("service", "=", "auth")], "none"),
        ([("alertname", "=", "HighLag")], "none"),  # it may be about anything
        ([("service", "!=", "auth")], "all"),
        ([], "none"),
    ],
)
def test_what_is_sure_where_some_labels_are_known(matchers: list[tuple[str, str, str]], part: str) -> None:
    assert known_part([made(*row) for row in matchers], {"service": "orders", "env": "prod"}) == part


def test_how_people_write_them() -> None:
    matchers = [made("a", "=", 'x"y'), made("b", "!=", "\\"), made("c", "=~", "z.*"), made("d", "!~", "")]
    assert shown(matchers) == '{a="x\\"y", b!="\\\\", c=~"z.*", d!~""}'
