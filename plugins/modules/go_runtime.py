#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: go_runtime
short_description: Let a Go program collect its garbage, and see what that gives back
version_added: 0.1.0
description:
  - Asks for the heap profile after a collection (C(heap?gc=1)), with the memory before and after.
  - It tells garbage from what is really held. What stays afterwards is in use, and only a change of the program or a
    restart lets it go.
  - The program stands still for the moments that a collection needs, and the profile needs memory. So it is refused
    from 90 % of O(memory_limit) or of the program's own C(GOMEMLIMIT) on, where it could be what tips the program over.
  - It has changed something only where the program's own counter of collections rose. It fails where it did not.
extends_documentation_fragment:
  - incident.response.go
author:
  - The incident.response authors (@incident-response)
options:
  metrics_url:
    description: Address of the metrics of the program; they show the collection.
    type: str
    required: true
  pprof_url:
    description: Address above the profiles of C(net/http/pprof), such as V(http://127.0.0.1:8080/debug/pprof).
    type: str
    required: true
  state:
    description: V(collected) collects once.
    type: str
    choices: [collected]
    default: collected
  identity:
    description:
      - The process that is meant, by C(start), its C(process_start_time_seconds); another one, or the same one
        restarted, is refused.
    type: dict
  deadline:
    description: Seconds that everything may take.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Looks, refuses what it would refuse, and collects nothing.
  diff_mode:
    support: full
    description: The memory before and after.
"""

EXAMPLES = r"""
- name: Is it garbage, or is it in use
  incident.response.go_runtime:
    metrics_url: http://127.0.0.1:8080/metrics
    pprof_url: http://127.0.0.1:8080/debug/pprof
    memory_limit: 536870912
  register: collected

- name: Show what it gave back and who holds the rest
  ansible.builtin.debug:
    msg: "{{ collected.msg }}; {{ collected.top | map(attribute='function') | first }} holds most of the rest"
"""

RETURN = r"""
before:
  description: Bytes in use, and collections since the start, before.
  returned: success
  type: dict
  sample: {alloc: 127190026, inuse: 130023424, released: 5963776, rss: 141557760, collections: 7}
after:
  description: The same afterwards.
  returned: when it collected
  type: dict
  sample: {alloc: 42190026, inuse: 45023424, released: 5963776, rss: 141557760, collections: 8}
collections:
  description: How many collections were seen.
  returned: success
  type: int
  sample: 1
freed_bytes:
  description: How much less is in use than before; below 0 where more was added meanwhile.
  returned: when it collected
  type: int
  sample: 85000000
top:
  description: Who holds what is still in use, the most first.
  returned: when it collected
  type: list
  elements: dict
  sample: [{function: main.remember, caller: main.handle, bytes: 40310784, with_called: 40310784}]
attachments:
  description: The heap profile after the collection, with C(name), C(content_base64) and C(sha256).
  returned: success
  type: list
  elements: dict
  sample: [{name: heap-after-gc.pb.gz, content_base64: "H4sIAAAA...", sha256: "5f2c..."}]
"""

from ansible_collections.incident.response.plugins.module_utils.checks.go_runtime import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change
from ansible_collections.incident.response.plugins.module_utils.module.go_options import REQUIREMENTS


def main() -> None:
    run_change(SPEC, REQUIREMENTS, perform, CollectError)


if __name__ == "__main__":
    main()
