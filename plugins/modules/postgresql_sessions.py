#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_sessions
short_description: End idle, blocking or long sessions of PostgreSQL, as few as help and never a protected one
version_added: 0.1.0
description:
  - Cancels or terminates sessions by what they do, the longest in that state first, only as many as restore the wanted
    headroom, and at most O(max_share) of all in one run.
  - How long a session has been in its state is told by C(state_change). The start of its last statement or its login
    would end sessions that are at work.
  - Never touched are walsenders, workers, superusers, replication roles, who holds an advisory lock, who listens for
    notifications (as far as that was its last statement), connections of the pooler, protected users and applications
    (backups, replication managers, change capture and migrations are protected by default), and its own session.
  - The statement that ends a session looks at its identity once more, which is pid, C(backend_start) and
    C(state_change). A session that did anything meanwhile is not touched.
  - It fails where sessions were asked for by O(count) or O(identity) and none of them could be ended.
extends_documentation_fragment:
  - incident.response.postgresql
  - incident.response.postgresql_protection
author:
  - The incident.response authors (@incident-response)
options:
  criteria:
    description:
      - Which sessions. V(idle) does nothing outside a transaction. V(idle_in_transaction) does nothing inside one.
        V(blocking) is the root of a chain of lock waits. V(long) runs a statement, and does not wait for a lock.
    type: str
    required: true
    choices: [idle, idle_in_transaction, blocking, long]
  action:
    description:
      - V(cancel) ends the statement that a session runs; the session stays. V(terminate) ends the session.
    type: str
    required: true
    choices: [cancel, terminate]
  min_age:
    description: Seconds that a session has to be in its state, or its statement to run.
    type: float
    default: 300.0
  headroom:
    description: Percent of the slots that should be free. Without it, all that fit are ended, up to the dose.
    type: float
  max_share:
    description: Part of all client sessions that one run may end, from 0 to 1.
    type: float
    default: 0.25
  count:
    description: At most so many sessions. Asked for means expected, so it fails where none could be ended.
    type: int
  identity:
    description: The very session that may be ended, nobody else, by C(pid) and C(backend_start) as the check returns
      them.
    type: dict
  users:
    description: Only sessions of these users, as names or globs.
    type: list
    elements: str
  databases:
    description: Only sessions in these databases, as names or globs.
    type: list
    elements: str
  applications:
    description: Only sessions with these application names, as names or globs.
    type: list
    elements: str
  deadline:
    description: Seconds that everything may take.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Lists exactly who would be ended and who not, with the reasons.
  diff_mode:
    support: full
    description: The sessions before and after.
"""

EXAMPLES = r"""
- name: Make room by ending the oldest idle sessions
  incident.response.postgresql_sessions:
    host: db1.example.com
    user: operator
    password: "{{ vault_operator_password }}"
    criteria: idle
    action: terminate
    min_age: 300
    headroom: 20
    protected_users: [billing]

- name: Cancel what blocks the others
  incident.response.postgresql_sessions:
    host: db1.example.com
    user: operator
    password: "{{ vault_operator_password }}"
    criteria: blocking
    action: cancel
    min_age: 15
"""

RETURN = r"""
chosen:
  description: The sessions that were (in check mode, would be) ended, in their order.
  returned: success
  type: list
  elements: dict
  sample:
    - pid: 4711
      backend_start: "2026-11-28T12:40:01.123456"
      state_change: "2026-11-28T12:41:07.000123"
      who: "pid 4711 (app@app, orders from 10.0.0.7)"
      state: idle
      seconds: 312
      query: "SELECT id FROM orders WHERE id = ?"
ended:
  description: The pids of those that were seen to be gone, or to have left their statement.
  returned: success
  type: list
  elements: int
  sample: [4711]
untouched:
  description: Chosen, but not ended, and why.
  returned: success
  type: list
  elements: dict
  sample: [{pid: 4712, why: "it changed meanwhile: it ended, or did something else"}]
kept:
  description: What fits the criteria and stays, and why.
  returned: success
  type: list
  elements: dict
  sample: [{pid: 4713, who: "pid 4713 (app@app, worker)", why: it holds an advisory lock}]
needed:
  description: How many have to go to restore the headroom; none where O(headroom) was not given.
  returned: success
  type: int
  sample: 1
limit:
  description: How many one run may end.
  returned: success
  type: int
  sample: 24
connections:
  description: Slots before and after.
  returned: success
  type: dict
  sample: {before: 97, after: 96, capacity: 97}
"""

from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_sessions import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change


def main() -> None:
    run_change(SPEC, CHECK.requirements, perform, CollectError)


if __name__ == "__main__":
    main()
