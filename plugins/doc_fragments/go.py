# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Go program: the same options in every module that does."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  metrics_url:
    description:
      - Address of the metrics that the Go collector of C(client_golang) exports, such as
        V(http://127.0.0.1:8080/metrics).
    type: str
  pprof_url:
    description:
      - Address above the profiles of C(net/http/pprof), such as V(http://127.0.0.1:8080/debug/pprof).
      - Of it only C(goroutine) and C(heap) are asked for, never C(cmdline), C(trace) or C(profile).
    type: str
  username:
    description: User of a basic login. Needs O(password).
    type: str
  password:
    description: Password of that user. Needs O(username).
    type: str
  token:
    description: Bearer token, instead of O(username) and O(password).
    type: str
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
  timeout:
    description: Seconds within which it has to accept a connection, and that it may pause within an answer.
    type: float
    default: 5.0
  memory_limit:
    description:
      - Bytes that the program may use before the kernel kills it, the limit of its container, which Go does not know by
        itself. Its own C(GOMEMLIMIT) is read from the metrics.
    type: int
requirements:
  - prometheus-client >= 0.16 (Python library)
notes:
  - Redirects are not followed and proxies are not used, so that a login reaches the host that was named and no other.
"""
