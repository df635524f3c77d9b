# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to ask HTTP endpoints, as one value; and everything known about it that no output may show."""

from __future__ import annotations

import base64
import dataclasses
import functools
import ssl
import typing as t
import urllib.parse

from .errors import CollectError

AGENT = "incident.response"
DEFAULT_PORTS = {"http": 80, "https": 443}
PATH_SAFE = "/%:@!$&'()*+,;=-._~?"


class Target(t.NamedTuple):
    """A URL in the parts that a request needs."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold a token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path.partition('?')[0]}"

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@functools.lru_cache(maxsize=4096)
def target(url: str) -> Target:
    """The parts of a URL. Raises ValueError that says what is wrong with it, without the URL's secrets."""
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise ValueError("it has a space or a control character")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme.lower() not in DEFAULT_PORTS:
        raise ValueError("it begins with neither http:// nor https://")
    if "@" in parts.netloc:
        raise ValueError("it holds a login; use username and password instead")
    if not parts.hostname:
        raise ValueError("it names no host")
    try:
        host = parts.hostname.encode("ascii").decode() if parts.hostname.isascii() else _idna(parts.hostname)
        port = parts.port or DEFAULT_PORTS[parts.scheme.lower()]
    except (ValueError, UnicodeError):
        raise ValueError("its host or port is none") from None
    path = urllib.parse.quote(parts.path or "/", safe=PATH_SAFE)
    query = f"?{urllib.parse.quote(parts.query, safe=PATH_SAFE)}" if parts.query else ""
    return Target(parts.scheme.lower(), host, port, path + query)


def _idna(host: str) -> str:
    return host.encode("idna").decode("ascii")


@dataclasses.dataclass(frozen=True)
class HttpOptions:
    """How to ask, named as the module's options are. Times in seconds."""

    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    bearer_token: str | None = dataclasses.field(default=None, repr=False)
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    secret_headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    max_redirects: int = 3
    connect_timeout: float = 3.0
    timeout: float = 5.0
    read_timeout: float = 10.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> HttpOptions:
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in params.items() if name in known and value is not None})

    @property
    def secrets(self) -> list[str]:
        """What no output may hold."""
        given = [self.password, self.bearer_token, *map(str, self.secret_headers.values())]
        login = self._login()
        return [text for text in (*given, login.partition(" ")[2]) if text]

    def _login(self) -> str:
        if self.bearer_token:
            return f"Bearer {self.bearer_token}"
        if self.username is None:
            return ""
        pair = f"{self.username}:{self.password or ''}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    @functools.cached_property
    def open_lines(self) -> bytes:
        """Header lines that any server may see. The body has to come as it is: what is packed may be a bomb."""
        lines = {"Accept": "*/*", "User-Agent": AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        return _lines({**lines, **{str(name): str(value) for name, value in self.headers.items()}})

    @functools.cached_property
    def secret_lines(self) -> bytes:
        """Header lines for the server that was named, and for no other that it may redirect to."""
        login = self._login()
        mine = {"Authorization": login} if login else {}
        return _lines({**mine, **{str(name): str(value) for name, value in self.secret_headers.items()}})

    @functools.cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """Made once for all endpoints: reading the machine's authorities takes longer than a handshake.

        Raises CollectError where a file can't be read.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_cert)
            if not self.validate_certs:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.client_cert:
                context.load_cert_chain(self.client_cert, self.client_key)
        except (OSError, ssl.SSLError) as error:
            raise CollectError("tls", f"a certificate file can't be read: {error}") from error
        return context


def _lines(headers: t.Mapping[str, str]) -> bytes:
    """Raises ValueError for a header that would become two."""
    for name, value in headers.items():
        if not name or any(char in name for char in "\r\n: ") or any(char in value for char in "\r\n\0"):
            raise ValueError("a header has a name or a value that no header may have")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1", "replace")
