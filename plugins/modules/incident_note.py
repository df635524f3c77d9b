#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_note
short_description: Write one line into an incident's timeline
version_added: 0.1.0
description:
  - For what a playbook of your own wants to be in the report.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.lifecycle.incident
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: Nothing is written without an incident.
options:
  incident:
    default: ''
  kind:
    description: One word for the kind of line.
    type: str
    default: failed
  text:
    description: The line. It is redacted before it is written.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write down what a person did
  incident.response.incident_note:
    incident: INC-20260301-025800-1f3a
    kind: note
    text: Paused the nightly import by hand
"""

RETURN = r"""
text:
  description: The line.
  returned: success
  type: str
  sample: Paused the nightly import by hand
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
