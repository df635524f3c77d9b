# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this collection reach a Go program: the same options in both."""

from __future__ import annotations

import typing as t
import urllib.parse

from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import seconds_above_0

REQUIREMENTS = (("prometheus_client.parser", "prometheus-client", "0.16"),)

GO_CONNECTION = ArgumentSpec(
    options={
        "metrics_url": {"type": "str"},
        "pprof_url": {"type": "str"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "token": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_file": {"type": "path"},
        "cert_file": {"type": "path"},
        "key_file": {"type": "path", "no_log": False},
        "timeout": {"type": "float", "default": 5.0},
        "memory_limit": {"type": "int"},
    },
    required_together=(("cert_file", "key_file"), ("username", "password")),
    mutually_exclusive=(("username", "token"),),
)
"""How to reach a Go program; the same in every module that does."""


def validate_connection(params: t.Mapping[str, t.Any]) -> None:
    """What both modules check about their connection. Raises Misuse."""
    for name in ("metrics_url", "pprof_url"):
        if params.get(name) is not None:
            _validate_url(name, str(params[name]).strip())
    seconds_above_0(params, "timeout", "deadline")
    if params.get("memory_limit") is not None and params["memory_limit"] <= 0:
        raise Misuse(f"memory_limit: {params['memory_limit']} is not a number of bytes above 0")


def _validate_url(name: str, url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Misuse(f"{name}: it is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        path = "metrics" if name == "metrics_url" else "debug/pprof"
        raise Misuse(f"{name}: it is no URL such as http://127.0.0.1:8080/{path}")
    if parts.username or parts.password:
        raise Misuse(f"{name}: a login in the URL would be shown; use username and password, or token")
    if any(char <= " " or char == "\x7f" for char in url):
        raise Misuse(f"{name}: it has a blank or a control character in it")
    if name == "pprof_url" and parts.query:
        raise Misuse("pprof_url: it is the address above the profiles, without a query: .../debug/pprof")


def address_of(params: t.Mapping[str, t.Any]) -> str:
    """Host and port, for people."""
    return urllib.parse.urlsplit(str(params.get("metrics_url") or params.get("pprof_url") or "")).netloc
