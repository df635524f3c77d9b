# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Kafka cluster, as one value; what a kafka-python client takes is made from it."""

from __future__ import annotations

import dataclasses
import ssl
import typing as t

from .errors import CollectError


@dataclasses.dataclass(frozen=True)
class KafkaOptions:
    bootstrap_servers: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    client_id: str = "incident.response"
    validate_certs: bool = True
    ssl_check_hostname: bool = True
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: str | None = dataclasses.field(default=None, repr=False)
    ssl_crlfile: str | None = None
    sasl_mechanism: str | None = None
    sasl_plain_username: str | None = None
    sasl_plain_password: str | None = dataclasses.field(default=None, repr=False)
    sasl_kerberos_service_name: str = "kafka"
    sasl_kerberos_domain_name: str | None = None

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> KafkaOptions:
        """From validated module options; those of other names are ignored."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in params.items() if name in known and value is not None}
        values["bootstrap_servers"] = tuple(values["bootstrap_servers"])
        if not str(values.get("security_protocol", "")).startswith("SASL"):
            values.pop("sasl_mechanism", None)
        return cls(**values)

    @property
    def tls(self) -> bool:
        return self.security_protocol in ("SSL", "SASL_SSL")

    def ssl_context(self) -> ssl.SSLContext:
        """Raises CollectError(tls) where a file of ours can't be read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self.validate_certs and self.ssl_check_hostname
        if not self.validate_certs:
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.ssl_cafile:
                context.load_verify_locations(self.ssl_cafile)
            else:
                context.load_default_certs()
            if self.ssl_crlfile:
                context.load_verify_locations(self.ssl_crlfile)
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            if self.ssl_certfile:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, self.ssl_password)
        except (OSError, ssl.SSLError) as error:
            names = [name for name in (self.ssl_cafile, self.ssl_crlfile, self.ssl_certfile, self.ssl_keyfile) if name]
            raise CollectError("tls", f"a TLS file can't be used ({', '.join(names)}): {error}") from error
        return context

    def client_config(self) -> dict[str, t.Any]:
        """Keyword arguments that kafka-python's clients and its SASL mechanisms understand."""
        config: dict[str, t.Any] = {"client_id": self.client_id, "security_protocol": self.security_protocol}
        if self.tls:
            config["ssl_context"] = self.ssl_context()
        if self.sasl_mechanism:
            for name in (
                "sasl_mechanism",
                "sasl_plain_username",
                "sasl_plain_password",
                "sasl_kerberos_service_name",
                "sasl_kerberos_domain_name",
            ):
                config[name] = getattr(self, name)
        return config
