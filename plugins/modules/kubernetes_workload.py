#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_workload
short_description: Restart, scale, roll back or enlarge a workload of Kubernetes, and take it back where that is worse
version_added: 0.1.0
description:
  - Changes one Deployment, StatefulSet or DaemonSet, or deletes one pod that is replaced. It waits for the rollout, and
    where fewer pods are available than before and the new ones fail, it puts back what was, says so and fails.
  - The change holds for the very version of the object that was looked at. Where the server has another one meanwhile,
    all is looked at and judged anew; where somebody changed what it should be, or it is another object, it refuses.
  - What speaks against the change is told all at once, each with its reason (RV(refused)). Where O(override) can set it
    aside, the message says so.
  - The rights it needs, in O(namespace), are C(get) and C(patch) of the kind, C(list) of pods, replicasets and
    poddisruptionbudgets, for O(state=rolled_back) of controllerrevisions, for O(state=deleted_pod) C(delete) of pods.
    Where it may, it looks at autoscalers, quotas, limit ranges, claims and leases, and at nodes and all pods.
extends_documentation_fragment:
  - incident.response.kubernetes
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: Lets the server try it (C(dryRun=All)), with admission and all, after the same refusals.
  diff_mode:
    support: full
    description: What is different in the template, the replicas and the cause of the change, secrets hidden.
options:
  namespace:
    description: Namespace of the workload.
    type: str
    required: true
  kind:
    description: V(Deployment), V(StatefulSet) or V(DaemonSet). Others are refused, with what to do instead.
    type: str
    default: Deployment
  name:
    description: Name of the workload. Needed for every state but V(deleted_pod).
    type: str
  pod:
    description: The pod of O(state=deleted_pod), in place of O(name). What owns it is found, and has to replace it.
    type: str
  state:
    description:
      - V(restarted) makes all pods anew, as C(kubectl rollout restart) does it.
      - V(scaled) sets O(replicas). A DaemonSet has none.
      - V(rolled_back) brings back the template of the revision before, or of O(revision). ConfigMaps, Secrets and the
        schema of a database stay as they are.
      - V(memory_limit) raises the memory limit of one container to O(memory), which makes all pods anew. It never
        lowers one. The request stays, or is raised to O(memory_request).
      - V(deleted_pod) deletes one pod.
    type: str
    required: true
    choices: [restarted, scaled, rolled_back, memory_limit, deleted_pod]
  replicas:
    description: Pods that O(state=scaled) sets.
    type: int
  revision:
    description: The revision of O(state=rolled_back). Without it, the newest one before now with another template.
    type: int
  container:
    description: The container of O(state=memory_limit). Needed where there are several.
    type: str
  memory:
    description: The limit of O(state=memory_limit), as V(256Mi), V(1.5Gi), or bytes.
    type: str
  memory_request:
    description: What the container requests then, at most O(memory) and never less than now.
    type: str
  identity:
    description:
      - The workload that somebody decided about, or the pod with O(state=deleted_pod). It has to be the same one still.
      - What is not given counts for nothing. C(uid) and C(generation) say that nobody replaced it or changed what it
        should be; C(resource_version) also changes with each write of its status.
    type: dict
    suboptions:
      uid:
        description: Its C(metadata.uid).
        type: str
      resource_version:
        description: Its C(metadata.resourceVersion).
        type: str
      generation:
        description: Its C(metadata.generation).
        type: int
  postgresql_headroom:
    description:
      - Free connections of the PostgreSQL that the pods use. Pods that come beside the old ones, for good or while a
        rollout goes on, must not open more than these.
    type: int
  pool_size:
    description: Connections that one pod may open. Goes with O(postgresql_headroom).
    type: int
  partitions:
    description: Partitions of the topic that the pods consume. More pods than these are refused.
    type: int
  override:
    description:
      - Refusals to set aside, by name.
      - V(autoscaler) owns the replicas. V(budget) of disruption is exceeded. V(controller), as of an operator, owns the
        workload. V(fewer) or V(zero) replicas are asked for. V(gitops) keeps what would change as a repository says.
      - V(outage) is what the change would be, for all that serves goes at once. V(paused) is the rollout, and it is to
        be scaled all the same. V(room) is missing on the nodes (an autoscaler of the cluster may make some).
      - V(single_writer) means that more than one pod can't work (a ReadWriteOnce volume, a leader election, strategy
        C(Recreate)). V(start_error) means that pods can't start (image, config), which the change would not mend.
    type: list
    elements: str
    choices:
      - autoscaler
      - budget
      - controller
      - fewer
      - gitops
      - outage
      - paused
      - room
      - single_writer
      - start_error
      - zero
    default: []
  undo:
    description:
      - When to take the change back. V(worse) means that new pods fail and fewer are available than before. V(failed)
        is whenever it does not come to its end well. V(never) leaves it to people.
    type: str
    choices: [worse, failed, never]
    default: worse
  wait:
    description:
      - Whether to wait until all pods are of the new template, available, and none of them was restarted. Without it
        nothing is undone either.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait. As long again is waited for what is taken back.
    type: float
    default: 300.0
seealso:
  - module: incident.response.docker_service
"""

EXAMPLES = r"""
- name: Restart the workload that was looked at, and nothing that came in its place
  incident.response.kubernetes_workload:
    namespace: shop
    name: notification
    state: restarted
    identity:
      uid: 0e0cbb31-7d6f-4d5b-a4a5-6e3f0b8c6a11
      generation: 7

- name: See what the server would say to three replicas
  incident.response.kubernetes_workload:
    namespace: shop
    name: notification
    state: scaled
    replicas: 3
    partitions: 3
    postgresql_headroom: 40
    pool_size: 10
  check_mode: true
  diff: true

- name: Go back to what ran before the last deploy
  incident.response.kubernetes_workload:
    namespace: shop
    name: orders
    state: rolled_back

- name: Give a container that is killed for want of memory more of it
  incident.response.kubernetes_workload:
    namespace: shop
    kind: StatefulSet
    name: cache
    state: memory_limit
    container: redis
    memory: 512Mi

- name: Have one pod made anew
  incident.response.kubernetes_workload:
    namespace: shop
    pod: orders-6d4cf56db6-x2x7k
    state: deleted_pod
    identity:
      uid: 6b1d3c1e-52f5-4b0e-9a6d-0d1b4b8f2f77
"""

RETURN = r"""
after:
  description: The workload as it was seen last, in the form of RV(before). In check mode as the server would store it.
  returned: when it was found
  type: dict
  sample:
    generation: 8
    replicas: 3
    available: 3
    updated: 3
    restarted_at: ""
    images: {app: registry.example/orders:1.4.2}
    memory_limits: {app: 134217728}
    memory_requests: {app: 67108864}
before:
  description: The workload as it was when the change was planned. Memory in bytes, null where nothing is set.
  returned: when it was found
  type: dict
  sample:
    generation: 7
    replicas: 2
    available: 2
    updated: 2
    restarted_at: ""
    images: {app: registry.example/orders:1.4.2}
    memory_limits: {app: 134217728}
    memory_requests: {app: 67108864}
by_hand:
  description: The command that a person would type for the same.
  returned: always
  type: str
  sample: kubectl -n shop scale deployment/orders --replicas=3
diff:
  description: What is different in the workload before and after, and nothing else of it.
  returned: always
  type: dict
  sample: {before: {replicas: 2}, after: {replicas: 3}}
msg:
  description: What was done, would be done, or why not.
  returned: always
  type: str
  sample: "did restart Deployment shop/orders: 2 of 2 pods are of the new template, 2 available (2 before)"
notes:
  description:
    - What else to know, as what will undo it later, what could not be looked at, and why requests may be lost while its
      pods go and come.
  returned: always
  type: list
  elements: str
  sample: ["helm wrote what is changed here: the next deploy with it goes back to that"]
overridden:
  description: What O(override) set aside, in the form of RV(refused).
  returned: always
  type: list
  elements: dict
  sample: []
refused:
  description:
    - Everything that spoke against it (C(reason), C(why)). C(override) is the word that sets it aside, empty where none
      does.
  returned: always
  type: list
  elements: dict
  sample:
    - reason: autoscaler
      why: "the autoscaler orders owns the replicas (1 to 5) and would undo it: change its limits instead"
      override: autoscaler
undone:
  description: Whether the change was taken back.
  returned: always
  type: bool
  sample: false
workload:
  description: Which it is. C(uid) and C(generation) are the O(identity) of a later call.
  returned: when it was found
  type: dict
  sample:
    kind: Deployment
    namespace: shop
    name: orders
    uid: 0e0cbb31-7d6f-4d5b-a4a5-6e3f0b8c6a11
    resource_version: "48213"
    generation: 8
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_workload import apply
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse, missing_library
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_options import (
    REQUIREMENTS,
    check_connection,
)
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_workload_options import SPEC


def main() -> None:
    module = AnsibleModule(supports_check_mode=True, **SPEC.module_kwargs())
    problem = missing_library(REQUIREMENTS)
    if problem:
        module.fail_json(msg=problem)
    try:
        check_connection(module.params)
        result = apply(module.params, module.check_mode)
    except Misuse as error:
        module.fail_json(msg=str(error))
    except Failed as error:
        module.fail_json(**error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
