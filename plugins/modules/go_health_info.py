#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: go_health_info
short_description: Find out what is wrong with the memory, the goroutines and the collector of a Go program
version_added: 0.1.0
description:
  - Reads the metrics several times and the profiles of the heap and of the goroutines, within one deadline, and returns
    what is wrong as findings with remedies, safest first.
  - A leak is told from a burst by the floor of the heap, what collections leave alive. A leak raises it with every
    collection and goes on; a burst is a jump, or ends, and stays silent. Looks at earlier processes do not count.
  - It only reads, and forces no collection. It asks for the goroutines first and for the heap second, since a program
    near its limit bears that order best.
  - Profiles are kept with the evidence as C(go tool pprof) opens them. Labels and comments are taken out before, since
    programs label their goroutines with what they work on. C(cmdline) is never asked for.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.go
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the program in findings; the inventory host in a play of this collection.
    type: str
    default: go
  samples:
    description:
      - How often the metrics are read. V(1) is quick, and judges what needs movement by O(history) only.
    type: int
    default: 3
  interval:
    description: Seconds between two readings.
    type: float
    default: 2.0
  wait_reasons:
    description:
      - Read the state of each goroutine too, and for how long it has waited (C(goroutine?debug=2)).
      - The program stands still while it writes them, so this is refused above 10000 goroutines, and from 90 % of a
        memory limit on.
    type: bool
    default: false
  leak_seconds:
    description:
      - Seconds for which the heap, or the number of goroutines, has to rise before that is called a leak.
      - One look seldom lasts so long; earlier looks at the same process count by O(history).
    type: float
    default: 60.0
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(goroutines) (1000, 10000), C(goroutines_per_second) is growth (10, 100), C(threads) (500, 5000).
      - C(waiting_database) are goroutines that wait for a connection to a database (5, 50).
      - C(leak_percent_per_hour) is of the room that is left below the limit (4, 100, so that 100 is one hour), and
        C(leak_mib_per_minute) where there is no limit (1, 600).
      - C(limit_percent) is of O(memory_limit) or C(GOMEMLIMIT) (80, 95).
      - C(offheap_percent) is resident memory that Go does not know (30, 60), of 64 MiB at least.
      - C(gc_pause_percent) of the time (5, 20), C(gc_pause_ms) (1000, 5000), C(gc_cpu_percent) of its CPU time, where
        C(go_cpu_classes_*) is exported (25, 50), C(gc_per_second) (20, 100).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "GO-01: C(go.goroutines.high). GO-02: C(go.goroutines.leak), not while requests grow with them. GO-10:
    C(go.goroutines.stuck), half of all, and 200 at least, at one place. No row: C(go.goroutines.waiting_database), the
    pool of C(database/sql) or of C(pgxpool) gives no connection."
  - "GO-03 and GO-09: C(go.heap.leak), with the functions that hold the memory, and those that have 30 % of its growth."
  - "GO-04: C(go.gc.pressure). GO-05: C(go.threads.high). GO-06: C(go.memory.offheap). GO-08: C(go.heap.unlimited).
    No row: C(go.heap.limit), its memory without the garbage is close to C(GOMEMLIMIT), or its resident memory to
    O(memory_limit)."
  - "GO-07, memory that is free and not yet given back, is a number in RV(snapshot) (C(retained)) and no finding."
  - "What could not be read is a finding of the state C(unknown), which is never the same as healthy:
    C(go.metrics.unreachable), C(go.metrics.stalled), C(go.metrics.forbidden), C(go.metrics.absent),
    C(go.metrics.broken); C(go.pprof.unreachable), C(go.pprof.stalled) (begins and does not go on),
    C(go.pprof.forbidden) (401, 403), C(go.pprof.absent) (404), C(go.pprof.broken) (a page, a cut or damaged file, one
    that unpacks to more than 8 MiB)."
  - There is one finding for each id. Its component is O(component).
"""

EXAMPLES = r"""
- name: Look at a service
  incident.response.go_health_info:
    metrics_url: http://127.0.0.1:8080/metrics
    pprof_url: http://127.0.0.1:8080/debug/pprof
  register: program

- name: One quick look at the metrics of a service in a container of 512 MiB
  incident.response.go_health_info:
    metrics_url: https://orders.example.com/metrics
    token: "{{ vault_metrics_token }}"
    memory_limit: 536870912
    samples: 1

- name: Is it a leak, told by one look of a minute and a half where no earlier ones are known
  incident.response.go_health_info:
    metrics_url: http://127.0.0.1:8080/metrics
    pprof_url: http://127.0.0.1:8080/debug/pprof
    samples: 46
    interval: 2
    deadline: 110

- name: Where do its goroutines wait, and for how long
  incident.response.go_health_info:
    pprof_url: http://127.0.0.1:6060/debug/pprof
    wait_reasons: true
    thresholds:
      goroutines: {warn: 5000, crit: 50000}

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ program.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether any of its addresses answered, were it only with an error.
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
    - id: go.heap.leak
      component: orders
      subject: the Go program at 127.0.0.1:8080
      state: critical
      severity: P2
      summary: "The Go program at 127.0.0.1:8080 keeps more memory after every collection: 61 MiB to 310.4 MiB within
        4 min, its limit is reached in about 3.2 min"
      observed: {floor_bytes: 325478809, growth_bytes: 261514854, bytes_per_second: 1089645, seconds_to_limit: 192}
      threshold: {warn: 4, crit: 100}
      evidence: ["main.remember holds 290.1 MiB (93 %)", "main.remember added 240 MiB of 249 MiB within 4 min"]
      causes: ["what main.remember allocates is kept: nobody lets go of it"]
      remedies:
        - text: "Find who holds it: the kept profile and a second one, compared"
          risk: none
          command: >-
            go tool pprof -sample_index=inuse_space -base KEPT_PROFILE http://127.0.0.1:8080/debug/pprof/heap
      since: 1795871260.13
      details: {rises: 5, top: [{function: main.remember, caller: main.handle, bytes: 304193536, percent: 93.4}]}
snapshot:
  description: The raw numbers, the largest of long lists first.
  returned: success
  type: dict
  sample: {address: "127.0.0.1:8080", goroutines: {count: 14}, heap: {floor: 2097152, retained: 5963776}}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {goroutines: {warn: 1000, crit: 10000}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["metrics 3 times within 4 s", "the heap over 6 collections", "stacks of 14 goroutines"]
samples:
  description: A row for each reading, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795871260.13, start: 1795870000.0, goroutines: 14.0, floor: 2097152.0, cycles: 5.0}]
attachments:
  description:
    - Profiles for the evidence, with C(name), C(content_base64) and C(sha256). The largest are left out where the
      result would be too large.
  returned: success
  type: list
  elements: dict
  sample: [{name: heap-1.pb.gz, content_base64: "H4sIAAAA...", sha256: "5f2c..."}]
collected_at:
  description: When the look began, in UTC.
  returned: success
  type: str
  sample: "2026-11-28T12:43:05.120+00:00"
duration_ms:
  description: How long it took.
  returned: success
  type: int
  sample: 4061
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.go_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
