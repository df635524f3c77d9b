# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches a Kafka cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bootstrap_servers:
    description: Brokers to begin with, each as V(host:port). All of them are probed.
    type: list
    elements: str
    required: true
  client_id:
    description: Name that the brokers log for this client.
    type: str
    default: incident.response
  security_protocol:
    description: What the listener speaks.
    type: str
    default: PLAINTEXT
    choices: [PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL]
  validate_certs:
    description:
      - Whether the broker's certificate must be trusted and match its name.
      - With V(false) the result says that it was not verified.
    type: bool
    default: true
  ssl_check_hostname:
    description: Whether the certificate must be for the broker's host name. Only with O(validate_certs=true).
    type: bool
    default: true
  ssl_cafile:
    description: File with the certificates of the authorities to trust, in PEM. Without it the system's are used.
    type: path
  ssl_certfile:
    description: File with the client's certificate, in PEM.
    type: path
  ssl_keyfile:
    description: File with the client's private key, in PEM.
    type: path
  ssl_password:
    description: Password of O(ssl_keyfile).
    type: str
  ssl_crlfile:
    description: File with a list of revoked certificates to check the broker's against.
    type: path
  sasl_mechanism:
    description: How to log in. Needed where O(security_protocol) begins with V(SASL).
    type: str
    choices: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI]
  sasl_plain_username:
    description: User name for V(PLAIN) and the V(SCRAM) mechanisms.
    type: str
  sasl_plain_password:
    description: Password for V(PLAIN) and the V(SCRAM) mechanisms.
    type: str
  sasl_kerberos_service_name:
    description: Name of the brokers' Kerberos service, for V(GSSAPI).
    type: str
    default: kafka
  sasl_kerberos_domain_name:
    description: Kerberos domain of the brokers, for V(GSSAPI).
    type: str
requirements:
  - kafka-python >= 3.0.12, on the host that the task runs on
"""
