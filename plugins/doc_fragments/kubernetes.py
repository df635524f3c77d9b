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
      - File that says where the cluster is and how to log in; several are separated by C(:).
      - Without it and without O(host), E(KUBECONFIG) counts, then C(~/.kube/config), then the pod that this runs in.
    type: path
  context:
    description: Context of the kubeconfig. Without it the current one.
    type: str
  host:
    description: Address of the API, as V(https://host:6443), in place of a kubeconfig.
    type: str
  api_key:
    description: Bearer token to log in with.
    type: str
  api_key_file:
    description: File with the bearer token, in place of O(api_key).
    type: path
  validate_certs:
    description:
      - Whether the API's certificate must be trusted and match its name.
      - Without it the kubeconfig decides, and yes where there is none.
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
    description: Name that the API's certificate has to be for, where it is not the one in its address.
    type: str
  impersonate_user:
    description: User to act as.
    type: str
  impersonate_groups:
    description: Groups to act as. Goes with O(impersonate_user).
    type: list
    elements: str
    default: []
  proxy:
    description: Proxy to go through, as V(http://host:port).
    type: str
  connect_timeout:
    description: Seconds to wait for a connection.
    type: float
    default: 3.0
  timeout:
    description: Seconds to wait for one answer of the API.
    type: float
    default: 10.0
requirements:
  - kubernetes >= 31.0.0 (the Python library), on the host that the task runs on
"""
