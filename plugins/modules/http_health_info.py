#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: http_health_info
short_description: Find out what is wrong with HTTP services, many of them at once
version_added: 0.1.0
description:
  - Asks one endpoint or a thousand at the same time, tells the phases apart in which each one fails (name, connection,
    TLS, first byte, whole answer, status), reads what its health page blames and what its metrics say, and returns what
    is wrong as findings with remedies, safest first.
  - A port that accepts is not health. The kernel or a proxy accepts for a service that hangs; so an endpoint is judged
    by its answer, and one that says nothing, one that resets and one that refuses are told apart.
  - Each endpoint is asked O(samples) times. One that was good and bad is asked O(max_samples) times, and earlier looks
    count too, so that flapping is not taken for either. Who took a timeout is not asked again.
  - Neither slow bytes nor a body without end, a packed bomb or redirects in a circle can stretch a budget, nor fill the
    memory. At most 256 KiB of a health page and 20 MiB of metrics are read.
  - It only sends C(GET). Proxies in the environment are not used. Queries of URLs are never shown.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.http_endpoint
author:
  - The incident.response authors (@incident-response)
options:
  health_url:
    description: URL of the health page of one service.
    type: str
  component:
    description:
      - Name of the service in findings; the inventory host in a play of this collection. Without it host and port of
        the URL.
    type: str
  endpoints:
    description: Many services, instead of O(health_url). What an entry does not say is as in the option of its name.
    type: list
    elements: dict
    suboptions:
      health_url:
        description: URL of the health page.
        type: str
        required: true
      component:
        description: As O(component), of this service.
        type: str
      metrics_url:
        description: As O(metrics_url), of this service.
        type: str
      expected_status:
        description: As O(expected_status), of this service.
        type: list
        elements: int
      expected_body:
        description: As O(expected_body), of this service.
        type: str
      expected_headers:
        description: As O(expected_headers), of this service.
        type: dict
  metrics_url:
    description:
      - URL of the service's metrics in the text format of Prometheus. With it errors, latency, file descriptors and
        restarts are judged too. It needs the library prometheus_client.
    type: str
  expected_status:
    description:
      - Statuses that are good. Without it all from 200 to 299 are, unless the body says that the service fails. With it
        a status that is listed is good whatever the body says, and a redirect that is listed is not followed.
    type: list
    elements: int
    default: []
  expected_body:
    description: Regular expression that has to be found in the body.
    type: str
  expected_headers:
    description:
      - Headers by which the right server is known, such as C(Server), each with a regular expression that has to be
        found in its value. Another program on the port is found by it.
    type: dict
    default: {}
  samples:
    description: How often an endpoint is asked.
    type: int
    default: 3
  max_samples:
    description: How often an endpoint is asked that was good and bad within O(samples).
    type: int
    default: 10
  interval:
    description: Seconds between two questions to the same endpoint, at least.
    type: float
    default: 0.2
  window:
    description:
      - Seconds between two readings of the metrics, at least. V(0) reads them once; then only earlier looks tell what
        is new about errors, and nothing tells latency.
      - Errors and latency are judged from 20 requests on. Where the window saw fewer, the result says that the data are
        insufficient, unless an earlier look within O(lookback) lets errors be judged since then.
    type: float
    default: 2.0
  lookback:
    description: Seconds for which earlier looks count, for flapping, errors and restarts.
    type: float
    default: 900.0
  workers:
    description: Endpoints that are asked at the same time, at most.
    type: int
    default: 32
  requests_metric:
    description:
      - Name of the counter of requests by status, where it is not one of the usual names (C(http_requests_total) and
        those of Spring and OpenTelemetry).
    type: str
  latency_metric:
    description: Name of the histogram of durations in seconds, without C(_bucket), where it is not a usual one.
    type: str
  certificate_warn_days:
    description: Days before its end from which a certificate is a warning.
    type: float
    default: 20.0
  certificate_crit_days:
    description: Days before its end from which a certificate is critical.
    type: float
    default: 3.0
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(health_ms) is the median time of whole answers (1000, 3000).
      - C(failed_in_a_row) is bad probes at the end of a look (1, 3).
      - C(transitions) is changes between good and bad within the last 10 probes (3, 5).
      - C(errors_per_100) is answers with 5xx among 100 requests (1, 5).
      - C(latency_ms) is the 99th percentile of requests (1000, 3000).
      - C(descriptors_percent) is of the process's limit (80, 95).
      - C(restarts) is changes of the process's start time within O(lookback) (2, 3).
    type: dict
    default: {}
requirements:
  - prometheus_client (Python library), only where O(metrics_url) is set
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "SVC-01: C(http.name.unresolved), C(http.connect.partial) (one of several addresses of a name does not answer).
    SVC-02: C(http.connect.refused). SVC-03: C(http.connect.timeout), C(http.connect.unreachable)."
  - "SVC-04: C(http.response.silent). SVC-05: C(http.response.reset). No row: C(http.response.broken) (cut off in the
    middle), C(http.response.endless) (not whole within O(read_timeout), or larger than what is read),
    C(http.response.not_http), C(http.redirect.loop), C(http.redirect.invalid)."
  - "SVC-06: C(http.health.failing), with the dependency that it blames in RV(ignore:details.dependency) where it is
    one, and all of them in RV(ignore:details.dependencies); C(http.health.degraded), C(http.health.unexpected) (the
    body is not as expected)."
  - "SVC-07: C(http.health.slow). SVC-08: C(http.health.shallow). SVC-09: C(http.health.flapping)."
  - "TRI-01: C(http.errors.high). SVC-10: C(http.latency.high). SVC-11: C(http.metrics.broken). SVC-12:
    C(http.descriptors.high). SVC-13: C(http.process.restarted)."
  - "SVC-14: C(http.tls.expired), C(http.tls.expiring), C(http.tls.early), C(http.tls.untrusted), C(http.tls.hostname),
    C(http.tls.client), C(http.tls.failed). SVC-15: C(http.server.unexpected)."
  - C(http.auth.rejected) and C(http.unmeasured) have the state C(unknown) and say what could not be looked at and why.
    They are never the same as healthy.
  - Of metrics a value that is judged has to be a number; C(NaN) in others is allowed, as exporters send it.
  - There is one finding for each id and endpoint. Its component is that of the endpoint.
"""

EXAMPLES = r"""
- name: Look at one service, its health page and its metrics
  incident.response.http_health_info:
    health_url: http://127.0.0.1:8080/health
    metrics_url: http://127.0.0.1:8080/metrics
  register: shop

- name: Look at many at once
  incident.response.http_health_info:
    endpoints:
      - health_url: https://shop.example.com/health
        component: shop
      - health_url: https://login.example.com/ping
        component: login
        expected_status: [204]
      - health_url: http://10.0.0.7:9000/
        expected_headers: {Server: "^nginx"}
    bearer_token: "{{ vault_probe_token }}"
    thresholds:
      health_ms: {warn: 300, crit: 2000}

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ shop.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether any endpoint answered, whatever its status.
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
    - id: http.health.failing
      component: orders
      subject: http://127.0.0.1:8082/health
      state: critical
      severity: P2
      summary: "http://127.0.0.1:8082/health answers 503: its dependency kafka fails"
      observed: {status: 503, in_a_row: 3, probes: 3, dependency: kafka}
      threshold: {warn: 1, crit: 3}
      evidence: ["kafka fails: connection refused", "connection 0 ms, first byte 3 ms, in all 4 ms"]
      causes: ["kafka is down or can't be reached from it", "its connection to kafka is stuck"]
      remedies:
        - text: "Look at kafka first; a restart of this service will not help while that fails"
          risk: none
          command: ""
      since: null
      details: {dependency: kafka, dependencies: {kafka: connection refused}, status: 503}
snapshot:
  description: Totals, and the rows of 100 endpoints at most, the sick and slow ones first. In C(probes) x is a bad one.
  returned: success
  type: dict
  sample:
    endpoints: 4
    healthy: 3
    answers: {ok: 4}
    listed:
      - component: orders
        url: http://127.0.0.1:8082/health
        kind: ok
        status: 503
        probes: xxx
        ms: {dns: 0.0, connect: 0.1, tls: 0.0, ttfb: 3.2, total: 3.9}
        failing: {kafka: connection refused}
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {health_ms: {warn: 1000, crit: 3000}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["4 endpoints asked 12 times", "12 answers, 3.1 ms in the middle", "metrics of 4 of 4"]
samples:
  description: One row of this look, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795871260.13, bad: {"http://127.0.0.1:8082/health": "111"}, metrics: {}}]
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
  sample: 2105
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.http_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
