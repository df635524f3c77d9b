# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to ask a server over HTTP."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  username:
    description: User for basic authentication. It is sent to the host of the URL, never to another one it redirects to.
    type: str
  password:
    description: Password of O(username).
    type: str
  bearer_token:
    description: Token for bearer authentication. Where it is sent to is as with O(username).
    type: str
  headers:
    description: Headers to send. They also go to hosts that the server redirects to.
    type: dict
    default: {}
  secret_headers:
    description: Headers whose values are secret, such as an API key. Where they are sent to is as with O(username).
    type: dict
    default: {}
  validate_certs:
    description:
      - Whether the server's certificate must be trusted and match its name.
      - With V(false) the result says that it was not verified; when it expires is looked at all the same.
    type: bool
    default: true
  ca_cert:
    description: File with the certificates of the authorities to trust, in PEM. Without it the system's are used.
    type: path
  client_cert:
    description: File with the client's certificate, in PEM.
    type: path
  client_key:
    description: File with the client's private key, in PEM.
    type: path
  max_redirects:
    description: Redirects that are followed; from https to http none is.
    type: int
    default: 3
  connect_timeout:
    description: Seconds that one address may take to accept the connection, and the resolver to answer.
    type: float
    default: 3.0
  timeout:
    description: Seconds until the first byte of the answer, and for the TLS handshake. Who needs longer is silent.
    type: float
    default: 5.0
  read_timeout:
    description: Seconds until the answer is whole, however slowly its bytes come.
    type: float
    default: 10.0
"""
