# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches a Kubernetes cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Kubeconfig file with the cluster and the login. Several files are separated by a colon.
      - Without it, and without O(host), E(KUBECONFIG) counts, then V(~/.kube/config), then the service account of the
        pod that the task runs in.
    type: path
  context:
    description: Context of the kubeconfig. Without it its current one.
    type: str
  host:
    description:
      - URL of the API, as V(https://api.example.com:6443).
      - With O(kubeconfig) it replaces the address in there and the login of it counts.
    type: str
  api_key:
    description: Bearer token.
    type: str
  api_key_file:
    description: File with a bearer token. It is read anew for each call, as a cluster renews such files in place.
    type: path
  validate_certs:
    description:
      - Whether the certificate of the API must be trusted and match its name. Without it the kubeconfig says so, and
        yes where there is none.
      - With V(false) the result says that it was not verified.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description: File with the certificates of the authorities to trust, in PEM.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description: File with the client's certificate, in PEM.
    type: path
    aliases: [cert_file]
  client_key:
    description: File with the client's private key, in PEM.
    type: path
    aliases: [key_file]
  tls_server_name:
    description: Name that the certificate of the API has to have, where it is another one than in its address.
    type: str
  impersonate_user:
    description: User to act as. The login has to be allowed to impersonate.
    type: str
  impersonate_groups:
    description: Groups to act as, with O(impersonate_user).
    type: list
    elements: str
    default: []
  proxy:
    description:
      - URL of the HTTP proxy on the way to the API. Without it the kubeconfig's C(proxy-url) counts. Variables of the
        environment do not.
    type: str
  connect_timeout:
    description: Seconds to wait for a connection.
    type: float
    default: 3.0
  timeout:
    description: Seconds that one call of the API may take, from its name's resolution to the last byte.
    type: float
    default: 10.0
requirements:
  - kubernetes >= 31.0.0 (the Python library), on the host that the task runs on
"""
