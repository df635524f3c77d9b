#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_act
short_description: Take one action of a plan
version_added: 0.1.0
description:
  - Writes down that it begins, has the module of the service's runtime carry it out, and writes down how it ended.
  - The module checks the identity of what it touches right before.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.lifecycle.incident
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: The module runs in check mode and says what it would do.
  diff_mode:
    support: full
    description: The diff of the module that acts.
options:
  incident:
    default: ''
  action:
    description: One of the plan's actions.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Act
  incident.response.incident_act:
    incident: "{{ opened.incident }}"
    action: "{{ item }}"
  delegate_to: "{{ item.runtime.host }}"
  loop: "{{ decision.plan.actions }}"
"""

RETURN = r"""
verb:
  description: What was done.
  returned: success
  type: str
  sample: restart
service:
  description: To what.
  returned: success
  type: str
  sample: notification
result:
  description: What the acting module returned.
  returned: success
  type: dict
  sample: {changed: true}
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
