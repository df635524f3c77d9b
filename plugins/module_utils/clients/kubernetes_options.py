# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Kubernetes API, as one value."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class KubernetesOptions:
    """Where a cluster is and as whom to ask, named as the modules' options are. Times in seconds.

    validate_certs: None means that the kubeconfig decides, and yes where there is none.
    """

    kubeconfig: str = ""
    context: str = ""
    host: str = ""
    api_key: str = dataclasses.field(default="", repr=False)
    api_key_file: str = ""
    validate_certs: bool | None = None
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    tls_server_name: str = ""
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()
    proxy: str = ""
    connect_timeout: float = 3.0
    timeout: float = 10.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> KubernetesOptions:
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in params.items() if name in known and value is not None}
        return cls(**{**values, "impersonate_groups": tuple(values.get("impersonate_groups") or ())})
