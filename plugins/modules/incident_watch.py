#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_watch
short_description: Judge one look after an action, and wait for the next one
version_added: 0.1.0
description:
  - The probe that found the fault proves the cure. Good looks in a row, then one more after the soak.
  - Waits until the next look is due, where one is.
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
    description: It is not run in check mode by the role.
options:
  incident:
    required: true
  observed:
    required: true
  before:
    description: The result of M(incident.response.incident_decide) before the action.
    type: dict
    required: true
  since:
    description: When the last action ended, in seconds since the epoch.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Judge the look, and wait for the next one
  incident.response.incident_watch:
    incident: "{{ opened.incident }}"
    observed: "{{ looks.results }}"
    before: "{{ decision }}"
    since: "{{ acted.results[-1].ended_at }}"
  register: watched
"""

RETURN = r"""
done:
  description: Whether the watch is over.
  returned: success
  type: bool
  sample: false
outcome:
  description: C(fixed), C(improved), C(unchanged) or C(worse), once it is over.
  returned: success
  type: str
  sample: fixed
sample:
  description: This look, judged.
  returned: success
  type: dict
  sample: {at: 4.2, good: true, note: "lag 0, offsets advancing", metric: 0.0}
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
