#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_health_info
short_description: Find out what is wrong with a Kafka cluster and its consumer groups
version_added: 0.1.0
description:
  - Looks at brokers, metadata quorum, partitions, topics, disks, open transactions and the lag of consumer groups,
    over one connection and within one deadline, and returns what is wrong as findings with remedies, safest first.
  - It only reads. Records are read at no more than 5 offsets that wait, without a group, and none of their content
    is kept.
  - Each address is probed before Kafka's own client is asked, so that a refused connection, a name that does not
    resolve, a silent port, another program on the port, TLS and a refused login are told apart within seconds.
  - A group's lag is judged by movement, not by size. C(ok) is within O(allowed_lag) at some sample. C(catching_up)
    falls fast enough to be gone within a day, with the time that it will take. C(slow) has commits that advance and
    lag that does not fall. C(stalled) has members and no commit for at least twice O(commit_interval). C(stopped)
    has lag and nobody who reads it. C(rewound) has a committed offset that fell. C(unknown) could not be told from
    so few samples.
  - A committed offset is judged together with where the log begins and ends. Lag behind an open transaction is laid
    to the transaction. A partition that was never committed is not counted as lag.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.kafka
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the cluster in findings; the inventory host in a play of this collection.
    type: str
    default: kafka
  expected_brokers:
    description: Ids of the brokers that should serve. Without it, those that are registered or hold replicas.
    type: list
    elements: int
  expected_topics:
    description: Topics that have to exist.
    type: list
    elements: str
  expected_replication:
    description: Replicas that each topic should have. Without it 3, or the number of brokers where that is lower.
    type: int
  busy_topics:
    description: Topics in which records arrive all the time.
    type: list
    elements: str
  groups:
    description: Consumer groups to look at, as names or globs. Without it all.
    type: list
    elements: str
  exclude_groups:
    description: Consumer groups not to look at, as names or globs. It wins over O(groups).
    type: list
    elements: str
    default: []
  topics:
    description: Topics to look at, as names or globs. Without it all.
    type: list
    elements: str
  exclude_topics:
    description: Topics not to look at, as names or globs. It wins over O(topics).
    type: list
    elements: str
    default: []
  expected_empty:
    description:
      - Groups, as names or globs, that have no members between their runs, so that lag without members is no fault.
    type: list
    elements: str
    default: []
  allowed_lag:
    description: Records behind that nobody calls lag, for each partition.
    type: int
    default: 10
  samples:
    description:
      - How often offsets are read. One is quick, and judges movement by O(history) only.
    type: int
    default: 3
  interval:
    description: Seconds between two samples.
    type: float
    default: 5.0
  commit_interval:
    description:
      - Seconds between two commits of a healthy consumer. Nothing is called stalled before twice that time has
        passed.
    type: float
    default: 5.0
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(lag) is the sum over a group (1000, 10000), C(lag_age_seconds) the age of the oldest record that waits
        (60, 600).
      - C(disk_used_percent) is of a log directory's disk (85, 95).
      - C(quorum_lag_records) (1000, 10000) and C(quorum_lag_seconds) (10, 60) are of a controller.
      - C(rebalance_seconds) is how long a group was seen without a settled assignment (5, 300).
      - C(expiring_percent) is the part of C(offsets.retention.minutes) that has passed for an empty group (71, 93).
      - C(transaction_seconds) is the age of an open transaction (60, 1200).
      - C(traffic_seconds) is the age of the newest record of a busy topic (600, 3600).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "KFK-01: C(kafka.broker.unreachable) (refused), C(kafka.broker.dns), C(kafka.broker.timeout), C(kafka.broker.silent)
    (accepts and says nothing), C(kafka.broker.reset), C(kafka.broker.not_kafka), C(kafka.broker.tls),
    C(kafka.broker.auth)."
  - "KFK-02: C(kafka.listener.unreachable), an advertised address."
  - "KFK-03: C(kafka.quorum.no_leader), C(kafka.quorum.lagging). KFK-04: C(kafka.partition.offline).
    KFK-05: C(kafka.partition.under_replicated), C(kafka.topic.unreplicated). KFK-06: C(kafka.partition.under_min_isr).
    A partition is listed under the worst of its names only."
  - "KFK-07: C(kafka.logdir.failed), C(kafka.disk.low). KFK-08: C(kafka.broker.missing). No row:
    C(kafka.topic.missing), a declared topic that is not there."
  - "KFK-09: C(kafka.lag.stopped). KFK-10: C(kafka.lag.stalled). KFK-11: C(kafka.lag.slow).
    KFK-12: C(kafka.lag.rewound). KFK-13: C(kafka.group.rebalancing)."
  - "KFK-14: C(kafka.offset.expired), C(kafka.offset.ahead). KFK-15: C(kafka.group.unassigned),
    C(kafka.group.idle_members)."
  - "KFK-16: C(kafka.transaction.hanging). KFK-17: C(kafka.record.corrupt). KFK-21: C(kafka.traffic.none).
    KFK-22: C(kafka.group.expiring)."
  - "KFK-19: C(kafka.lag.high). KFK-20: C(kafka.lag.age). Both only where nothing more telling was found about a group."
  - "KFK-18: C(kafka.record.poison) takes two checks. The role P(incident.response.scenario_kafka#role) raises it where
    one partition stands still and the log of its consumer names that offset again and again."
  - The component of a finding about a group is C(group:NAME), that of all others is O(component).
  - C(kafka.unmeasured) has the state C(unknown) and says what could not be read and why. It is never the same as
    healthy.
  - There is one finding for each id and component. Addresses or partitions that share it are its members, the first
    20 and the total in C(details). Of more than 50 groups with the same fault the rest are named together in one
    finding.
  - Members of groups of the new consumer protocol (KIP-848) can't be read with this client; their lag is judged
    without. The lag of share groups can't be read.
"""

EXAMPLES = r"""
- name: Look at the cluster and at what its consumers do within ten seconds
  incident.response.kafka_health_info:
    bootstrap_servers:
      - 127.0.0.1:9092
  register: kafka

- name: One quick look at some groups
  incident.response.kafka_health_info:
    bootstrap_servers: [127.0.0.1:9092]
    samples: 1
    groups: [notification, billing-*]

- name: A batch consumer may be away, and this topic must be busy
  incident.response.kafka_health_info:
    bootstrap_servers: [127.0.0.1:9092]
    expected_empty: [nightly-*]
    expected_topics: [notifications]
    allowed_lag: 100
    samples: 3
    interval: 2
    commit_interval: 2
    thresholds:
      lag: {warn: 5000, crit: 50000}

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ kafka.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether at least one bootstrap address answered as a Kafka broker.
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
    - id: kafka.lag.stopped
      component: "group:notification"
      subject: group notification
      state: critical
      severity: P2
      summary: Nobody reads for group notification (it has no members), and 512 records wait in notifications
      observed: {lag: 512, partitions: 1, verdict: stopped}
      threshold: {allowed_lag: 10}
      evidence: ["state Empty, members: 0, lag of the whole group: 512"]
      causes: ["the consumer crashed, was stopped or scaled to zero"]
      remedies:
        - text: Start the consumer of this group; it goes on where it stopped
          risk: low
          command: ""
      since: 1795871260.13
      details:
        group: notification
        topic_partitions:
          - {topic: notifications, partition: 0, committed: 70, end: 582, lag: 512, verdict: stopped}
        total: 1
        members: 0
        members_hosts: []
        state: Empty
        eta_seconds: null
snapshot:
  description: The raw numbers, the largest of long lists first and with their totals.
  returned: success
  type: dict
  sample: {cluster_id: MkU3OEVBNTcwNTJENDM2Qg, topics_total: 2, partitions_total: 7, groups_total: 1}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {allowed_lag: 10, lag: {warn: 1000, crit: 10000}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["1 of 1 bootstrap server answered", "1 group with 3 samples over 10 s"]
samples:
  description: Offsets of each group and partition, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample:
    - {at: 1795871260.13, group: notification, topic: notifications, partition: 0, committed: 70, end: 582}
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
  sample: 84
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.kafka_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
