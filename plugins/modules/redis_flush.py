#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: redis_flush
short_description: Remove keys from a Redis cache, behind a gate and after a copy was taken
version_added: 0.1.0
description:
  - Removes the keys that match a pattern, by C(SCAN) and C(UNLINK) at a limited rate, or all of one logical database,
    by C(FLUSHDB ASYNC). It never flushes synchronously, which would block the server.
  - It refuses unless all conditions hold, and names each that does not, so that nothing has to be found out one by one.
    The result lists them all, also where they hold.
  - "C(role): declared a cache. C(expiry): 90 % of the keys expire. C(policy): not noeviction. C(streams), C(names): no
    streams, and no names of queues, locks or sessions, in a sample of 1000 keys. C(replica): it is a primary.
    C(database): it has keys, about as many as O(expected_size), and the keys of each database are shown. C(cluster),
    C(aof): acknowledged, where it is a node of a cluster or writes an AOF. C(postgresql): 30 % of the slots of the
    database behind it are free. C(saving), C(memory): a save works, and its fork fits into the memory. C(copy): an RDB
    of everything was saved (LASTSAVE moved), lies in O(copy_dir), and is whole by its checksum."
  - The copy is received as a replica receives it, so that it lies where this module runs. It costs the server one fork.
  - It waits until the memory of what was removed is given back (C(lazyfree_pending_objects)).
  - Replicas remove the keys too. Functions and other databases stay.
extends_documentation_fragment:
  - incident.response.redis
author:
  - The incident.response authors (@incident-response)
options:
  pattern:
    description: Glob of the keys to remove, such as V(page:*). One that is every key is refused.
    type: str
  whole:
    description: Remove all keys of database O(db).
    type: bool
    default: false
  role:
    description: What the data is. Only a V(cache) is touched, and only where the data agrees.
    type: str
    choices: [cache, store]
  copy_dir:
    description: Directory, where this module runs, for the copy. Required unless O(without_copy=true).
    type: path
  rate:
    description: Keys a second that are removed at most, with O(pattern).
    type: float
    default: 5000.0
  expected_size:
    description: Keys that the database had when this was decided. A difference of more than 10 % is refused.
    type: int
  protected_prefixes:
    description: More beginnings of names, such as V(cart:), whose keys are no cache.
    type: list
    elements: str
    default: []
  memory_limit:
    description: Bytes that the server may use, such as the limit of its container, which it can't see by itself.
    type: int
  postgresql_headroom:
    description: Percent of the slots that are free in the database which has to bear the misses.
    type: float
  without_postgresql:
    description: There is no such database.
    type: bool
    default: false
  without_copy:
    description: Take no copy. What is removed is lost.
    type: bool
    default: false
  aof_acknowledged:
    description:
      - The removal is appended to the AOF and final with its next rewrite. Automatic rewrites are switched off, and the
        result says how to undo that.
    type: bool
    default: false
  cluster_node_only:
    description: Only the keys of this one node of the cluster are meant.
    type: bool
    default: false
  identity:
    description: The server that is meant, by C(run_id); another one, or the same one restarted, is refused.
    type: dict
  deadline:
    description: Seconds that everything may take, the copy included.
    type: float
    default: 300.0
attributes:
  check_mode:
    support: full
    description: Asks the gate, takes no copy and removes nothing. It fails where a real run would be refused.
  diff_mode:
    support: full
    description: Keys of each database before and after.
"""

EXAMPLES = r"""
- name: Remove the rendered pages
  incident.response.redis_flush:
    host: redis.example.com
    password: "{{ vault_redis_password }}"
    pattern: "page:*"
    role: cache
    copy_dir: /var/backups/redis
    postgresql_headroom: 55

- name: Empty the second database of a cache that nothing stands behind
  incident.response.redis_flush:
    db: 1
    whole: true
    role: cache
    copy_dir: /var/backups/redis
    without_postgresql: true
"""

RETURN = r"""
conditions:
  description: Every condition of the gate, whether it holds, why, and what opens it.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: expiry, ok: false, reason: "12 of 9000 keys of db 0 expire (0 %); a cache has 90 % at least", override: ""}
databases:
  description: Keys of each database, as it is now.
  returned: always
  type: dict
  sample: {"0": 0, "3": 41}
databases_before:
  description: Keys of each database before.
  returned: when something was removed
  type: dict
  sample: {"0": 9000, "3": 41}
saved:
  description: The copy. To restore it, stop the server, put the file in the place of its C(dbfilename), and start it.
  returned: when one was taken
  type: dict
  sample: {path: /var/backups/redis/redis-10-0-0-7-6379-20261128T130000Z.rdb, bytes: 10485, sha256: 9f86d081}
removed:
  description: How many keys were removed.
  returned: when something was removed
  type: int
  sample: 9000
pending:
  description: Objects whose memory was not given back by O(deadline).
  returned: when something was removed
  type: int
  sample: 0
note:
  description: What was changed beside it, and how to undo that.
  returned: when there is an AOF
  type: str
  sample: "auto-aof-rewrite-percentage was set from 100 to 0, so that the AOF keeps its history"
"""

from ansible_collections.incident.response.plugins.module_utils.checks.redis_flush import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change
from ansible_collections.incident.response.plugins.module_utils.module.redis_options import REQUIREMENTS


def main() -> None:
    run_change(SPEC, REQUIREMENTS, perform, CollectError, tools=True)


if __name__ == "__main__":
    main()
