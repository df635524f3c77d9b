#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_close
short_description: Close a run with its outcome, report and notification
version_added: 0.1.0
description:
  - Writes the report as Markdown, HTML and JSON, tells a person where that is needed, and releases the lease.
  - Fails where the outcome is not what the mode promises, so that the exit status of the run says it.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.lifecycle.incident
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: Nothing is written; the outcome is C(checked).
options:
  incident:
    default: ''
  adopted:
    description: Whether the incident was open before this run.
    type: bool
    default: false
  decision:
    description: The result of M(incident.response.incident_decide), where there is one.
    type: dict
  gate:
    description: The result of M(incident.response.incident_gate), where there is one.
    type: dict
  watched:
    description: The outcome of the watch, where there was one.
    type: str
    default: ''
  failure:
    description: What failed, where something did.
    type: str
    default: ''
  mended:
    description: Other targets of the same run that were to blame at first, where O(decision) is of a look after that.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Report, tell and release
  incident.response.incident_close:
    incident: "{{ opened.incident }}"
    decision: "{{ decision }}"
    watched: fixed
"""

RETURN = r"""
outcome:
  description: >-
    C(healthy), C(restored), C(fixed), C(improved), C(unchanged), C(worse), C(checked), C(observed), C(proposed),
    C(refused), C(mitigated) (the watch proved it, and the action only gains time),
    C(escalated), C(unknown) or C(failed).
  returned: always
  type: str
  sample: fixed
report:
  description: Path of the Markdown report. The other forms are beside it.
  returned: always
  type: str
  sample: /home/me/.local/state/incident.response/incidents/INC-20260301-025800-1f3a/report.md
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
