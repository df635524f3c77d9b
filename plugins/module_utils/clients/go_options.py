# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to ask a Go program: the options of a module as one value."""

from __future__ import annotations

import base64
import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class GoOptions:
    """Addresses, login and patience. timeout: seconds for a connection, and for each pause in an answer."""

    metrics_url: str = ""
    pprof_url: str = ""
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    token: str = dataclasses.field(default="", repr=False)
    validate_certs: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    timeout: float = 5.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> GoOptions:
        names = [field.name for field in dataclasses.fields(cls)]
        given = {name: params[name] for name in names if params.get(name) is not None}
        for name in ("metrics_url", "pprof_url"):
            given[name] = str(given.get(name, "")).strip()
        given["pprof_url"] = given["pprof_url"].rstrip("/")
        return cls(**given)

    def headers(self) -> dict[str, str]:
        """What every question carries; a login only to the host that was named, since redirects are not followed."""
        found = {"User-Agent": "incident.response", "Accept-Encoding": "identity", "Connection": "close"}
        if self.token:
            found["Authorization"] = f"Bearer {self.token}"
        elif self.username:
            login = f"{self.username}:{self.password}".encode()
            found["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        return found

    @property
    def secrets(self) -> list[str]:
        return [secret for secret in (self.password, self.token) if secret]
