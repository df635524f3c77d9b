# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this collection reach a Kubernetes cluster: the same options in all of them."""

from __future__ import annotations

import typing as t

from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import seconds_above_0

KUBERNETES_CONNECTION = ArgumentSpec(
    options={
        "kubeconfig": {"type": "path"},
        "context": {"type": "str"},
        "host": {"type": "str"},
        "api_key": {"type": "str", "no_log": True},
        "api_key_file": {"type": "path", "no_log": False},
        "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
        "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
        "client_cert": {"type": "path", "aliases": ["cert_file"]},
        "client_key": {"type": "path", "aliases": ["key_file"], "no_log": False},
        "tls_server_name": {"type": "str"},
        "impersonate_user": {"type": "str"},
        "impersonate_groups": {"type": "list", "elements": "str", "default": []},
        "proxy": {"type": "str"},
        "connect_timeout": {"type": "float", "default": 3.0},
        "timeout": {"type": "float", "default": 10.0},
    },
    required_together=(("client_cert", "client_key"),),
    mutually_exclusive=(("api_key", "api_key_file"), ("host", "context")),
)

REQUIREMENTS = (("kubernetes", "kubernetes", "31.0.0"),)
"""What every module that speaks to a cluster needs: import name, pip name, lowest version."""


def check_connection(params: t.Mapping[str, t.Any]) -> None:
    """Raises Misuse for options of the connection that make no sense, before anybody is asked."""
    seconds_above_0(params, "connect_timeout", "timeout")
    for name in ("host", "proxy"):
        value = params.get(name)
        if value and not str(value).startswith(("http://", "https://")):
            raise Misuse(f"{name}: it begins with neither http:// nor https://")
    if params.get("impersonate_groups") and not params.get("impersonate_user"):
        raise Misuse("impersonate_groups: it needs impersonate_user, as the API takes groups only with a user")
    for name in ("kubeconfig", "api_key_file", "ca_cert", "client_cert", "client_key"):
        _readable(name, params.get(name))


def _readable(name: str, path: str | None) -> None:
    if not path:
        return
    for part in path.split(":") if name == "kubeconfig" else [path]:
        try:
            with open(part, "rb"):
                pass
        except OSError as error:
            raise Misuse(f"{name}: {part} can't be read: {error.strerror}") from None
