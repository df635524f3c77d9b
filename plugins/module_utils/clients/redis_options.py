# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Redis server, as one value; and everything known about it that no output may show."""

from __future__ import annotations

import dataclasses
import ssl
import typing as t

from ..core.redact import Redactor
from .errors import CollectError


@dataclasses.dataclass(frozen=True)
class RedisOptions:
    """Connection options, named as the modules' options are."""

    host: str = "127.0.0.1"
    port: int = 6379
    unix_socket: str | None = None
    username: str | None = None
    password: str | None = None
    db: int = 0
    tls: bool = False
    validate_certs: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    protocol: int = 2
    timeout: float = 2.0
    patience: float = 3.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> RedisOptions:
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in params.items() if name in known and value is not None})

    @property
    def address(self) -> str:
        if self.unix_socket:
            return self.unix_socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def hide(self, text: str) -> str:
        """An error's text without what this side knows to be secret."""
        return Redactor([self.password] if self.password else []).text(text)

    def ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if not self.validate_certs:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise CollectError("tls", f"a certificate file can't be read: {error}", self.address) from error
        return context
