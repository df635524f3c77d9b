#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_health_info
short_description: Find out what is wrong with the workloads of a Kubernetes cluster
version_added: 0.1.0
description:
  - Looks at pods, workloads, nodes, services, autoscalers, budgets, quotas, volume claims, jobs and events, all lists
    at once and page by page within one deadline, then at the logs of what is in trouble, and returns what is wrong as
    findings with remedies, safest first.
  - A finding names the workload that owns the pods, once, with its pods under it. Each cause gives one finding. What
    follows from it (too few replicas, a stuck rollout, a service without endpoints, a blind autoscaler) is told in it,
    as C(consequences) of its details, and is no finding of its own.
  - Of a trouble that began with a rollout the finding says so, with the fact that shows it, and offers to undo it.
  - Silent are a rolling update that goes on, a Job that is done, one restart, a workload that is scaled to zero, a
    CronJob that is suspended.
  - A list that may not be read is unknown, and costs nothing but itself. Leave it out of O(parts) where that is meant.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.kubernetes
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the cluster in findings about the cluster itself.
    type: str
    default: kubernetes
  components:
    description:
      - Inventory host by workload, service or node, as C(NAMESPACE/NAME) or C(NAME), where the one is what the other
        runs on. Without an entry the component of a finding is C(workload:NAMESPACE/NAME), C(service:NAMESPACE/NAME) or
        C(node:NAME).
    type: dict
    default: {}
  namespaces:
    description:
      - Namespaces to look at. Without it all are, which needs the right to list in all of them. An empty list is an
        error.
    type: list
    elements: str
  label_selector:
    description:
      - Only pods, workloads, jobs, services, autoscalers and budgets with these labels, as V(app=orders,tier!=test).
    type: str
  names:
    description:
      - Only these workloads, as C(NAME) or C(NAMESPACE/NAME), with what belongs to them. One that does not exist is a
        finding.
    type: list
    elements: str
  parts:
    description: What to look at. An account without the right to list one of them leaves it out.
    type: list
    elements: str
    choices:
      - pods
      - deployments
      - statefulsets
      - daemonsets
      - replicasets
      - jobs
      - cronjobs
      - nodes
      - hpas
      - pdbs
      - quotas
      - pvcs
      - endpointslices
      - services
      - events
    default:
      - pods
      - deployments
      - statefulsets
      - daemonsets
      - replicasets
      - jobs
      - cronjobs
      - nodes
      - hpas
      - pdbs
      - quotas
      - pvcs
      - endpointslices
      - services
      - events
  log_lines:
    description:
      - Lines to read of the log of each container in trouble, of its life before and of this one, at most 10000 and
        256 KiB. Of each workload two pods are read, of all 20 containers. V(0) reads none.
    type: int
    default: 100
  well_logs:
    description:
      - Also read the logs of pods that are well, of up to five of each workload in O(names), into C(near) of its entry
        in RV(snapshot). A consumer that fails on a record is well for Kubernetes.
    type: bool
    default: false
  scale_to:
    description:
      - Ask how far each workload in O(names) may grow, up to so many replicas, by what
        M(incident.response.kubernetes_workload) would refuse. The answer is C(near.growth) of its entry in
        RV(snapshot), with C(fits), how many more are possible, and C(against), what speaks against one more than that.
    type: int
  depth:
    description:
      - V(full) reads the counters of CPU throttling from the kubelets, through the API. They are judged against an
        earlier look, see O(history).
    type: str
    default: quick
    choices: [quick, full]
  window:
    description: Seconds back in which a crash, an OOM kill, an eviction or an event still counts.
    type: float
    default: 1200.0
  job_window:
    description: Seconds back in which a failed Job still counts.
    type: float
    default: 86400.0
  recent_rollout:
    description: Seconds after a rollout in which trouble that begins is taken for the new revision's.
    type: float
    default: 3600.0
  max_rows:
    description: Findings of each id at most, the worst ones. The snapshot says how many there were.
    type: int
    default: 100
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(restarts) of a container that ended within O(window) (2, 5), C(memory_percent) of a limit for an exit code 137
        to be taken for an OOM kill (92, 95), C(quota_percent) used (100, 100), C(throttled_percent) of periods
        (25, 75).
      - Seconds that something lasts, C(unscheduled_seconds) (120, 900), C(unready_seconds) (180, 900),
        C(short_seconds) (180, 900), C(starting_seconds) (180, 900), C(stale_seconds) (60, 900), C(node_seconds)
        (60, 600), C(pressure_seconds) (120, 900), C(hpa_seconds) (900, 3600), C(pdb_seconds) (900, 3600),
        C(late_seconds) (300, 3600), C(volume_seconds) (120, 900).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "K8S-01: C(kubernetes.pod.crashloop); C(kubernetes.init.failing), of an init container;
    C(kubernetes.command.bad), the command does not start; C(kubernetes.liveness.killing), a failing probe has it
    killed."
  - "K8S-02: C(kubernetes.memory.oom), also where the runtime calls it Error with 137 and the node or the working set
    say that memory ran out."
  - "K8S-03: C(kubernetes.image.pull). K8S-04: C(kubernetes.config.missing). K8S-05: C(kubernetes.pod.unschedulable);
    C(kubernetes.volume.pending), where it is a volume."
  - "K8S-06: C(kubernetes.readiness.failing); its state is unknown where the API uses a word that this check does not
    know."
  - "K8S-07: C(kubernetes.replicas.short), where nothing tells why. K8S-08: C(kubernetes.rollout.stuck);
    C(kubernetes.replicas.refused), by a quota, a webhook or a policy."
  - "K8S-09: C(kubernetes.status.stale); nothing else about that workload is judged. K8S-10:
    C(kubernetes.endpoints.none)."
  - "K8S-11: C(kubernetes.pod.evicted), C(kubernetes.node.notready), C(kubernetes.node.pressure). K8S-12:
    C(kubernetes.hpa.max), C(kubernetes.hpa.blind). K8S-13: C(kubernetes.pdb.blocked), C(kubernetes.quota.full), where
    nobody was refused because of it yet. K8S-14: C(kubernetes.cpu.throttled)."
  - "No row: C(kubernetes.job.failed), C(kubernetes.cronjob.late)."
  - "The API itself: C(kubernetes.api.unreachable), C(kubernetes.api.silent), C(kubernetes.api.tls) with the exact
    reason, C(kubernetes.auth.failed), C(kubernetes.auth.forbidden). About a part of the cluster these have the state
    unknown, which is never the same as healthy."
  - The details of a finding about an object have C(kind), C(namespace) and C(name) of the workload, mostly C(pods), and
    C(consequences) where something follows from it.
  - Logs of the life before (C(previous)) and events are gone with the pod, events an hour after they were written. Keep
    them before anything is deleted or restarted.
  - It needs the rights to get and list what O(parts) names, to get C(pods/log), and with the depth V(full)
    C(nodes/proxy).
"""

EXAMPLES = r"""
- name: Look at all workloads of a cluster
  incident.response.kubernetes_health_info:
    kubeconfig: ~/.kube/config
    context: production
  register: cluster

- name: Look at one namespace as an account that may not see nodes
  incident.response.kubernetes_health_info:
    host: https://api.example.com:6443
    ca_cert: /etc/kubernetes/ca.pem
    api_key: "{{ lookup('ansible.builtin.file', '/run/secrets/token') }}"
    namespaces: [shop]
    parts: [pods, deployments, replicasets, services, endpointslices, events]

- name: One workload that an inventory host runs as
  incident.response.kubernetes_health_info:
    namespaces: [shop]
    names: [shop/orders]
    components:
      shop/orders: orders-api
"""

RETURN = r"""
reachable:
  description: Whether the API answered.
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
    - id: kubernetes.pod.crashloop
      component: "workload:shop/orders"
      subject: Deployment shop/orders
      state: critical
      severity: P2
      summary: "Deployment shop/orders crashes again and again (1 of 3 pods, 3 ready); it began with revision 7, rolled
        out 240 s ago: all sick pods are of it; 3 of the revision before are ready"
      observed: {pods: 1, wanted: 3, ready: 3, exit_codes: [1]}
      threshold: {warn: 2, crit: 5}
      evidence:
        - "pods: orders-6c9f7d-x2x4k"
        - "container orders ended 12 s ago after 1 s with exit code 1 (Error), restarted 5 times"
        - "log: connect: connection refused"
      causes:
        - "the new revision: it began with revision 7, rolled out 240 s ago: all sick pods are of it"
      remedies:
        - text: Go back to the revision before
          risk: disruptive
          command: kubectl -n shop rollout undo deployment/orders
      since: 1795871260.13
      details: {kind: Deployment, namespace: shop, name: orders, pods: [orders-6c9f7d-x2x4k], new_revision: true}
snapshot:
  description:
    - The raw facts. C(workloads) has an entry by C(NAMESPACE/NAME), those with findings first, with what is wanted and
      ready, the revision, and the sick pods with their containers, and of those in trouble the last lines of
      their logs and stack traces, and C(near) where O(scale_to) or O(well_logs) asked for it.
    - C(workloads_left_out) is how many more there were, C(unread) what could not be read.
  returned: success
  type: dict
  sample:
    version: v1.34.0
    pods: 212
    workloads:
      shop/orders: {kind: Deployment, wanted: 3, ready: 3, revision: 7, findings: [kubernetes.pod.crashloop]}
    unread: []
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {restarts: {warn: 2, crit: 5}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["212 pods, 1 of them looked at closely"]
samples:
  description: Counters of CPU time with the depth V(full), for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: []
attachments:
  description: Logs of the containers in trouble, for the evidence files.
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
  sample: 420
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.kubernetes_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
