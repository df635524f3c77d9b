#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_observe
short_description: Take the looks of an incident, all at the same time
version_added: 0.1.0
description:
  - Runs checks of this collection, each in a process of its own, so that ten looks take as long as the slowest of them.
  - Only looks at hosts that Ansible reaches without leaving the controller can be taken so. The others are handed back
    in RV(left), for M(incident.response.incident_check) with C(delegate_to).
  - Fills the checks' option O(ignore:history) from the store, and keeps their samples there.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.look
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
options:
  checks:
    description: The looks, as M(incident.response.incident_open) returns them.
    type: list
    elements: dict
    required: true
  quiet:
    description: Whether to say nothing about them. A watch says what it makes of its looks.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look
  incident.response.incident_observe:
    checks:
      - name: cluster kafka-main
        module: incident.response.kafka_health_info
        host: kafka-main
        options: {component: kafka-main}
  register: looked
"""

RETURN = r"""
results:
  description: What each check returned, with the look itself in C(__incident_look).
  returned: always
  type: list
  elements: dict
  sample: [{status: ok, findings: []}]
left:
  description: Looks that have to be taken from another machine.
  returned: always
  type: list
  elements: dict
  sample: []
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: when there is something to say
  type: list
  elements: dict
  sample: [{style: good, text: "kafka-main  cluster kafka-main: ok (1 broker) 3.1 s"}]
msg:
  description: The lines of RV(say) as one text, or why a look could not be taken.
  returned: when there is something to say
  type: str
  sample: "kafka-main  cluster kafka-main: ok (1 broker) 3.1 s"
"""
