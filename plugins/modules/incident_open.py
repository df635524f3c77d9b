#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_open
short_description: Open an incident, or carry on with the one that was left
version_added: 0.1.0
description:
  - Reads all settings, and the inventory as far as the scenario needs it, so that every mistake is reported before
    anything is touched.
  - Takes the lease on the target in the modes V(ask) and V(auto) of C(incident_mode). A second run stands down,
    naming the holder.
  - Returns the looks that the scenario wants.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: Nothing is written and no lease is taken.
options: {}
"""

EXAMPLES = r"""
- name: Open the incident
  incident.response.incident_open:
  vars:
    incident_scenario: kafka
  register: opened
"""

RETURN = r"""
incident:
  description: Id of the incident, empty in check mode.
  returned: success
  type: str
  sample: INC-20260301-025800-1f3a
adopted:
  description: Whether it was open already, left by an earlier run.
  returned: success
  type: bool
  sample: false
mode:
  description: The mode of this run.
  returned: success
  type: str
  sample: ask
checks:
  description: The looks to take, each with C(name), C(module), C(host) and C(options).
  returned: success
  type: list
  elements: dict
  sample: [{name: cluster kafka-main, module: incident.response.kafka_health_info, host: kafka-main, options: {}}]
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
