#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_decide
short_description: Decide on root cause, severity and plan
version_added: 0.1.0
description:
  - Takes what the checks observed and the dependencies that the inventory declares. A failing component none of
    whose dependencies
    fails is the root cause, and everything downstream is suppressed.
  - Plans the smallest safe remedy. Nothing is changed.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.lifecycle.incident
  - incident.response.lifecycle.observed
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: The same decision is made; it is not written down.
options:
  incident:
    default: ''
  observed:
    required: true
"""

EXAMPLES = r"""
- name: Decide
  incident.response.incident_decide:
    incident: "{{ opened.incident }}"
    observed: "{{ looks.results }}"
  register: decision
"""

RETURN = r"""
verdict:
  description: Status, severity, headline, root cause, what it suppresses, what is unknown, whom to call.
  returned: success
  type: dict
  sample: {status: critical, severity: P2, headline: container notification is not running}
plan:
  description: Ordered actions with dose, risk, reason, precondition and undo, proposals for people, and the hash
    that names the plan.
  returned: success
  type: dict
  sample: {hash: 3f2a91c0d1b2, risk: low, actions: []}
elsewhere:
  description: Other targets of the same run that are to blame, and are treated in it. Only where a run may act.
  returned: success
  type: list
  elements: str
  sample: []
findings:
  description: All findings, those that only two checks together can make among them.
  returned: success
  type: list
  elements: dict
  sample: []
metric:
  description: The number that the scenario watches, such as the lag.
  returned: success
  type: float
  sample: 120.0
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: when there is something to say
  type: list
  elements: dict
  sample: [{style: good, text: "kafka-main  Healthy: nothing found"}]
msg:
  description: The lines of RV(say) as one text.
  returned: when there is something to say
  type: str
  sample: "Healthy: nothing found"
"""
