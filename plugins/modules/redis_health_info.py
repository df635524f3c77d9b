#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: redis_health_info
short_description: Find out what is wrong with a Redis server and its clients
version_added: 0.1.0
description:
  - Looks at reachability, memory, clients, latency, persistence, replication, big keys, cluster and Sentinel, over one
    connection at a time and within one deadline, and returns what is wrong as findings with remedies, safest first.
  - It only reads. It never sends C(KEYS), C(MONITOR) or C(DEBUG), and its scan for big keys is bounded in keys and
    seconds.
  - C(PING) is not health. A server that can't save, a replica without its primary and one in a script are up and answer
    it with an error; one whose memory is full or whose writes are paused answers it with C(PONG). So errors are told
    apart by their kind, and writes are judged by the errors that others got, never by writing a key.
  - A silent server is asked with a line that is no command. One that answers it runs, and its clients are paused.
  - Of commands only the name and the key are kept, never a value; names of clients and keys are redacted.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.redis
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the server in findings; the inventory host in a play of this collection.
    type: str
    default: redis
  role:
    description:
      - What the data is. A V(cache) may lose keys, a V(store) may not, so every evicted key of a store is a finding.
      - It is never guessed; without it eviction is judged as that of a cache.
    type: str
    choices: [cache, store]
  window:
    description:
      - Seconds between two readings of the counters. V(0) reads them once, and then nothing that needs movement is
        judged (refused writes, eviction, refused connections, refused logins, hits).
    type: float
    default: 2.0
  lookback:
    description: Seconds for which an entry of the slowlog or a latency event still counts.
    type: float
    default: 60.0
  scan_seconds:
    description: Seconds that the scan for big keys may take; it runs within O(window). V(0) leaves it out.
    type: float
    default: 1.0
  scan_limit:
    description: Keys that the scan looks at, at most. V(0) leaves it out.
    type: int
    default: 5000
  memory_limit:
    description:
      - Bytes that the server may use before the kernel kills it, such as the limit of its container, which it can't see
        by itself.
    type: int
  expected_replicas:
    description: Replicas that should be connected.
    type: int
  expected_blocked:
    description:
      - Clients that usually wait in a blocking command. Without it earlier looks, at least 5 minutes old, are compared
        with; without any of those blocked clients are not judged.
    type: int
  accept_unknown:
    description:
      - Commands whose refusal is known and accepted, such as C(CONFIG GET) of a managed service. What they would have
        told stays unknown, and no finding says so.
    type: list
    elements: str
    default: []
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(memory_percent) is of C(maxmemory) (90, 98), C(clients_percent) of C(maxclients) (90, 100).
      - C(rejected_per_minute) are connections that were turned away (5, 60).
      - C(latency_ms) is of PING, slowlog and latency events (100, 1000).
      - C(evicted_per_second) (100, 10000), C(big_key_mib) (10, 100), C(replication_gap_mib) (10, 100).
      - C(save_age_hours) is the age of the last save where there are changes to save (48, 168).
      - C(miss_percent) are lookups that found nothing, of at least 1000 (20, 50).
      - C(client_buffer_kib) is the average of all normal clients (200, 10240).
      - C(blocked_ratio) is blocked clients in relation to what is usual (2, 20).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "RDS-01: C(redis.server.refused), C(redis.server.dns), C(redis.server.timeout), C(redis.server.silent) (accepts and
    says nothing), C(redis.server.reset), C(redis.server.not_redis), C(redis.server.tls), C(redis.server.paused)
    (C(CLIENT PAUSE) of all commands, or of writes only)."
  - "RDS-02: C(redis.server.loading). RDS-10: C(redis.server.busy)."
  - "RDS-03: C(redis.memory.high), C(redis.memory.full), both only where the policy evicts nothing.
    RDS-04: C(redis.writes.refused), errors C(OOM), C(MISCONF), C(NOREPLICAS) and C(READONLY) within O(window).
    RDS-05: C(redis.memory.unlimited). RDS-06: C(redis.evicting)."
  - "RDS-07: C(redis.clients.high), C(redis.clients.full). RDS-08: C(redis.clients.blocked).
    RDS-14: C(redis.clients.buffers)."
  - "RDS-09: C(redis.latency.high). RDS-16: C(redis.fork.slow). RDS-17: C(redis.hits.low)."
  - "RDS-11: C(redis.persistence.failing), C(redis.persistence.stale). RDS-12: C(redis.replication.down),
    C(redis.replication.missing), C(redis.replication.lagging)."
  - "RDS-13: C(redis.memory.fragmented). RDS-15: C(redis.keys.big). RDS-18: C(redis.cluster.down),
    C(redis.sentinel.failing)."
  - "RDS-19: C(redis.auth.failures) of others. No row: C(redis.auth.rejected), the login of the check itself."
  - C(redis.auth.forbidden) and C(redis.unmeasured) have the state C(unknown) and say what could not be read and why.
    They are never the same as healthy.
  - There is one finding for each id. Its component is O(component).
  - The rights that it needs are in C(docs/redis_acl.md).
"""

EXAMPLES = r"""
- name: Look at the cache
  incident.response.redis_health_info:
    host: 127.0.0.1
    port: 6379
    role: cache
  register: redis

- name: One quick look, without a second reading of the counters
  incident.response.redis_health_info:
    window: 0
    scan_limit: 0

- name: A store with a replica, in a container of 2 GiB
  incident.response.redis_health_info:
    host: redis.example.com
    tls: true
    username: doctor
    password: "{{ vault_redis_password }}"
    role: store
    expected_replicas: 1
    memory_limit: 2147483648
    thresholds:
      clients_percent: {warn: 80, crit: 95}

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ redis.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether the server itself answered, were it only with an error.
  returned: success
  type: bool
  sample: true
status:
  description: V(ok), V(warning), V(critical) or V(unknown), the worst of all findings.
  returned: success
  type: str
  sample: critical
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  sample:
    - id: redis.memory.full
      component: redis
      subject: Redis at 127.0.0.1:6379
      state: critical
      severity: P2
      summary: "Redis at 127.0.0.1:6379 uses 100 % of its maxmemory (64 MiB), and noeviction evicts nothing"
      observed: {percent: 100.0, used_bytes: 67108864, policy: noeviction}
      threshold: {warn: 90, crit: 98}
      evidence: ["58.1 MiB: the data set"]
      causes: ["only 12 of 60210 keys expire: what nobody deletes stays for ever", "the data outgrew the limit"]
      remedies:
        - text: "Raise maxmemory, where the host (and the container's limit) has the memory"
          risk: disruptive
          command: redis-cli -h 127.0.0.1 -p 6379 CONFIG SET maxmemory BYTES
      since: null
      details: {policy: noeviction, maxmemory: 67108864}
snapshot:
  description: The raw numbers, the largest of long lists first and with their totals.
  returned: success
  type: dict
  sample: {address: "127.0.0.1:6379", ping_median_ms: 0.2, memory: {used_memory: 1296432, policy: allkeys-lru}}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {memory_percent: {warn: 90, crit: 98}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["127.0.0.1:6379 answers PING in 0.2 ms", "INFO twice, 2.0 s apart", "5 clients", "slowlog"]
samples:
  description: One row of this look, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795871260.13, blocked: 0, connected_clients: 6}]
attachments:
  description: Texts for the evidence files.
  returned: success
  type: dict
  sample: {}
collected_at:
  description: When the look began, in UTC.
  returned: success
  type: str
  sample: "2026-11-28T12:43:05.120+00:00"
duration_ms:
  description: How long it took.
  returned: success
  type: int
  sample: 2031
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.redis_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
