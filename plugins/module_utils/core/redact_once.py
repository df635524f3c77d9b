# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass of all rules over a text. Most texts hold no secret, and what costs is to find that out: so what a rule
can't do without is looked for first, by means that take nanoseconds, and only the rules that are left are run. In a
long text it is looked for in the outline, which holds the lines of a log or of a list once that differ by numbers only.
"""

from __future__ import annotations

import functools
import re
import typing as t

from . import redact_assignments
from .redact_assignments import mask_assignments
from .redact_patterns import CARD, HEADERS, RANDOM, RULES, TOKEN, Rule

LEAST = 16
"""Characters of the shortest text in which a rule without words can find something."""
LONG = 2048
"""Characters from which on an outline costs less than it spares."""
_DIGIT = "4"
"""Stands for any digit in an outline: one that CARD may begin with."""
_DIGITS = {ord(digit): _DIGIT for digit in "0123456789"}
_ASSIGNMENTS = 1
"""The bit of the assignments; that of rule number n of the headers, then the others, is 2 << n."""
_FOLDED = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})
"""What a pattern that ignores case takes for an ASCII letter."""


def redact_once(text: str) -> tuple[str, int]:
    """One pass of all rules over a text; how many things it masked.

    The outline has one digit for all, and of a long text each line once: where a rule finds something in the text, what
    it can't do without is there too. No rule without words reaches beyond a line, and those keep their length.
    """
    outline = text.translate(_DIGITS)
    if len(text) >= LONG:
        outline = "\n".join(dict.fromkeys(outline.split("\n")))
    wanted = _wanted(outline, _lower(outline))
    total = 0
    if wanted:
        headers, rules = _chosen(wanted)
        text, total = _run(headers, text)
        if wanted & _ASSIGNMENTS:
            text, more = mask_assignments(text, _lower(text))
            total += more
        text, more = _run(rules, text)
        total += more
    if len(text) < LEAST:
        return text, total
    text, more = _run(_without_words(text if total else outline), text)
    return text, total + more


def _without_words(outline: str) -> t.Iterator[Rule]:
    if CARD.pattern.search(outline):
        yield CARD
    if _has_token(outline):
        yield RANDOM


def _lower(text: str) -> str:
    """In lower case, each character in its place."""
    if text.isascii():
        return text.lower()
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if c.isascii() else c for c in text)
    return lower.translate(_FOLDED)


_RARE = "jqxz$@_/5-2kwvybpghmfucdlnrsitoae"
"""From what is rarest in texts to what is most frequent; what is not here is more frequent still."""
_Words = tuple[tuple[str, int], ...]
_Gate = tuple[tuple[str, ...], tuple[tuple[str, _Words], ...]]


def _gates() -> tuple[_Gate, ...]:
    """Parts, one of which has to be in a text for any rule of this gate, then a character for any of these words, then
    each word with the bits of the rules that it is for: what is cheap is asked before what it spares."""
    gates: dict[tuple[str, ...], dict[str, int]] = {("=", ":"): dict.fromkeys(redact_assignments.WORDS, _ASSIGNMENTS)}
    for number, rule in enumerate((*HEADERS, *RULES)):
        words = gates.setdefault(rule.also, {})
        for word in rule.words:
            word = word.translate(_DIGITS)
            words[word] = words.get(word, 0) | 2 << number
    return tuple((also, _by_character(words)) for also, words in gates.items())


def _by_character(words: t.Mapping[str, int]) -> tuple[tuple[str, _Words], ...]:
    found: dict[str, dict[str, int]] = {}
    for word, bits in words.items():
        rarest = min(word, key=lambda char: (_RARE + char).index(char))
        found.setdefault(rarest, {})[word] = bits
    return tuple((char, tuple(several.items())) for char, several in found.items())


_GATES = _gates()


def _wanted(text: str, lower: str) -> int:
    """The bits of what may find something."""
    wanted = 0
    for also, characters in _GATES:
        for part in also:
            if part in text:
                break
        else:
            if also:
                continue
        for char, words in characters:
            if char in lower:
                for word, bits in words:
                    if word in lower:
                        wanted |= bits
    return wanted


@functools.lru_cache(maxsize=1024)
def _chosen(wanted: int) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The headers and the other rules of these bits, in order."""
    numbered = list(enumerate((*HEADERS, *RULES)))
    chosen = [(number, rule) for number, rule in numbered if wanted & 2 << number]
    return (
        tuple(rule for number, rule in chosen if number < len(HEADERS)),
        tuple(rule for number, rule in chosen if number >= len(HEADERS)),
    )


def _has_token(text: str) -> bool:
    return len(text) >= TOKEN and max(map(len, text.split()), default=0) >= TOKEN


def _run(rules: t.Iterable[Rule], text: str) -> tuple[str, int]:
    changed = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal changed
        new = rule.replace(match)
        changed += new != match.group()
        return new

    for rule in rules:
        text = rule.pattern.sub(replace, text)
    return text, changed
