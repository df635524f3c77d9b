# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Redis server: the same options in every module that does."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: Host name or address of the server.
    type: str
    default: 127.0.0.1
  port:
    description: Port of the server.
    type: int
    default: 6379
  unix_socket:
    description: Path of the server's Unix socket. It wins over O(host) and O(port).
    type: path
  username:
    description: User of the server's ACL. Without it the default user.
    type: str
  password:
    description: Password of that user, or the server's C(requirepass).
    type: str
  db:
    description: Number of the logical database.
    type: int
    default: 0
  tls:
    description: Speak TLS.
    type: bool
    default: false
  validate_certs:
    description: Verify the server's certificate and its name. Where it is V(false), anybody may answer.
    type: bool
    default: true
  ca_file:
    description: File with the certificates of the authorities to trust. Without it those of the machine.
    type: path
  cert_file:
    description: Client certificate. Needs O(key_file).
    type: path
  key_file:
    description: Key of the client certificate. Needs O(cert_file).
    type: path
  protocol:
    description: Version of the protocol. V(2) works with every server and proxy.
    type: int
    choices: [2, 3]
    default: 2
  timeout:
    description: Seconds within which the server has to accept a connection and to answer a PING.
    type: float
    default: 2.0
  patience:
    description:
      - Seconds that a server which was silent for O(timeout) is listened to further. One that answers by then was held
        up, one that does not hangs.
    type: float
    default: 3.0
requirements:
  - redis >= 5.0 (Python library)
"""
