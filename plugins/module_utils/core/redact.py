# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing leaves a process before it went through here: secrets are masked, hostile text is made inert.

clean() takes plain JSON, clean_text() a text, Redactor knows secrets by value and works on streams. All of them are
total (they never raise), and idempotent: what is clean stays what it is.
"""

from __future__ import annotations

import base64
import codecs
import functools
import json
import re
import typing as t
import urllib.parse

from .hostile import LIMIT, cut, inert
from .redact_once import redact_once
from .redact_tree import Tree

_MARGIN = 4096
_PASSES = 4
SHORT = 256

_SQL = re.compile(
    r"(?P<string>(?<![A-Za-z0-9_])(?:[EeXxBbNn]|[Uu]&)?'(?:[^'\\]|''|\\.)*(?:'|$))"
    r"|(?P<dollar>(?<![A-Za-z0-9_$])\$(?P<tag>[A-Za-z_]\w*)\$(?:.*?\$(?P=tag)\$|.*))"
    r"|(?P<plain>(?<![A-Za-z0-9_$])\$\$(?:.*?\$\$|.*))"
    r"|(?P<comment>--[^\n]*|/\*(?:.*?\*/|.*))"
    r"|(?P<name>\"[^\"]*\"?|\$\d+|[A-Za-z_][A-Za-z0-9_$]*)"
    r"|(?P<number>(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+))",
    re.S,
)


def redact_text(text: str) -> tuple[str, int]:
    """The text with secrets masked, and how many there were."""
    total = 0
    for _turn in range(_PASSES):
        text, found = redact_once(text)
        total += found
        if not found:
            break
    return text, total


def clean_text(text: str) -> str:
    """Inert, redacted, and not longer than 64 KiB."""
    return _clean_short(text) if len(text) <= SHORT else _clean_long(text)


@functools.lru_cache(maxsize=4096)
def _clean_short(text: str) -> str:
    """Keys and states stand in a result a thousand times: each is looked at once."""
    return _clean_long(text)


def _clean_long(text: str) -> str:
    text = inert(text[: LIMIT + _MARGIN]) + (text[LIMIT + _MARGIN :] and _rest(text))
    short = redact_text(text)[0]
    if len(short) <= LIMIT:
        return short
    return redact_text(cut(short))[0]


def _rest(text: str) -> str:
    """What stands for the end of an overlong text, so that its length is still known when it is cut."""
    return " " * (len(text) - LIMIT - _MARGIN)


def clean(value: t.Any) -> t.Any:
    """Plain JSON, redacted by the names of its keys and by what its strings look like, and inert."""
    return Tree(clean_text).clean(value)


def redact_sql(text: str) -> str:
    """A statement with its shape and without its literals: strings, numbers and comments become a question mark."""
    return _SQL.sub(_sql_token, inert(text))


def _sql_token(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "name":
        return match.group()
    if kind == "comment":
        return "/* ? */"
    return "?" if kind == "number" else "'?'"


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: plain, in a URL, in JSON, in base64 (alone or inside something longer)."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret, urllib.parse.quote(raw, safe=""), urllib.parse.quote_plus(raw), urllib.parse.quote(raw)}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], secret.replace("'", "''")}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift, skip in ((0, 0), (1, 2), (2, 3)):
            coded = encode(b"\0" * shift + raw).decode()
            whole = (shift + len(raw)) * 8 // 6
            core = coded[skip:whole]
            if len(core) >= 6:
                forms.add(core)
    return forms


class Redactor:
    """Masks known secret values (in any of their forms) as well as whatever looks like a secret.

    Values shorter than 4 characters can't be told from ordinary text and are not searched for.
    """

    def __init__(self, secrets: t.Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= 4 for form in _forms(secret)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._overlap = max([_MARGIN] + [len(form) for form in ordered])
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.count = 0

    def text(self, text: str) -> str:
        """A whole text, inert and redacted, of any length. Adds to count."""
        masked, found = self._mask(text)
        self.count += found
        return masked

    def clean(self, value: t.Any) -> t.Any:
        """Like clean(), and known values are masked too."""
        return Tree(lambda text: cut(self.text(text))).clean(value)

    def feed(self, chunk: str | bytes) -> str:
        """The next part of a stream; returns what is safe to write by now, possibly nothing."""
        self._held += self._decoder.decode(chunk) if isinstance(chunk, bytes) else chunk
        end = self._safe_end()
        if not end:
            return ""
        ready, self._held = self._held[:end], self._held[end:]
        return self.text(ready)

    def close(self) -> str:
        """The end of a stream; returns the rest."""
        rest, self._held = self._held + self._decoder.decode(b"", True), ""
        return self.text(rest)

    def _mask(self, text: str) -> tuple[str, int]:
        text = inert(text)
        found = 0
        if self._known:
            text, found = self._known.subn("[redacted:known]", text)
        text, more = redact_text(text)
        return text, found + more

    def _safe_end(self) -> int:
        """Where the held text can be cut: after a line, outside a PEM block and outside of anything known."""
        held = self._held
        newline = held.rfind("\n") + 1
        end = self._outside(newline) if newline else 0
        if end or len(held) <= LIMIT + self._overlap:
            return end
        return self._forced_end()

    def _outside(self, end: int) -> int:
        begin = self._held.rfind("-----BEGIN ", 0, end)
        closing = self._held.find("-----END ", begin) if begin >= 0 else -1
        if begin >= 0 and (closing < 0 or self._held.find("\n", closing) < 0) and len(self._held) - begin < LIMIT:
            end = self._held.rfind("\n", 0, begin) + 1
        return self._before_known(end)

    def _before_known(self, end: int) -> int:
        """Not inside a known value, nor where the start of one may still grow to the whole."""
        if not self._known or not end:
            return end
        for match in self._known.finditer(self._held, max(0, end - self._overlap)):
            if match.start() < end < match.end():
                return match.start()
        return end

    def _forced_end(self) -> int:
        """A line without an end: cut it where both parts are redacted alone as they are together."""
        held = self._held
        whole = self._mask(held)[0]
        at = len(held) - self._overlap
        for _turn in range(16):
            at = max(held.rfind(char, 0, at) for char in " ,;&\t")
            if at <= 0:
                break
            head, tail = self._mask(held[:at])[0], self._mask(held[at:])[0]
            if head + tail == whole:
                return at
        self._held = f"[cut: {len(held)} characters without a break]\n"
        return len(self._held)
