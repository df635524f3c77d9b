# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a PostgreSQL server and its pooler, as values."""

from __future__ import annotations

import dataclasses
import ssl
import typing as t

from .errors import CollectError

APPLICATION = "ansible-incident"


@dataclasses.dataclass(frozen=True)
class Login:
    """One way in. host may be the directory of a Unix socket. Nothing that prints this shows the password."""

    host: str
    port: int
    database: str
    user: str
    password: str = dataclasses.field(default="", repr=False)
    ssl_mode: str = "prefer"
    ssl_root_cert: str = ""
    ssl_cert: str = ""
    ssl_key: str = ""

    @property
    def local(self) -> bool:
        return self.host.startswith("/")

    @property
    def address(self) -> str:
        if self.local:
            return f"{self.host}/.s.PGSQL.{self.port}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def verified(self) -> bool:
        return self.ssl_mode in ("verify-ca", "verify-full")

    def parameters(self, addresses: t.Sequence[str] = ()) -> dict[str, t.Any]:
        """What libpq takes; addresses: those of host, where they are known already. No options: PgBouncer refuses
        start-up options that it does not know."""
        found: dict[str, t.Any] = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": self.password,
            "sslmode": "disable" if self.local else self.ssl_mode,
            "gssencmode": "disable",
            "application_name": APPLICATION,
        }
        if addresses:
            found.update(host=",".join([self.host] * len(addresses)), hostaddr=",".join(addresses))
        names = {"sslrootcert": self.ssl_root_cert, "sslcert": self.ssl_cert, "sslkey": self.ssl_key}
        return {**found, **{name: value for name, value in names.items() if value}}

    def ssl_context(self) -> ssl.SSLContext:
        """Raises CollectError(tls) where a file of ours can't be read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.ssl_mode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if self.verified else ssl.CERT_NONE
        try:
            if self.ssl_root_cert:
                context.load_verify_locations(self.ssl_root_cert)
            elif self.verified:
                context.load_default_certs()
            if self.ssl_cert:
                context.load_cert_chain(self.ssl_cert, self.ssl_key or None)
        except (OSError, ssl.SSLError) as error:
            raise CollectError("tls", f"a TLS file can't be used: {error}", self.address) from error
        return context


@dataclasses.dataclass(frozen=True)
class PostgresqlOptions:
    """ordinary: the role that looks. reserve: a role that may use reserved slots, asked only where all others are
    taken."""

    ordinary: Login
    reserve: Login | None = None
    pooler: Login | None = None
    connect_timeout: float = 5.0
    depth: str = "quick"
    interval: float = 2.0
    data_path: str = ""

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> PostgresqlOptions:
        """From validated module options."""
        ordinary = Login(
            host=params["host"],
            port=params["port"],
            database=params["database"],
            user=params["user"],
            password=params.get("password") or "",
            ssl_mode=params["ssl_mode"],
            ssl_root_cert=params.get("ssl_root_cert") or "",
            ssl_cert=params.get("ssl_cert") or "",
            ssl_key=params.get("ssl_key") or "",
        )
        extra = {
            name: params[name] for name in ("connect_timeout", "depth", "interval") if params.get(name) is not None
        }
        return cls(
            ordinary=ordinary,
            reserve=_reserve(ordinary, params),
            pooler=_pooler(ordinary, params),
            data_path=params.get("data_path") or "",
            **extra,
        )


def _reserve(ordinary: Login, params: t.Mapping[str, t.Any]) -> Login | None:
    if not params.get("reserve_user"):
        return None
    return dataclasses.replace(ordinary, user=params["reserve_user"], password=params.get("reserve_password") or "")


def _pooler(ordinary: Login, params: t.Mapping[str, t.Any]) -> Login | None:
    if not params.get("pgbouncer_host"):
        return None
    return dataclasses.replace(
        ordinary,
        host=params["pgbouncer_host"],
        port=params["pgbouncer_port"],
        database="pgbouncer",
        user=params.get("pgbouncer_user") or ordinary.user,
        password=params.get("pgbouncer_password") or ordinary.password,
        ssl_mode=params["pgbouncer_ssl_mode"],
    )
