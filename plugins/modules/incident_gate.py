#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_gate
short_description: Ask the gates between a plan and a change
version_added: 0.1.0
description:
  - Freeze, budget, floor and approval; with O(fresh_plan) whether it still fails in the same way. It fails closed.
  - Every refusal names its gate and the override. In mode V(ask) of C(incident_mode) the person at the terminal is
    asked.
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
    description: Nobody is asked, so mode V(ask) of C(incident_mode) only proposes.
options:
  incident:
    default: ''
  observed:
    default: []
  plan:
    description: The plan, as M(incident.response.incident_decide) returned it.
    type: dict
    required: true
  fresh_plan:
    description: The plan of a fresh look. Only whether both are the same is answered then.
    type: dict
  observed_at:
    description: When the plan was made, in seconds since the epoch.
    type: float
    default: 0.0
"""

EXAMPLES = r"""
- name: Ask the gates
  incident.response.incident_gate:
    incident: "{{ opened.incident }}"
    plan: "{{ decision.plan }}"
    observed: "{{ looks.results }}"
    observed_at: "{{ decision.observed_at }}"
  register: gate
"""

RETURN = r"""
state:
  description: C(approved), C(proposed) or C(refused).
  returned: success
  type: str
  sample: approved
approved:
  description: Whether the plan may be carried out now.
  returned: success
  type: bool
  sample: true
look_again:
  description: Whether the answer took so long that the plan has to be made anew first.
  returned: success
  type: bool
  sample: false
gates:
  description: Every gate's answer, with its reason and its override.
  returned: success
  type: list
  elements: dict
  sample: [{gate: freeze, ok: true, reason: no freeze now, override: ""}]
next_command:
  description: The command that applies exactly this plan, where it was only proposed.
  returned: success
  type: str
  sample: ansible-playbook scenario_kafka.yml -e incident_approve=3f2a91c0d1b2
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
