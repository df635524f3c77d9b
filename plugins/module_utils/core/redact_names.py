# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the name of an option, a header, a label or a variable say that its value is a secret?

Names are split into words first, so that keyspace, monkey, author and offsets are what they are.
"""

from __future__ import annotations

import functools
import re

NO = 0
WEAK = 1
STRONG = 2

# Anywhere in a name, also inside a longer word (PGPASSWORD, requirepass, dbSecret).
_STRONG = re.compile(
    r"passw|passphrase|passwd|pgpass|requirepass|masterauth|masteruser|secret|credential|cookie|jaas"
    r"|(?:api|access|private|signing|encryption|account|ssh|stored|server|license)[-_.]?key(?!space|word|board|s?tore)"
    r"|authorization|(?:auth|access|refresh|bearer)[-_.]?token|connection[-_.]?string|webhook[-_.]?url"
    r"|last-applied-configuration|bindpw"
)
# Whole words only.
_WEAK_WORDS = frozenset(
    ("token", "tokens", "pass", "pwd", "pw", "cred", "creds", "dsn", "sas", "sig", "signature", "jwt", "bearer", "auth")
    + ("session", "sessionid", "jsessionid", "phpsessid", "authpass", "apitoken", "salt")
)
# A key is a secret when the word before it says so; a key alone is mostly the name of something.
_SECRET_KEYS = frozenset(
    ("api", "access", "secret", "private", "signing", "encryption", "ssl", "tls", "master", "auth", "client", "account")
    + ("shared", "service", "license", "ssh", "pgp", "gpg", "hmac", "aes", "rsa", "session", "routing", "integration")
)
_HARMLESS_KEYS = frozenset(
    ("primary", "foreign", "partition", "public", "sort", "cache", "group", "dedup", "idempotency", "row", "index")
)
_KEY_TAILS = frozenset(("id", "base", "data", "material", "value", "1", "2"))
# What a name ends with when it is about a secret, but is none.
_HARMLESS_LAST = frozenset(
    ("file", "files", "path", "dir", "location", "name", "names", "ms", "seconds", "secs", "minutes", "hours", "days")
    + ("count", "total", "bytes", "size", "type", "mechanism", "mechanisms", "method", "methods", "enabled", "disabled")
    + ("expiry", "expires", "expiration", "age", "len", "length", "ttl", "timeout", "version", "status", "state")
    + ("error", "errors", "failures", "failed", "hits", "misses", "policy", "class", "prefix", "limit", "ref", "refs")
    + (
        "algorithm",
        "encryption",
        "required",
        "ok",
        "valid",
        "at",
        "service",
        "server",
        "store",
        "manager",
        "url",
        "uri",
    )
    + ("host", "port", "user", "username", "provider", "interval", "rate", "max", "min", "present", "set", "known")
)
_METHODS = frozenset(
    (
        "none",
        "basic",
        "bearer",
        "digest",
        "md5",
        "trust",
        "peer",
        "ident",
        "cert",
        "tls",
        "mtls",
        "sasl",
        "plain",
        "ldap",
    )
    + ("scram", "scram-sha-256", "scram-sha-512", "oauth", "oauth2", "oauthbearer", "gssapi", "kerberos", "yes", "no")
    + ("true", "false", "on", "off", "ok", "null", "nil", "<nil>", "undefined", "required", "optional", "enabled")
    + ("disabled", "unknown", "running", "exited", "healthy", "unhealthy", "warning", "critical", "failed", "denied")
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WORDLIKE = re.compile(r"[a-z][a-z :_.-]*")
_ENV_STYLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SCHEMES = frozenset(("bearer", "basic", "digest", "negotiate"))
_PLACEHOLDER = re.compile(r"\$\{?[A-Za-z_]\w*\}?|%s|\*{3,}|<[a-z_]+>")
MASKED = re.compile(r"\[redacted(?::[a-z]+)?\]")


def mask(value: str) -> str:
    """What stands in the place of a secret: only the class of its length is kept."""
    size = len(value)
    return "[redacted:%s]" % ("short" if size < 8 else "medium" if size < 32 else "long")


@functools.lru_cache(maxsize=4096)
def name_kind(name: str) -> int:
    """NO, WEAK (a secret where the value can be one) or STRONG (always a secret)."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _HARMLESS_LAST:
        return NO
    if _STRONG.search(name.lower()):
        return STRONG
    if not _WEAK_WORDS.isdisjoint(words):
        return WEAK
    return _key_kind(name, words)


def _key_kind(name: str, words: list[str]) -> int:
    if len(words) > 1 and words[-1] in _KEY_TAILS:
        words = words[:-1]
    if words[-1] not in ("key", "keys"):
        return NO
    before = words[-2] if len(words) > 1 else ""
    if before in _SECRET_KEYS:
        return STRONG
    return WEAK if _ENV_STYLE.fullmatch(name) and before and before not in _HARMLESS_KEYS else NO


@functools.lru_cache(maxsize=4096)
def name_ends_strong(name: str) -> bool:
    """Whether a whole list or dictionary of this name holds secrets (credentials), not things about them."""
    words = _WORD.findall(name)
    return bool(words) and name_kind(name) == STRONG and bool(_STRONG.search(words[-1].lower()))


def is_secret(name: str, value: str) -> bool:
    """Whether this value under this name is to be masked. Empty values and those already masked are not."""
    kind = name_kind(name)
    if kind == NO or not value.strip() or MASKED.fullmatch(value) or _PLACEHOLDER.fullmatch(value):
        return False
    if value.lower() in _SCHEMES:
        return False
    return kind == STRONG or _weak_value(name, value)


def _weak_value(name: str, value: str) -> bool:
    if value.lower() in _METHODS or value.startswith("/"):
        return False
    lower = name.lower()
    if lower in ("auth", "session", "signature", "sig", "sas", "salt") and _WORDLIKE.fullmatch(value):
        return False
    return not (value.isdigit() and ("session" in lower or "token" in lower))


def looks_secret(value: str) -> bool:
    """Letters mixed with digits, or upper with lower case, and not short: no word of a sentence."""
    if len(value) < 8:
        return False
    kinds = (any(c.islower() for c in value), any(c.isupper() for c in value[1:]), any(c.isdigit() for c in value))
    return sum(kinds) >= 2
