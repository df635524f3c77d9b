# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches a PostgreSQL server and its pooler."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: Name or address of the server, or the directory of its Unix socket.
    type: str
    default: 127.0.0.1
  port:
    description: Port of the server.
    type: int
    default: 5432
  database:
    description: Database to log in to. What belongs to one database (dead rows) is looked at in this one.
    type: str
    default: postgres
  user:
    description:
      - Role to log in as. It needs no superuser; see C(docs/postgresql_grants.md) for what it needs.
      - Its login also stands for those of applications, so it should take ordinary slots.
    type: str
    required: true
  password:
    description: Password of O(user).
    type: str
  ssl_mode:
    description: As libpq's C(sslmode). Only V(verify-ca) and V(verify-full) verify the server.
    type: str
    default: prefer
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ssl_root_cert:
    description: File with the certificates of the authorities to trust, in PEM.
    type: path
  ssl_cert:
    description: File with the client's certificate, in PEM.
    type: path
  ssl_key:
    description: File with the client's private key, in PEM.
    type: path
  connect_timeout:
    description: Seconds that one connection attempt may take.
    type: float
    default: 5.0
  reserve_user:
    description:
      - Role that may use reserved slots (a superuser, or from PostgreSQL 16 on a member of
        C(pg_use_reserved_connections)). It is asked only where every other slot is taken.
      - Without it nobody can look at a server that is full.
    type: str
  reserve_password:
    description: Password of O(reserve_user).
    type: str
  pgbouncer_host:
    description: Address of the PgBouncer before the server. Without it no pooler is looked at.
    type: str
  pgbouncer_port:
    description: Port of PgBouncer.
    type: int
    default: 6432
  pgbouncer_user:
    description: Role in PgBouncer's C(stats_users). Without it O(user).
    type: str
  pgbouncer_password:
    description: Password of O(pgbouncer_user). Without it O(password).
    type: str
  pgbouncer_ssl_mode:
    description: As O(ssl_mode), for PgBouncer.
    type: str
    default: prefer
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
requirements:
  - psycopg2 >= 2.9 (or psycopg2-binary), on the host that the task runs on
"""
