#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_health_info
short_description: Find out what is wrong with a Prometheus, and what it knows about services
version_added: 0.1.0
description:
  - Looks at the server itself (ready, taking in samples, configuration, rules, whether its alerts reach anybody, time),
    at its targets and alerts, and asks it about every job, its errors, error budget, traffic, latency and restarts.
    It returns what is wrong as findings with remedies, safest first.
  - What is not there is never taken for zero. Errors are judged from O(min_requests) requests on, a burn rate only
    where there are data from the beginning of its window on, and a job whose targets are down has no traffic that is
    known.
    What can't be told is C(insufficient_data) in RV(snapshot).
  - First it asks whether the server is ready, and nothing more of one that is not there. Then it sends about 25 small
    queries, six at a time. At most 16 MiB of an answer are read; queries return one row for each job.
  - Warnings that come beside an answer are a finding, and queries that are refused (400), can't be run (422) or are
    given up (503) are told apart.
  - It only sends C(GET). Proxies in the environment are not used.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.http_endpoint
author:
  - The incident.response authors (@incident-response)
options:
  url:
    description: URL of the server, with its route prefix where it has one, such as C(http://mon.example.com/prometheus).
    type: str
    required: true
  component:
    description:
      - Name of the server in findings; the inventory host in a play of this collection. Without it host and port of
        the URL.
    type: str
  components:
    description:
      - Inventory host that is behind a job, by the name of the job. Findings about a job have that host as their
        component, so that a dependency graph can use them. Without it their component is C(job:NAME).
    type: dict
    default: {}
  parts:
    description:
      - What to look at. Frontends such as Thanos and Mimir lack C(server), C(alertmanagers) or C(targets); what is
        asked for and not there is the finding C(prometheus.unmeasured), so leave it out for them.
    type: list
    elements: str
    choices: [server, rules, alerts, alertmanagers, targets, services]
    default: [server, rules, alerts, alertmanagers, targets, services]
  at:
    description:
      - Moment to look back at, as C(2026-11-28T12:00:00Z) or seconds since 1970. Only what queries tell is judged then;
        rules, Alertmanagers and errors of scrapes are of now and left out.
    type: str
  jobs:
    description:
      - Jobs to look at, as names or patterns with C(*) and C(?). Without it all of them. A name without a pattern of
        which there is no target is the finding C(prometheus.job.missing).
    type: list
    elements: str
  exclude_jobs:
    description: Jobs to leave out, as in O(jobs).
    type: list
    elements: str
    default: []
  job_label:
    description: Label by which services are told apart.
    type: str
    default: job
  status_label:
    description:
      - Label of the requests that holds the HTTP status. Without it the usual ones (C(status), C(code), C(status_code),
        C(http_status_code), C(http_response_status_code)) that the server has are used.
    type: str
  requests_metric:
    description:
      - Name of the counter of requests. Without it C(http_requests_total), and a server that has none of it is no
        finding. One that is named here and missing is C(prometheus.unmeasured).
    type: str
  latency_metric:
    description:
      - Name of the histogram of durations in seconds, without C(_bucket). Without it C(http_request_duration_seconds).
        The quantile can't be above the highest bound of its buckets; native histograms are not read.
    type: str
  window:
    description:
      - Window over which errors, traffic and latency are judged, as C(5m) or in seconds. A job that is scraped less
        than four times within it is the finding C(prometheus.window.short).
    type: str
    default: 5m
  compare_offset:
    description: How long ago the traffic was that O(window) is compared with.
    type: str
    default: 1h
  lookback:
    description: Time within which restarts count.
    type: str
    default: 15m
  settle:
    description:
      - Time after a start or a reload of the configuration in which Prometheus does not know its Alertmanagers yet.
        Whether it reaches one is not judged within it, and what it dropped in it does not count.
    type: str
    default: 30s
  slo:
    description: Share of requests in percent that has to be answered without 5xx. It defines the error budget.
    type: float
    default: 99.9
  burn_windows:
    description:
      - Pairs of windows that find a burn rate where both are above the factor. Without it 1h and 5m (14.4, P1), 6h
        and 30m (6, P2), 1d and 2h (3, P3), 3d and 6h (1, P4). An empty list switches burn rates off.
    type: list
    elements: dict
    suboptions:
      long:
        description: The long window, as C(1h).
        type: str
        required: true
      short:
        description: The short window, as C(5m).
        type: str
        required: true
      factor:
        description: How many times faster than evenly the budget has to be used up.
        type: float
        required: true
      severity:
        description: Severity of the finding.
        type: str
        choices: [P1, P2, P3, P4]
        default: P2
  min_requests:
    description: Requests within a window below which nothing is judged by it.
    type: int
    default: 20
  expected_down:
    description: Targets that are away on purpose, as patterns of C(JOB) or C(JOB/INSTANCE). They are no finding.
    type: list
    elements: str
    default: []
  watchdog:
    description:
      - Name of the alert that has to fire always. Without it the rules C(Watchdog), C(DeadMansSwitch) and
        C(DeadMansSnitch) are known as such where they exist.
    type: str
  report_alerts:
    description:
      - Whether firing alerts are findings too. They are in RV(snapshot) in any case; as findings most of them repeat
        what a check has found already.
    type: bool
    default: false
  max_rows:
    description: Findings of one id, and rows of each list of RV(snapshot), at most, the worst ones first.
    type: int
    default: 100
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(errors_per_100) is answers with 5xx among 100 requests (1, 5).
      - C(drop_percent) is what traffic lost against O(compare_offset) ago (50, 90), where that is more than chance.
      - C(latency_ms) is the 99th percentile of requests (1000, 3000).
      - C(restarts) is changes of a process's start time within O(lookback) (2, 3).
      - C(clock_seconds) is the difference of clocks (5, 30), C(clock_offset_ms) what node_exporter says about that to
        its time servers (50, 500).
      - C(ingestion_seconds) is without a new sample (300, 600), and never below four scrape intervals.
      - C(replay_seconds) is for which the log is read back (0, 300).
      - C(rule_intervals) is intervals for which a group was not evaluated (4, 10).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "No row: C(prometheus.server.unreachable), with the way in which it fails (refused, timeout, silent, TLS) in
    RV(ignore:details.kind); C(prometheus.server.unexpected) (an Alertmanager, a login page, a proxy, another program)."
  - "PRM-01: C(prometheus.server.not_ready), C(prometheus.server.replaying) with its progress. PRM-02:
    C(prometheus.ingestion.stopped)."
  - "PRM-03: C(prometheus.config.reload_failed), C(prometheus.rule.failing), C(prometheus.rule.stale)."
  - "PRM-04: C(prometheus.alertmanager.none) (only where there are alerts or rules for them),
    C(prometheus.notifications.dropped). PRM-07, as far as Prometheus knows: C(prometheus.watchdog.silent)."
  - "PRM-08: RV(snapshot), key C(cardinality), without a finding. PRM-09: C(prometheus.clock.skew)."
  - "TRI-01: C(prometheus.errors.ratio). TRI-02: C(prometheus.errors.burn). TRI-03: C(prometheus.traffic.cliff). TRI-04:
    C(prometheus.target.down), C(prometheus.job.down), C(prometheus.job.missing). TRI-05: C(prometheus.alert.firing),
    only with O(report_alerts)."
  - "SVC-10: C(prometheus.latency.p99). SVC-13: C(prometheus.process.restarts)."
  - C(prometheus.auth.rejected), C(prometheus.query.failed), C(prometheus.query.partial), C(prometheus.window.short) and
    C(prometheus.unmeasured) have the state C(unknown) and say what could not be looked at and why. They are never the
    same as healthy.
  - Credentials and O(secret_headers) are sent to the host of O(url), never to another one it redirects to. The tenant
    of Mimir or Thanos (C(X-Scope-OrgID)) is a header as any other.
"""

EXAMPLES = r"""
- name: Look at a Prometheus and at what it knows
  incident.response.prometheus_health_info:
    url: http://127.0.0.1:9090
    job_label: service
    components: {orders: orders, postgres: postgres-main}
  register: monitoring

- name: Look at two jobs of a tenant of Mimir, which has no pages of a server
  incident.response.prometheus_health_info:
    url: https://mimir.example.com/prometheus
    headers: {X-Scope-OrgID: shop}
    bearer_token: "{{ vault_mimir_token }}"
    parts: [rules, alerts, services]
    jobs: ["shop-*", login]
    slo: 99.95

- name: Look at what it was like at the time of the incident
  incident.response.prometheus_health_info:
    url: http://127.0.0.1:9090
    at: "2026-11-28T03:12:00Z"

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ monitoring.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether the server answered, whatever its status.
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
    - id: prometheus.errors.ratio
      component: orders
      subject: job orders
      state: critical
      severity: P2
      summary: "Job orders answers 12 % of its requests with 5xx"
      observed: {errors_per_100: 12.0, errors: 72.1, requests: 600.4, window: 300}
      threshold: {warn: 1, crit: 5}
      evidence: ["72 of 600 requests within 5 min"]
      causes: ["a dependency of it fails (database, cache, queue)"]
      remedies:
        - text: "Look at what it depends on first: a restart of this service will not help while that fails"
          risk: none
          command: ""
      since: null
      details: {prometheus: "http://127.0.0.1:9090", job: orders, service: orders}
snapshot:
  description:
    - What the server said, the rows that matter most first. Ratios of a service are per 100 requests by window, or
      C(insufficient_data). In C(alerts) are those that fire and those that wait for their time.
  returned: success
  type: dict
  sample:
    url: http://127.0.0.1:9090
    server: {ready: true, version: 2.42.0, newest_sample: 1795871260.1}
    targets: {active: 9, down: 0, listed: []}
    rules: {groups: 2, rules: 14, failing: 0}
    alerts: {firing: 0, pending: 1, by_name: [{name: QueueGrows, state: pending, severity: warning, count: 1}]}
    services:
      - job: orders
        component: orders
        requests: 600.4
        requests_before: insufficient_data
        errors_per_100: {300s: 12.0, 3600s: insufficient_data}
        p99_ms: 240.0
        restarts: 0
        targets: [1, 1]
    cardinality: {series: 5120, metrics: {http_request_duration_seconds_bucket: 480}}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {errors_per_100: {warn: 1, crit: 5}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["27 of 27 questions answered", "9 targets scraped every 5 s", "14 rules", "0 alerts firing, 1 pending"]
samples:
  description: One row of this look, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795871260.13, started: 1795860000.0, appended: 150321, dropped: 0}]
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
  sample: 85
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.prometheus_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
