#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_service
short_description: Start, restart, unpause or continue the containers of a service
version_added: 0.1.0
description:
  - Acts on the containers that a Compose service has (or on one container), never creates or removes one, and reports
    a change only where it saw one.
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
    description: Status, time of start, health and restarts before and after.
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
    type: str
    required: true
    choices: [started, restarted, unpaused, continued]
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
    description: Restart a paused container all the same, which throws away what it holds.
    type: bool
    default: false
  stop_timeout:
    description: Seconds between SIGTERM and SIGKILL in a restart. Without it the container's own.
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
"""

RETURN = r"""
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
      after:
        status: running
        started_at: "2026-11-28T13:09:11.102035512Z"
        health: healthy
        restart_count: 0
        stopped_processes: 0
diff:
  description: The states of all containers before and after, by name.
  returned: always
  type: dict
  sample: {before: {shop-orders-1: {status: paused}}, after: {shop-orders-1: {status: running}}}
msg:
  description: What was done, would be done, or why not.
  returned: always
  type: str
  sample: did restart shop-notification-1, which is running
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import Failed, apply
from ansible_collections.incident.response.plugins.module_utils.module.check import missing_library
from ansible_collections.incident.response.plugins.module_utils.module.docker_service_options import SPEC


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.module_kwargs())
    problem = missing_library((("docker", "docker", "7.1.0"),))
    if problem:
        module.fail_json(msg=problem)
    try:
        result = apply(module.params, module.check_mode)
    except Failed as error:
        module.fail_json(**error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
