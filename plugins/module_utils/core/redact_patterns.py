# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets inside a text: what they look like, and how they are masked.

Each rule has words that must be in the text before its pattern runs (redact_once looks for them), so a megabyte of
harmless log costs a few milliseconds. Every pattern is linear: bounded repeats, or classes that exclude what follows
them.
"""

from __future__ import annotations

import math
import re
import typing as t

from .redact_names import MASKED, mask

Replace = t.Callable[["re.Match[str]"], str]


class Rule(t.NamedTuple):
    """What its pattern can't match without: one of words in the lower-case text (a digit stands for any), and one of
    also in the text as it is (none: nothing more). replace gives the new text of a match."""

    words: tuple[str, ...]
    pattern: t.Pattern[str]
    replace: Replace
    also: tuple[str, ...] = ()


def _whole(match: re.Match[str]) -> str:
    return mask(match.group())


def _secret(match: re.Match[str]) -> str:
    """Mask the group named s, keep the rest of the match."""
    value = match.group("s")
    if not value or MASKED.search(value):
        return match.group()
    start, end = match.span("s")
    start, end = start - match.start(), end - match.start()
    return match.group()[:start] + mask(value) + match.group()[end:]


def _userinfo(match: re.Match[str]) -> str:
    """A port followed by a path with an @ in it is no password."""
    return match.group() if re.match(r"\d{1,5}(?:[/?#]|$)", match.group("s")) else _secret(match)


def _acl_line(match: re.Match[str]) -> str:
    return re.sub(r"(?<=[\s\"'])([>#<!])(?!\[redacted)[^\s\"']{2,}", r"\1[redacted:long]", match.group())


def _card(match: re.Match[str]) -> str:
    digits = [int(char) for char in match.group() if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return mask(match.group()) if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match.group()


def _transitions(text: str) -> int:
    kinds = ["u" if c.isupper() else "l" if c.islower() else "d" if c.isdigit() else "" for c in text]
    return sum(1 for a, b in zip(kinds, kinds[1:]) if a and b and a != b)


def _entropy(text: str) -> float:
    return -sum(n * math.log2(n / len(text)) for n in (text.count(c) for c in set(text))) / len(text)


TOKEN = 32
"""The shortest token that may be random."""
_HEXLIKE = re.compile(r"(?:0x)?(?:[0-9a-f\-_:/=+]+|[0-9A-F\-_:/=+]+)")
_PLAIN = re.compile(r"[a-z0-9]+")


def _random(match: re.Match[str]) -> str:
    """Mask a long token that is random; digests, ids of containers, UUIDs, names and paths are not."""
    token = match.group()
    if len(token) < TOKEN or _HEXLIKE.fullmatch(token) or token.startswith("/"):
        return token
    lower, upper, digit = (any(map(test, token)) for test in (str.islower, str.isupper, str.isdigit))
    shape = lower and digit and (upper or _PLAIN.fullmatch(token) is not None)
    sample = token[:512]
    if shape and _transitions(sample) >= 0.3 * len(sample) and _entropy(sample) >= 3.5:
        return mask(token)
    return token


_SQL_STRING = re.compile(r"(?P<tag>\$[A-Za-z_]{0,32}\$).*?(?P=tag)|'(?:[^'\\]|''|\\.)*(?:'|$)", re.S)


def _literals(match: re.Match[str]) -> str:
    """A statement that somebody logged: its shape stays, what stands between quotes does not."""
    return _SQL_STRING.sub(_literal, match.group())


def _literal(match: re.Match[str]) -> str:
    return match.group() if len(match.group()) < 3 else "'[redacted:sql]'"


_EOL = r"[^\r\n\"']"
HEADERS: tuple[Rule, ...] = (
    Rule(
        ("sasl.jaas.config",),
        re.compile(r"sasl\.jaas\.config\s*[=:]\s*(?P<s>(?!\[redacted)[^\r\n;]+)"),
        _secret,
        ("=", ":"),
    ),
    Rule(
        ("authorization",),
        re.compile(
            r"(?i)authorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
            r"(?:(?:basic|bearer|negotiate|token|apikey)\s{1,3})?(?!basic|bearer|digest)(?P<s>(?!\[redacted)[^\s\"',\\]+)"
        ),
        _secret,
        ("=", ":"),
    ),
    Rule(
        ("digest",),
        re.compile(r"(?i)authorization[\"']?\s{0,3}[:=]\s{0,3}digest (?P<s>(?!\[redacted)[^\r\n]+)"),
        _secret,
        ("=", ":"),
    ),
    Rule(
        ("bearer",),
        re.compile(r"(?i)\bbearer\s{1,3}(?P<s>(?=[^\s]{0,256}[0-9._~+/=-])[A-Za-z0-9._~+/=-]{8,})"),
        _secret,
    ),
    Rule(
        ("cookie",),
        re.compile(rf"(?i)cookie\\?[\"']?\s{{0,3}}:\s{{0,3}}\\?[\"']?(?P<s>(?!\[redacted){_EOL}+)"),
        _secret,
        (":",),
    ),
)
RULES: tuple[Rule, ...] = (
    Rule(
        ("-----begin",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{3,40}-----(?:(?:[A-Za-z0-9+/=\s\\:,.]|-(?!----))*-----END [A-Z0-9 ]{3,40}-----"
            r"|(?:\s|\\[nr])*(?:[A-Z][A-Za-z-]{1,20}: [^\n\\]{0,80}(?:\s|\\[nr])+){0,4}"
            r"(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])*)*)"
        ),
        _whole,
    ),
    Rule(
        ("eyj",), re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), _whole
    ),
    Rule(("akia", "asia"), re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"), _whole),
    Rule(("xox", "xapp-"), re.compile(r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}"), _whole),
    Rule(
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk_live_", "sk-", "aiza", "npm_"),
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk_live_\w{16,}"
            r"|sk-[\w-]{20,}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{30,})"
        ),
        _whole,
    ),
    Rule(
        ("hooks.slack.com", "/api/webhooks/", "webhook.office.com"),
        re.compile(
            r"(?:hooks\.slack\.com/(?:services|workflows)|/api/webhooks|webhook\.office\.com)/(?P<s>[^\s\"'<>]+)"
        ),
        _secret,
    ),
    Rule(
        ("://",),
        re.compile(r"://[^\s:/?#@\"'<>]{0,128}:(?P<s>(?!\[redacted)[^\s/?#\"'<>]{1,256})@"),
        _secret,
        ("@",),
    ),
    Rule(
        ("://",),
        re.compile(r"://[^\s:/?#@\"'<>]{0,128}:(?P<s>(?!\[redacted)(?:[^\s@\"'<>/]|/(?!/)){1,256})@"),
        _userinfo,
        ("@",),
    ),
    Rule(("://",), re.compile(r"://(?P<s>[^\s:/?#@\"'<>.\[]{20,256})@"), _secret, ("@",)),
    Rule(
        ("key=", "sig=", "code=", "auth=", "signature=", "credential="),
        re.compile(r"(?i)[?&](?:key|sig|code|auth|x-amz-(?:signature|credential))=(?P<s>(?!\[redacted)[^&\s\"'#<>]+)"),
        _secret,
        ("?", "&"),
    ),
    Rule(
        ("requirepass", "masterauth", "masteruser", "auth-pass"),
        re.compile(
            r"(?i)(?:requirepass|masterauth|masteruser|auth-pass\s+[^\s]{1,64})[\"']?\s{1,4}[\"']?"
            r"(?P<s>(?!\[redacted)[^\s\"'=:][^\s\"']*)"
        ),
        _secret,
    ),
    Rule(
        ("--",),
        re.compile(
            r"(?i)--[a-z-]{0,30}(?:password|passwd|secret|token|api-key)[\"']?,?\s{1,3}[\"']?"
            r"(?P<s>(?!\[redacted|-)[^\s\"']+)"
        ),
        _secret,
    ),
    Rule(
        ("auth",),
        re.compile(r"(?:^|[\"'> ])AUTH2?[\"']\s{1,3}[\"'](?P<s>(?!\[redacted)[^\"'\n]+)", re.M),
        _secret,
        ("AUTH",),
    ),
    Rule(
        ("auth",),
        re.compile(r"[\"']AUTH2?[\"']\s{1,3}[\"'][^\"'\n]+[\"']\s{1,3}[\"'](?P<s>(?!\[redacted)[^\"'\n]+)"),
        _secret,
        ("AUTH",),
    ),
    Rule(
        ("auth",),
        re.compile(r"^\s{0,8}AUTH\s{1,3}(?:\S{1,128}\s{1,3})?(?P<s>(?!\[redacted)\S+)\s*$", re.M),
        _secret,
        ("AUTH",),
    ),
    Rule(
        ("user ",),
        re.compile(r"(?im)^[^\n]{0,200}?\b(?:acl setuser|user) [^\n]*[>#<!][^\n]*$"),
        _acl_line,
        (">", "#", "<", "!"),
    ),
    Rule(
        ("password",),
        re.compile(r"(?i)\bpassword\s{1,4}E?'(?P<s>(?!\[redacted)(?:[^'\\]|''|\\.)+)"),
        _secret,
        ("'",),
    ),
    Rule(
        ("select ", "insert ", "update ", "delete ", "alter ", "create ", "values", "where ", " and ", " = '", "call ")
        + ("do ", " or ", "set "),
        re.compile(
            r"(?i)(?:\b(?:select|insert\s+into|delete\s+from|(?:alter|create)\s+(?:role|user)|values\s{0,3}\(|call\s|do\s+\$)"
            r"|\bupdate\s[^\n']{1,200}?\sset\s|\b(?:where|and|or|set)\s[^\n']{1,100}?(?:=|<>|~|\(|\blike)\s{0,3}'"
            r"|\$\d{1,3} = ')[^\n]*"
        ),
        _literals,
        ("'", "$"),
    ),
    Rule(("scram-sha-",), re.compile(r"SCRAM-SHA-(?:256|512)\$\d{1,9}:(?P<s>[A-Za-z0-9+/=$:]+)"), _secret, ("$",)),
    Rule(("md5",), re.compile(r"(?<![A-Za-z0-9])md5[0-9a-f]{32}(?![0-9a-f])"), _whole),
    Rule(("$2",), re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"), _whole),
    Rule(
        (":0000:", ":00000:", ":*:"),
        re.compile(r"^[^\s:/]{1,128}:(?:[0-9]{4,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:(?P<s>[^\s:\[]+)$", re.M),
        _secret,
    ),
    Rule(
        ("@",),
        re.compile(
            r"(?<![A-Za-z0-9._%+/:\[\]-])(?P<s>(?=[^@]{0,63}[A-Za-z])[A-Za-z0-9._%+-]{1,64})"
            r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9:/-])"
        ),
        _secret,
    ),
)
CARD = Rule(
    (),
    re.compile(r"[3-6](?<![0-9A-Za-z.:-][3-6])\d{3}(?:[ -]?)\d{4}(?:[ -]?)\d{4}(?:[ -]?)\d{4}(?![0-9A-Za-z])"),
    _card,
)
RANDOM = Rule((), re.compile(rf"(?<![A-Za-z0-9+/=_-])(?<!SHA256:)[A-Za-z0-9+/=_-]{{{TOKEN},}}"), _random)
