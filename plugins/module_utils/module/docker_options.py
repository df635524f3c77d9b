# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this collection reach a container engine: the same options in all of them."""

from __future__ import annotations

from .argspec import ArgumentSpec

DOCKER_CONNECTION = ArgumentSpec(
    options={
        "docker_host": {"type": "str", "aliases": ["docker_url"]},
        "api_version": {"type": "str", "default": "auto"},
        "timeout": {"type": "float", "default": 10.0},
        "tls": {"type": "bool", "default": False},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert"]},
        "client_cert": {"type": "path", "aliases": ["tls_client_cert"]},
        "client_key": {"type": "path", "aliases": ["tls_client_key"]},
    },
    required_together=(("client_cert", "client_key"),),
)
