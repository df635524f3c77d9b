#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: alertmanager_health_info
short_description: Find out whether alerts reach somebody, and who hides them
version_added: 0.1.0
description:
  - Looks at an Alertmanager and its peers at the same time (status, readiness, alerts, silences, metrics) and returns
    as findings what keeps alerts from reaching somebody, with remedies, safest first.
  - An alert that fires is a fact about something else. Alerts are listed in the snapshot, each once over all peers, by
    name and state; they become findings only with O(findings_for_alerts).
  - With O(watch_labels), the labels of an incident, it says which of its alerts are silenced, inhibited or muted, by
    whom, until when and why.
  - With O(prometheus_url) or O(prometheus_alerts) it says which alerts fire in Prometheus and never arrived.
  - It speaks the API v2 only, as newer servers do, and says so where a server has another one.
  - It only sends C(GET). Proxies in the environment are not used. At most 24 MiB of each answer are read. The
    configuration goes into the evidence without what is secret; URLs of webhooks are masked too.
extends_documentation_fragment:
  - incident.response.check
  - incident.response.http_endpoint
author:
  - The incident.response authors (@incident-response)
options:
  url:
    description:
      - Address of one member, above C(/api), such as V(http://127.0.0.1:9093), with its prefix where it has one
        (C(--web.route-prefix)).
    type: str
    required: true
  peers:
    description:
      - Addresses of the other members of its cluster, as O(url). All are asked with the same login. Only members that
        are named here are compared.
    type: list
    elements: str
    default: []
  component:
    description: Its name in findings. Without it host and port of O(url).
    type: str
  window:
    description: Seconds between two readings of the metrics. V(0) reads them once; then earlier looks tell what failed.
    type: float
    default: 2.0
  lookback:
    description:
      - Seconds for which earlier looks count when notifications are judged. A server that was started within them is
        judged by everything that it sent.
    type: float
    default: 900.0
  watchdog:
    description:
      - Name of the alert that always fires, so that its absence is an alarm, such as V(Watchdog). Without it none is
        looked for.
    type: str
  watch_labels:
    description:
      - "Labels of the incident, such as C({service: orders}). What hides alerts with all of them is a finding."
    type: dict
    default: {}
  severity_label:
    description: Label that holds the severity of an alert.
    type: str
    default: severity
  created_by:
    description: Silences by this author are our own, and no finding.
    type: str
    default: incident.response
  findings_for_alerts:
    description: Whether alerts that fire are findings too, one for each name and severity, 100 at most.
    type: bool
    default: false
  expires_within:
    description: A silence that ends within so many seconds while it hides alerts is a finding; V(0) is never.
    type: float
    default: 600.0
  prometheus_url:
    description:
      - Address of the Prometheus that sends alerts here. What fires in it has to be here. It gets the login only
        where it has the same host and port; where it needs one of its own use O(prometheus_alerts).
    type: str
  prometheus_alerts:
    description:
      - Alerts of Prometheus, as C(/api/v1/alerts) lists them, or their labels only; instead of O(prometheus_url). Those
        that are pending are not looked for.
    type: list
    elements: dict
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(failed_percent) is notifications that failed, or attempts at them, by integration (1, 50).
      - C(silence_days) is how long a silence still goes on (30, 365).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "PRM-01: C(alertmanager.unreachable) (no member answers), C(alertmanager.peer.unreachable),
    C(alertmanager.not_ready). PRM-03: C(alertmanager.config.reload_failed). PRM-05:
    C(alertmanager.notifications.failing), with the integration and the receivers that use it."
  - "PRM-06: C(alertmanager.cluster.unsettled), C(alertmanager.cluster.split) (members do not see each other),
    C(alertmanager.config.differs). PRM-07: C(alertmanager.watchdog.missing)."
  - "TRI-05: C(alertmanager.alert.firing). TRI-06: C(alertmanager.alert.suppressed),
    C(alertmanager.silence.covers_incident), C(alertmanager.silence.matches_all), C(alertmanager.silence.unbounded),
    C(alertmanager.silence.ending), C(alertmanager.alert.unrouted) (its receiver sends nothing),
    C(alertmanager.alert.missing) (it fires in Prometheus)."
  - C(alertmanager.api.unsupported), C(alertmanager.response.unexpected), C(alertmanager.auth.rejected) and
    C(alertmanager.unmeasured) have the state C(unknown) and say what could not be looked at and why. They are never the
    same as healthy.
  - Alerts with the severity C(none) or C(info) may go nowhere, and so may the one that O(watchdog) names.
  - Silences are compared with O(watch_labels) as far as both name the same labels. Regular expressions that Python
    can't read, or that could take forever, are not judged; what they hide right now is known from the server all the
    same.
"""

EXAMPLES = r"""
- name: Look at both members of an Alertmanager
  incident.response.alertmanager_health_info:
    url: http://alertmanager-1.example.com:9093
    peers: ["http://alertmanager-2.example.com:9093"]
    watchdog: Watchdog
  register: alerting

- name: Is anything about this incident hidden from us, and did everything arrive that fires
  incident.response.alertmanager_health_info:
    url: https://monitoring.example.com/alertmanager
    bearer_token: "{{ vault_monitoring_token }}"
    watch_labels: {service: orders}
    prometheus_url: http://prometheus.example.com:9090

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ alerting.findings | map(attribute='summary') | list }}"
"""

RETURN = r"""
reachable:
  description: Whether any member answered, whatever its status.
  returned: success
  type: bool
  sample: true
status:
  description: V(ok), V(warning), V(critical) or V(unknown), the worst of all findings.
  returned: success
  type: str
  sample: warning
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  sample:
    - id: alertmanager.alert.suppressed
      component: alertmanager-1
      subject: alertmanager-1
      state: warning
      severity: P3
      summary: "alertmanager-1 hides 2 alerts of this incident: nobody is told about them"
      observed: {alerts: 2, silenced: 2, inhibited: 0, muted: 0}
      threshold: null
      evidence: ["silence 6e419f77-9817-4945-91ea-48735776dee1 of ann, for 55 min more: moving racks
      {service=\"orders\"}"]
      causes: ["somebody silenced them, for maintenance or because they were noisy"]
      remedies:
        - text: Ask whoever silenced it whether that still holds
          risk: none
          command: ""
      since: 1795897479.4
      details: {silences: ["6e419f77-9817-4945-91ea-48735776dee1"]}
snapshot:
  description:
    - Members, alerts by name (the 50 that fire most), what is suppressed and why, silences, receivers with their
      integrations, and what was sent.
  returned: success
  type: dict
  sample:
    members: [{url: "http://127.0.0.1:9093", ready: true, version: 0.28.1, cluster: ready, reload_ok: true}]
    alerts: {total: 3, states: {active: 1, suppressed: 2}, groups_total: 2}
    suppressed: {total: 2, silenced: 2, inhibited: 0, muted: 0}
    silences: {total: 1, active: 1, pending: 0, ours: 0}
    receivers: {team: [webhook], "null": []}
    notifications: [{integration: webhook, receivers: [team], notifications: 4, failed: 0, failed_percent: 0.0}]
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {failed_percent: {warn: 1, crit: 50}}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["2 of 2 members answered", "3 alerts: 1 active, 2 suppressed", "1 active silence", "4 notifications in 300
  s"]
samples:
  description: One row of this look, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample: [{at: 1795897479.4, members: {"http://127.0.0.1:9093": {start: 1795890000.0, sent: {webhook: [4, 0, 4, 0]}}}}]
attachments:
  description: The configuration without what is secret, for the evidence files.
  returned: success
  type: dict
  sample: {alertmanager.yml: "route:\n  receiver: team\n"}
collected_at:
  description: When the look began, in UTC.
  returned: success
  type: str
  sample: "2026-11-28T12:43:05.120+00:00"
duration_ms:
  description: How long it took.
  returned: success
  type: int
  sample: 2013
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.alertmanager_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
