# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this collection reach a Redis server: the same options in all of them."""

from __future__ import annotations

import typing as t

from .argspec import ArgumentSpec
from .check import Misuse
from .option_values import seconds_above_0, seconds_from_0

REQUIREMENTS = (("redis", "redis", "5.0"),)

REDIS_CONNECTION = ArgumentSpec(
    options={
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "default": 6379},
        "unix_socket": {"type": "path"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "db": {"type": "int", "default": 0},
        "tls": {"type": "bool", "default": False},
        "validate_certs": {"type": "bool", "default": True},
        "ca_file": {"type": "path"},
        "cert_file": {"type": "path"},
        "key_file": {"type": "path", "no_log": False},
        "protocol": {"type": "int", "default": 2, "choices": [2, 3]},
        "timeout": {"type": "float", "default": 2.0},
        "patience": {"type": "float", "default": 3.0},
    },
    required_together=(("cert_file", "key_file"),),
)
"""How to reach a Redis server; the same in every module that does."""

CONNECTION_OPTIONS = tuple(REDIS_CONNECTION.options)


def validate_connection(params: t.Mapping[str, t.Any]) -> None:
    """What every module of this family checks about its connection. Raises Misuse."""
    if not params.get("unix_socket") and not str(params["host"]).strip():
        raise Misuse("host: it is empty; name the host of the server, or set unix_socket")
    if not 0 < params["port"] < 65536:
        raise Misuse(f"port: {params['port']} is no port; it is a number from 1 to 65535")
    if params["db"] < 0:
        raise Misuse(f"db: {params['db']} is no database; the first one is 0")
    if params.get("username") and not params.get("password"):
        raise Misuse("username needs password: Redis logs a user in by both")
    seconds_above_0(params, "timeout")
    seconds_from_0(params, "patience")
