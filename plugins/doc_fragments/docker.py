# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches a container engine."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Address of the engine, as V(unix:///path), V(tcp://host:port) or V(ssh://user@host).
      - Without it E(DOCKER_HOST) counts, then V(unix:///var/run/docker.sock).
    type: str
    aliases: [docker_url]
  api_version:
    description: Version of the engine's API. V(auto) asks the engine for the newest that both know.
    type: str
    default: auto
  timeout:
    description: Seconds to wait for one answer of the engine.
    type: float
    default: 10.0
  tls:
    description: Whether to speak TLS with an engine at V(tcp://).
    type: bool
    default: false
  validate_certs:
    description:
      - Whether the engine's certificate must be trusted and match its name.
      - With V(false) the result says that it was not verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust, in PEM.
    type: path
    aliases: [ca_cert, tls_ca_cert]
  client_cert:
    description: File with the client's certificate, in PEM.
    type: path
    aliases: [tls_client_cert]
  client_key:
    description: File with the client's private key, in PEM.
    type: path
    aliases: [tls_client_key]
requirements:
  - docker >= 7.1.0 (the Python library), on the host that the task runs on
"""
