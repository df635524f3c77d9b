#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: redis_clients
short_description: Kill idle clients of Redis, as few as help and never a protected one, or the script that holds it
version_added: 0.1.0
description:
  - Kills clients by name, address, user and idle time, the longest idle first, only as many as restore the wanted
    headroom, and at most O(max_share) of all in one run.
  - Never touched are replicas and the link to a primary, subscribers, whoever waits in a blocking command or did so
    last, protected names, users and addresses (Sentinels are protected by default), and its own connection.
  - Each client is looked at once more right before, and killed by id and address together. One that did anything
    meanwhile stays.
  - It fails where clients were asked for by O(count), O(clients) or O(headroom) and none of them could be killed.
  - Where C(maxclients) is reached it knocks until a place comes free or O(deadline) is over, since Redis keeps no place
    for an administrator.
extends_documentation_fragment:
  - incident.response.redis
author:
  - The incident.response authors (@incident-response)
options:
  state:
    description:
      - V(killed) kills clients.
      - V(script_killed) stops the script or function that holds the server. Redis refuses it once the script has
        written.
    type: str
    choices: [killed, script_killed]
    default: killed
  min_idle:
    description: Only clients that have done nothing for so many seconds.
    type: float
  names:
    description: Only clients with these names, as names or globs. V('') is a client without a name.
    type: list
    elements: str
  addresses:
    description: Only clients from these addresses, as address, address and port, or network (V(10.0.0.0/8)).
    type: list
    elements: str
  users:
    description: Only clients that logged in as these users, as names or globs.
    type: list
    elements: str
  clients:
    description: Only these very clients, each with C(id) and C(addr) as the server lists them.
    type: list
    elements: dict
  headroom:
    description: Percent of C(maxclients) that should be free. Without it, all that fit are killed, up to the dose.
    type: float
  max_share:
    description: Part of all clients that one run may kill, from 0 to 1.
    type: float
    default: 0.25
  count:
    description: At most so many clients. Asked for means expected, so it fails where none could be killed.
    type: int
  protected_names:
    description: Names, or globs of them, that are never touched.
    type: list
    elements: str
    default: [sentinel-*]
  protected_addresses:
    description: Addresses or networks that are never touched.
    type: list
    elements: str
    default: []
  protected_users:
    description: Users, or globs of them, that are never touched.
    type: list
    elements: str
    default: []
  identity:
    description: The server that is meant, by C(run_id); another one, or the same one restarted, is refused.
    type: dict
  deadline:
    description: Seconds that everything may take.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Lists exactly who would be killed and who not, with the reasons.
  diff_mode:
    support: full
    description: The chosen clients before and after.
"""

EXAMPLES = r"""
- name: Make room by killing the longest idle clients
  incident.response.redis_clients:
    host: redis.example.com
    password: "{{ vault_redis_password }}"
    min_idle: 300
    headroom: 20

- name: Kill what one leaking service left behind
  incident.response.redis_clients:
    names: [checkout-*]
    addresses: [10.1.2.0/24]
    min_idle: 60
    max_share: 0.5

- name: Stop the script that holds the server
  incident.response.redis_clients:
    state: script_killed
"""

RETURN = r"""
chosen:
  description: The clients that were (in check mode, would be) killed, in their order; the first 200.
  returned: when O(state=killed)
  type: list
  elements: dict
  sample:
    - {id: 4711, addr: "10.0.0.7:51022", name: checkout, user: default, idle: 912, age: 915, db: 0, command: get}
chosen_total:
  description: How many were chosen.
  returned: when O(state=killed)
  type: int
  sample: 12
killed:
  description: How many were seen to be gone.
  returned: when O(state=killed)
  type: int
  sample: 12
skipped:
  description: Chosen, but not killed, and why.
  returned: when O(state=killed)
  type: list
  elements: dict
  sample: [{id: 4712, addr: "10.0.0.7:51023", why: it was at work meanwhile}]
kept:
  description: Who fits the filter and stays, and why; the first 200.
  returned: when O(state=killed)
  type: list
  elements: dict
  sample: [{id: 4713, addr: "10.0.0.9:40112", why: it subscribes to channels}]
kept_why:
  description: How many stay, by reason.
  returned: when O(state=killed)
  type: dict
  sample: {it subscribes to channels: 3}
needed:
  description: How many have to go to restore the headroom; none where O(headroom) was not given.
  returned: when O(state=killed)
  type: int
  sample: 12
limit:
  description: How many one run may kill.
  returned: when O(state=killed)
  type: int
  sample: 230
connections:
  description: Clients before and after.
  returned: when O(state=killed)
  type: dict
  sample: {before: 921, after: 909, maxclients: 1000}
"""

from ansible_collections.incident.response.plugins.module_utils.checks.redis_clients import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change
from ansible_collections.incident.response.plugins.module_utils.module.redis_options import REQUIREMENTS


def main() -> None:
    run_change(SPEC, REQUIREMENTS, perform, CollectError)


if __name__ == "__main__":
    main()
