#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_health_info
short_description: Find out what is wrong with a PostgreSQL server, its sessions and its pooler
version_added: 0.1.0
description:
  - Looks at connection slots, sessions, locks, limits, transaction ages, prepared transactions, replication, space and
    counters over one connection and within one deadline, and returns what is wrong as findings with remedies, safest
    first.
  - It only reads. The session sets its timeouts, its name and C(default_transaction_read_only) before anything else.
  - Where it can't log in, a raw start of the protocol tells why. SQLSTATE and routine are read, not words, so that the
    server's C(lc_messages) does not matter.
  - Works as an unprivileged role, and then says what it can't see. Where every slot is taken, O(reserve_user) looks.
  - Texts of statements are returned without their literals.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.postgresql
  - incident.response.postgresql_protection
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the server in findings; the inventory host in a play of this collection.
    type: str
    default: postgresql
  depth:
    description:
      - V(quick) looks once; rates are judged since an earlier look, where O(history) has one.
      - V(full) reads the counters a second time after O(interval), so that it knows rates without any history.
    type: str
    default: quick
    choices: [quick, full]
  interval:
    description: Seconds between the two readings of O(depth=full).
    type: float
    default: 2.0
  idle_age:
    description: Seconds since its last statement after which an idle session counts as idle.
    type: float
    default: 300.0
  young:
    description: Seconds during which a session counts as new, for the storm; nor is any judged so long after a start.
    type: float
    default: 60.0
  restarted:
    description: Seconds after a start of the server during which that is a finding.
    type: float
    default: 60.0
  least_headroom:
    description: Free slots at which it is critical, whatever the percentage.
    type: int
    default: 3
  expected_role:
    description: What the server should be. With V(any) neither is a finding.
    type: str
    default: any
    choices: [any, primary, standby]
  data_path:
    description:
      - Directory of the data on the host that the task runs on, to see how full its disk is. SQL can't tell it.
      - Without it the disk is not measured.
    type: path
  thresholds:
    description:
      - Other thresholds than the defaults, each as C(warn) and C(crit); percentages from 0 to 100.
      - C(used_percent) (80, 90) of the connection slots. C(idle_share_percent) (50, 75) of the sessions.
        C(transaction_blocking_seconds) (15, 60) and C(transaction_idle_seconds) (1800, 3600) of a session that is idle
        in transaction. C(lock_wait_seconds) (60, 120). C(lock_waiters) (6, 6) behind one root. C(query_seconds)
        (60, 120). C(storm_percent) (20, 50) of C(max_connections). C(logins_per_second) (10, 50). C(limit_percent)
        (80, 100) of a role's or database's limit. C(transaction_age) (1.3e9, 1.4e9). C(prepared_seconds) (300, 3600).
        C(slot_retained_gib) (10, 50). C(replication_lag_seconds) (5, 3600). C(deadlocks_per_minute) (5, 50).
        C(rollback_percent) (2, 10). C(disk_used_percent) (90, 95). C(wal_factor) (3, 10) times C(max_wal_size).
        C(pooler_wait_seconds) (1, 10). C(pooler_clients_percent) (80, 95). C(lock_table_percent) (20, 80).
        C(dead_rows_percent) (10, 50).
    type: dict
    default: {}
notes:
  - The findings are, with the row of the catalogue that each is about.
  - PG-00, nobody gets in - C(postgresql.server.dns), C(postgresql.server.refused), C(postgresql.server.timeout),
    C(postgresql.server.silent) (hung, paused or stopped), C(postgresql.server.reset),
    C(postgresql.server.not_postgresql), C(postgresql.server.tls), C(postgresql.server.starting),
    C(postgresql.server.recovering), C(postgresql.server.shutting_down), C(postgresql.server.storage) (disk, memory or
    data, SQLSTATE 53100, 53200, 58 and XX), C(postgresql.server.error) (any other), C(postgresql.auth.rejected)
    (28000, pg_hba.conf), C(postgresql.auth.password) (28P01), C(postgresql.database.missing) (3D000).
  - PG-01 C(postgresql.connections.full), C(postgresql.connections.headroom). PG-02 C(postgresql.connections.idle).
    PG-03 C(postgresql.transaction.idle). PG-04 C(postgresql.locks.blocked). PG-05 C(postgresql.query.long). PG-06
    C(postgresql.connections.storm). PG-07 C(postgresql.connections.role_limit),
    C(postgresql.connections.database_limit). PG-08 C(postgresql.wraparound). PG-09 C(postgresql.prepared.old). PG-10
    C(postgresql.slot.inactive). PG-11 C(postgresql.replication.lag). PG-12 C(postgresql.deadlocks),
    C(postgresql.rollbacks). PG-13 C(postgresql.server.restarted), C(postgresql.server.role), C(postgresql.read_only).
    PG-14 C(postgresql.disk.space), C(postgresql.wal.growing). PG-15 C(postgresql.pooler.waiting),
    C(postgresql.pooler.clients), C(postgresql.pooler.unreachable), C(postgresql.pooler.unmeasured). PG-16
    C(postgresql.locks.table). PG-17 C(postgresql.autovacuum.blocks), C(postgresql.tables.dead_rows).
  - C(postgresql.unmeasured) says what could not be looked at, and why.
  - Findings about the pooler have the component C(pooler:COMPONENT), since a sick server explains them.
"""

EXAMPLES = r"""
- name: Look at a server
  incident.response.postgresql_health_info:
    host: db1.example.com
    database: app
    user: monitor
    password: "{{ vault_monitor_password }}"
    reserve_user: postgres
    reserve_password: "{{ vault_postgres_password }}"
  register: database

- name: The same with its PgBouncer, and with rates
  incident.response.postgresql_health_info:
    host: db1.example.com
    user: monitor
    password: "{{ vault_monitor_password }}"
    pgbouncer_host: pool1.example.com
    depth: full
    expected_role: primary
    thresholds:
      used_percent: {warn: 70, crit: 85}
"""

RETURN = r"""
reachable:
  description: Whether the server itself answered, even where it refused the login.
  returned: success
  type: bool
  sample: true
status:
  description: The worst state of all findings, V(ok) where there is none.
  returned: success
  type: str
  sample: critical
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  sample:
    - id: postgresql.connections.idle
      component: orders-db
      subject: 71 idle sessions
      state: critical
      severity: P2
      summary: 71 of 88 sessions idle for over 300 s, and slots run short
      observed: {idle: 71, sessions: 88, share_percent: 80.7}
      threshold: {warn: 50, crit: 75}
      evidence: ["60 of app from 10.0.0.7, application orders: 60 idle"]
      causes: ["a client's pool is larger than it needs, or it leaks connections"]
      remedies:
        - {text: "Lower the idle size of the client's pool, or restart that client", risk: none, command: ""}
      since: 1795871260.13
      details: {idle: 71, sessions: 88}
snapshot:
  description: The raw numbers; of long lists the part that matters most, with their totals.
  returned: success
  type: dict
  sample: {version: 150018, login_ms: 9.2, connections: {used: 88, capacity: 97, headroom: 9}}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {used_percent: {warn: 80, crit: 90}, idle_age: 300.0}
measured:
  description: What was looked at, for people.
  returned: success
  type: list
  elements: str
  sample: ["PostgreSQL 15, primary", "88 of 97 connection slots"]
samples:
  description: Counters, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795871260.13, start: 1795870000.0, deadlocks: 0, commits: 5821, rollbacks: 2, sessions: 310}]
attachments:
  description: Texts for the evidence files, where anything was found; C(activity-1.tsv) and so on have every session,
    C(statements-1.tsv) and so on the statements that they name by number.
  returned: success
  type: dict
  sample: {"activity-1.tsv": "pid\tuser\tdatabase\n"}
collected_at:
  description: When the look began, in UTC.
  returned: success
  type: str
  sample: "2026-11-28T12:43:05.120+00:00"
duration_ms:
  description: How long it took.
  returned: success
  type: int
  sample: 38
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
