# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a matcher fit an alert: the four operators of Alertmanager, and which matchers fit everything. Pure.

A label that is missing is the same as an empty one. Regular expressions are anchored at both ends. Alertmanager uses
another engine for them than Python: what Python can't read, or would take forever over, is not judged here (Unjudged).
"""

from __future__ import annotations

import functools
import re
import typing as t

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
OPERATORS = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""(is_equal, is_regex) -> how people write it."""
ALERTNAME = "alertname"
LONGEST = 1024
"""Characters of a pattern that is judged."""
LONGEST_VALUE = 256
"""Characters of a value that a pattern is held against."""
MOST_REPEATS = 4
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?|.", re.S)
_PROBES = ("a", "Z", "0", "Kq7-x_y.z", "two words", "/a/b", "10.1.2.3:9100", "\u00e9\u6f22")
"""Values that have nothing in common: a matcher that fits all of them chooses nobody."""


class Unjudged(ValueError):
    """A pattern that can't be judged here. The text says why."""


class Matcher(t.NamedTuple):
    """One condition on one label."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    @property
    def shown(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{OPERATORS[self.is_equal, self.is_regex]}"{value}"'


def shown(matchers: t.Iterable[Matcher]) -> str:
    """Matchers as people and amtool write them."""
    return "{" + ", ".join(matcher.shown for matcher in matchers) + "}"


def fits(matcher: Matcher, labels: t.Mapping[str, str]) -> bool:
    """Whether an alert with these labels fulfils one matcher. Raises Unjudged."""
    value = labels.get(matcher.name) or ""
    if not matcher.is_regex:
        return (value == matcher.value) == matcher.is_equal
    if len(value) > LONGEST_VALUE:
        raise Unjudged(f"the label {matcher.name} has {len(value)} characters")
    return (pattern(matcher.value).fullmatch(value) is not None) == matcher.is_equal


def all_fit(matchers: t.Sequence[Matcher], labels: t.Mapping[str, str]) -> bool:
    """Whether an alert fulfils all of them; none at all is fulfilled by nobody. Raises Unjudged.

    One that does not fit decides, also where another one can't be judged.
    """
    unjudged: Unjudged | None = None
    for matcher in matchers:
        try:
            if not fits(matcher, labels):
                return False
        except Unjudged as error:
            unjudged = error
    if unjudged is not None:
        raise unjudged
    return bool(matchers)


def known_part(matchers: t.Sequence[Matcher], labels: t.Mapping[str, str]) -> str:
    """What is sure where only some labels are known: "all" (every alert with them), "some" (those among them that the
    other matchers choose), "none". A label that is not named here is unknown, not empty. Raises Unjudged."""
    here = [matcher for matcher in matchers if matcher.name in labels]
    if not here or not all_fit(here, labels):
        return "none"
    rest = [matcher for matcher in matchers if matcher.name not in labels]
    return "all" if all(chooses_nobody(matcher) for matcher in rest) else "some"


def chooses_nobody(matcher: Matcher) -> bool:
    """Whether a matcher leaves out (next to) nothing: whatever the label's value, it fits. Raises Unjudged.

    Every alert has a name; any other label may be missing.
    """
    if not matcher.is_regex and matcher.is_equal:
        # An exact value chooses; an empty one fits every alert that has no such label, which are nearly all.
        return not matcher.value and matcher.name != ALERTNAME
    may_be_missing = () if matcher.name == ALERTNAME else ("",)
    return all(fits(matcher, {matcher.name: value}) for value in (*may_be_missing, *_PROBES))


def fits_everything(matchers: t.Sequence[Matcher]) -> bool:
    """Whether together they fit every alert, but for a few that they name. Raises Unjudged where that is not clear."""
    unjudged: Unjudged | None = None
    for matcher in matchers:
        try:
            if not chooses_nobody(matcher):
                return False
        except Unjudged as error:
            unjudged = error
    if unjudged is not None:
        raise unjudged
    return True


@functools.lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """A pattern, to be used with fullmatch. Raises Unjudged."""
    if len(text) > LONGEST:
        raise Unjudged(f"a pattern has {len(text)} characters")
    if _is_slow(text):
        raise Unjudged(f"the pattern {text[:80]!r} repeats what already repeats or branches")
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unjudged(f"the pattern {text[:80]!r} is not one of Python: {error}") from None


def _is_slow(text: str) -> bool:
    """Whether Python's engine may try forever: a group that repeats or branches is itself repeated, or one branch has
    many repetitions in a row. Alertmanager's own engine has no such trouble, so nobody there would notice."""
    outer: list[bool] = []
    loose = closed = False
    repeats = 0
    for token in _TOKENS.findall(text):
        after, closed = closed, False
        if token[0] == "(":
            outer.append(loose)
            loose = False
        elif token == ")" and outer:
            closed, loose = loose, outer.pop() or loose
        elif token in ("*", "+", "{"):
            if after:
                return True
            loose = True
            repeats += 1
        elif token == "|":
            loose = True
            repeats = 0
        if repeats > MOST_REPEATS:
            return True
    return False
